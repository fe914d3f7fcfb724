// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"errors"
	"strings"
	"testing"
)

// oneRule decides on one verdict, and has another rule that never does.
type oneRule struct {
	verdict  Verdict
	severity Severity
}

func (p oneRule) Weigh(v Verdict, _ Pairing, pkg, module string) (*Ruling, Severity) {
	if v == p.verdict {
		return &Ruling{Reason: pkg + "/" + module, Where: "conf:1"}, p.severity
	}
	return nil, ""
}

func (p oneRule) Idle(_ *Result, used map[Ruling]bool) (out []string) {
	for _, by := range []Ruling{{Reason: "kernel-default/drv", Where: "conf:1"}, {Reason: "for nothing", Where: "conf:5"}} {
		if !used[by] {
			out = append(out, by.Where)
		}
	}
	return out
}

// TestWhole holds that a result needs nothing after Judge: the policy has decided,
// arguments that came to nothing are problems, and those that do not count are aside.
func TestWhole(t *testing.T) {
	newBase := testBuild(t, "1.3", kernelTable(0, 0, "more"))
	newBase.Package.Tree = "NEW"
	stale := testModule(newBase.Package, driver(kernelTable(0, 0)))
	for _, tc := range []struct {
		name     string
		argument Argument
		problem  error // one of the inventory
		aside    bool  // none of it counts
		exit     int
		want     string // of the problems
	}{
		{"all came to something", Argument{Path: "NEW"}, nil, false, 0, ""},
		{"one came to nothing", Argument{Path: "EMPTY"}, nil, false, 2, "EMPTY: no kernel and no module in it"},
		{"one that was found may", Argument{Path: "EMPTY", Found: true}, nil, false, 0, ""},
		{"an older build of something else", Argument{Path: "OLD", Origin: Against}, nil, false, 2, "OLD: no kernel"},
		{"set aside", Argument{Path: "EMPTY"}, nil, true, 0, ""},
		{"something unread", Argument{Path: "NEW"}, errors.New("cut short"), false, 2, "NEW/a.rpm: cut short"},
	} {
		inv := &Inventory{
			Arguments: []Argument{{Path: "NEW"}, tc.argument}, Packages: []*Package{newBase.Package},
			Bases: []*Base{newBase}, Modules: []*Module{stale},
		}
		if tc.problem != nil {
			inv.Problems = []Problem{{Path: "NEW/a.rpm", Err: tc.problem}}
		}
		o := Options{Policy: oneRule{Rejected, Warn}}
		if tc.aside {
			o.Aside = func(Problem) bool { return true }
		}
		res, err := Judge(t.Context(), inv, o)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range res.Problems {
			got = append(got, p.Error())
		}
		if all := strings.Join(got, "\n"); !strings.Contains(all, tc.want) || tc.want == "" && all != "" || res.Exit() != tc.exit || len(res.Aside) > 0 != tc.aside {
			t.Errorf("%s: %q, exit %d, %d aside", tc.name, got, res.Exit(), len(res.Aside))
		}
		if f := res.Findings[0]; f.Verdict != Rejected || f.Severity != Warn || f.Ruling == nil {
			t.Errorf("%s: %+v", tc.name, f)
		}
		if len(res.Unused) != 1 || res.Unused[0] != "conf:5" {
			t.Errorf("%s: unused %v", tc.name, res.Unused)
		}
	}
}

// TestByFlavor judges modules of packages whose kernelrelease is not here on the kernels
// of their flavor.
func TestByFlavor(t *testing.T) {
	base := kernelTable(0, 0)
	for _, tc := range []struct {
		name    string
		modules []byte
		edit    func(b *Base, m *Module)
		verdict Verdict
		on      bool // a kernel
	}{
		{"an older build's", driver(base), func(b *Base, _ *Module) { b.Origin = Against }, Unproven, false},
		{"an installed kernel", driver(base), func(b *Base, _ *Module) { b.Origin = Installed }, Unproven, false},
		{"another base", driver(kernelTable(0, 0, "more")), func(*Base, *Module) {}, Rejected, true},
		{"another flavor", driver(base), func(b *Base, _ *Module) { b.Flavor = "rt" }, Unproven, false},
		{"another flavor, which the kernelrelease does not say", driver(kernelTable(0, 0, "more")), func(b *Base, m *Module) { b.Flavor, m.Package.Flavor = "64kb", "64kb" }, Rejected, true},
		{"a package that names no flavor", driver(kernelTable(0, 0, "more")), func(b *Base, m *Module) { b.Flavor, m.Package.Flavor = "ml", "" }, Rejected, true},
		{"another architecture", driver(base), func(b *Base, _ *Module) { b.Arch = "aarch64" }, Unproven, false},
		{"its own kernelrelease", driver(kernelTable(0, 0, "more")), func(b *Base, m *Module) { m.Release = b.Release }, Rejected, true},
		{"a loose module", driver(base), func(_ *Base, m *Module) { m.Package = nil }, Unproven, false},
		{"without BTF", nil, func(*Base, *Module) {}, NoBTF, false},
	} {
		b := testBuild(t, "1.3", base)
		b.Flavor = "default"
		m := testModule(&Package{Name: "a-kmp-default", Build: "a", Flavor: "default"}, tc.modules)
		m.Release, m.InTree = "5.15.11-1-default", false
		tc.edit(b, m)
		res, err := Judge(t.Context(), &Inventory{Bases: []*Base{b}, Modules: []*Module{m}}, Options{})
		if err != nil || len(res.Findings) != 1 {
			t.Fatalf("%s: %v, %+v", tc.name, err, res)
		}
		if f := res.Findings[0]; f.Verdict != tc.verdict || (f.Base != nil) != tc.on || (len(res.Problems) > 0) != (tc.verdict == Unproven) {
			t.Errorf("%s: %s on %v, problems %v", tc.name, f.Verdict, f.Base, res.Problems)
		}
	}
}

// TestProblemOnce says of a file that was given twice once that it cannot be read.
func TestProblemOnce(t *testing.T) {
	cut := errors.New("cut short")
	inv := &Inventory{Problems: []Problem{{Path: "vmlinux", Err: cut, Origin: Given}, {Path: "vmlinux", Err: cut}, {Path: "other", Err: cut}}}
	res, err := Judge(t.Context(), inv, Options{})
	if err != nil || len(res.Problems) != 2 || res.Problems[0].Path != "vmlinux" || res.Problems[1].Path != "other" {
		t.Errorf("%v, %v", res.Problems, err)
	}
}
