// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"strings"
	"testing"
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
		return &Base{Origin: side, Release: release, Arch: arch, Tree: at[0], Path: at[1]}
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
		{"one damaged among many", &Base{Release: "1-default"}, "1-default", 1, MostDamaged, ""},
	} {
		own := tc.own
		own.Path, own.Tree, own.Origin, own.Table, own.pointerSize = "own", "own", Own, w.Table(t), 8
		on := testBuild(t, "1.2", kernelTable(32, 0))
		on.Package, on.Tree, on.Origin = nil, "on", Given
		inv := &Inventory{Bases: []*Base{own, on}, Arguments: []Argument{{Path: "own", Origin: Own}, {Path: "on", Origin: Given}, {Path: "drv", Origin: New}}}
		for i := range tc.against + tc.with {
			m := testModule(nil, driver(w))
			m.Tree, m.Release, m.release = "drv", tc.builtFor, tc.builtFor
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

// TestNothingTells: a kernel's modules without BTF are no all clear where no vmlinux says
// whether they should have some; those of others are.
func TestNothingTells(t *testing.T) {
	for _, tc := range []struct {
		name  string
		edit  func(inv *Inventory)
		wrong bool
	}{
		{"of a kernel", func(*Inventory) {}, true},
		{"of others", func(inv *Inventory) { inv.Modules[0].InTree = false }, false},
		{"found in a build", func(inv *Inventory) { inv.Arguments[0].Found = true }, false},
	} {
		inv := &Inventory{Modules: []*Module{testModule(nil, nil), testModule(nil, nil)}, Arguments: []Argument{{Path: "drv", Origin: New}}}
		for _, m := range inv.Modules {
			m.Tree = "drv"
		}
		tc.edit(inv)
		res, err := Judge(t.Context(), inv, Options{})
		if err != nil || (len(res.Problems) == 1) != tc.wrong || tc.wrong && !strings.HasPrefix(res.Problems[0].Error(), "drv: none of these modules") {
			t.Errorf("%s: %v, %v", tc.name, res.Problems, err)
		}
	}
}
