// SPDX-License-Identifier: Apache-2.0

package report

import (
	"io"
	"strings"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// JUnit writes the result as JUnit XML, when is the time of the run: a suite for
// each kernel and pairing, a case for each module. What fails is a failure, what
// could not be read an error, what a policy made lighter is skipped with its
// reason. JUnit knows no warnings: they pass, and stand in the suite's output.
func JUnit(w io.Writer, r *guard.Result, version string, when time.Time) error {
	j := NewJUnitReport(version, when)
	if len(r.Refusals) > 0 {
		j.Suite("kernels", "whether their own kernel reads their .BTF")
	}
	for _, b := range r.Refusals {
		j.Add(verdictCase(b.Base.Label(), b.Base.Path, guard.Refused, b.Severity, b.Ruling, refusalSaid(b), refusalLines(b)))
	}
	for _, g := range groups(r.Findings) {
		j.Suite(g.kernel(), g.oneLine())
		for _, f := range g {
			c := verdictCase(f.Module.Label(), f.Module.Path, f.Verdict, f.Severity, f.Ruling, what(f), details(f))
			if n := heaviest(f); n != nil && weight(n.Severity) > weight(f.Severity) {
				c.Check, c.Message = "btf-"+string(n.Rule), strings.ToUpper(string(n.Severity))+" "+n.Message
				if n.Severity == guard.Fail {
					c.Outcome, c.Message = Failed, n.Message
				}
			}
			j.Add(c)
		}
	}
	if len(r.Labels) > 0 {
		j.Suite("packages", "kernel-btf dependencies of the packages")
	}
	for _, l := range r.Labels {
		text := string(l.Verdict) + ": " + meanings[l.Verdict]
		j.Add(verdictCase(l.Package.NEVRA, "kernel-btf dependencies", l.Verdict, l.Severity, l.Ruling, text, append(ruled(l.Ruling), l.Reasons...)))
	}
	j.Problems(r.Problems)
	return j.Write(w)
}

// heaviest is the note that weighs most, nil without any.
func heaviest(f guard.Finding) *guard.Note {
	var out *guard.Note
	for i, n := range f.Notes {
		if out == nil || weight(n.Severity) > weight(out.Severity) {
			out = &f.Notes[i]
		}
	}
	return out
}

// verdictCase is a verdict as a case.
func verdictCase(class, name string, v guard.Verdict, severity guard.Severity, ruling *guard.Ruling, short string, lines []string) Case {
	c := Case{Class: class, Name: name, Check: check(v), Message: string(v) + ": " + short, Details: lines}
	switch {
	case severity == guard.Fail:
		c.Outcome = Failed
	case ruling != nil && lighter(severity, v):
		c.Outcome = Skipped
		c.Message = string(v) + ", " + string(severity) + " " + ruled(ruling)[0]
	case severity != guard.OK:
		c.Message = strings.ToUpper(string(severity)) + " " + c.Message
	default:
		c.Message = ""
	}
	return c
}

// lighter reports whether a severity weighs less than the verdict by itself.
func lighter(s guard.Severity, v guard.Verdict) bool {
	return weight(s) < weight(v.Severity())
}
