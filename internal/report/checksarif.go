// SPDX-License-Identifier: Apache-2.0

package report

import (
	"io"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// SARIF writes the findings that are not ok, and those that a policy made so, as
// a SARIF 2.1.0 log: each verdict is a rule, a finding stands at the file that
// was given (an RPM, a loose module) with its path in the package as logical
// location. A policy that ignores a finding suppresses it.
func SARIF(w io.Writer, r *guard.Result, version string) error {
	s := &SARIFLog{}
	for _, v := range append(slices.Clone(guard.Verdicts), guard.Refused, guard.Unlabeled, guard.Mislabeled) {
		s.Rule(check(v), string(v), meanings[v], remedies[v], v.Severity())
	}
	for _, rule := range guard.Rules {
		s.Rule("btf-"+string(rule), string(rule), ruleMeanings[rule], ruleRemedies[rule], guard.Warn)
	}
	for _, b := range r.Refusals {
		file, name := refusalPlace(b.Base)
		s.verdict(guard.Refused, b.Severity, b.Ruling, Alert{
			Text: "refused: " + b.Base.Path + ": " + refusalSaid(b), Details: refusalLines(b),
			File: file, Part: &Part{b.Base.Flavor, b.Base.Label(), "module"},
			Same: []string{string(guard.Refused), sides[b.Base.Origin], name, b.Base.Arch, b.Base.Flavor},
		})
	}
	for _, f := range r.Findings {
		s.verdict(f.Verdict, f.Severity, f.Ruling, findingAlert(f))
		for _, n := range f.Notes {
			if n.Severity == guard.OK {
				continue
			}
			a := findingAlert(f)
			a.Rule, a.Severity = "btf-"+string(n.Rule), n.Severity
			a.Text, a.Details = n.Message+": "+onBase(f), printables(slices.Clone(n.Log))
			a.Same = append([]string{string(n.Rule)}, a.Same[1:]...)
			s.Add(a)
		}
	}
	for _, l := range r.Labels {
		s.verdict(l.Verdict, l.Severity, l.Ruling, Alert{
			Text: "kernel-btf dependencies of " + l.Package.NEVRA + ": " + meanings[l.Verdict], Details: l.Reasons,
			File: l.Package.Path, Part: &Part{l.Package.Name, l.Package.NEVRA, "package"},
			Same: []string{string(l.Verdict), l.Package.Name, l.Package.Arch},
		})
	}
	s.Problems(r.Problems)
	return s.Write(w, version, r.Exit())
}

func findingAlert(f guard.Finding) Alert {
	m, path, base := f.Module, f.Module.Path, ""
	owner, arch := "", m.Arch
	if p := m.Package; p != nil {
		path, owner, arch = p.Path, p.Name, p.Arch
	}
	text := string(f.Verdict) + ": " + m.Path
	if f.Base != nil {
		base = f.Base.Flavor
		text += " on " + f.Base.Label()
	}
	return Alert{
		Text: text, Details: details(f), File: path, Part: &Part{m.Name, qualified(m), "module"},
		Same: []string{string(f.Verdict), string(f.Pairing), sides[m.Origin], owner, arch, base, unversioned(m)},
	}
}

// verdict adds what is not ok, or was before a policy ignored it.
func (s *SARIFLog) verdict(v guard.Verdict, severity guard.Severity, ruling *guard.Ruling, a Alert) {
	a.Rule, a.Severity = check(v), severity
	if severity == guard.OK {
		if ruling == nil || v.Severity() == guard.OK {
			return
		}
		a.Severity, a.Suppressed = v.Severity(), ruling.Reason+" ("+ruling.Where+")"
	} else if ruling != nil {
		a.Properties = map[string]string{"severity": string(severity), "reason": ruling.Reason, "where": ruling.Where}
	}
	s.Add(a)
}

// qualified is a module's package and the path in it, or a loose file's path.
func qualified(m *guard.Module) string {
	if m.Package == nil {
		return m.Path
	}
	return m.Package.NEVRA + ":" + m.Path
}

// unversioned is a module's path without the kernelrelease, which the next
// kernel changes.
func unversioned(m *guard.Module) string {
	if m.Release == "" {
		return m.Path
	}
	return strings.ReplaceAll(m.Path, m.Release, "")
}
