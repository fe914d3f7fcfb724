// SPDX-License-Identifier: Apache-2.0

//go:build e2ebackend

// Package backend holds what the program asks of OBS against a real backend: source
// server, repository server and scheduler of Debian's obs-server, on loopback
// ports and in a folder of their own. A worker of our own answers the jobs that
// the scheduler makes with packages that the test has ready.
//
//	go test -tags e2ebackend ./e2e/backend
//
// Needs root on a Debian machine, where it installs obs-server if it is missing;
// the backend itself runs as an unprivileged user.
package backend

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// unreachable is install.sh's exit status where this machine cannot have what is
// needed.
const unreachable = 3

var (
	program string   // the binary under test
	scratch string   // for the backend and for packages; anybody may enter it
	server  *backend // nil where it could not be started
	absent  string   // why there is no backend, where that is no failure
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) (status int) {
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	os.Setenv("LC_ALL", "C")
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var err error
	if scratch, err = os.MkdirTemp("", "obs-btf-guard-"); err != nil {
		return fail(err)
	}
	defer os.RemoveAll(scratch)
	if err := os.Chmod(scratch, 0o755); err != nil {
		return fail(err)
	}
	program = filepath.Join(scratch, "obs-btf-guard")
	build := exec.Command("go", "build", "-trimpath", "-o", program, "../../cmd/obs-btf-guard")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fail(fmt.Errorf("go build: %w\n%s", err, out))
	}
	if os.Geteuid() != 0 {
		absent = "the backend is started by root, as another user"
		return m.Run()
	}
	out, err := exec.Command("./install.sh").CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == unreachable {
		absent = strings.TrimSpace(string(out))
		return m.Run()
	}
	if err != nil {
		return fail(fmt.Errorf("install.sh: %w\n%s", err, out))
	}
	if server, err = startBackend(filepath.Join(scratch, "obs")); err != nil {
		return fail(err)
	}
	defer func() {
		if err := server.stop(); err != nil {
			status = max(status, fail(err))
		}
		if status != 0 {
			server.printLogs(os.Stderr)
		}
	}()
	return m.Run()
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
