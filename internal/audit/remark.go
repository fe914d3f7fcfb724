// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// remark is a finding on packages that were read which is not about the fit of modules: a
// kernel that refuses its own BTF, or a rule that modules break.
type remark struct {
	Package *Package // that it is about
	Release string   // kernelrelease
	Kind    guard.Verdict
	Reasons []string
}

// remarks are those of a judgement of packages.
func remarks(res *guard.Result, packageOf func(*guard.Package) *Package) (out []*remark) {
	for _, r := range res.Refusals {
		p := packageOf(r.Base.Package)
		if p == nil {
			continue
		}
		m := &remark{Package: p, Release: r.Base.Release, Kind: guard.Refused, Reasons: []string{"the kernel " + r.Base.Release + " refuses its own .BTF and has none"}}
		for _, line := range r.Log {
			m.Reasons = append(m.Reasons, "| "+line)
		}
		if r.Cause != "" {
			m.Reasons = append(m.Reasons, "cause, most likely: "+r.Cause, r.Remedy)
		}
		out = append(out, m)
	}
	type of struct {
		modules, kernel *guard.Package
		release         string
		rule            guard.Rule
	}
	found := map[of]*remark{}
	others := map[*remark][]guard.Finding{}
	for _, f := range res.Findings {
		p := packageOf(f.Module.Package)
		if p == nil || f.Base == nil || f.Verdict.Severity() == guard.Fail { // that it does not fit is reported already
			continue
		}
		for _, n := range f.Notes {
			if n.Severity == guard.OK {
				continue
			}
			k := of{f.Module.Package, f.Base.Package, f.Base.Release, n.Rule}
			m := found[k]
			if m == nil {
				m = &remark{Package: p, Release: f.Module.Release, Kind: guard.Verdict(n.Rule), Reasons: []string{f.Module.Name + on(f) + ": " + n.Message}}
				for _, line := range n.Log {
					m.Reasons = append(m.Reasons, "| "+line)
				}
				found[k] = m
				out = append(out, m)
				continue
			}
			others[m] = append(others[m], f)
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

// remark adds a finding for it, unless there is one already: twins in two repositories are
// read once, and a package may be checked against several kernels.
func (a *audit) remark(m *remark) {
	key := fmt.Sprintf("%p %s %s %q", m.Package, m.Release, m.Kind, m.Reasons)
	if a.remarked[key] {
		return
	}
	a.remarked[key] = true
	a.res.Findings = append(a.res.Findings, Finding{Kind: m.Kind, Package: m.Package, Release: m.Release, Arch: m.Package.Arch, Reasons: m.Reasons})
}
