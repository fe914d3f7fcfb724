// SPDX-License-Identifier: Apache-2.0

package formats

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/joshdk/go-junit"
)

// TestJUnit has a consumer of JUnit read the cases and add them up.
func TestJUnit(t *testing.T) {
	for _, tt := range trials {
		t.Run(tt.name, func(t *testing.T) {
			data := output(t, tt.args, tt.status, "junit")
			suites, err := junit.Ingest(data)
			if err != nil {
				t.Fatal(err)
			}
			var sum junit.Totals
			var fails []string
			for _, s := range suites {
				if s.Name == "" || s.Package == "" || len(s.Tests) == 0 || len(s.Suites) > 0 {
					t.Errorf("suite %q of %q with %d cases, %d suites", s.Name, s.Package, len(s.Tests), len(s.Suites))
				}
				sum.Passed += s.Totals.Passed
				sum.Skipped += s.Totals.Skipped
				sum.Failed += s.Totals.Failed
				sum.Error += s.Totals.Error
				for _, c := range s.Tests {
					if c.Name == "" || c.Classname == "" || (c.Message == "") != (c.Status == junit.StatusPassed) {
						t.Errorf("case %+v", c)
					}
					if c.Status == junit.StatusFailed || c.Status == junit.StatusError {
						fails = append(fails, c.Message)
					}
				}
			}
			if sum != tt.cases {
				t.Errorf("%+v, want %+v", sum, tt.cases)
			}
			if !holds(fails, tt.fails) {
				t.Errorf("no %q in\n%s", tt.fails, strings.Join(fails, "\n"))
			}
		})
	}
}

// counts has Python's junitparser print, of each suite, the totals that stand
// there and those of its cases.
const counts = `
import sys, junitparser
for suite in junitparser.JUnitXml.fromfile(sys.argv[1]):
    said = suite.tests, suite.failures, suite.errors, suite.skipped
    suite.update_statistics()
    print(*said, "|", suite.tests, suite.failures, suite.errors, suite.skipped)
`

// TestJUnitParser has another consumer read them, which other CIs are made with.
func TestJUnitParser(t *testing.T) {
	installed(t, "junitparser", "junitparser")
	for _, tt := range trials {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "junit.xml")
			if err := os.WriteFile(path, output(t, tt.args, tt.status, "junit"), 0o644); err != nil {
				t.Fatal(err)
			}
			// Debian's, whatever else is called python3.
			out, err := exec.Command("/usr/bin/python3", "-c", counts, path).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			var sum junit.Totals
			for line := range strings.Lines(string(out)) {
				said, real, _ := strings.Cut(strings.TrimSpace(line), " | ")
				if said != real {
					t.Errorf("a suite says %s and has %s", said, real)
				}
				var n junit.Totals
				if _, err := fmt.Sscan(said, &n.Tests, &n.Failed, &n.Error, &n.Skipped); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				sum.Passed += n.Tests - n.Failed - n.Error - n.Skipped
				sum.Failed += n.Failed
				sum.Error += n.Error
				sum.Skipped += n.Skipped
			}
			if sum != tt.cases {
				t.Errorf("%+v, want %+v", sum, tt.cases)
			}
			// It decides as a CI does.
			verify := exec.Command("junitparser", "verify", path)
			if err := verify.Run(); (err != nil) != (tt.status != 0) {
				t.Errorf("verify: %v, and the program's exit status is %d", err, tt.status)
			}
		})
	}
}
