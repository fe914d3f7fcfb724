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
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

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
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "obs-btf-guard-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "obs-btf-guard")
	build := exec.Command("go", "build", "-trimpath", "-o", program, "../../cmd/obs-btf-guard")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	for path, to := range map[string]*string{"../../testdata/incident": &incident, "../../obs": &obs, "specs": &specs} {
		if *to, err = filepath.Abs(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	os.Setenv("LC_ALL", "C")
	if out, err := exec.Command("./install.sh").CombinedOutput(); err != nil {
		installErr = fmt.Errorf("%w: %s", err, out)
	}
	return m.Run()
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

// outcome is what a command did.
type outcome struct {
	status         int
	stdout, stderr string
}

func (o outcome) all() string { return o.stdout + o.stderr }

// try runs a command, whatever its exit status.
func try(t *testing.T, cmd *exec.Cmd) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// must runs a command that has to succeed.
func must(t *testing.T, name string, args ...string) string {
	t.Helper()
	o := try(t, exec.Command(name, args...))
	if o.status != 0 {
		t.Fatalf("%s %s: exit status %d\n%s", name, strings.Join(args, " "), o.status, o.all())
	}
	return o.stdout
}

// tokens lists the tokens of a package's dependencies of a kind, "provides",
// "requires" or "recommends": plain ones, and those in rich dependencies. What a
// spec file and a generator both say stands twice in a package and means the same as
// once.
func tokens(t *testing.T, rpm, kind string) []string {
	t.Helper()
	var out []string
	for line := range strings.Lines(must(t, "rpm", "-qp", "--nosignature", "--"+kind, rpm)) {
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
