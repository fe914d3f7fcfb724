// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/findings"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// List makes the one list of findings of a result, which the formats for machines
// are written from: kernels, then modules by kernel and pairing, then dependencies of
// packages; the worst first. What is OK is in it.
func List(r *guard.Result, version string) *findings.Report {
	out := &findings.Report{Rules: rules(), Problems: r.Problems, Version: version, Exit: r.Exit()}
	for _, b := range r.Refusals {
		out.Findings = append(out.Findings, ofRefusal(b))
	}
	for _, g := range groups(r.Findings) {
		out.Findings = append(out.Findings, g.list()...)
	}
	for _, l := range r.Labels {
		out.Findings = append(out.Findings, ofLabel(l))
	}
	return out
}

// rules are all that a finding may be of.
func rules() (out []findings.Rule) {
	for _, v := range append(slices.Clone(guard.Verdicts), guard.Refused, guard.Unlabeled, guard.Mislabeled) {
		out = append(out, findings.Rule{Name: string(v), Meaning: meanings[v], Remedy: remedies[v], Severity: v.Severity()})
	}
	for _, rule := range guard.Rules {
		out = append(out, findings.Rule{Name: string(rule), Meaning: ruleMeanings[rule], Remedy: ruleRemedies[rule], Severity: guard.Verdict(rule).Severity()})
	}
	return out
}

// list has the findings of a group, then what else is wrong with its modules.
func (g group) list() (out []findings.Finding) {
	kernel, title := g.kernel(), g.oneLine()
	of := func(f guard.Finding) findings.Finding {
		return findings.Finding{
			Question: findings.Question{Suite: kernel, Title: title, Class: f.Module.Label(), Name: f.Module.Path},
			Place:    placeOf(f), Same: sameModule(f),
		}
	}
	for _, p := range g.parts() {
		for _, f := range p {
			l := of(f)
			l.Rule, l.Severity, l.Own, l.Ruling = string(f.Verdict), f.Severity, f.Verdict.Severity(), f.Ruling
			l.Message, l.Details = shortest(f), details(f)
			out = append(out, l)
		}
	}
	for _, rule := range guard.Rules {
		all, notes := g.noted(rule, true)
		for i, f := range all {
			n, l := notes[i], of(f)
			l.Rule, l.Severity, l.Own, l.Ruling = string(n.Rule), n.Severity, guard.Verdict(n.Rule).Severity(), n.Ruling
			l.Message, l.Details = n.Message, dmesg(n.Log)
			out = append(out, l)
		}
	}
	return out
}

func placeOf(f guard.Finding) findings.Place {
	m := f.Module
	p := findings.Place{File: m.Path, Owner: m.Path, Path: m.Path, Name: m.Name, Kind: "module"}
	if pkg := m.Package; pkg != nil {
		p.File, p.Owner, p.Package = pkg.Path, pkg.Name+"."+pkg.Arch, pkg.NEVRA
	}
	if f.Base != nil {
		p.On = f.Base.Label()
	}
	return p
}

// sameModule is what the next build of a module on a kernel has as well.
func sameModule(f guard.Finding) []string {
	m, owner, arch, flavor := f.Module, "", f.Module.Arch, ""
	if p := m.Package; p != nil {
		owner, arch = p.Name, p.Arch
	}
	if f.Base != nil {
		flavor = f.Base.Flavor
	}
	path := m.Path
	if m.Release != "" {
		path = strings.ReplaceAll(path, m.Release, "")
	}
	return []string{string(f.Pairing), sides[m.Origin], owner, arch, flavor, path}
}

// shortest is the shortest reason that there is: the line by which one finds the trouble in
// dmesg, or our own.
func shortest(f guard.Finding) string {
	switch {
	case f.Kernel != nil && !f.Kernel.Accepts && len(f.Kernel.Log) > 0:
		return f.Kernel.Log[len(f.Kernel.Log)-1]
	case len(f.Reasons) > 0:
		return f.Reasons[0]
	}
	return ""
}

func ofRefusal(r guard.Refusal) findings.Finding {
	b := r.Base
	f := findings.Finding{
		Rule: string(guard.Refused), Severity: r.Severity, Own: guard.Refused.Severity(), Ruling: r.Ruling,
		Question: findings.Question{Suite: "kernels", Title: "whether their own kernel reads their .BTF", Class: b.Label(), Name: b.Path},
		Place:    findings.Place{File: b.Path, Owner: b.Path, Path: b.Path, Name: cmp.Or(b.Flavor, b.Label()), Kind: "module"},
		Message:  refusalSaid(r), Details: refusalLines(r),
	}
	name := b.Flavor
	if p := b.Package; p != nil {
		f.Place.File, f.Place.Owner, f.Place.Package, name = p.Path, p.Name+"."+p.Arch, p.NEVRA, p.Name
	}
	f.Same = []string{sides[b.Origin], name, b.Arch, b.Flavor}
	return f
}

func ofLabel(l guard.Label) findings.Finding {
	p := l.Package
	return findings.Finding{
		Rule: string(l.Verdict), Severity: l.Severity, Own: l.Verdict.Severity(), Ruling: l.Ruling,
		Question: findings.Question{Suite: "packages", Title: "kernel-btf dependencies of the packages", Class: p.NEVRA, Name: "kernel-btf dependencies"},
		Place:    findings.Place{File: p.Path, Owner: p.Name + "." + p.Arch, Package: p.NEVRA, Name: p.Name, Kind: "package"},
		Message:  strings.Join(l.Reasons, "; "), Details: l.Reasons,
		Same: []string{p.Name, p.Arch},
	}
}
