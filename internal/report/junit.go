// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/xml"
	"io"
	"slices"
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

// JUnitReport gathers cases in suites, to be written as JUnit XML. Its texts may
// come from anywhere; they are made printable.
type JUnitReport struct {
	suites        junitSuites
	version, when string
}

// NewJUnitReport begins a report of a version of the program; when is the time of
// the run.
func NewJUnitReport(version string, when time.Time) *JUnitReport {
	return &JUnitReport{version: version, when: when.UTC().Format("2006-01-02T15:04:05")}
}

// Outcome is what became of a case.
type Outcome int

// The outcomes. What could not be read or judged is none of them, see Problems.
const (
	Passed Outcome = iota
	Skipped
	Failed
)

// Case is a question and its answer.
type Case struct {
	Class, Name string
	Outcome     Outcome
	Check       string // name of what failed
	// Message is the answer in a line. JUnit knows no warnings: where the case passed,
	// it is a line of the suite's output.
	Message string
	Details []string // lines; of a case that did not pass
}

// Suite begins a suite, which has the cases that are added from now on. Its name
// is that of the package, and what it asks.
func (j *JUnitReport) Suite(pkg, question string) {
	j.suites.Suites = append(j.suites.Suites, junitSuite{
		ID: len(j.suites.Suites), Package: Printable(pkg), Name: Printable(pkg + ": " + question),
		Time: "0", Timestamp: j.when, Hostname: "localhost",
		Properties: []junitProperty{{"obs-btf-guard", j.version}},
	})
}

// Add appends a case to the last suite.
func (j *JUnitReport) Add(c Case) {
	s, out := j.last(), junitCase{Class: c.Class, Name: c.Name}
	message, text := Printable(c.Message), strings.Join(printables(slices.Clone(c.Details)), "\n")
	switch c.Outcome {
	case Failed:
		s.Failures++
		out.Failure = &junitAnswer{Type: c.Check, Message: message, Text: text}
	case Skipped:
		s.Skipped++
		out.Skipped = &junitAnswer{Message: message, Text: text}
	case Passed:
		if message != "" {
			s.Out += message + "\n"
		}
	}
	j.append(out)
}

// Problems adds a suite of errors, if there are any.
func (j *JUnitReport) Problems(list []guard.Problem) {
	if len(list) > 0 {
		j.Suite("errors", "what could not be read or judged")
	}
	for _, p := range list {
		text := Printable(p.Err.Error())
		j.last().Errors++
		j.append(junitCase{Class: p.Path, Name: "is read and judged", Error: &junitAnswer{Type: unreadable, Message: text, Text: text}})
	}
}

func (j *JUnitReport) last() *junitSuite { return &j.suites.Suites[len(j.suites.Suites)-1] }

func (j *JUnitReport) append(c junitCase) {
	c.Class, c.Name, c.Time = Printable(c.Class), Printable(c.Name), "0"
	s := j.last()
	s.Tests++
	s.Cases = append(s.Cases, c)
}

// Write writes the report.
func (j *JUnitReport) Write(w io.Writer) error {
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
