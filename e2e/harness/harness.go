// SPDX-License-Identifier: Apache-2.0

// Package harness builds the program for the end-to-end tests, and runs it and what
// they compare it with. [Main] is their TestMain.
package harness

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Bench is what one package's tests work with.
type Bench struct {
	Program string // the binary under test
	Dir     string // a folder that anybody may enter; it goes when the tests are over

	after []func(status int) error
}

// After has f called when the tests are over, with their exit status. What was
// given last is called first.
func (b *Bench) After(f func(status int) error) { b.after = append(b.after, f) }

// Main builds the program, prepares what a package's tests need, runs them and
// exits.
func Main(m *testing.M, prepare func(*Bench) error) { os.Exit(run(m, prepare)) }

func run(m *testing.M, prepare func(*Bench) error) (status int) {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := os.MkdirTemp("", "obs-btf-guard-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return fail(err)
	}
	b := &Bench{Program: filepath.Join(dir, "obs-btf-guard"), Dir: dir}
	if err := build(b.Program); err != nil {
		return fail(err)
	}
	// Debian keeps bpftool where only root looks.
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	os.Setenv("LC_ALL", "C")
	os.Setenv("XDG_STATE_HOME", filepath.Join(dir, "state")) // not the history of this machine
	os.Unsetenv("CI")                                        // where none is begun
	os.Setenv("XDG_CACHE_HOME", os.DevNull)                  // each test reads what it is about
	defer func() {
		for i := len(b.after) - 1; i >= 0; i-- {
			if err := b.after[i](status); err != nil {
				status = max(status, fail(err))
			}
		}
	}()
	if err := prepare(b); err != nil {
		return fail(err)
	}
	return m.Run()
}

// build builds the program from the tree that this file is in, also for tests that
// are a module of their own.
func build(program string) error {
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		return fmt.Errorf("where the sources are is not known (%q): the tests are not to be built with -trimpath", file)
	}
	cmd := exec.Command("go", "build", "-trimpath", "-o", program, "./cmd/obs-btf-guard")
	cmd.Dir = filepath.Join(filepath.Dir(file), "../..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// unreachable is the exit status of the scripts where this machine cannot have what
// is needed, as no mirror answers.
const unreachable = 3

// Script runs a script and returns what it prints, without blanks around it. With
// its exit status the error has all that it says.
func Script(name string, args ...string) (string, error) {
	var stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", filepath.Base(name), strings.Join(args, " "), err, out, &stderr)
	}
	return strings.TrimSpace(string(out)), nil
}

// Unreachable reports whether a script failed because this machine cannot have what
// is needed.
func Unreachable(err error) bool {
	exit, ok := errors.AsType[*exec.ExitError](err)
	return ok && exit.ExitCode() == unreachable
}

// SkipUnreachable skips a test for which a script failed in that way.
func SkipUnreachable(t *testing.T, err error) {
	t.Helper()
	if Unreachable(err) {
		t.Skip(err)
	}
}

// Outcome is what a command did.
type Outcome struct {
	Status         int
	Stdout, Stderr string
}

// All is what a command printed.
func (o Outcome) All() string { return o.Stdout + o.Stderr }

// Try runs a command, whatever its exit status.
func Try(t *testing.T, cmd *exec.Cmd) Outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return Outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// Must runs a command that has to succeed, and returns its standard output.
func Must(t *testing.T, name string, args ...string) string {
	t.Helper()
	o := Try(t, exec.Command(name, args...))
	if o.Status != 0 {
		t.Fatalf("%s %s: exit status %d\n%s", name, strings.Join(args, " "), o.Status, o.All())
	}
	return o.Stdout
}

// Used is what a run of a command took.
type Used struct {
	Wall   float64 // seconds
	CPU    float64 // seconds, user and system
	MaxRSS int64   // bytes
}

// String is "2.5 s, 4.1 s of CPU, 120 MiB".
func (u Used) String() string {
	return fmt.Sprintf("%.1f s, %.1f s of CPU, %d MiB", u.Wall, u.CPU, u.MaxRSS>>20)
}

// Measure runs a program, whatever its exit status, by Debian's time: a child's peak
// memory begins with that of the process that started it, which is not to be this
// test.
func Measure(t *testing.T, program string, args ...string) (Outcome, Used) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "used")
	o := Try(t, exec.Command("time", append([]string{"-q", "-o", file, "-f", "%e %U %S %M", program}, args...)...))
	line, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var u Used
	var user, system float64
	if _, err := fmt.Sscan(string(line), &u.Wall, &user, &system, &u.MaxRSS); err != nil {
		t.Fatalf("time says %q: %v", line, err)
	}
	u.CPU = user + system
	u.MaxRSS <<= 10 // time counts in KiB
	return o, u
}
