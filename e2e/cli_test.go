// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// report is the JSON of check, schema 1, as far as these tests read it. It is
// written from the format's description, not from the code that writes it.
type report struct {
	Schema   int `json:"schema"`
	Bases    []base
	Verdicts []verdict
	Summary  map[string]int
	Errors   []struct{ Path, Error string }
	Exit     int
}

type base struct {
	Package, Path, Arch, KernelRelease string

	Fingerprint, Types, Strings string

	TypeCount   int `json:"type_count"`
	StringBytes int `json:"string_bytes"`
}

type verdict struct {
	Pairing, Module, Package, Path, KernelRelease string

	Base, Verdict, Severity, Basis string

	Kernel *struct {
		Version string
		Accepts bool
		Errno   int
		Log     []string
	}
	Reasons     []string
	Consequence string

	Notes []struct {
		Rule, Severity, Message string

		Log []string
	}
}

// outcome is one run of the program.
type outcome struct {
	report
	harness.Outcome
	harness.Used
}

// guard runs the program with --format json. The report's own word on the exit
// status and its summary have to agree with the rest of it.
func guard(t *testing.T, command string, args ...string) *outcome {
	t.Helper()
	needs(t, "time")
	var o outcome
	o.Outcome, o.Used = harness.Measure(t, program, append([]string{command, "--format", "json"}, args...)...)
	if err := json.Unmarshal([]byte(o.Stdout), &o.report); err != nil {
		t.Fatalf("%s: exit status %d, %v on standard output\n%s", command, o.Status, err, o.Stderr)
	}
	if o.Schema != 1 {
		t.Fatalf("schema %d, these tests read 1", o.Schema)
	}
	if command == "check" {
		o.consistent(t)
	}
	return &o
}

func (o *outcome) consistent(t *testing.T) {
	t.Helper()
	if o.Exit != o.Status {
		t.Errorf("the report says exit %d, the status is %d", o.Exit, o.Status)
	}
	counted := map[string]int{}
	modules := map[[2]string]bool{}
	for _, v := range o.Verdicts {
		counted[v.Verdict]++
		modules[[2]string{v.Package, v.Path}] = true
		for _, n := range v.Notes {
			if n.Severity != "ok" {
				counted[n.Rule]++
			}
		}
	}
	counted["modules"] = len(modules)
	for name, n := range o.Summary {
		if n != counted[name] {
			t.Errorf("summary: %d %s, the verdicts have %d", n, name, counted[name])
		}
	}
}

// count counts the verdicts of a pairing, by one of their words.
func (o *outcome) count(pairing string, word func(verdict) string) counts {
	c := counts{}
	for _, v := range o.Verdicts {
		if v.Pairing == pairing {
			c[word(v)]++
		}
	}
	return c
}

func byVerdict(v verdict) string  { return v.Verdict }
func bySeverity(v verdict) string { return v.Severity }
func byBasis(v verdict) string    { return v.Verdict + " (" + v.Basis + ")" }

// noNotes holds that nothing is wrong beside the verdicts, as on the modules of a
// distribution and their own kernel.
func (o *outcome) noNotes(t *testing.T) {
	t.Helper()
	n := 0
	for _, v := range o.Verdicts {
		for _, note := range v.Notes {
			if note.Severity == "ok" {
				continue
			}
			if n++; n == 1 {
				t.Errorf("%s: %s: %s", v.Path, note.Rule, note.Message)
			}
		}
	}
	if n > 1 {
		t.Errorf("and %d notes more", n-1)
	}
}

// of picks the verdicts on a package's modules.
func (o *outcome) of(nevra string) []verdict {
	var out []verdict
	for _, v := range o.Verdicts {
		if v.Package == nevra {
			out = append(out, v)
		}
	}
	return out
}

// errors is what the report could not read or judge.
func (o *outcome) errors() string {
	var b strings.Builder
	for _, e := range o.Errors {
		fmt.Fprintf(&b, "\n%s: %s", e.Path, e.Error)
	}
	return b.String()
}

type counts map[string]int

func (c counts) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(c)) {
		parts = append(parts, fmt.Sprintf("%d %s", c[name], name))
	}
	return strings.Join(parts, ", ")
}

// only reports whether everything counted goes by one name.
func (c counts) only(name string) bool { return len(c) == 1 && c[name] > 0 }
