// SPDX-License-Identifier: Apache-2.0

package findings

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

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
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

// SARIF writes the findings that are not ok, and those that somebody decided to be
// ok, as a SARIF 2.1.0 log. A finding stands at the file that was given (an RPM, a
// loose module), with its path in the package as logical location.
func (r *Report) SARIF(w io.Writer) error {
	s := &sarif{index: map[string]int{}, prints: map[string]int{}}
	for _, rule := range append(slices.Clip(r.Rules), Unreadable) {
		s.rule(rule)
	}
	for i := range r.Findings {
		s.finding(&r.Findings[i])
	}
	for _, p := range r.Problems {
		s.finding(&Finding{
			Rule: Unreadable.Name, Severity: guard.Fail, Place: Place{File: p.Path, Is: p.Path}, Message: p.Err.Error(),
			Same: []string{filepath.Base(p.Path), prose.Printable(p.Err.Error())},
		})
	}
	var notes []sarifNotification
	for _, n := range r.Notes {
		notes = append(notes, sarifNotification{"note", sarifMessage{"not looked at: " + prose.Printable(n)}})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	return enc.Encode(sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{{
		Tool:        sarifTool{sarifDriver{"obs-btf-guard", r.Version, s.rules}},
		Invocations: []sarifInvocation{{len(r.Problems) == 0, r.Exit, notes}},
		Results:     append([]sarifResult{}, s.results...),
	}}})
}

type sarif struct {
	rules   []sarifRule
	results []sarifResult
	index   map[string]int // of rules
	prints  map[string]int // how many results have one
}

func (s *sarif) rule(r Rule) {
	text := r.Name + ": " + r.Meaning
	s.index[r.Name] = len(s.rules)
	s.rules = append(s.rules, sarifRule{
		ID: ID(r.Name), Name: r.Name, Short: sarifMessage{text}, Full: sarifMessage{text + "."},
		Help: sarifMessage{cmp.Or(r.Remedy, "Nothing has to be done.")}, Configuration: sarifLevel{levels[r.Severity]},
	})
}

// finding adds what is not ok, or was before somebody decided otherwise.
func (s *sarif) finding(f *Finding) {
	ignored := f.Severity == guard.OK && f.lighter()
	if f.Rule == "" || f.Severity == guard.OK && !ignored {
		return
	}
	l := sarifLocation{Physical: physical(f.Place.File)}
	if f.Place.Kind != "" {
		l.Logical = []sarifLogical{{prose.Printable(f.Place.Name), prose.Printable(f.Place.qualified()), f.Place.Kind}}
	}
	res := sarifResult{
		RuleID: ID(f.Rule), RuleIndex: s.index[f.Rule], Level: levels[f.Severity],
		Message:   sarifMessage{strings.Join(prose.Printables(append([]string{f.line()}, f.details()...)), "\n")},
		Locations: []sarifLocation{l}, Fingerprints: s.print(append([]string{f.Rule}, f.Same...)),
	}
	switch {
	case ignored:
		res.Level = levels[f.Own]
		res.Suppressions = []sarifSuppression{{"external", "accepted", prose.Printable(f.Ruling.Reason + " (" + f.Ruling.Where + ")")}}
	case f.Ruling != nil:
		res.Properties = map[string]string{
			"severity": string(f.Severity), "reason": prose.Printable(f.Ruling.Reason), "where": prose.Printable(f.Ruling.Where),
		}
	}
	s.results = append(s.results, res)
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

// print tells a result from others, the same in each run. Of those that nothing but
// versions tells apart, the number is part of it.
func (s *sarif) print(same []string) map[string]string {
	sum := sha256.Sum256([]byte(strings.Join(same, "\x00")))
	print := hex.EncodeToString(sum[:16])
	if s.prints[print]++; s.prints[print] > 1 {
		print += fmt.Sprintf(":%d", s.prints[print])
	}
	return map[string]string{"finding/v1": print}
}
