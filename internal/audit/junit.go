// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"io"
	"slices"
	"strings"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// JUnit writes the result as JUnit XML, when is the time of the run: a suite each
// of sources, of kernelreleases, of the packages with modules, and of the
// dependencies that are wrong. A case fails if it has a finding of a kind that
// failOn names, and is skipped where the answer is not known; with other findings it
// passes, and they stand in the suite's output with what does not fit.
func (r *Result) JUnit(w io.Writer, version string, when time.Time, failOn []guard.Verdict) error {
	j := &junit{report.NewJUnitReport(version, when), failOn}
	if len(r.Sources) > 0 {
		j.Suite("sources", "what was looked over")
	}
	for i, s := range r.Sources {
		c := report.Case{Class: s.Name, Name: "is looked over"}
		if j := slices.IndexFunc(r.Problems, func(p guard.Problem) bool { return p.Path == s.Name }); j >= 0 {
			c.Outcome, c.Message = report.Skipped, r.Problems[j].Err.Error()
		}
		if i == 0 && len(r.Notes) > 0 {
			c.Message = "NOTE " + strings.Join(r.Notes, "; ")
		}
		j.Add(c)
	}
	kernels, modules, labels := r.questions()
	j.suite("kernels", "does each kernelrelease have one base", kernels)
	j.suite("modules", "do packages fit a kernel that they are for", modules)
	j.suite("packages", "kernel-btf dependencies of the packages", labels)
	j.Problems(r.Problems)
	return j.Write(w)
}

// question is what a case asks, of a package or kernelrelease.
type question struct {
	about, name string
	findings    []Finding // heaviest first
	more        []string  // what does not fit without being a finding
}

// questions sorts the findings by what they answer. Kernels and packages of
// modules are asked for without findings, too; dependencies are not: those of
// packages that nobody read are not known to be right.
func (r *Result) questions() (kernels, modules, labels []*question) {
	asked := map[any]*question{}
	ask := func(list *[]*question, key any, about, name string) *question {
		q := asked[key]
		if q == nil {
			q = &question{about: about, name: name}
			asked[key] = q
			*list = append(*list, q)
		}
		return q
	}
	type kernelrelease struct{ release, arch string }
	type label struct{ *Package }
	ofKernel := func(release, arch string) *question {
		return ask(&kernels, kernelrelease{release, arch}, releaseName(release, arch), "has one base")
	}
	ofModules := func(p *Package) *question { return ask(&modules, p, p.NEVRA, "fits a kernel that it is for") }

	ships := map[*Package]bool{}
	for _, k := range r.Kernels {
		ships[k.Package] = true
		ofKernel(k.Release, k.Package.arch())
	}
	for _, p := range r.Modules {
		ofModules(p)
	}
	for _, row := range r.rows() {
		q := ofModules(row.modules)
		if parts := row.words(false); len(parts) > 0 {
			q.more = append(q.more, row.String()+strings.Join(parts, "; "))
		}
	}
	for _, f := range r.Findings {
		var q *question
		switch {
		case f.Kind == guard.Incident, f.Kind == guard.Undecided && ships[f.Package]:
			q = ofKernel(f.Release, kernel.PackageArch(f.Arch))
		case f.Kind == guard.Mislabeled, f.Kind == guard.Unlabeled:
			q = ask(&labels, label{f.Package}, f.Package.NEVRA, "kernel-btf dependencies")
		default:
			q = ofModules(f.Package)
		}
		q.findings = append(q.findings, f)
	}
	return kernels, modules, labels
}

type junit struct {
	*report.JUnitReport
	failOn []guard.Verdict
}

func (j *junit) suite(pkg, name string, list []*question) {
	if len(list) > 0 {
		j.Suite(pkg, name)
	}
	for _, q := range list {
		j.Add(j.answer(q))
	}
}

func (j *junit) answer(q *question) report.Case {
	c := report.Case{Class: q.about, Name: q.name}
	for _, f := range q.findings {
		line := f.line()
		if c.Outcome == report.Passed && slices.Contains(j.failOn, f.Kind) {
			c.Outcome, c.Check, c.Message = report.Failed, rule(f.Kind), line
		}
		c.Details = append(append(c.Details, line), f.more()...)
	}
	c.Details = append(c.Details, q.more...)
	if c.Outcome != report.Passed {
		return c
	}
	if i := slices.IndexFunc(q.findings, func(f Finding) bool {
		return f.Kind == guard.Undecided || f.Kind == guard.Unproven || f.Kind == guard.Unmet
	}); i >= 0 {
		c.Outcome, c.Message = report.Skipped, q.findings[i].line()
	} else if len(c.Details) > 0 {
		c.Message = "WARN " + strings.Join(c.Details, "; ")
	}
	return c
}
