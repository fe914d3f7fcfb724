// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"slices"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// TestMetadata gives a package the token of the base that its modules were built on.
func TestMetadata(t *testing.T) {
	b := testBuild(t, "1.3", kernelTable(0, 0))
	b.Flavor = "default"
	other := testBuild(t, "1.1", kernelTable(0, 0, "more"))
	for _, tc := range []struct {
		name       string
		verdicts   []Verdict // of one module each, on b
		allow      verify.Allow
		requires   bool
		recommends bool
		fails      bool
	}{
		{"built on it", []Verdict{SameBase}, verify.AllowNo, true, false, false},
		{"where misfits load without BTF", []Verdict{SameBase}, verify.AllowYes, false, true, false},
		{"where that is not known", []Verdict{SameBase}, verify.AllowUnknown, false, true, false},
		{"one is too small to tell", []Verdict{Unproven, SameBase}, verify.AllowNo, true, false, false},
		{"all are too small to tell", []Verdict{Unproven}, verify.AllowNo, false, false, true},
		{"another base", []Verdict{SameBase, Rejected}, verify.AllowNo, true, false, true},
		{"compatible with it", []Verdict{Compatible}, verify.AllowNo, false, false, true},
	} {
		p := &Package{Name: "a-kmp-default", NEVRA: "a-kmp-default-1-1.x86_64"}
		inv := &Inventory{Packages: []*Package{p}, Bases: []*Base{b, other}}
		res := &Result{}
		onto := *b
		onto.Allow = tc.allow
		for _, v := range tc.verdicts {
			m := testModule(p, driver(kernelTable(0, 0)))
			inv.Modules = append(inv.Modules, m)
			res.Findings = append(res.Findings, Finding{Module: m, Base: &onto, Verdict: v})
		}
		got := Metadata(inv, res)
		if len(got) != 1 || got[0].Package != p || len(got[0].Provides) > 0 {
			t.Fatalf("%s: %+v", tc.name, got)
		}
		need := Need{b.Token(), b.Release}
		if (got[0].Err != nil) != tc.fails || slices.Contains(got[0].Requires, need) != tc.requires || slices.Contains(got[0].Recommends, need) != tc.recommends {
			t.Errorf("%s: %+v", tc.name, got[0])
		}
	}
}
