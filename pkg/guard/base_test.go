// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// TestRefusedBase checks that what a base holds does not prove that its kernel
// accepts it: a kernel boots with a refused base, and its modules fail.
func TestRefusedBase(t *testing.T) {
	for _, tc := range []struct {
		name          string
		before, after string // kernelrelease: the last that refuses it, the first that accepts it
		add           func(w *btftest.Writer)
		line          string
	}{
		// gcc with KASAN, pahole 1.25: public reports for 6.1.30.
		{"dotted FUNC", "6.1.35-1-default", "6.1.36-1-default", func(w *btftest.Writer) { w.Func("asan.module_ctor", w.FuncProto(0), btftest.Static) }, "BPF: Invalid name"},
		{"FLOAT", "5.12.19", "5.13.0", func(w *btftest.Writer) { w.Float("double", 8) }, "Invalid btf_info:10000000"},
		{"DECL_TAG", "5.15.80", "5.16.0", func(w *btftest.Writer) { w.DeclTag("t", 1, -1) }, "Invalid kind:17"},
		{"TYPE_TAG", "5.16.20", "5.17.0", func(w *btftest.Writer) { w.TypeTag("t", 1) }, "Invalid kind:18"},
		{"ENUM64", "5.15.80-android13", "6.0.0", func(w *btftest.Writer) { w.Enum64("e", 8) }, "Invalid kind:19"},
		{"signed ENUM", "5.19.17", "6.0.0", func(w *btftest.Writer) { w.Enum("e", 4, btftest.Enumerator{Name: "v", Value: -1}) }, "Invalid btf_info kind_flag"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := btftest.New()
			w.Int("int", 4, 1, 32)
			tc.add(w)
			at := func(release string) Finding {
				b := &Base{Path: "vmlinux", Origin: Given}
				b.Describe(&kernel.Image{Kind: kernel.KindVmlinux, Arch: "x86_64", Bits: 64, Order: w.Order, Release: release, BTF: w.Bytes()}, nil, Assumed{})
				m := &Module{Path: "drv.ko", Name: "drv", Arch: "x86_64", Release: release, BTF: driver(w)}
				return judgeOne(t, &Inventory{Bases: []*Base{b}, Modules: []*Module{m}}, PairGiven)
			}
			f := at(tc.before)
			reasons := strings.Join(f.Reasons, "\n")
			if f.Verdict != Rejected || !strings.Contains(reasons, tc.line) || !strings.Contains(reasons, "backport") {
				t.Errorf("%s: %s, %q", tc.before, f.Verdict, f.Reasons)
			}
			if f := at(tc.after); f.Verdict == Rejected || f.Base.Refused != nil {
				t.Errorf("%s: %s, %q", tc.after, f.Verdict, f.Reasons)
			}
		})
	}
}
