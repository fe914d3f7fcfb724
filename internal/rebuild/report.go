// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs"
	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// Scope is where to look for what has to be built. What reports and packages say may be of
// yesterday: where OBS can be asked, they only say where to look, and else it is the plan.
type Scope struct {
	Fallback Where    // where packages are built that do not say so themselves
	Blind    bool     // OBS cannot be asked
	Places   []Where  // to look at as a whole
	Built    []string // the servers that built the packages, by their DISTURLs
}

// Report takes in a report. It is not ok if that does not say where to look.
func (s *Scope) Report(p *Plan, d *report.Document) (ok bool) {
	for _, pkg := range d.Packages {
		s.builtBy(pkg.DistURL)
	}
	if s.Blind {
		p.addReport(d, s.Fallback)
		return true
	}
	places := placesOf(d, s.Fallback)
	s.Places = append(s.Places, places...)
	return len(places) > 0
}

// Result takes in packages that were judged.
func (s *Scope) Result(p *Plan, inv *guard.Inventory, res *guard.Result) {
	for _, problem := range res.Problems {
		p.Notes = append(p.Notes, problem.Error())
	}
	p.addResult(res, s.Fallback)
	p.Kernels += len(inv.Bases)
	p.Packages += len(inv.Packages)
	for _, pkg := range inv.Packages {
		s.builtBy(pkg.DistURL)
	}
	if s.Blind {
		return
	}
	for _, step := range p.Steps {
		if f := s.Fallback; f.Project != "" && step.Project != f.Project || f.Repository != "" && step.Repository != f.Repository {
			p.Notes = append(p.Notes, fmt.Sprintf("%s has to be built again, and is not in %s", &step, f.Project))
			continue
		}
		s.Places = append(s.Places, step.Where())
	}
	p.Steps = p.Steps[:0]
}

// builtBy notes the server that a DISTURL names.
func (s *Scope) builtBy(disturl string) {
	if u, ok := obs.ParseDistURL(disturl); ok && !slices.Contains(s.Built, u.Server) {
		s.Built = append(s.Built, u.Server)
	}
}

// or fills in what is empty.
func (w Where) or(by Where) Where {
	return Where{cmp.Or(w.Project, by.Project), cmp.Or(w.Repository, by.Repository), cmp.Or(w.Arch, by.Arch)}
}

// Complete reports whether all of it is named.
func (w Where) Complete() bool { return w.Project != "" && w.Repository != "" && w.Arch != "" }

// addResult adds a step for each source package of a result whose modules do not fit.
// fallback says where packages are built that do not say so themselves.
func (p *Plan) addResult(res *guard.Result, fallback Where) {
	for _, m := range res.Remakes {
		at, pkg := Where{Arch: obs.SchedulerArch(m.Arch)}, m.Source
		if u, ok := obs.ParseDistURL(m.DistURL); ok {
			at.Project, at.Repository, pkg = u.Project, u.Repository, u.Package
		}
		p.addAt(at.or(fallback), pkg, misfit(m.Modules, m.On.Label()))
	}
}

// addReport adds a step for each package that does not fit according to a report. The
// package may have been built again since then.
func (p *Plan) addReport(d *report.Document, fallback Where) {
	for _, r := range d.Remakes {
		at := Where{r.Project, r.Repository, obs.SchedulerArch(r.Arch)}.or(fallback)
		p.addAt(at, r.Package, misfit(r.Modules, cmp.Or(r.BasePackage, "their kernel")))
	}
}

func misfit(modules int, on string) string {
	if modules == 1 {
		return "1 of its modules does not fit the vmlinux of " + on
	}
	return fmt.Sprintf("%d of its modules do not fit the vmlinux of %s", modules, on)
}

func (p *Plan) addAt(at Where, pkg, why string) {
	if !at.Complete() {
		p.note("%s has to be built again, but its project, repository and architecture are not known", pkg)
		return
	}
	p.add(at.of(pkg), nil, why, "")
}

// placesOf lists where something may have to be built again according to a report: the
// place of the report, and the places of packages that do not fit.
func placesOf(d *report.Document, fallback Where) []Where {
	var out []Where
	add := func(w Where) {
		if w = w.or(fallback); w.Complete() && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	if h := d.Hook; h != nil {
		add(Where{h.Project, h.Repository, obs.SchedulerArch(h.Arch)})
	} else {
		add(fallback)
	}
	for _, r := range d.Remakes {
		add(Where{r.Project, r.Repository, obs.SchedulerArch(r.Arch)})
	}
	return out
}
