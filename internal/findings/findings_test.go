// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// mixed has a finding of each sort, with names that nobody should print as they are.
func mixed() *Report {
	of := func(rule string, s, own guard.Severity, name string) Finding {
		return Finding{
			Rule: rule, Severity: s, Own: own,
			Question: Question{Suite: "1-default (x86_64)", Title: "build: modules on their own vmlinux", Class: "kernel-default-1-1.x86_64", Name: name + ".ko"},
			Place: Place{
				File: "RPMS/kernel default.rpm", Owner: "kernel-default.x86_64", Package: "kernel-default-1-1.x86_64",
				Path: name + ".ko", Name: name, Kind: "module", On: "kernel-default-1-1.x86_64",
			},
			Same: []string{name},
		}
	}
	ruling := &guard.Ruling{Reason: "known & <wanted>", Where: "btf-guard.conf:3"}
	first := of("misread", guard.Fail, guard.Fail, "first")
	first.Message, first.Details = "it is\nanother", []string{"| BPF: Invalid name", "loads\x1b"}
	note := of("vermagic", guard.Fail, guard.Warn, "first")
	note.Message = "it does not load"
	second := of("misread", guard.Fail, guard.Fail, "second\x1b[2J")
	ignored, warned := of("misread", guard.OK, guard.Fail, "ignored"), of("misread", guard.Warn, guard.Fail, "warned")
	ignored.Ruling, warned.Ruling = ruling, ruling
	lost := of("btf-lost", guard.Warn, guard.Warn, "lost")
	unknown := of("unknown", guard.Warn, guard.Warn, "unknown")
	unknown.Unknown, unknown.Message = true, "nothing tells"
	good := of("same-base", guard.OK, guard.OK, "good")
	remark := Finding{Severity: guard.OK, Question: good.Question, Place: Place{Is: "good.ko"}, Message: "fits 1 of 2"}
	label := Finding{
		Rule: "mislabeled", Severity: guard.Fail, Own: guard.Fail, Message: "names\x1b another base",
		Question: Question{Suite: "packages", Title: "dependencies", Class: "kernel-default-1-1.x86_64", Name: "dependencies"},
		Place:    Place{File: "k.rpm", Owner: "kernel-default.x86_64", Package: "kernel-default-1-1.x86_64", Name: "kernel-default", Kind: "package"},
	}
	rule := func(name string, s guard.Severity) Rule {
		return Rule{Name: name, Meaning: name + " it is", Remedy: "Mend it.", Severity: s}
	}
	return &Report{
		Rules: []Rule{rule("same-base", guard.OK), rule("misread", guard.Fail), rule("btf-lost", guard.Warn), rule("vermagic", guard.Warn),
			rule("unknown", guard.Warn), rule("mislabeled", guard.Fail)},
		Findings: []Finding{first, second, ignored, warned, lost, unknown, good, remark, note, label},
		Problems: []guard.Problem{{Path: "x.rpm", Err: errors.New("cut short")}},
		Notes:    []string{"a link\x1b"},
		Version:  "1.0", Exit: 2,
	}
}

// TestJUnit counts right and has each answer where it belongs.
func TestJUnit(t *testing.T) {
	var out bytes.Buffer
	if err := mixed().JUnit(&out, time.Unix(1640789416, 5)); err != nil {
		t.Fatal(err)
	}
	var got junitSuites
	if err := xml.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Suites) != 3 {
		t.Fatalf("%d suites in\n%s", len(got.Suites), &out)
	}
	type counts struct{ tests, failures, errors, skipped int }
	for i, want := range []counts{{7, 2, 0, 3}, {1, 1, 0, 0}, {1, 0, 1, 0}} {
		s := got.Suites[i]
		if got := (counts{s.Tests, s.Failures, s.Errors, s.Skipped}); got != want || len(s.Cases) != want.tests || s.ID != i {
			t.Errorf("suite %d, %s: %+v, want %+v", i, s.Name, got, want)
		}
	}
	s := got.Suites[0]
	if want := "WARN btf-lost: lost.ko on kernel-default-1-1.x86_64\ngood.ko: fits 1 of 2\nNOTE a link\\x1b\n"; s.Out != want {
		t.Errorf("output %q, want %q", s.Out, want)
	}
	if f := s.Cases[0].Failure; f == nil || f.Type != "btf-misread" || f.Message != `misread: first.ko on kernel-default-1-1.x86_64: it is\x0aanother` ||
		!strings.HasSuffix(f.Text, "| BPF: Invalid name\nloads\\x1b\nvermagic: first.ko on kernel-default-1-1.x86_64: it does not load") {
		t.Errorf("failure %+v", f)
	}
	if c := s.Cases[2]; c.Skipped == nil || c.Skipped.Message != "misread, ok by btf-guard.conf:3: known & <wanted>" {
		t.Errorf("skipped %+v", c.Skipped)
	}
	if c := s.Cases[5]; c.Skipped == nil || c.Skipped.Message != "unknown: unknown.ko on kernel-default-1-1.x86_64: nothing tells" {
		t.Errorf("skipped %+v", c.Skipped)
	}
	if s.Timestamp != "2021-12-29T14:50:16" {
		t.Errorf("time %s", s.Timestamp)
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Errorf("an escape in\n%q", &out)
	}
	junitStructure(t, out.Bytes())
}

// junitStructure asserts what Ant's schema does: the children of each element in
// order, and the attributes that it requires.
func junitStructure(t *testing.T, data []byte) {
	t.Helper()
	children := map[string]*regexp.Regexp{
		"testsuites": regexp.MustCompile(`^(testsuite )*$`),
		"testsuite":  regexp.MustCompile(`^properties (testcase )*system-out system-err $`),
		"properties": regexp.MustCompile(`^(property )*$`),
		"testcase":   regexp.MustCompile(`^(skipped |error |failure )?$`),
	}
	attributes := map[string][]string{
		"testsuite": {"errors", "failures", "hostname", "id", "name", "package", "skipped", "tests", "time", "timestamp"},
		"property":  {"name", "value"},
		"testcase":  {"classname", "name", "time"},
		"skipped":   {"message"},
		"error":     {"message", "type"},
		"failure":   {"message", "type"},
	}
	type element struct{ name, children string }
	var open []element
	for d := xml.NewDecoder(bytes.NewReader(data)); ; {
		token, err := d.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			var names []string
			for _, a := range e.Attr {
				names = append(names, a.Name.Local)
			}
			slices.Sort(names)
			if !slices.Equal(names, attributes[e.Name.Local]) {
				t.Errorf("%s has the attributes %q", e.Name.Local, names)
			}
			if len(open) > 0 {
				open[len(open)-1].children += e.Name.Local + " "
			}
			open = append(open, element{name: e.Name.Local})
		case xml.EndElement:
			last := open[len(open)-1]
			open = open[:len(open)-1]
			if want := children[last.name]; want != nil && !want.MatchString(last.children) || want == nil && last.children != "" {
				t.Errorf("%s holds %s", last.name, last.children)
			}
		}
	}
}

// TestSARIF has what SARIF 2.1.0 requires, the sections of the standard beside
// each check, and says of each finding what it is.
func TestSARIF(t *testing.T) {
	var out bytes.Buffer
	if err := mixed().SARIF(&out); err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(out.Bytes()))
	d.DisallowUnknownFields()
	var log sarifLog
	if err := d.Decode(&log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 { // 3.13.2, 3.13.4
		t.Fatalf("%+v", log)
	}
	run := log.Runs[0]
	if run.Tool.Driver.Name == "" || len(run.Tool.Driver.Rules) != len(mixed().Rules)+1 { // 3.19.8
		t.Errorf("%+v", run.Tool)
	}
	if i := run.Invocations[0]; i.Successful || i.Exit != 2 || len(i.Notifications) != 1 { // 3.20.14
		t.Errorf("invocation %+v", i)
	}
	for _, r := range run.Tool.Driver.Rules { // 3.49
		if r.ID == "" || r.Help.Text == "" || r.Short.Text == "" || !slices.Contains([]string{"note", "warning", "error"}, r.Configuration.Level) {
			t.Errorf("rule %+v", r)
		}
	}
	var got []string
	for _, r := range run.Results { // 3.27
		if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID || r.Message.Text == "" || len(r.Fingerprints) != 1 {
			t.Errorf("result %+v", r)
		}
		for _, l := range r.Locations {
			if strings.ContainsAny(l.Physical.Artifact.URI, " \\") {
				t.Errorf("URI %q", l.Physical.Artifact.URI)
			}
		}
		line, _, _ := strings.Cut(r.Message.Text, "\n")
		if len(r.Suppressions) > 0 { // 3.35
			line += " (" + r.Suppressions[0].Justification + ")"
		}
		got = append(got, r.Level+" "+r.RuleID+" "+line)
	}
	want := []string{
		`error btf-misread misread: first.ko on kernel-default-1-1.x86_64: it is\x0aanother`,
		`error btf-misread misread: second\x1b[2J.ko on kernel-default-1-1.x86_64`,
		"error btf-misread misread: ignored.ko on kernel-default-1-1.x86_64 (known & <wanted> (btf-guard.conf:3))",
		"warning btf-misread misread: warned.ko on kernel-default-1-1.x86_64",
		"warning btf-lost btf-lost: lost.ko on kernel-default-1-1.x86_64",
		"warning btf-unknown unknown: unknown.ko on kernel-default-1-1.x86_64: nothing tells",
		"error btf-vermagic vermagic: first.ko on kernel-default-1-1.x86_64: it does not load",
		`error btf-mislabeled mislabeled: kernel-default-1-1.x86_64: names\x1b another base`,
		"error btf-unreadable unreadable: x.rpm: cut short",
	}
	if !slices.Equal(got, want) {
		t.Errorf("results\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if r := run.Results[3]; r.Properties["reason"] != "known & <wanted>" || r.Properties["severity"] != "warn" {
		t.Errorf("properties %v", r.Properties)
	}
}

// TestSARIFFingerprints tells findings apart that nothing else does.
func TestSARIFFingerprints(t *testing.T) {
	s := sarif{prints: map[string]int{}}
	one, two, other := s.print([]string{"a"}), s.print([]string{"a"}), s.print([]string{"b"})
	if one["finding/v1"] == two["finding/v1"] || one["finding/v1"] == other["finding/v1"] {
		t.Errorf("%s, %s and %s", one, two, other)
	}
}

// TestLint writes a line for each finding that is not ok, as many of one kind as are
// asked for, and keeps each to its line.
func TestLint(t *testing.T) {
	const mislabeled = "kernel-default.x86_64: E: btf-mislabeled names\\x1b another base\n"
	for most, want := range map[int]int{0: 8, 1: 7} {
		var out bytes.Buffer
		if err := mixed().Lint(&out, most); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(out.String(), "\n"); got != want {
			t.Errorf("%d lines, want %d:\n%s", got, want, &out)
		}
		for _, line := range []string{
			"x.rpm: E: btf-unreadable cut short\n", mislabeled,
			"kernel-default.x86_64: E: btf-misread first.ko on kernel-default-1-1.x86_64: it is another\n",
			"kernel-default.x86_64: W: btf-lost lost.ko on kernel-default-1-1.x86_64\n",
		} {
			if !strings.Contains(out.String(), line) {
				t.Errorf("most %d: no %q in\n%s", most, line, &out)
			}
		}
	}
}

// TestTables lists what is not ok, and everything where that is asked for.
func TestTables(t *testing.T) {
	for all, want := range map[bool]int{false: 7, true: 8} {
		tables := mixed().Tables(all)
		if len(tables) != 2 || len(tables[0].Rows) != want || len(tables[1].Rows) != 1 {
			t.Fatalf("%+v", tables)
		}
		if row := tables[0].Rows[0]; row[1].Text != "misread, fail" || row[2].Text != "misread it is" {
			t.Errorf("row %+v", row)
		}
	}
}

// TestPhysical makes URIs that code-scanning views can resolve.
func TestPhysical(t *testing.T) {
	for _, tt := range []struct{ path, want string }{
		{"RPMS/kernel default.rpm", "RPMS/kernel%20default.rpm"},
		{"../a:b/%.ko", "../a:b/%25.ko"},
		{"a:b.rpm", "./a:b.rpm"},
		{"/srv/x.rpm", "file:///srv/x.rpm"},
		{"bad\xff\n.ko", "bad%FF%0A.ko"},
		{"https://example.org/oss/x y.rpm", "https://example.org/oss/x%20y.rpm"},
		{"obs:Kernel:stable/standard/x86_64/x y.rpm", "obs:Kernel:stable/standard/x86_64/x%20y.rpm"},
	} {
		if got := physical(tt.path).Artifact.URI; got != tt.want {
			t.Errorf("%q: %s, want %s", tt.path, got, tt.want)
		}
	}
}
