// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"cmp"
	"fmt"
	"path/filepath"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
)

// doubt has no module be of a base by its own table alone where its neighbors, which
// were built together with it, contradict this base. Two builds of one source may have as many types and
// as long strings: of Debian's 6.12.115-1, every second module finds nothing wrong with
// the base of -2, and all are misread there. In single folders of small modules it is one
// in thirty that contradicts it: one is enough, but for a damaged one among very many.
func doubt(findings []Finding) {
	type build struct {
		of   string // package or folder, architecture and kernelrelease
		base *Base
	}
	type count struct{ proven, against int }
	of := func(f *Finding) build {
		m := f.Module
		place := ""
		switch {
		case m.Package != nil:
			place = cmp.Or(m.Package.Build, m.Package.Path)
		case f.Pairing != PairGiven: // what is named for one base was built together
			place = cmp.Or(m.Tree, filepath.Dir(m.Path))
		}
		return build{key(place, m.Arch, m.Release), f.Base}
	}
	together := func(f *Finding) bool { return f.Module.InTree || f.Module.Package != nil }
	alone := func(f *Finding) bool { return f.Verdict == SameBase && f.Basis == Evidence }
	counts := map[build]*count{}
	for i := range findings {
		f := &findings[i]
		if !together(f) || f.evidence == nil {
			continue
		}
		c := counts[of(f)]
		if c == nil {
			c = new(count)
			counts[of(f)] = c
		}
		switch {
		case alone(f):
			c.proven++
		case f.evidence.Contradicted():
			c.against++
		}
	}
	for i := range findings {
		f := &findings[i]
		if !alone(f) {
			continue
		}
		c := counts[of(f)]
		if !together(f) || c.against*MostDamaged <= c.proven {
			continue
		}
		f.Verdict, f.Severity = Unproven, Unproven.Severity()
		f.Reasons = []string{fmt.Sprintf(neighborsAgainst, prose.Several(c.against, "other module"), oneOrAll(c.against, "does", "do"))}
		f.Consequence = consequence(f)
	}
}

// MostDamaged is of how many modules that confirm a base one may contradict it and be
// damaged.
const MostDamaged = 100

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
		case f.Module.Err != nil, f.Damaged: // it says nothing of its neighbors
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

// OtherName reports whether something was built for a kernel of another kernelrelease
// than the base's, where both are known. Then it was built on another base as well, or on
// one that is the same by chance only: its table by itself cannot tell the bases of two
// builds of one source apart.
func (b *Base) OtherName(builtFor string) bool {
	return builtFor != "" && b.Called() != "" && builtFor != b.Called()
}

// builtFor is the kernelrelease that a module was built for, by itself, else by its place;
// "" if neither tells.
func (m *Module) builtFor() string { return cmp.Or(m.release, m.Release) }

// Called is the kernelrelease that a kernel has by itself, else by its place; "" if neither
// tells.
func (b *Base) Called() string { return cmp.Or(b.release, b.Release) }
