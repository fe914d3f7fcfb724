// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
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
		// pahole 1.24 on a 5.15 whose scripts do not tell it to leave ENUM64 out.
		{"signed ENUM beside ENUM64", "5.19.17", "6.0.0", func(w *btftest.Writer) {
			w.Enum("e", 4, btftest.Enumerator{Name: "v", Value: -1})
			w.Enum64("f", 8)
		}, "Invalid btf_info kind_flag"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := btftest.New()
			w.Int("int", 4, 1, 32)
			tc.add(w)
			at := func(release string) Finding {
				b := &Base{Path: "vmlinux", Origin: Given}
				b.Describe(&kernel.Image{Facts: kernel.Facts{Kind: kernel.KindVmlinux, Arch: "x86_64", Bits: 64, Release: release}, Order: w.Order, BTF: w.Bytes()}, nil, Assumed{})
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

// TestSignedAlone checks the one thing that a base is believed, and that it is said.
func TestSignedAlone(t *testing.T) {
	w := btftest.New()
	w.Int("int", 4, 1, 32)
	w.Enum("e", 4, btftest.Enumerator{Name: "v", Value: -1})
	b := &Base{Path: "vmlinux", Origin: Given}
	b.Describe(&kernel.Image{Facts: kernel.Facts{Kind: kernel.KindVmlinux, Arch: "x86_64", Bits: 64, Release: "5.15.12"}, Order: w.Order, BTF: w.Bytes()}, nil, Assumed{})
	if b.Refused != nil || !strings.Contains(b.Conflict, "signed ENUMs") {
		t.Errorf("%+v, %q", b.Refused, b.Conflict)
	}
}

// TestWitnesses checks what an image, its table and its config come to together.
func TestWitnesses(t *testing.T) {
	module := func(members ...string) *btftest.Writer {
		w := btftest.New()
		id := w.Int("int", 4, 1, 32)
		var list []btftest.Member
		for i, m := range members {
			list = append(list, btftest.Member{Name: m, Type: id, Offset: uint32(i) * 32})
		}
		w.Struct("module", 64, list...)
		return w
	}
	plain, relocating, none := module("btf_data"), module("btf_data", "btf_base_data"), module("state")
	on, off := kernel.Config{"CONFIG_DEBUG_INFO_BTF_MODULES": "y", "CONFIG_MODULE_ALLOW_BTF_MISMATCH": "y"}, kernel.Config{"CONFIG_BPF": "y"}
	allowing := map[string]bool{"Kernel module BTF mismatch detected": true}

	for _, tc := range []struct {
		name    string
		release string
		table   *btftest.Writer
		config  kernel.Config
		texts   map[string]bool
		as      Assumed
		ignores bool
		reads   bool // .BTF.base
		allow   verify.Allow
		says    bool // that the version is contradicted
	}{
		{name: "5.10", release: "5.10.0", table: none, ignores: true, allow: verify.AllowNo},
		{name: "module BTF as a backport", release: "5.10.0", table: plain, allow: verify.AllowNo, says: true},
		{name: "a config without module BTF", release: "6.12.0", table: kernelTable(0, 0), config: off, ignores: true, reads: true, allow: verify.AllowNo},
		{name: "a type against a config", release: "6.12.0", table: relocating, config: off, reads: true, allow: verify.AllowNo},
		{name: "a kernel without modules", release: "6.18.44", table: none, config: on, ignores: true, reads: true, allow: verify.AllowYes},
		{name: "relocation as a backport", release: "5.14.0-570.12.1.el9_6.x86_64", table: relocating, reads: true, says: true},
		{name: "no relocation whatever is assumed", release: "5.14.0", table: plain, as: Assumed{Kernel: verify.Version{Major: 6, Minor: 12}}, says: true},
		{name: "a text of the image", release: "6.12.0", table: relocating, texts: allowing, reads: true, allow: verify.AllowYes},
		{name: "a config over a text", release: "6.12.0", table: relocating, config: off, texts: allowing, reads: true, allow: verify.AllowNo},
		{name: "a user over all", release: "6.12.0", table: relocating, config: off, texts: allowing, as: Assumed{Allow: verify.AllowYes}, reads: true, allow: verify.AllowYes},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := &Base{Path: "vmlinux", Origin: Given}
			b.Describe(&kernel.Image{Facts: kernel.Facts{Kind: kernel.KindVmlinux, Arch: "x86_64", Bits: 64, Release: tc.release, Texts: tc.texts}, Order: tc.table.Order, BTF: tc.table.Bytes()}, tc.config, tc.as)
			if b.IgnoresModules != tc.ignores || b.Rules.Distilled != tc.reads || b.Allow != tc.allow || (b.Conflict != "") != tc.says {
				t.Errorf("ignores %v, relocates %v, allow %v, %q", b.IgnoresModules, b.Rules.Distilled, b.Allow, b.Conflict)
			}
		})
	}
}

// TestFlavorOfOwner knows the flavor of a kernel that is installed by the package that it
// belongs to, and only then by its kernelrelease.
func TestFlavorOfOwner(t *testing.T) {
	for owner, want := range map[string]string{
		"kernel-64kb-6.4.0-lp150.1.1.aarch64":                     "64kb",
		"kernel-default-6.4.0-lp150.1.1.x86_64":                   "default",
		"kernel-uek-core-5.15.0-200.131.27.el9uek.x86_64":         "uek",
		"kernel-core-6.5.6-300.fc39.x86_64":                       "",
		"kernel-default-base-6.4.0-150600.23.7.3.150600.1.x86_64": "default",
		"the kernel that runs":                                    "",
		"":                                                        "",
	} {
		if got := (&Base{Owner: owner}).packageFlavor(); got != want {
			t.Errorf("%q: %q, want %q", owner, got, want)
		}
	}
}
