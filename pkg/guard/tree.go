// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"path/filepath"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
)

// believe has modules that are too small to confirm the vmlinux of their tree be
// believed where their neighbors confirm it: as in a package ([Finding.BuiltOn]),
// what was put into one tree was built together unless something speaks against it.
// What speaks against it is a single module that does not fit; one from outside the
// kernel's tree is never believed, as it comes from another package, nor one whose
// vermagic is not the kernel's. More have to be confirmed than are believed.
//
// Loose modules of one folder on a base that somebody named are believed likewise, if
// both are known to be for one kernelrelease: what was stripped with --strip-unneeded
// has no symbols that would confirm it by itself.
func believe(findings []Finding) {
	type tree struct {
		path    string
		release string
		base    *Base
	}
	type count struct{ proven, small, against int }
	counts := map[tree]*count{}
	of := func(f *Finding) (tree, bool) {
		m := f.Module
		if f.Pairing == PairGiven && m.Package == nil && m.Release != "" && m.Release == f.Base.Release {
			return tree{filepath.Dir(m.Path), m.Release, f.Base}, true
		}
		return tree{m.Tree, m.Release, f.Base}, (f.Pairing == PairBuild || f.Pairing == PairRunning) && m.Package == nil && f.Base != nil && f.Base.Package == nil
	}
	for i := range findings {
		f := &findings[i]
		t, ok := of(f)
		if !ok {
			continue
		}
		c := counts[t]
		if c == nil {
			c = &count{}
			counts[t] = c
		}
		switch {
		case f.Verdict == SameBase && f.Module.InTree:
			c.proven++
		case f.Verdict == Unproven:
			c.small++
		case f.Verdict.Severity() == Fail, f.Verdict == Drifted:
			c.against++
		}
	}
	for i := range findings {
		f := &findings[i]
		t, ok := of(f)
		if !ok || f.Verdict != Unproven || !f.Module.InTree || f.Base.IgnoresModules {
			continue
		}
		if m, b := f.Module.vermagic, f.Base.Vermagic; m != "" && b != "" && m != b {
			continue
		}
		if c := counts[t]; c.against == 0 && c.proven > c.small {
			f.Verdict, f.Severity, f.Basis = SameBase, SameBase.Severity(), Provenance
			f.Reasons = append([]string{fmt.Sprintf(provenInTree, prose.Number(c.proven))}, f.Reasons...)
		}
	}
}
