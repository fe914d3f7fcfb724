// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
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
		Successful    bool                `json:"executionSuccessful"`
		Exit          int                 `json:"exitCode"`
		Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level   string       `json:"level"`
		Message sarifMessage `json:"message"`
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

// levels are the severities in SARIF's words.
var levels = map[guard.Severity]string{guard.OK: "note", guard.Warn: "warning", guard.Rebuild: "warning", guard.Fail: "error"}

// SARIFLog gathers alerts and the rules that they are of, to be written as SARIF
// 2.1.0. Its texts may come from anywhere; they are made printable.
type SARIFLog struct {
	rules   []sarifRule
	results []sarifResult
	notes   []sarifNotification
	index   map[string]int // of rules
	prints  map[string]int // how many alerts have one
	failed  bool           // something could not be read or judged
}

// Rule adds a rule: its name is the word that people know it by, and a remedy is
// wanted of all but those of what is well. It comes before its alerts.
func (s *SARIFLog) Rule(id, name, meaning, remedy string, severity guard.Severity) {
	if s.index == nil {
		s.index = map[string]int{}
	}
	s.index[id] = len(s.rules)
	s.rules = append(s.rules, sarifRule{
		ID: id, Name: name, Short: sarifMessage{name + ": " + meaning}, Full: sarifMessage{name + ": " + meaning + "."},
		Help: sarifMessage{cmp.Or(remedy, "Nothing has to be done.")}, Configuration: sarifLevel{levels[severity]},
	})
}

// Alert is a result of a rule.
type Alert struct {
	Rule     string // id
	Severity guard.Severity
	Text     string   // consumers that show one line show this
	Details  []string // lines below
	File     string   // path, URL or place in OBS of an RPM or loose module
	Part     *Part    // of the file; may be nil
	// Same is what tells the alert from others and stays the same in the next build:
	// no version and no kernelrelease.
	Same       []string
	Suppressed string            // why, if it is
	Properties map[string]string // may be nil
}

// Part is a logical location of SARIF.
type Part struct{ Name, Qualified, Kind string }

// Add appends an alert.
func (s *SARIFLog) Add(a Alert) {
	l := sarifLocation{Physical: physical(a.File)}
	if a.Part != nil {
		l.Logical = []sarifLogical{{Printable(a.Part.Name), Printable(a.Part.Qualified), a.Part.Kind}}
	}
	res := sarifResult{
		RuleID: a.Rule, RuleIndex: s.index[a.Rule], Level: levels[a.Severity],
		Message:   sarifMessage{strings.Join(append([]string{Printable(a.Text)}, printables(slices.Clone(a.Details))...), "\n")},
		Locations: []sarifLocation{l}, Fingerprints: s.print(a.Same),
	}
	if a.Suppressed != "" {
		res.Suppressions = []sarifSuppression{{"external", "accepted", Printable(a.Suppressed)}}
	}
	for k, v := range a.Properties {
		if res.Properties == nil {
			res.Properties = map[string]string{}
		}
		res.Properties[k] = Printable(v)
	}
	s.results = append(s.results, res)
}

// Problems adds what could not be read or judged, and its rule.
func (s *SARIFLog) Problems(list []guard.Problem) {
	s.Rule(unreadable, "unreadable", "it could not be read or judged", "It is not counted as good: give the file that is missing, or mend the one that is broken.", guard.Fail)
	for _, p := range list {
		s.failed = true
		text := Printable(p.Err.Error())
		s.Add(Alert{
			Rule: unreadable, Severity: guard.Fail, Text: p.Path + ": " + p.Err.Error(), File: p.Path,
			Same: []string{unreadable, filepath.Base(p.Path), text},
		})
	}
}

// Note adds what a reader should know of the run.
func (s *SARIFLog) Note(text string) {
	s.notes = append(s.notes, sarifNotification{"note", sarifMessage{Printable(text)}})
}

// Write writes the log of a version of the program, which ends with the status.
func (s *SARIFLog) Write(w io.Writer, version string, exit int) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	return enc.Encode(sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{{
		Tool:        sarifTool{sarifDriver{"obs-btf-guard", version, s.rules}},
		Invocations: []sarifInvocation{{!s.failed, exit, s.notes}},
		Results:     append([]sarifResult{}, s.results...),
	}}})
}

// physical is a file as given: a path, of which a relative one stays relative, as
// code-scanning views want it, a URL, or a place in OBS.
func physical(place string) sarifPhysical {
	u := url.URL{Path: filepath.ToSlash(place)}
	if filepath.IsAbs(place) {
		u.Scheme = "file"
	} else if parsed, err := url.Parse(place); err == nil && parsed.Host != "" {
		u = *parsed
	} else if name, ok := strings.CutPrefix(place, "obs:"); ok {
		u = url.URL{Scheme: "obs", Opaque: (&url.URL{Path: name}).EscapedPath()}
	}
	return sarifPhysical{sarifArtifact{u.String()}}
}

// print tells an alert from others, the same in each run. Of those that nothing but
// versions tells apart, the number is part of it.
func (s *SARIFLog) print(same []string) map[string]string {
	sum := sha256.Sum256([]byte(strings.Join(same, "\x00")))
	print := hex.EncodeToString(sum[:16])
	if s.prints == nil {
		s.prints = map[string]int{}
	}
	if s.prints[print]++; s.prints[print] > 1 {
		print += fmt.Sprintf(":%d", s.prints[print])
	}
	return map[string]string{"finding/v1": print}
}
