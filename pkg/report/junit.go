// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/xml"
	"io"
	"strings"
	"time"

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

// JUnit writes the result as JUnit XML, when is the time of the run: a suite for
// each kernel and pairing, a case for each module. What fails is a failure, what
// could not be read an error, what a policy made lighter is skipped with its
// reason. JUnit knows no warnings: they pass, and stand in the suite's output.
func JUnit(w io.Writer, r *guard.Result, version string, when time.Time) error {
	j := &junit{version: version, when: when.UTC().Format("2006-01-02T15:04:05")}
	for _, g := range groups(r.Findings) {
		j.suite(g.kernel(), g.oneLine())
		for _, f := range g {
			j.add(f.Module.Label(), f.Module.Path, f.Verdict, f.Severity, f.Ruling, what(f), details(f))
		}
	}
	if len(r.Labels) > 0 {
		j.suite("packages", "kernel-btf dependencies of the packages")
	}
	for _, l := range r.Labels {
		text := string(l.Verdict) + ": " + meanings[l.Verdict]
		j.add(l.Package.NEVRA, "kernel-btf dependencies", l.Verdict, l.Severity, l.Ruling, text, printables(append(ruled(l.Ruling), l.Reasons...)))
	}
	if len(r.Problems) > 0 {
		j.suite("errors", "what could not be read or judged")
	}
	for _, p := range r.Problems {
		text := Printable(p.Err.Error())
		j.last().Errors++
		j.append(junitCase{Class: p.Path, Name: "is read and judged", Error: &junitAnswer{Type: unreadable, Message: text, Text: text}})
	}
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

type junit struct {
	suites        junitSuites
	version, when string
}

func (j *junit) suite(pkg, name string) {
	j.suites.Suites = append(j.suites.Suites, junitSuite{
		ID: len(j.suites.Suites), Package: Printable(pkg), Name: Printable(pkg + ": " + name),
		Time: "0", Timestamp: j.when, Hostname: "localhost",
		Properties: []junitProperty{{"obs-btf-guard", j.version}},
	})
}

func (j *junit) last() *junitSuite { return &j.suites.Suites[len(j.suites.Suites)-1] }

func (j *junit) append(c junitCase) {
	c.Class, c.Name, c.Time = Printable(c.Class), Printable(c.Name), "0"
	s := j.last()
	s.Tests++
	s.Cases = append(s.Cases, c)
}

// add makes a case of a verdict.
func (j *junit) add(class, name string, v guard.Verdict, severity guard.Severity, ruling *guard.Ruling, short string, lines []string) {
	s, c := j.last(), junitCase{Class: class, Name: name}
	answer := &junitAnswer{Type: check(v), Message: Printable(string(v) + ": " + short), Text: strings.Join(lines, "\n")}
	switch {
	case severity == guard.Fail:
		s.Failures++
		c.Failure = answer
	case ruling != nil && lighter(severity, v):
		s.Skipped++
		c.Skipped = &junitAnswer{Message: Printable(string(v) + ", " + string(severity) + " " + ruled(ruling)[0]), Text: answer.Text}
	case severity != guard.OK:
		s.Out += strings.ToUpper(string(severity)) + " " + answer.Message + "\n"
	}
	j.append(c)
}

// lighter reports whether a severity weighs less than the verdict by itself.
func lighter(s guard.Severity, v guard.Verdict) bool {
	return weight(s) < weight(v.Severity())
}
