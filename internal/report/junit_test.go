// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/xml"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// ruledResult is that of result with a label, and with findings that a policy
// weighed otherwise.
func ruledResult() *guard.Result {
	r := result()
	ruling := &guard.Ruling{Reason: "known & <wanted>", Where: "btf-guard.conf:3"}
	ignored, warned := r.Findings[2], r.Findings[2]
	ignored.Severity, ignored.Ruling = guard.OK, ruling
	warned.Severity, warned.Ruling = guard.Warn, ruling
	m := *ignored.Module
	m.Path = "ignored.ko"
	ignored.Module = &m
	r.Findings = append(r.Findings, ignored, warned)
	r.Labels = []guard.Label{{
		Package: r.Bases[0].Package, Verdict: guard.Mislabeled, Severity: guard.Fail, Reasons: []string{"names\x1b another base"},
	}}
	r.Findings[2].Kernel = &guard.Response{Version: "6.1", Errno: -22, Log: []string{"BPF: Invalid name_offset:1"}}
	return r
}

// TestMeanings has the words of the README for each verdict.
func TestMeanings(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(readme), "`", "")
	for _, v := range append(slices.Clone(guard.Verdicts), guard.Unlabeled, guard.Mislabeled) {
		row := regexp.MustCompile(`(?m)^\| ` + string(v) + ` \| (.*) \| \**(\w+)\** \|$`).FindStringSubmatch(text)
		if row == nil || row[1] != meanings[v] || row[2] != string(v.Severity()) {
			t.Errorf("%s: %q in the README, %q here", v, row, meanings[v])
		}
		if (remedies[v] == "") != (v.Severity() == guard.OK) {
			t.Errorf("%s: remedy %q", v, remedies[v])
		}
	}
}

// TestJUnit counts right and has each answer where it belongs.
func TestJUnit(t *testing.T) {
	var out bytes.Buffer
	if err := JUnit(&out, ruledResult(), "1.0", time.Unix(1640789416, 5)); err != nil {
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
	for i, want := range []counts{{6, 2, 0, 2}, {1, 1, 0, 0}, {1, 0, 1, 0}} {
		s := got.Suites[i]
		if got := (counts{s.Tests, s.Failures, s.Errors, s.Skipped}); got != want || len(s.Cases) != want.tests || s.ID != i {
			t.Errorf("suite %d, %s: %+v, want %+v", i, s.Name, got, want)
		}
	}
	s := got.Suites[0]
	if !strings.HasPrefix(s.Out, "WARN btf-lost: lost.ko") {
		t.Errorf("output %q", s.Out)
	}
	if f := s.Cases[2].Failure; f == nil || f.Type != "btf-misread" || f.Text != "Linux 6.1 will log:\n| BPF: Invalid name_offset:1\nloads\nlibbpf refuses" {
		t.Errorf("failure %+v", f)
	}
	if c := s.Cases[4]; c.Skipped == nil || c.Skipped.Message != "misread, ok by btf-guard.conf:3: known & <wanted>" {
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
