// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"encoding/xml"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// The elements of a JUnit report as Ant writes it, which is what consumers agree
// on. All that Ant's schema (windyroad's JUnit.xsd) requires is there.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		ID         int             `xml:"id,attr"`
		Package    string          `xml:"package,attr"`
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"`
		Timestamp  string          `xml:"timestamp,attr"`
		Hostname   string          `xml:"hostname,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
		Out        string          `xml:"system-out"`
		Err        string          `xml:"system-err"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Class   string       `xml:"classname,attr"`
		Name    string       `xml:"name,attr"`
		Time    string       `xml:"time,attr"`
		Skipped *junitAnswer `xml:"skipped"`
		Error   *junitAnswer `xml:"error"`
		Failure *junitAnswer `xml:"failure"`
	}
	junitAnswer struct {
		Type    string `xml:"type,attr,omitempty"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes the report as JUnit XML; when is the time of the run. Each question is
// a case, in the suite that it names. The case fails if a finding fails, is skipped
// where the answer is not known or somebody decided that a finding weighs less, and
// passes otherwise. JUnit knows no warnings: they stand in the suite's output. What
// could not be read or judged is an error.
func (r *Report) JUnit(w io.Writer, when time.Time) error {
	j := &junit{version: r.Version, when: when.UTC().Format("2006-01-02T15:04:05")}
	for _, c := range r.cases() {
		j.suite(c[0].Question.Suite, c[0].Question.Title)
		j.add(c)
	}
	if len(r.Problems) > 0 {
		j.suite("errors", "what could not be read or checked")
	}
	for _, p := range r.Problems {
		text := prose.Printable(p.Err.Error())
		j.last().Errors++
		j.append(junitCase{Class: p.Path, Name: "is read and checked", Error: &junitAnswer{Type: ID(Unreadable.Name), Message: text, Text: text}})
	}
	if len(j.suites.Suites) > 0 {
		for _, n := range r.Notes {
			j.suites.Suites[0].Out += "NOTE " + prose.Printable(n) + "\n"
		}
	}
	return j.write(w)
}

// cases gathers the findings that answer one question, in the order of their first.
func (r *Report) cases() [][]*Finding {
	var out [][]*Finding
	index := map[Question]int{}
	for i := range r.Findings {
		f := &r.Findings[i]
		n, ok := index[f.Question]
		if !ok {
			n = len(out)
			index[f.Question] = n
			out = append(out, nil)
		}
		out[n] = append(out[n], f)
	}
	return out
}

type junit struct {
	suites        junitSuites
	version, when string
}

// suite begins a suite, unless the last one is it.
func (j *junit) suite(pkg, title string) {
	name := prose.Printable(pkg + ": " + title)
	if len(j.suites.Suites) > 0 && j.last().Name == name {
		return
	}
	j.suites.Suites = append(j.suites.Suites, junitSuite{
		ID: len(j.suites.Suites), Package: prose.Printable(pkg), Name: name,
		Time: "0", Timestamp: j.when, Hostname: "localhost",
		Properties: []junitProperty{{"obs-btf-guard", j.version}},
	})
}

// add appends a case to the last suite.
func (j *junit) add(list []*Finding) {
	s, out := j.last(), junitCase{Class: list[0].Question.Class, Name: list[0].Question.Name}
	var details []string
	var fails, skipped *Finding
	for _, f := range list {
		if len(list) > 1 && f.Rule != "" && f.Severity != guard.OK {
			details = append(details, f.line())
		}
		details = append(details, f.details()...)
		switch {
		case f.Severity == guard.Fail && fails == nil:
			fails = f
		case (f.Unknown || f.lighter()) && skipped == nil:
			skipped = f
		}
	}
	text := strings.Join(prose.Printables(details), "\n")
	switch {
	case fails != nil:
		s.Failures++
		out.Failure = &junitAnswer{Type: ID(fails.Rule), Message: prose.Printable(fails.line()), Text: text}
	case skipped != nil:
		s.Skipped++
		message := skipped.line()
		if skipped.lighter() {
			message = skipped.Rule + ", " + string(skipped.Severity) + " " + skipped.ruled()[0]
		}
		out.Skipped = &junitAnswer{Message: prose.Printable(message), Text: text}
	default:
		for _, f := range list {
			s.Out += output(f)
		}
	}
	j.append(out)
}

// output is what a case that passed leaves in its suite's output.
func output(f *Finding) string {
	switch {
	case f.Severity != guard.OK:
		lines := []string{strings.ToUpper(string(f.Severity)) + " " + f.line()}
		if !slices.Contains(f.Details, f.Message) {
			lines = append(lines, f.Details...)
		}
		return prose.Printable(strings.Join(lines, "; ")) + "\n"
	case f.Rule == "" && f.Message != "":
		return prose.Printable(f.line()) + "\n"
	}
	return ""
}

func (j *junit) last() *junitSuite { return &j.suites.Suites[len(j.suites.Suites)-1] }

func (j *junit) append(c junitCase) {
	c.Class, c.Name, c.Time = prose.Printable(c.Class), prose.Printable(c.Name), "0"
	s := j.last()
	s.Tests++
	s.Cases = append(s.Cases, c)
}

func (j *junit) write(w io.Writer) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(j.suites); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
