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

// Remakes lists what has to be built again, in the order of the findings. A
// module that the new build replaces, and a new one that does not fit a kernel
// of the past, are mended by installing and by rebooting, not by building.
func (r *Result) Remakes() []Remake {
	name := func(p *Package) string { return p.Name + "." + p.Arch }
	replaced := map[string]bool{}
	for _, f := range r.Findings {
		if p := f.Module.Package; p != nil && f.Module.Origin == New {
			replaced[name(p)] = true
		}
	}
	var out []Remake
	for _, f := range r.Findings {
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

// Outdated lists the changes of base after which modules elsewhere have to be
// built again by the policy's word.
func (r *Result) Outdated() []Change {
	var out []Change
	for _, c := range r.Changes {
		decided := slices.ContainsFunc(r.Findings, func(f Finding) bool {
			return f.Severity == Rebuild && f.Pairing == PairRebuild && (f.Base == c.To || f.Base == c.From)
		})
		if decided && !c.same() {
			out = append(out, c)
		}
	}
	return out
}
