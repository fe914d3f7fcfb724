// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"errors"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

// TestNeverMeet: kernels of two names have folders of their own, those of two
// architectures are of two machines.
func TestNeverMeet(t *testing.T) {
	command := map[Origin]string{ // by the side that has modules
		Against: "obs-btf-guard check --base 'new/vm linux' --own-base old/vmlinux old",
		New:     "obs-btf-guard check --base old/vmlinux --own-base 'new/vm linux' new",
	}
	base := func(side Origin, release, arch string) *Base {
		at := map[Origin][2]string{Against: {"old", "old/vmlinux"}, New: {"new", "new/vm linux"}}[side]
		return &Base{Origin: side, Release: release, Arch: arch, Place: under(at[0]), Path: at[1]}
	}
	for _, tc := range []struct {
		name     string
		old, new *Base
		folders  bool
		want     string
	}{
		{"two names", base(Against, "1-amd64", "x86_64"), base(New, "2-amd64", "x86_64"), true, "the old build is 1-amd64 (x86_64), the new one 2-amd64 (x86_64)"},
		{"two architectures", base(Against, "1-default", "x86_64"), base(New, "1-default", "aarch64"), false, "the old build is 1-default (x86_64), the new one 1-default (aarch64)"},
		{"no name", base(Against, "", "x86_64"), base(New, "1-default", "x86_64"), false, "no kernelrelease of it is one of the new build"},
	} {
		for side, command := range command {
			got := neverMeet(&Inventory{Bases: []*Base{tc.old, tc.new}, Modules: []*Module{{Origin: side}}}, "old").Error()
			if !strings.Contains(got, tc.want) || strings.Contains(got, "separate folders below /lib/modules") != tc.folders ||
				strings.HasSuffix(got, ": "+command) != tc.folders {
				t.Errorf("%s: %s", tc.name, got)
			}
		}
	}
}

// TestClaim uses no base that was named as the modules' own and is not, and says why.
func TestClaim(t *testing.T) {
	w, other := kernelTable(0, 0), kernelTable(0, 0, "more")
	for _, tc := range []struct {
		name          string
		own           *Base
		builtFor      string
		against, with int // modules that contradict it, and others
		says          string
	}{
		{"theirs", &Base{Release: "1-default"}, "1-default", 0, 3, ""},
		{"a raw table", &Base{}, "1-default", 0, 3, ""},
		{"of another name", &Base{Release: "2-default"}, "1-default", 0, 1,
			"not what these modules were built on, and not used: drv was built for 1-default, and this kernel is 2-default"},
		{"contradicted", &Base{Release: "1-default"}, "1-default", 1, 2, "and not used: 1 of 3 modules contradicts it"},
		{"a raw table, that of a kernel of another name", &Base{Fingerprint: fingerprint.Of(kernelTable(32, 0).Table(t))}, "1-default", 0, 1,
			"drv was built for 1-default, and this kernel is 5.15.12-1-default"},
		{"one damaged among many", &Base{Release: "1-default"}, "1-default", 1, MostDamaged, ""},
	} {
		own := tc.own
		own.Path, own.Place, own.Origin, own.Table, own.pointerSize = "own", under("own"), Own, w.Table(t), 8
		on := testBuild(t, "1.2", kernelTable(32, 0)) // called 5.15.12-1-default
		on.Package, on.Place, on.Origin = nil, under("on"), Given
		inv := &Inventory{Bases: []*Base{own, on}, Arguments: []Argument{{Path: "own", Origin: Own}, {Path: "on", Origin: Given}, {Path: "drv", Origin: New}}}
		for i := range tc.against + tc.with {
			m := testModule(nil, driver(w))
			m.Place, m.Release, m.release = under("drv"), tc.builtFor, tc.builtFor
			if i < tc.against {
				m.BTF = driver(other)
			}
			inv.Modules = append(inv.Modules, m)
		}
		res, err := Judge(t.Context(), inv, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, p := range res.Problems {
			got += p.Error() + "\n"
		}
		if !strings.Contains(got, tc.says) || (tc.says == "") != (got == "") {
			t.Errorf("%s: %q", tc.name, got)
		}
		if last := res.Findings[len(res.Findings)-1]; (last.Basis == Compared) != (tc.says == "") {
			t.Errorf("%s: %s by %s", tc.name, last.Verdict, last.Basis)
		}
	}
}

// TestClaimOfOne: one module of another name among any number is enough, since none of these
// is damaged.
func TestClaimOfOne(t *testing.T) {
	w := kernelTable(0, 0)
	own := &Base{Path: "own", Place: under("own"), Origin: Own, Release: "1-default", Table: w.Table(t), pointerSize: 8}
	inv := &Inventory{Bases: []*Base{own}}
	for range 2 * MostDamaged {
		m := testModule(nil, driver(w))
		m.release = "1-default"
		inv.Modules = append(inv.Modules, m)
	}
	j := newJudging(inv)
	if err := j.claim(t.Context(), inv); err != nil || j.named != own {
		t.Errorf("all of its name: %v", err)
	}
	inv.Modules[0].release = "2-default"
	if err := j.claim(t.Context(), inv); err == nil || j.named != nil {
		t.Errorf("one of another: %v", err)
	}
}

// TestClaimBeside: modules that lie beside the vmlinux that they were built on were not built
// on another one, whatever somebody says; on a copy of it they were.
func TestClaimBeside(t *testing.T) {
	w := kernelTable(0, 0)
	for _, tc := range []struct {
		name string
		own  *btftest.Writer
		want bool
	}{{"another", kernelTable(32, 0), false}, {"a copy", kernelTable(0, 0), true}} {
		own := &Base{Path: "own", Place: under("own"), Origin: Own, Table: tc.own.Table(t), pointerSize: 8}
		own.Fingerprint = fingerprint.Of(own.Table)
		m := testModule(nil, driver(w))
		m.Place = under("tree")
		beside := testBuild(t, "1.3", w)
		beside.Package, beside.Place = nil, under("tree")
		inv := &Inventory{Bases: []*Base{own, beside}, Modules: []*Module{m}}
		j := newJudging(inv)
		j.trees[m.tree()] = func() *Base { return beside } // which it is too small to show
		if err := j.claim(t.Context(), inv); (err == nil) != tc.want || (j.named == own) != tc.want {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

// TestNothingTells: a kernel's modules without BTF are no all clear where no vmlinux says
// whether they should have some; those of others are.
func TestNothingTells(t *testing.T) {
	for _, tc := range []struct {
		name  string
		edit  func(inv *Inventory)
		wrong bool
	}{
		{"of a kernel", func(*Inventory) {}, true},
		{"one of a kernel among others", func(inv *Inventory) { inv.Modules[0].InTree = false }, true},
		{"of others", func(inv *Inventory) { inv.Modules[0].InTree, inv.Modules[1].InTree = false, false }, false},
		{"one has some", func(inv *Inventory) {
			inv.Modules[0].BTF = driver(kernelTable(0, 0))
			inv.Bases = []*Base{testBuild(t, "1.3", kernelTable(0, 0))}
		}, false},
		{"of another kernel than the one that is here", func(inv *Inventory) {
			inv.Bases = []*Base{testBuild(t, "1.3", kernelTable(0, 0))}
			inv.Modules[0].Release, inv.Modules[1].Release = "6.1.0", "6.1.0"
		}, true},
		{"on a kernel of another name", func(inv *Inventory) {
			b := testBuild(t, "1.3", kernelTable(0, 0))
			b.Package, b.Place, b.Origin, b.Release = nil, under("vmlinux"), Given, "6.1.0"
			inv.Bases, inv.Arguments = []*Base{b}, append(inv.Arguments, Argument{Path: "vmlinux", Origin: Given})
		}, true},
		{"of the kernel that is here", func(inv *Inventory) { inv.Bases = []*Base{testBuild(t, "1.3", kernelTable(0, 0))} }, false},
		{"found in a build", func(inv *Inventory) { inv.Arguments[0].Found = true }, false},
	} {
		inv := &Inventory{Modules: []*Module{testModule(nil, nil), testModule(nil, nil)}, Arguments: []Argument{{Path: "drv", Origin: New}}}
		for _, m := range inv.Modules {
			m.Place = under("drv")
		}
		tc.edit(inv)
		res, err := Judge(t.Context(), inv, Options{})
		if err != nil || (len(res.Problems) == 1) != tc.wrong || tc.wrong && !strings.HasPrefix(res.Problems[0].Error(), "drv: none of these modules") {
			t.Errorf("%s: %v, %v", tc.name, res.Problems, err)
		}
	}
}

// TestUnanswered: a kernel that somebody named has an answer, unless no module gives one.
func TestUnanswered(t *testing.T) {
	w := kernelTable(0, 0)
	small := func() *Module { return testModule(nil, driver(w)) }
	for _, tc := range []struct {
		name    string
		modules []*Module
		policy  Policy
		base    func(b *Base)
		open    bool
	}{
		{"none tells", []*Module{small(), testModule(nil, nil)}, nil, nil, true},
		{"none tells, of a package", []*Module{small()}, nil, func(b *Base) { b.Package = &Package{NEVRA: "kernel-1-1.x86_64"} }, true},
		{"one tells", []*Module{small(), {Name: "cut", InTree: true, Err: errors.New("cut short")}}, nil, nil, false},
		{"none has BTF", []*Module{testModule(nil, nil)}, nil, nil, false},
		{"a policy does without", []*Module{small()}, ignoring(Unproven), nil, false},
		{"the kernel does not look", []*Module{small()}, nil, func(b *Base) { b.IgnoresModules = true }, false},
	} {
		b := &Base{Path: "vmlinux", Origin: Given, Arch: "x86_64", Table: w.Table(t), pointerSize: 8, Rules: verify.RulesFor(verify.Version{})}
		if tc.base != nil {
			tc.base(b)
		}
		res, err := Judge(t.Context(), &Inventory{Bases: []*Base{b}, Modules: tc.modules}, Options{Policy: tc.policy})
		if err != nil {
			t.Fatal(err)
		}
		if (len(res.Problems) > 0) != tc.open || tc.open && (res.Exit() != 2 || res.Problems[0].Path != b.Label()) {
			t.Errorf("%s: %v, exit %d", tc.name, res.Problems, res.Exit())
		}
	}
}

// under is the place of what was found under an argument that has no more than one build.
func under(argument string) Place { return Place{Argument: argument, Tree: argument} }
