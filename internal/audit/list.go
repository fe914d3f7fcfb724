// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/findings"
	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// List makes the one list of findings that all formats for machines are written from: of
// sources, of kernelreleases, of packages with modules, and of wrong dependencies. Kinds in
// failOn fail, others warn. Kernels and packages of modules without a fault are listed, too.
// Dependencies without a fault are not: nobody read all packages, so they may be wrong.
func (r *Result) List(version string, failOn []guard.Verdict) *findings.Report {
	out := &findings.Report{Problems: r.Problems, Notes: r.Notes, Version: version, Exit: r.Exit(failOn)}
	if r.Since != nil {
		out.Notes = slices.Concat([]string{r.Since.sentence(r)}, r.Notes)
	}
	for _, k := range Kinds {
		e := explanations[k]
		out.Rules = append(out.Rules, findings.Rule{
			Name: string(k), Meaning: e.meaning, Remedy: strings.ToUpper(e.remedy[:1]) + e.remedy[1:] + ".", Severity: weighs(k, failOn),
		})
	}
	for _, s := range r.Sources {
		f := findings.Finding{Severity: guard.OK, Question: findings.Question{
			Suite: "sources", Title: "what was looked over", Class: s.Name, Name: "is looked over",
		}}
		if i := slices.IndexFunc(r.Problems, func(p guard.Problem) bool { return p.Path == s.Name }); i >= 0 {
			f.Unknown, f.Message = true, r.Problems[i].Err.Error()
		}
		f.Place.Is = s.Name
		out.Findings = append(out.Findings, f)
	}
	kernels, modules, labels := r.answers(failOn)
	out.Findings = slices.Concat(out.Findings, kernels, modules, labels)
	return out
}

func weighs(k guard.Verdict, failOn []guard.Verdict) guard.Severity {
	if slices.Contains(failOn, k) {
		return guard.Fail
	}
	return guard.Warn
}

// answers sorts the findings by the question that they answer. Kernels and packages of
// modules get an answer even without a finding.
func (r *Result) answers(failOn []guard.Verdict) (kernels, modules, labels []findings.Finding) {
	ships := map[*Package]bool{}
	for _, k := range r.Kernels {
		ships[k.Package] = true
		kernels = append(kernels, well(ofKernel(k.Release, k.Package.arch()), k.Package))
	}
	for _, p := range r.Modules {
		modules = append(modules, well(ofModules(p), p))
	}
	for _, f := range r.Findings {
		l := f.listed(failOn)
		switch {
		case f.Kind == guard.Incident, f.Kind == guard.Undecided && ships[f.Package]:
			l.Question = ofKernel(f.Release, kernel.PackageArch(f.Arch))
			kernels = append(kernels, l)
		case f.Kind == guard.Mislabeled, f.Kind == guard.Unlabeled:
			l.Question = ofLabels(f.Package)
			labels = append(labels, l)
		default:
			l.Question = ofModules(f.Package)
			modules = append(modules, l)
		}
	}
	for _, row := range r.Rows { // what does not fit without being a finding
		if parts := row.words(false); len(parts) > 0 {
			l := well(ofModules(row.Modules), row.Modules)
			l.Place.Is, l.Message = row.head(), strings.Join(parts, "; ")
			modules = append(modules, l)
		}
	}
	return kernels, modules, labels
}

// well is the answer to a question without a finding.
func well(q findings.Question, p *Package) findings.Finding {
	return findings.Finding{Severity: guard.OK, Question: q, Place: findings.Place{Package: p.NEVRA, File: p.place, Owner: p.Name + "." + p.Arch}}
}

// flavor is that of the kernels that the finding is about.
func (f Finding) flavor() string {
	if f.Package != nil && f.Package.flavor != "" {
		return f.Package.flavor
	}
	return kernel.Flavor(f.Release)
}

// listed is a finding as an entry of the list. An incident is listed with the newest of
// its kernels.
func (f Finding) listed(failOn []guard.Verdict) findings.Finding {
	p := f.Package
	if p == nil {
		p = f.Packages[0]
	}
	l := findings.Finding{
		Rule: string(f.Kind), Severity: weighs(f.Kind, failOn), Unknown: slices.Contains(unknowns, f.Kind),
		Place:   findings.Place{File: p.place, Owner: p.Name + "." + p.Arch, Package: p.NEVRA, Release: f.Release, Name: p.Name, Kind: "package"},
		Message: explanations[f.Kind].meaning, Details: f.Reasons,
		Same: []string{"audit", p.Name, p.Arch, f.flavor()},
	}
	if f.Package == nil {
		l.Place.Is = report.KernelName(f.Release, f.Arch)
	}
	if len(f.Reasons) == 1 {
		l.Message, l.Details = f.Reasons[0], nil
	}
	return l
}

// unknowns are the kinds that say that the answer is not known.
var unknowns = []guard.Verdict{guard.Undecided, guard.Unproven, guard.Unmet}
