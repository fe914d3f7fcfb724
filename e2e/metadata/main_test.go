// SPDX-License-Identifier: Apache-2.0

//go:build e2e

// Package metadata proves with the tools that read package metadata what the
// program puts there: rpmbuild runs it as dependency generator, rpm installs
// what it stamped, zypper and dnf solve with it, build-compare compares it.
//
//	go test -tags e2e ./e2e/metadata
//
// $BUILD_COMPARE_GIT is a git repository of openSUSE's build-compare, else its
// script is not run. With $E2E_WORK_DIR, where the tests of ../ keep a
// distribution's kernels packed as RPMs, the generator is timed on one of them.
package metadata

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

const krel = "5.15.12-1-default"

var (
	program    string // the binary under test
	incident   string // testdata/incident
	obs        string // what gets installed on a build host
	specs      string
	installErr error // what install.sh could not do
)

func TestMain(m *testing.M) {
	harness.Main(m, func(b *harness.Bench) (err error) {
		program = b.Program
		for path, to := range map[string]*string{"../../testdata/incident": &incident, "../../obs": &obs, "specs": &specs} {
			if *to, err = filepath.Abs(path); err != nil {
				return err
			}
		}
		_, installErr = harness.Script("./install.sh")
		return nil
	})
}

// needs skips a test that lacks a tool.
func needs(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not here (%v)", tool, installErr)
		}
	}
}

// needsRoot skips a test that installs packages into a root of its own.
func needsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("rpm --root needs to be root")
	}
}

// tokens lists the tokens of a package's dependencies of a kind, "provides",
// "requires" or "recommends": plain ones, and those in rich dependencies. What a
// spec file and a generator both say stands twice in a package and means the same as
// once.
func tokens(t *testing.T, rpm, kind string) []string {
	t.Helper()
	var out []string
	for line := range strings.Lines(harness.Must(t, "rpm", "-qp", "--nosignature", "--"+kind, rpm)) {
		line = strings.TrimSpace(line)
		if token, _, ok := fingerprint.ParseRequirement(line); ok {
			out = append(out, token)
		} else if fingerprint.IsOurs(line) && !strings.HasPrefix(line, "kernel-btf(uname-r:") {
			out = append(out, line)
		}
	}
	return slices.Compact(out)
}

// metadata is what a package should say.
type metadata struct{ provides, requires, recommends []string }

func (want metadata) check(t *testing.T, rpm string) {
	t.Helper()
	for kind, list := range map[string][]string{"provides": want.provides, "requires": want.requires, "recommends": want.recommends} {
		if got := tokens(t, rpm, kind); !slices.Equal(got, list) {
			t.Errorf("%s %s %q, want %q", filepath.Base(rpm), kind, got, list)
		}
	}
}

// one is a list of one token.
func one(token string) []string { return []string{token} }
