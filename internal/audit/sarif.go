// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"io"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// SARIF writes the findings as a SARIF 2.1.0 log: each kind is a rule, a finding
// stands at its package, an incident at the newest of its kernels. Findings of
// kinds that failOn names are errors, others warnings.
func (r *Result) SARIF(w io.Writer, version string, failOn []guard.Verdict) error {
	severity := func(k guard.Verdict) guard.Severity {
		if slices.Contains(failOn, k) {
			return guard.Fail
		}
		return guard.Warn
	}
	s := &report.SARIFLog{}
	for _, k := range Kinds {
		e := explanations[k]
		s.Rule(rule(k), string(k), e.meaning, strings.ToUpper(e.remedy[:1])+e.remedy[1:]+".", severity(k))
	}
	for _, f := range r.Findings {
		p := f.at()
		s.Add(report.Alert{
			Rule: rule(f.Kind), Severity: severity(f.Kind), Text: f.line(), Details: f.more(),
			File: p.place, Part: &report.Part{Name: p.Name, Qualified: p.NEVRA, Kind: "package"},
			Same: []string{"audit", string(f.Kind), p.Name, p.Arch, kernel.Flavor(f.Release)},
		})
	}
	s.Problems(r.Problems)
	for _, n := range r.Notes {
		s.Note("not looked at: " + n)
	}
	return s.Write(w, version, r.Exit(failOn))
}

// rule names a kind of finding as check names its verdicts.
func rule(k guard.Verdict) string { return "btf-" + string(k) }

// at is the package that a finding stands at.
func (f Finding) at() *Package {
	if f.Package == nil {
		return f.Packages[0]
	}
	return f.Package
}
