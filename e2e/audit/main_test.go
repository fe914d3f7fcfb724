// SPDX-License-Identifier: Apache-2.0

//go:build e2e

// Package audit runs audit, history and explain over builds of real distribution
// kernels in two flavours, packed in openSUSE's shape, and holds what they say
// against what binutils and bpftool say of the same vmlinux files.
//
//	go test -tags e2e ./e2e/audit
//
// Needs a Debian machine. Downloads and packages are kept in $E2E_WORK_DIR
// (default: obs-btf-guard-e2e in the folder for temporary files), the plain
// kernels together with those of the tests of ../.
package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var (
	program string // the binary under test
	scratch string // goes when the tests are over
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if scratch, err = os.MkdirTemp("", "obs-btf-guard-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(scratch)
	program = filepath.Join(scratch, "obs-btf-guard")
	build := exec.Command("go", "build", "-trimpath", "-o", program, "../../cmd/obs-btf-guard")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	// Debian keeps bpftool where only root looks.
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	os.Setenv("LC_ALL", "C")
	os.Setenv("XDG_STATE_HOME", filepath.Join(scratch, "state")) // none of what this machine remembers
	return m.Run()
}

// unreachable is the exit status of the scripts where nothing can be fetched
// from this machine.
const unreachable = 3

// script runs a script of the folder above and gives its lines.
func script(name string, args ...string) ([]string, error) {
	var stderr bytes.Buffer
	cmd := exec.Command("../"+name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", name, err, stderr.String())
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n"), nil
}

// used is what a run of the program took.
type used struct {
	wall   float64 // seconds
	maxRSS int64   // bytes
}

func (u used) String() string { return fmt.Sprintf("%.1f s, %d MiB", u.wall, u.maxRSS>>20) }

// guard runs the program, wants an exit status, and reads the JSON that it
// writes into doc, unless that is nil.
func guard(t *testing.T, status int, doc any, args ...string) used {
	t.Helper()
	// A child's peak memory begins with that of the process that started it, so
	// it is time that starts the program and not this test.
	file := filepath.Join(t.TempDir(), "used")
	var stdout, stderr bytes.Buffer
	cmd := exec.Command("time", append([]string{"-q", "-o", file, "-f", "%e %M", program}, args...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != status {
		t.Fatalf("%s: exit status %d, want %d\n%s", strings.Join(args, " "), got, status, stderr.String())
	}
	if doc != nil {
		if err := json.Unmarshal(stdout.Bytes(), doc); err != nil {
			t.Fatalf("%s: %v on standard output\n%s", strings.Join(args, " "), err, stderr.String())
		}
	}
	line, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var u used
	if _, err := fmt.Sscan(string(line), &u.wall, &u.maxRSS); err != nil {
		t.Fatalf("time says %q: %v", line, err)
	}
	u.maxRSS <<= 10 // time counts in KiB
	return u
}
