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

// or fills in what is empty.
func (w Where) or(by Where) Where {
	return Where{cmp.Or(w.Project, by.Project), cmp.Or(w.Repository, by.Repository), cmp.Or(w.Arch, by.Arch)}
}

func (w Where) complete() bool { return w.Project != "" && w.Repository != "" && w.Arch != "" }

// AddResult adds a step for each source package of a result whose modules do not fit.
// fallback says where packages are built that do not say so themselves.
func (p *Plan) AddResult(res *guard.Result, fallback Where) {
	for _, m := range res.Remakes {
		at, pkg := Where{Arch: obs.SchedulerArch(m.Arch)}, m.Source
		if u, ok := obs.ParseDistURL(m.DistURL); ok {
			at.Project, at.Repository, pkg = u.Project, u.Repository, u.Package
		}
		p.addAt(at.or(fallback), pkg, misfit(m.Modules, m.On.Label()))
	}
}

// AddReport adds a step for each package that does not fit according to a report. The
// package may have been built again since then.
func (p *Plan) AddReport(d *report.Document, fallback Where) {
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
	if !at.complete() {
		p.note("%s has to be built again, but its project, repository and architecture are not known", pkg)
		return
	}
	p.add(at.of(pkg), nil, why, "")
}

// Places lists where something may have to be built again according to a report: the
// place of the report, and the places of packages that do not fit.
func Places(d *report.Document, fallback Where) []Where {
	var out []Where
	add := func(w Where) {
		if w = w.or(fallback); w.complete() && !slices.Contains(out, w) {
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
