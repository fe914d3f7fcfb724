// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// Idle implements guard.Policy: where the rules stand, and whose name nothing has, if that
// is why.
func (p Policy) Idle(res *guard.Result, used map[guard.Ruling]bool) []string {
	packages, modules := named(res)
	var out []string
	for i := range p.rules {
		r := &p.rules[i]
		if used[r.ruling] || r.everywhere {
			continue
		}
		s := r.ruling.Where + ": " + r.ruling.Reason
		const most = 8
		switch {
		case len(packages) > 0 && !anyOf(r.packages, packages):
			s += ". No package here has such a name; names here are " + prose.First(packages, most)
		case len(modules) > 0 && !anyOf(r.modules, modules):
			s += ". No module here has such a name"
		}
		out = append(out, s)
	}
	return out
}

// anyOf reports whether one of the names matches one of the globs, if there are any.
func anyOf(globs, names []string) bool {
	return len(globs) == 0 || slices.ContainsFunc(names, func(name string) bool { return anyGlob(globs, name) })
}

// named lists the names of the packages and of the modules that were judged, each once.
func named(res *guard.Result) (packages, modules []string) {
	add := func(p *guard.Package) {
		if p != nil {
			packages = append(packages, p.Name)
		}
	}
	for _, b := range res.Bases {
		add(b.Package)
	}
	for _, f := range res.Findings {
		add(f.Module.Package)
		modules = append(modules, underscores(f.Module.Name))
	}
	slices.Sort(packages)
	slices.Sort(modules)
	return slices.Compact(packages), slices.Compact(modules)
}
