// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// TestCauses names what most likely made a table that its own kernel refuses.
func TestCauses(t *testing.T) {
	for _, tc := range []struct {
		name, release string
		add           func(w *btftest.Writer)
		cause, remedy string
	}{
		{"Rust units", "6.1.30", func(w *btftest.Writer) { w.Struct("core::option::Option<&str>", 4) }, "core::option::Option", "--lang_exclude=rust"},
		{"a dotted name", "6.1.30", func(w *btftest.Writer) { w.Func("asan.module_ctor", w.FuncProto(0), btftest.Static) }, "6.1.36", "9724160b3942"},
		{"ENUM64", "5.15.80", func(w *btftest.Writer) { w.Enum64("e", 8) }, "ENUM64", "--skip_encoding_btf_enum64"},
		{"a signed ENUM", "5.15.80", func(w *btftest.Writer) {
			w.Enum("e", 4, btftest.Enumerator{Name: "v", Value: -1})
			w.Enum64("f", 8)
		}, "signed", "--skip_encoding_btf_enum64"},
		{"a kind of later kernels", "5.15.80", func(w *btftest.Writer) { w.DeclTag("t", 1, -1) }, "a kind", "of this kernel's time"},
		{"variables that overlap", "6.14.0", func(w *btftest.Writer) {
			v := w.Var("v", 1, 1)
			w.Datasec(".data..percpu", 16, btftest.Entry{Type: v, Offset: 0, Size: 8}, btftest.Entry{Type: v, Offset: 4, Size: 8})
		}, "overlap", "pahole"},
		{"no idea", "6.14.0", func(w *btftest.Writer) { w.Struct("bad name", 4) }, "", ""},
	} {
		w := btftest.New()
		w.Int("int", 4, 1, 32)
		tc.add(w)
		b := &Base{Path: "vmlinux", Origin: New}
		b.Describe(&kernel.Image{Facts: kernel.Facts{Kind: kernel.KindVmlinux, Arch: "x86_64", Bits: 64, Release: tc.release}, Order: w.Order, BTF: w.Bytes()}, nil, Assumed{})
		r, ok := b.Refusal()
		if !ok || !strings.Contains(r.Cause, tc.cause) || !strings.Contains(r.Remedy, tc.remedy) || (tc.cause == "") != (r.Cause == "") {
			t.Errorf("%s: %+v", tc.name, r)
		}
	}
}

// TestRustUnits knows the types of Rust code in tables of rustc 1.95 and pahole 1.24,
// which testdata/rust.sh made: by names, and where a program has none that are odd, by
// integers that C does not have and the order of members (Rust-for-Linux#735).
func TestRustUnits(t *testing.T) {
	for name, want := range map[string]struct{ log, cause string }{
		"rust-names": {"Invalid name", "{closure_env#0}"},
		"rust-unit":  {"Invalid member bits_offset", "INT u32"},
	} {
		data, err := os.ReadFile("testdata/" + name + ".btf")
		if err != nil {
			t.Fatal(err)
		}
		b := &Base{Path: "vmlinux", Origin: New}
		b.Describe(&kernel.Image{Facts: kernel.Facts{Kind: kernel.KindVmlinux, Arch: "x86_64", Bits: 64, Release: "6.12.1"}, Order: binary.LittleEndian, BTF: data}, nil, Assumed{})
		r, ok := b.Refusal()
		if !ok || !strings.Contains(strings.Join(r.Log, "\n"), want.log) || !strings.Contains(r.Cause, want.cause) || r.Remedy != excludeRust {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
