// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"cmp"
	"slices"
)

// Remake is a source package that would have to be built again to fit: a finding
// on its modules weighs Rebuild or Fail.
type Remake struct {
	Source   string // name of the source package
	Arch     string
	DistURL  string // of its packages: project and repository, "" outside OBS
	On       *Base  // what its modules do not fit
	Modules  int    // how many
	Severity Severity
}

// remakes lists what has to be built again, in the order of the findings. A
// module that the new build replaces, and a new one that does not fit a kernel
// of the past, are mended by installing and by rebooting, not by building.
func remakes(findings []Finding) []Remake {
	name := func(p *Package) string { return p.Name + "." + p.Arch }
	replaced := map[string]bool{}
	for _, f := range findings {
		if p := f.Module.Package; p != nil && f.Module.Origin == New {
			replaced[name(p)] = true
		}
	}
	var out []Remake
	for _, f := range findings {
		p := f.Module.Package
		switch {
		case f.Severity != Rebuild && f.Severity != Fail, p == nil || f.Base == nil,
			f.Module.Origin == Against && replaced[name(p)],
			f.Base.Origin == Against:
			continue
		}
		source := cmp.Or(p.Source, p.Name)
		i := slices.IndexFunc(out, func(m Remake) bool {
			return m.Source == source && m.Arch == p.Arch && m.On == f.Base && m.Severity == f.Severity
		})
		if i < 0 {
			i = len(out)
			out = append(out, Remake{Source: source, Arch: p.Arch, DistURL: p.DistURL, On: f.Base, Severity: f.Severity})
		}
		out[i].Modules++
	}
	return out
}

// outdated reports whether modules elsewhere have to be built again after the change, by
// the policy's word.
func (c *Change) outdated(findings []Finding) bool {
	return !c.same() && slices.ContainsFunc(findings, func(f Finding) bool {
		return f.Severity == Rebuild && f.Pairing == PairRebuild && (f.Base == c.To || f.Base == c.From)
	})
}
