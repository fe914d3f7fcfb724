// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"errors"
	"hash/maphash"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// A small kernel with a device, at an offset in it, and with something unused.
func kernelTable(state, unused uint32, more ...string) *btftest.Writer {
	w := btftest.New()
	num := w.Int("int", 4, 1, 32)
	w.Ptr(w.Struct("device", 64, btftest.Member{Name: "state", Type: num, Offset: state}))
	w.Struct("unused", 64, btftest.Member{Name: "level", Type: num, Offset: unused})
	for _, name := range more {
		w.Func(name, w.FuncProto(num), btftest.Static)
	}
	return w
}

// driver is a module's table built on a kernelTable.
func driver(base *btftest.Writer) []byte {
	m := base.Split()
	m.Func("probe", m.FuncProto(1, btftest.Param{Name: "dev", Type: 3}), btftest.Static)
	m.Struct("port", 8, btftest.Member{Name: "owner", Type: 3})
	return m.Bytes()
}

// build makes the package and the vmlinux of one build.
func testBuild(t *testing.T, release string, w *btftest.Writer) *Base {
	p := &Package{
		Path: "kernel-default-" + release + ".rpm", Name: "kernel-default", NEVRA: "kernel-default-" + release,
		Source: "kernel-default", Build: release, VersionRelease: release,
	}
	b := &Base{Package: p, Path: "vmlinux", Arch: "x86_64", Release: "5.15.12-1-default"}
	b.Version = verify.Version{Major: 5, Minor: 15, Patch: 12}
	b.Rules = verify.RulesFor(b.Version)
	b.Allow = verify.AllowNo
	if w != nil {
		b.Table = w.Table(t)
		b.Fingerprint = fingerprint.Of(b.Table)
		b.pointerSize = 8
	}
	return b
}

func testModule(p *Package, data []byte) *Module {
	return &Module{Package: p, Path: "drv.ko", Name: "drv", Arch: "x86_64", Release: "5.15.12-1-default", InTree: true, BTF: data}
}

// judgeOne judges an inventory that must come to a single finding of the
// pairing.
func judgeOne(t *testing.T, inv *Inventory, pairing Pairing) Finding {
	t.Helper()
	res, err := Judge(t.Context(), inv, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var found []Finding
	for _, f := range res.Findings {
		if f.Pairing == pairing {
			found = append(found, f)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d findings for %s, want 1: %+v", len(found), pairing, res.Findings)
	}
	return found[0]
}

// TestRebuild puts a module of one build on the vmlinux of another: what the
// verdict is, and what it rests on.
func TestRebuild(t *testing.T) {
	a := kernelTable(0, 0)
	for _, tc := range []struct {
		name    string
		rebuilt *btftest.Writer
		module  []byte
		verdict Verdict
		basis   Basis
		reason  string
	}{
		{"reproduced", kernelTable(0, 0), driver(a), SameBase, Compared, ""},
		{"a change that the module does not use", kernelTable(0, 32), driver(a), Compatible, Compared, "mean the same on both"},
		{"a change in what it uses", kernelTable(32, 0), driver(a), Drifted, Compared, "struct device * with another definition"},
		{"two functions more", kernelTable(0, 0, "i2c_smbus_check_pec", "inet_lhash2_bucket_sk"), driver(a), Misread, Compared, "mean something else"},
		{"a name that becomes a number", kernelTable(0, 0, "abc", "9de"), driver(a), Rejected, Compared, "built on base"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			older, newer := testBuild(t, "1.1", a), testBuild(t, "1.3", tc.rebuilt)
			m := testModule(older.Package, tc.module)
			f := judgeOne(t, &Inventory{Bases: []*Base{older, newer}, Modules: []*Module{m}}, PairRebuild)
			if f.Verdict != tc.verdict || f.Basis != tc.basis || !strings.Contains(strings.Join(f.Reasons, "\n"), tc.reason) {
				t.Errorf("%s by %s, want %s by %s because %q:\n%q\n%+v", f.Verdict, f.Basis, tc.verdict, tc.basis, tc.reason, f.Reasons, f.Kernel)
			}
			if f.Severity != tc.verdict.Severity() || f.Kernel == nil {
				t.Errorf("severity %s, kernel %v", f.Severity, f.Kernel)
			}
			if (f.Severity == OK) != (f.Consequence == "") {
				t.Errorf("%s has the consequence %q", f.Verdict, f.Consequence)
			}
		})
	}
}

// TestOwnBuild judges a module on the vmlinux of its own build.
func TestOwnBuild(t *testing.T) {
	w := kernelTable(0, 0)
	good := driver(w)
	stale := driver(kernelTable(0, 0, "i2c_smbus_check_pec"))
	refused := testBuild(t, "1.3", nil)
	refused.Refused = &verify.Result{Errno: verify.EINVAL, Lines: []verify.Line{{Text: "BPF:Invalid magic"}}}
	blind := testBuild(t, "1.3", nil)
	blind.IgnoresModules = true

	for _, tc := range []struct {
		name    string
		base    *Base
		edit    func(*Module)
		verdict Verdict
		basis   Basis
		reason  string
	}{
		{"fits", testBuild(t, "1.3", w), nil, SameBase, Provenance, ""},
		{"recorded", testBuild(t, "1.3", w), func(m *Module) {
			m.Package.Requires = []string{fingerprint.Token("default", fingerprint.Of(w.Table(t)).Base)}
		}, SameBase, Recorded, ""},
		{"linked with another vmlinux", testBuild(t, "1.3", w), func(m *Module) { m.BTF = stale }, Rejected, Evidence, ""},
		{"no BTF in the whole build", testBuild(t, "1.3", w), func(m *Module) { m.BTF = nil }, NoBTF, "", ""},
		{"unreadable", testBuild(t, "1.3", w), func(m *Module) { m.Err = errors.New("drv.ko: no ELF") }, Malformed, "", "no ELF"},
		{"bytes that are no table", testBuild(t, "1.3", w), func(m *Module) { m.BTF = []byte("no table at all") }, Rejected, Evidence, ""},
		{"vmlinux without BTF", testBuild(t, "1.3", nil), nil, Rejected, "", "has no .BTF"},
		{"vmlinux refused by its own kernel", refused, nil, Rejected, "", "BPF:Invalid magic"},
		{"a kernel that looks at no module", blind, nil, Unproven, "", "CONFIG_DEBUG_INFO_BTF_MODULES"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := *tc.base.Package
			tc.base.Package = &p
			m := testModule(&p, good)
			if tc.edit != nil {
				tc.edit(m)
			}
			f := judgeOne(t, &Inventory{Bases: []*Base{tc.base}, Modules: []*Module{m}}, PairBuild)
			if f.Verdict != tc.verdict || f.Basis != tc.basis || !strings.Contains(strings.Join(f.Reasons, "\n"), tc.reason) {
				t.Errorf("%s by %s, want %s by %s because %q: %q", f.Verdict, f.Basis, tc.verdict, tc.basis, tc.reason, f.Reasons)
			}
		})
	}
}

// TestLostBTF tells a module that lost its BTF from one that never had any.
func TestLostBTF(t *testing.T) {
	w := kernelTable(0, 0)
	b := testBuild(t, "1.3", w)
	sibling := testModule(b.Package, driver(w))
	sibling.Path = "sibling.ko"
	lost := testModule(b.Package, nil)
	kmp := &Package{Path: "kmp.rpm", Name: "x-kmp-default", NEVRA: "x-kmp-default-1", Source: "x", Build: "x 1"}
	external := testModule(kmp, nil)
	external.InTree = false

	res, err := Judge(t.Context(), &Inventory{Bases: []*Base{b}, Modules: []*Module{sibling, lost, external}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[*Module]Verdict{sibling: SameBase, lost: BTFLost, external: NoBTF}
	for _, f := range res.Findings {
		if f.Verdict != want[f.Module] {
			t.Errorf("%s of %s: %s, want %s", f.Module.Path, f.Module.Label(), f.Verdict, want[f.Module])
		}
	}
	if len(res.Findings) != 3 || res.Exit() != 0 {
		t.Errorf("%d findings, exit %d", len(res.Findings), res.Exit())
	}
}

// TestPairing says which modules meet which bases, and as what.
func TestPairing(t *testing.T) {
	w := kernelTable(0, 0)
	kernel := testBuild(t, "1.3", w)
	older := testBuild(t, "1.1", w)
	older.Origin = Against
	kmp := &Package{Source: "other", Build: "other"}

	module := func(edit func(*Module)) *Module {
		m := testModule(kernel.Package, nil)
		if edit != nil {
			edit(m)
		}
		return m
	}
	for _, tc := range []struct {
		name   string
		module *Module
		base   *Base
		want   Pairing
	}{
		{"own build", module(nil), kernel, PairBuild},
		{"new module, old kernel", module(nil), older, PairRebuild},
		{"old module, new kernel", module(func(m *Module) { m.Package, m.Origin = older.Package, Against }), kernel, PairRebuild},
		{"old module, old kernel", module(func(m *Module) { m.Package, m.Origin = older.Package, Against }), older, ""},
		{"KMP", module(func(m *Module) { m.Package = kmp }), kernel, PairAcross},
		{"another kernelrelease", module(func(m *Module) { m.Release = "5.15.13-1-default" }), kernel, ""},
		{"another architecture", module(func(m *Module) { m.Arch = "s390x" }), kernel, ""},
		{"another flavor", module(func(m *Module) { m.Release = "5.15.12-1-rt" }), kernel, ""},
		{"loose module, packaged kernel", module(func(m *Module) { m.Package, m.Tree = nil, "dir" }), kernel, PairAcross},
		{"loose module, older kernel", module(func(m *Module) { m.Package, m.Tree = nil, "dir" }), older, PairRebuild},
	} {
		got, ok := match(tc.module, tc.base)
		if got != tc.want || ok != (tc.want != "") {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// TestNamedOwnBase compares loose modules with the base that the user says they
// were built on, unless the modules know better.
func TestNamedOwnBase(t *testing.T) {
	a, b := kernelTable(0, 0), kernelTable(32, 0)
	onto := &Base{Path: "new", Origin: Given, Table: b.Table(t), pointerSize: 8, Rules: verify.RulesFor(verify.Version{})}
	onto.Fingerprint = fingerprint.Of(onto.Table)
	ownOf := func(w *btftest.Writer) *Base {
		o := &Base{Path: "old", Origin: Own, Table: w.Table(t), pointerSize: 8}
		o.Fingerprint = fingerprint.Of(o.Table)
		return o
	}
	for _, tc := range []struct {
		name    string
		own     *Base
		verdict Verdict
		basis   Basis
	}{
		{"the right one", ownOf(a), Drifted, Compared},
		{"one that the module contradicts", ownOf(kernelTable(0, 0, "other")), Unproven, Evidence},
	} {
		m := &Module{Path: "drv.ko", Name: "drv", BTF: driver(a)}
		f := judgeOne(t, &Inventory{Bases: []*Base{onto, tc.own}, Modules: []*Module{m}}, PairGiven)
		if f.Verdict != tc.verdict || f.Basis != tc.basis {
			t.Errorf("%s: %s by %s, want %s by %s: %q", tc.name, f.Verdict, f.Basis, tc.verdict, tc.basis, f.Reasons)
		}
	}
}

// TestNamedBase puts every module on the base the user named, and on no other,
// unless it is for another machine.
func TestNamedBase(t *testing.T) {
	w := kernelTable(0, 0)
	own := testBuild(t, "1.3", w)
	given := &Base{Path: "vmlinux", Origin: Given, Arch: "x86_64", Table: w.Table(t), Rules: verify.RulesFor(verify.Version{}), pointerSize: 8}
	fits, other := testModule(own.Package, driver(w)), testModule(own.Package, driver(w))
	other.Arch = "aarch64"
	res, err := Judge(t.Context(), &Inventory{Bases: []*Base{given, own}, Modules: []*Module{fits, other}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Findings) != 1 || res.Findings[0].Base != given || res.Findings[0].Pairing != PairGiven {
		t.Errorf("findings: %+v", res.Findings)
	}
	if len(res.Problems) != 1 || !strings.Contains(res.Problems[0].Error(), "built for aarch64, the base for x86_64") {
		t.Errorf("problems: %v", res.Problems)
	}
}

// TestBrokenOwnBase judges a module whose own vmlinux has no BTF on another's.
func TestBrokenOwnBase(t *testing.T) {
	w := kernelTable(0, 0)
	newer, older := testBuild(t, "1.3", nil), testBuild(t, "1.1", w)
	older.Origin = Against
	f := judgeOne(t, &Inventory{Bases: []*Base{newer, older}, Modules: []*Module{testModule(newer.Package, driver(w))}}, PairRebuild)
	if f.Verdict != Unproven || f.Basis != Evidence {
		t.Errorf("%s by %s: %q", f.Verdict, f.Basis, f.Reasons)
	}
}

// TestTwoKernels finds the right one of two vmlinux that one build has for one
// kernelrelease.
func TestTwoKernels(t *testing.T) {
	w := kernelTable(0, 0)
	right, wrong := testBuild(t, "1.3", w), testBuild(t, "1.3", kernelTable(0, 0, "abc", "9de"))
	wrong.Package = right.Package
	for _, bases := range [][]*Base{{right, wrong}, {wrong, right}} {
		res, err := Judge(t.Context(), &Inventory{Bases: bases, Modules: []*Module{testModule(right.Package, driver(w))}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range res.Findings {
			if want := map[*Base]Verdict{right: SameBase, wrong: Rejected}[f.Base]; f.Verdict != want {
				t.Errorf("%s, want %s: %q", f.Verdict, want, f.Reasons)
			}
		}
	}
}

// TestUnmet makes one problem for all modules of a package that met no vmlinux.
func TestUnmet(t *testing.T) {
	w := kernelTable(0, 0)
	p := testBuild(t, "1.3", w).Package
	res, err := Judge(t.Context(), &Inventory{Modules: []*Module{testModule(p, driver(w)), testModule(p, driver(w)), testModule(p, nil)}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Problems) != 1 || !strings.Contains(res.Problems[0].Error(), "2 modules not checked: no vmlinux of 5.15.12-1-default (x86_64)") {
		t.Errorf("problems: %v", res.Problems)
	}
	if res.Exit() != 2 {
		t.Errorf("exit %d, want 2", res.Exit())
	}
}

// TestInstalled puts new modules on a kernel that another package installed, and
// nothing else on it.
func TestInstalled(t *testing.T) {
	w := kernelTable(0, 0)
	b := testBuild(t, "1.1", kernelTable(0, 0, "i2c_smbus_check_pec"))
	b.Package, b.Origin, b.Owner, b.Flavor = nil, Installed, "kernel-default-1.1", "default"
	kmp := &Package{Name: "foo-kmp-default", Source: "foo", Build: "foo",
		Requires: []string{fingerprint.Token("default", fingerprint.Of(w.Table(t)).Base)}}
	m := testModule(kmp, driver(w))
	former := testModule(kmp, driver(w))
	former.Origin = Against
	f := judgeOne(t, &Inventory{Bases: []*Base{b}, Modules: []*Module{m, former}}, PairAcross)
	if f.Module != m || f.Verdict != Misread || f.Base.Label() != "kernel-default-1.1" {
		t.Errorf("%s on %s", f.Verdict, f.Base.Label())
	}
	if want := "its package says that it was built on base " + fingerprint.Of(w.Table(t)).Base.Short(); !strings.HasPrefix(f.Reasons[0], want) {
		t.Errorf("%q, want %q first", f.Reasons, want)
	}
}

// TestOfThePast warns of what is wrong in the older build alone: the new one
// replaces it.
func TestOfThePast(t *testing.T) {
	w := kernelTable(0, 0)
	older, newer := testBuild(t, "1.1", nil), testBuild(t, "1.3", w)
	older.Origin = Against
	f := judgeOne(t, &Inventory{Bases: []*Base{older, newer}, Modules: []*Module{testModule(newer.Package, driver(w))}}, PairRebuild)
	if f.Verdict != Rejected || f.Severity != Warn {
		t.Errorf("a new module on an old kernel without BTF: %s weighs %s", f.Verdict, f.Severity)
	}
	m := testModule(older.Package, nil)
	m.Origin, m.Err = Against, errors.New("no ELF")
	f = judgeOne(t, &Inventory{Bases: []*Base{newer}, Modules: []*Module{m}}, PairRebuild)
	if f.Verdict != Malformed || f.Severity != Warn {
		t.Errorf("an old module that cannot be read: %s weighs %s", f.Verdict, f.Severity)
	}
}

// TestAllLost tells modules that lost their BTF from those that never had it by
// the kernel's config, or what it shows of it, where no other of the build has any.
func TestAllLost(t *testing.T) {
	for _, tc := range []struct {
		pairing        Pairing
		inTree, config bool
		release        string
		marker         string // that module BTF is read by
		want           Verdict
	}{
		{PairBuild, true, true, "5.15.12-1-default", "", BTFLost},
		{PairBuild, true, false, "5.15.12-1-default", "", NoBTF},
		{PairBuild, true, false, "5.15.12-1-default", "STRUCT module has btf_data", BTFLost},
		{PairBuild, true, false, "5.15.12-1-default", "as Linux 5.15 and later, by STRUCT x", NoBTF},
		{PairBuild, false, true, "5.15.12-1-default", "", NoBTF},
		{PairGiven, true, true, "5.15.12-1-default", "", BTFLost},
		{PairGiven, true, true, "5.15.12-2-default", "", NoBTF}, // another kernel's, which may have been built without
	} {
		b := testBuild(t, "1.3", kernelTable(0, 0))
		if tc.config {
			b.Config = kernel.Config{"CONFIG_DEBUG_INFO_BTF_MODULES": "y"}
		}
		if tc.marker != "" {
			b.Decisions = []verify.Decision{{Rule: verify.RuleModuleBTF, Source: verify.ByMarker, By: tc.marker}}
		}
		m := testModule(b.Package, nil)
		m.InTree, m.Release = tc.inTree, tc.release
		if tc.pairing == PairGiven {
			b.Origin = Given
		}
		if f := judgeOne(t, &Inventory{Bases: []*Base{b}, Modules: []*Module{m}}, tc.pairing); f.Verdict != tc.want {
			t.Errorf("%s, in-tree %t, config %t, %s: %s, want %s", tc.pairing, tc.inTree, tc.config, tc.release, f.Verdict, tc.want)
		}
	}
	// Without its kernel, the older build's module tells.
	older := testBuild(t, "1.1", kernelTable(0, 0))
	older.Origin = Against
	old, lost := testModule(older.Package, driver(kernelTable(0, 0))), testModule(&Package{Path: "new.rpm", Source: older.Package.Source}, nil)
	old.Origin = Against
	kernelOf := func(config string, withBTF bool) *Base {
		b := &Base{Path: "vmlinux", Place: under("boot"), Arch: lost.Arch, Release: lost.Release, Config: kernel.Config{"CONFIG_DEBUG_INFO_BTF_MODULES": config}}
		if withBTF {
			b.Table = older.Table
		}
		return b
	}
	for _, tc := range []struct {
		name, module string
		kernel       *Base // that is elsewhere
		want         Verdict
	}{
		{"no kernel", "drv", nil, BTFLost},
		{"no kernel, a new module", "other", nil, NoBTF},
		{"a kernel that asks for it", "other", kernelOf("y", true), BTFLost},
		{"a kernel that does not", "drv", kernelOf("n", true), NoBTF},
		{"a kernel without BTF", "drv", kernelOf("y", false), NoBTF},
	} {
		lost.Name = tc.module
		bases := []*Base{older}
		if tc.kernel != nil {
			bases = append(bases, tc.kernel)
		}
		res, err := Judge(t.Context(), &Inventory{Bases: bases, Modules: []*Module{lost, old}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		asked := false
		for _, f := range res.Findings {
			if f.Module == lost {
				asked = true
				if f.Verdict != tc.want {
					t.Errorf("%s, on %v: %s, want %s", tc.name, f.Base, f.Verdict, tc.want)
				}
			}
		}
		if !asked {
			t.Errorf("%s: not judged", tc.name)
		}
	}
	// It is lost on whatever kernel it is read.
	own := testBuild(t, "1.3", kernelTable(0, 0))
	own.Config = kernel.Config{"CONFIG_DEBUG_INFO_BTF_MODULES": "y"}
	m := testModule(own.Package, nil)
	m.InTree = true
	res, err := Judge(t.Context(), &Inventory{Bases: []*Base{own, older}, Modules: []*Module{m}}, Options{})
	if err != nil || len(res.Findings) != 2 {
		t.Fatal(err, res.Findings)
	}
	for _, f := range res.Findings {
		if f.Verdict != BTFLost {
			t.Errorf("%s: %s", f.Pairing, f.Verdict)
		}
	}
}

// TestStripped judges a module on its own base by evidence alone: what its symbol
// table lacks speaks against the base only where nothing was stripped.
func TestStripped(t *testing.T) {
	w := kernelTable(0, 0)
	for _, tc := range []struct {
		name    string
		symbols string
		whole   bool
		verdict Verdict
	}{
		{"whole", "probe", true, Unproven}, // the module is too small for more
		{"stripped of local functions", "init_module", false, Unproven},
		{"stripped of all symbols", "", false, Unproven},
		{"functions of another module", "open", true, Misread},
	} {
		given := &Base{Path: "vmlinux", Origin: Given, Arch: "x86_64", Table: w.Table(t), Rules: verify.RulesFor(verify.Version{}), pointerSize: 8}
		m := testModule(nil, driver(w))
		m.keepsLocals = tc.whole
		if tc.symbols != "" {
			seed := maphash.MakeSeed()
			m.functions = &functions{seed, []uint64{maphash.String(seed, tc.symbols)}}
		}
		f := judgeOne(t, &Inventory{Bases: []*Base{given}, Modules: []*Module{m}}, PairGiven)
		if f.Verdict != tc.verdict {
			t.Errorf("%s: %s, want %s: %q", tc.name, f.Verdict, tc.verdict, f.Reasons)
		}
	}
}
