// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/relocate"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// twoBuilds are the old and the new build of one kernel, whose base has more types.
// A module of the one is rejected by the other.
type twoBuilds struct {
	old, new   *Base
	oldW, newW *btftest.Writer
}

func rebuilt(t *testing.T, v verify.Version, allow verify.Allow) twoBuilds {
	b := twoBuilds{oldW: kernelTable(0, 0), newW: kernelTable(0, 0, "a_function", "another")}
	b.old, b.new = testBuild(t, "1.1", b.oldW), testBuild(t, "1.3", b.newW)
	b.old.Origin, b.old.Package.Origin = Against, Against
	for _, base := range []*Base{b.old, b.new} {
		base.Version, base.Rules, base.Allow = v, verify.RulesFor(v), allow
	}
	return b
}

// distilled gives a module of a build a .BTF.base.
func distilled(t *testing.T, m *Module, base *Base) *Module {
	t.Helper()
	table, err := btf.Parse(m.BTF, base.Table)
	if err != nil {
		t.Fatal(err)
	}
	d, err := relocate.Distill(table)
	if err != nil {
		t.Fatal(err)
	}
	out := *m
	out.BTF, out.BTFBase, out.Distilled = d.BTF, d.Base, true
	return &out
}

// named gives a module another name.
func named(m *Module, name string) *Module {
	m.Name, m.Path = name, name+".ko"
	return m
}

// TestSurvival weighs modules that another build of their kernel does not take: what
// nobody can cure warns if it loads, what could have been cured fails.
func TestSurvival(t *testing.T) {
	v6_1, v6_12 := verify.Version{Major: 6, Minor: 1, Patch: 192}, verify.Version{Major: 6, Minor: 12, Patch: 20}
	for _, tc := range []struct {
		name     string
		version  verify.Version
		allow    verify.Allow
		old, new []bool // whether modules have a .BTF.base
		on       Origin // the vmlinux that counts
		want     Severity
		why      string
	}{
		{"before 6.11, it loads", v6_1, verify.AllowYes, []bool{false}, []bool{false}, Against, Warn, "no kernel before 6.11 lets modules survive a rebuild: its BTF is gone until the reboot into the new build"},
		{"before 6.11, an old module loads", v6_1, verify.AllowYes, []bool{false}, []bool{false}, New, Warn, "its BTF is gone until its package is updated, too"},
		{"before 6.11, it does not load", v6_1, verify.AllowNo, []bool{false}, []bool{false}, Against, Fail, ""},
		{"before 6.11, nobody knows", v6_1, verify.AllowUnknown, []bool{false}, []bool{false}, Against, Fail, ""},
		{"curable, and not cured", v6_12, verify.AllowYes, []bool{false}, []bool{false}, Against, Fail, ""},
		{"the first cured build, old modules", v6_12, verify.AllowNo, []bool{false}, []bool{true}, New, Warn, "from now on the modules survive a rebuild"},
		{"the first cured build, new modules", v6_12, verify.AllowNo, []bool{false}, []bool{true}, Against, OK, ""},
		{"both cured", v6_12, verify.AllowNo, []bool{true}, []bool{true}, New, OK, ""},
		{"one was left out, and loads", v6_12, verify.AllowYes, []bool{true, true}, []bool{false, true}, Against, Warn, "others of its build have a .BTF.base and this module could not be given one"},
		{"one was left out, and does not load", v6_12, verify.AllowNo, []bool{true, true}, []bool{false, true}, Against, Fail, ""},
		{"the cure was given up", v6_12, verify.AllowYes, []bool{true}, []bool{false}, Against, Fail, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := rebuilt(t, tc.version, tc.allow)
			var modules []*Module
			add := func(base *Base, w *btftest.Writer, cured []bool) {
				for i, cure := range cured {
					m := named(testModule(base.Package, driver(w)), string(rune('a'+i)))
					m.Origin = base.Origin
					if cure {
						m = distilled(t, m, base)
					}
					modules = append(modules, m)
				}
			}
			add(b.old, b.oldW, tc.old)
			add(b.new, b.newW, tc.new)
			res, err := Judge(t.Context(), &Inventory{Bases: []*Base{b.new, b.old}, Modules: modules, Packages: []*Package{b.old.Package, b.new.Package}}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range res.Findings {
				if f.Pairing != PairRebuild || f.Base.Origin != tc.on || f.Module.Name != "a" {
					continue
				}
				if f.Severity != tc.want || !strings.Contains(f.Consequence, tc.why) || tc.want == Warn != (tc.why != "") {
					t.Errorf("%s %s: %q, want %s: %q", f.Severity, f.Verdict, f.Consequence, tc.want, tc.why)
				}
				return
			}
			t.Errorf("none of %d findings is it", len(res.Findings))
		})
	}
}

// TestMisreadFails whatever could be done about it, but for modules of a build before
// the cure.
func TestMisreadFails(t *testing.T) {
	v6_1 := verify.Version{Major: 6, Minor: 1, Patch: 192}
	f := &Finding{Pairing: PairRebuild, Verdict: Misread, Severity: Fail, Module: &Module{}, Base: &Base{Table: kernelTable(0, 0).Table(t), Rules: verify.RulesFor(v6_1), Allow: verify.AllowYes}}
	(&judging{}).survival(f)
	if f.Severity != Fail {
		t.Errorf("%s", f.Severity)
	}
}

// TestNoBaseFails holds that a vmlinux without BTF is not taken for one that modules
// cannot follow to.
func TestNoBaseFails(t *testing.T) {
	b := rebuilt(t, verify.Version{Major: 6, Minor: 1, Patch: 192}, verify.AllowYes)
	m := testModule(b.old.Package, driver(b.oldW))
	m.Origin = Against
	b.new.Table = nil
	f := judgeOne(t, &Inventory{Bases: []*Base{b.new, b.old}, Modules: []*Module{m}, Packages: []*Package{b.old.Package, b.new.Package}}, PairRebuild)
	if f.Verdict != Rejected || f.Severity != Fail {
		t.Errorf("%s %s", f.Severity, f.Verdict)
	}
}

// TestRebuildSafe says what a rebuild does to all modules.
func TestRebuildSafe(t *testing.T) {
	for _, tc := range []struct {
		name string
		s    Survival
		safe bool
		want string
	}{
		{"both ways", Survival{Crossing{3, 3, 3, 0, 0}, Crossing{2, 2, 2, 0, 0}}, true,
			"rebuild-safe: all 3 modules of the new build fit the old vmlinux, and all 2 of the old build fit the new one"},
		{"with drift", Survival{Crossing{3, 3, 3, 1, 0}, Crossing{3, 3, 3, 0, 0}}, true,
			"rebuild-safe: all 3 modules of the new build fit the old vmlinux, and all 3 of the old build fit the new one; 1 module refers to types whose definition changed"},
		{"the base stayed", Survival{Crossing{3, 3, 0, 0, 0}, Crossing{3, 3, 0, 0, 0}}, true,
			"rebuild-safe: all 3 modules of the new build fit the old vmlinux, and all 3 of the old build fit the new one"},
		{"the first cured build", Survival{Crossing{3, 3, 2, 0, 0}, Crossing{3, 1, 0, 0, 0}}, false,
			"rebuild-safe from this build on: all 3 modules fit the old vmlinux; the old build has no .BTF.base, so that 2 of its 3 do not fit the new vmlinux"},
		{"one cannot follow", Survival{Crossing{3, 2, 3, 0, 0}, Crossing{3, 3, 3, 0, 0}}, false,
			"not rebuild-safe: 1 of 3 modules of the new build does not fit the old vmlinux, and all 3 of the old build fit the new one"},
		{"no cure", Survival{Crossing{3, 0, 0, 0, 0}, Crossing{3, 1, 0, 0, 0}}, false,
			"not rebuild-safe: 3 of 3 modules of the new build do not fit the old vmlinux, and 2 of 3 of the old build do not fit the new one"},
		{"some are unproven", Survival{Crossing{7, 1, 0, 0, 1}, Crossing{3, 3, 0, 0, 0}}, false,
			"not rebuild-safe: 5 of 7 modules of the new build (1 more is unproven) do not fit the old vmlinux, and all 3 of the old build fit the new one"},
		{"nothing misfits", Survival{Crossing{9, 1, 0, 0, 8}, Crossing{3, 2, 0, 0, 1}}, false,
			"not proven rebuild-safe: 8 of 9 modules of the new build are not proven to fit the old vmlinux, and 1 of 3 of the old build is not proven to fit the new one"},
		{"one side only", Survival{Crossing{3, 3, 0, 0, 0}, Crossing{}}, false, ""},
	} {
		if got := tc.s.Sentence(); got != tc.want || tc.s.Safe() != tc.safe {
			t.Errorf("%s: %t, %q\nwant %t, %q", tc.name, tc.s.Safe(), got, tc.safe, tc.want)
		}
	}
}

// TestCannotFollow names the struct that keeps a module from another vmlinux, and
// what changed for one that follows.
func TestCannotFollow(t *testing.T) {
	v6_12 := verify.Version{Major: 6, Minor: 12, Patch: 20}
	b := rebuilt(t, v6_12, verify.AllowYes)
	grown := btftest.New()
	num := grown.Int("int", 4, 1, 32)
	grown.Ptr(grown.Struct("device", 72, btftest.Member{Name: "state", Type: num}))
	grown.Struct("unused", 64, btftest.Member{Name: "level", Type: num})
	b.old.Table = grown.Table(t)
	b.old.Fingerprint.Base[0]++

	follows := named(testModule(b.new.Package, driver(b.newW)), "follows")
	own := b.newW.Split()
	own.Struct("port", 72, btftest.Member{Name: "device", Type: 2}, btftest.Member{Name: "n", Type: 1, Offset: 512})
	holds := named(testModule(b.new.Package, own.Bytes()), "holds")
	inv := &Inventory{Bases: []*Base{b.new, b.old}, Packages: []*Package{b.old.Package, b.new.Package},
		Modules: []*Module{distilled(t, follows, b.new), distilled(t, holds, b.new)}}
	res, err := Judge(t.Context(), inv, Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, f := range res.Findings {
		if f.Pairing == PairRebuild {
			got[f.Module.Name] = append([]string{string(f.Verdict), string(f.Severity)}, f.Reasons...)
		}
	}
	want := map[string][]string{
		"holds": {"unrelocatable", "warn", "its .BTF.base does not relocate onto this vmlinux", "it holds a struct device by value, of 64 bytes: this vmlinux has one of 72 bytes"},
		"follows": {"relocatable", "ok", "1 of 2 types of the vmlinux that it refers to changed their definition since it was built",
			"type of struct device *: struct device → struct device with another definition"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
