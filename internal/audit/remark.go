// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// remarks are the findings on packages that were read, by their paths, which are not about
// the fit of modules: kernels that refuse their own BTF, and rules that modules break.
func remarks(res *guard.Result, read map[string]*Package) (out []*Finding) {
	add := func(p *Package, release string, kind guard.Verdict, reason string, log []string) *Finding {
		m := &Finding{Kind: kind, Package: p, Release: release, Arch: p.Arch, Reasons: []string{reason}}
		for _, line := range log {
			m.Reasons = append(m.Reasons, "| "+line)
		}
		out = append(out, m)
		return m
	}
	for _, r := range res.Refusals {
		p := packageOf(read, r.Base.Package)
		if p == nil {
			continue
		}
		m := add(p, r.Base.Release, guard.Refused, "the kernel "+r.Base.Release+" refuses its own .BTF and has none", r.Log)
		if r.Cause != "" {
			m.Reasons = append(m.Reasons, "cause, most likely: "+r.Cause, r.Remedy)
		}
	}
	type of struct {
		modules, kernel *guard.Package
		release         string
		rule            guard.Rule
	}
	found := map[of]*Finding{}
	others := map[*Finding][]guard.Finding{}
	for _, f := range res.Findings {
		p := packageOf(read, f.Module.Package)
		if p == nil || f.Base == nil || f.Verdict.Severity() == guard.Fail { // that it does not fit is reported already
			continue
		}
		for _, n := range f.Notes {
			if n.Severity == guard.OK {
				continue
			}
			k := of{f.Module.Package, f.Base.Package, f.Base.Release, n.Rule}
			if m := found[k]; m != nil {
				others[m] = append(others[m], f)
			} else {
				found[k] = add(p, f.Module.Release, guard.Verdict(n.Rule), f.Module.Name+on(f)+": "+n.Message, n.Log)
			}
		}
	}
	for m, list := range others {
		const most = 8
		var names []string
		for _, f := range list {
			names = append(names, f.Module.Name)
		}
		slices.Sort(names)
		m.Reasons = append(m.Reasons, "likewise "+prose.First(names, most))
		if m.Kind == guard.Verdict(guard.Duplicated) {
			m.Reasons = append(m.Reasons, prose.Number(len(list))+" more modules "+guard.Repeated(list).String())
		}
	}
	return out
}

// on names a kernel that is not of the module's own package.
func on(f guard.Finding) string {
	if k := f.Base.Package; k != nil && k != f.Module.Package {
		return " on " + k.NEVRA
	}
	return ""
}

// remark adds one of them, unless there is one already: twins in two repositories are
// read once, and a package may be checked against several kernels.
func (a *audit) remark(m *Finding) {
	key := fmt.Sprintf("%p %s %s %q", m.Package, m.Release, m.Kind, m.Reasons)
	if a.remarked[key] {
		return
	}
	a.remarked[key] = true
	a.res.Findings = append(a.res.Findings, *m)
}
