// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// The parts of SARIF 2.1.0 (OASIS) that a report has.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID            string       `json:"id"`
		Name          string       `json:"name"`
		Short         sarifMessage `json:"shortDescription"`
		Full          sarifMessage `json:"fullDescription"`
		Help          sarifMessage `json:"help"`
		Configuration sarifLevel   `json:"defaultConfiguration"`
	}
	sarifLevel struct {
		Level string `json:"level"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		Successful bool `json:"executionSuccessful"`
		Exit       int  `json:"exitCode"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Level        string             `json:"level"`
		Message      sarifMessage       `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
		Properties   map[string]string  `json:"properties,omitempty"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifLogical struct {
		Name      string `json:"name"`
		Qualified string `json:"fullyQualifiedName"`
		Kind      string `json:"kind"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Status        string `json:"status"`
		Justification string `json:"justification"`
	}
)

const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// SARIF writes the findings that are not ok, and those that a policy made so, as
// a SARIF 2.1.0 log: each verdict is a rule, a finding stands at the file that
// was given (an RPM, a loose module) with its path in the package as logical
// location. A policy that ignores a finding suppresses it.
func SARIF(w io.Writer, r *guard.Result, version string) error {
	s := &sarif{index: map[string]int{}}
	for _, v := range append(slices.Clone(guard.Verdicts), guard.Unlabeled, guard.Mislabeled) {
		s.rule(check(v), string(v), meanings[v], remedies[v], levels[v.Severity()])
	}
	s.rule(unreadable, "unreadable", "it could not be read or judged", "It is not counted as good: give the file that is missing, or mend the one that is broken.", "error")
	for _, f := range r.Findings {
		s.finding(f)
	}
	for _, l := range r.Labels {
		s.add(l.Verdict, l.Severity, l.Ruling, sarifResult{
			Message:      sarifText("kernel-btf dependencies of "+l.Package.NEVRA+": "+meanings[l.Verdict], printables(slices.Clone(l.Reasons))),
			Locations:    []sarifLocation{{Physical: physical(l.Package.Path), Logical: []sarifLogical{logical(l.Package.Name, l.Package.NEVRA, "package")}}},
			Fingerprints: sarifPrint(string(l.Verdict), l.Package.Name, l.Package.Arch),
		})
	}
	for _, p := range r.Problems {
		text := Printable(p.Err.Error())
		s.append(unreadable, sarifResult{
			Level: "error", Message: sarifText(Printable(p.Path)+": "+text, nil),
			Locations:    []sarifLocation{{Physical: physical(p.Path)}},
			Fingerprints: sarifPrint(unreadable, filepath.Base(p.Path), text),
		})
	}
	log := sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{{
		Tool:        sarifTool{sarifDriver{"obs-btf-guard", version, s.rules}},
		Invocations: []sarifInvocation{{len(r.Problems) == 0, r.Exit()}},
		Results:     append([]sarifResult{}, s.results...),
	}}}
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	return enc.Encode(log)
}

// levels are the severities in SARIF's words.
var levels = map[guard.Severity]string{guard.OK: "note", guard.Warn: "warning", guard.Rebuild: "warning", guard.Fail: "error"}

type sarif struct {
	rules   []sarifRule
	results []sarifResult
	index   map[string]int // of rules
}

func (s *sarif) rule(id, name, meaning, remedy, level string) {
	s.index[id] = len(s.rules)
	s.rules = append(s.rules, sarifRule{
		ID: id, Name: name, Short: sarifMessage{name + ": " + meaning}, Full: sarifMessage{name + ": " + meaning + "."},
		Help: sarifMessage{cmp.Or(remedy, "Nothing has to be done.")}, Configuration: sarifLevel{level},
	})
}

func (s *sarif) finding(f guard.Finding) {
	m, path, base := f.Module, f.Module.Path, ""
	owner, arch := "", m.Arch
	if p := m.Package; p != nil {
		path, owner, arch = p.Path, p.Name, p.Arch
	}
	if f.Base != nil {
		base = f.Base.Flavor
	}
	text := string(f.Verdict) + ": " + m.Path
	if f.Base != nil {
		text += " on " + f.Base.Label()
	}
	s.add(f.Verdict, f.Severity, f.Ruling, sarifResult{
		Message:   sarifText(text, details(f)),
		Locations: []sarifLocation{{Physical: physical(path), Logical: []sarifLogical{logical(m.Name, qualified(m), "module")}}},
		// No version and no kernelrelease: the same trouble in the next build is the same.
		Fingerprints: sarifPrint(string(f.Verdict), string(f.Pairing), sides[m.Origin], owner, arch, base, unversioned(m)),
	})
}

// add appends what is not ok, or was before a policy ignored it.
func (s *sarif) add(v guard.Verdict, severity guard.Severity, ruling *guard.Ruling, res sarifResult) {
	res.Level = levels[severity]
	if severity == guard.OK {
		if ruling == nil || v.Severity() == guard.OK {
			return
		}
		res.Level = levels[v.Severity()]
		res.Suppressions = []sarifSuppression{{"external", "accepted", Printable(ruling.Reason + " (" + ruling.Where + ")")}}
	} else if ruling != nil {
		res.Properties = map[string]string{"severity": string(severity), "reason": Printable(ruling.Reason), "where": Printable(ruling.Where)}
	}
	s.append(check(v), res)
}

func (s *sarif) append(rule string, res sarifResult) {
	res.RuleID, res.RuleIndex = rule, s.index[rule]
	s.results = append(s.results, res)
}

// sarifText is a message of a line and what led to it; consumers that show one
// line show the first.
func sarifText(first string, more []string) sarifMessage {
	return sarifMessage{strings.Join(append([]string{Printable(first)}, more...), "\n")}
}

// physical is a file as given; a relative path stays relative, as code-scanning
// views want it.
func physical(path string) sarifPhysical {
	u := url.URL{Path: filepath.ToSlash(path)}
	if filepath.IsAbs(path) {
		u.Scheme = "file"
	}
	return sarifPhysical{sarifArtifact{u.String()}}
}

func logical(name, qualified, kind string) sarifLogical {
	return sarifLogical{Printable(name), Printable(qualified), kind}
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

// sarifPrint tells a finding from others, the same in each run.
func sarifPrint(parts ...string) map[string]string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return map[string]string{"finding/v1": hex.EncodeToString(sum[:16])}
}
