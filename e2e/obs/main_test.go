// SPDX-License-Identifier: Apache-2.0

//go:build e2eobs

// Package obs proves the post-build check, the dependency generator and their
// package in the real thing: obs-build runs in a small build root, on spec files
// that build kernels and modules, right ones and wrong ones.
//
//	go test -tags e2eobs ./e2e/obs
//
// Needs root on a Debian machine. The build root is a Debian too, with rpm; our
// own package is built in it from our own spec file, by obs-build as well. What
// can be used again is kept in $E2E_WORK_DIR/obs (default: obs-btf-guard-e2e in
// the folder for temporary files). $OBS_BUILD_GIT is a git repository of
// openSUSE's obs-build, else Debian's package of it is used.
package obs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

var (
	scratch  string // for build roots and sources; removed at the end
	isolated error  // why nothing can be mounted here
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	os.Setenv("LC_ALL", "C")
	isolated = isolate()
	dir := workDir()
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = sweep(dir)
	}
	if err == nil {
		scratch, err = os.MkdirTemp(dir, "scratch-")
	}
	if err == nil {
		_, err = lock(scratch)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := remove(scratch); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	return m.Run()
}

// lock holds a folder until the program ends, however it does.
func lock(dir string) (held bool, err error) {
	fd, err := syscall.Open(dir, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return false, err
	}
	if err = syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		syscall.Close(fd)
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// sweep removes what runs that were killed have left.
func sweep(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, "scratch-*"))
	for _, path := range left {
		if held, lockErr := lock(path); held && lockErr == nil {
			err = errors.Join(err, remove(path))
		}
	}
	return err
}

// isolate starts this program again in a mount namespace of its own. obs-build
// mounts file systems into its build root; so they are gone when the tests are
// over, however they end.
func isolate() error {
	const done = "E2E_OBS_ISOLATED"
	if os.Getenv(done) != "" {
		return nil
	}
	if os.Geteuid() != 0 {
		return errors.New("obs-build needs to be root")
	}
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		return err
	}
	probe := exec.Command(unshare, "--mount", "mount", "-t", "tmpfs", "none", os.TempDir())
	if out, err := probe.CombinedOutput(); err != nil {
		return fmt.Errorf("nothing can be mounted here: %w\n%s", err, out)
	}
	args := append([]string{"unshare", "--mount", "--propagation", "private", os.Args[0]}, os.Args[1:]...)
	return syscall.Exec(unshare, args, append(os.Environ(), done+"=1"))
}

// workDir has no symbolic link in it: mounts are listed by their true paths.
func workDir() string {
	dir := os.Getenv("E2E_WORK_DIR")
	if dir == "" {
		dir = filepath.Join(os.TempDir(), "obs-btf-guard-e2e")
	}
	if os.MkdirAll(dir, 0o755) == nil {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			dir = real
		}
	}
	dir, _ = filepath.Abs(dir)
	return filepath.Join(dir, "obs")
}

// machine is what every test needs of this machine.
type machine struct {
	obsBuild string   // the program
	env      []string // its environment
	conf     string   // the project configuration
	debian   string   // a build root without anything of ours; not to be worked in
	guarded  string   // one with our packages and the checks; not to be worked in
}

var prepared = sync.OnceValues(prepare)

func prepare() (*machine, error) {
	if isolated != nil {
		return nil, skipped{isolated}
	}
	if _, err := script("./install.sh"); err != nil {
		return nil, err
	}
	m := &machine{obsBuild: "obs-build", env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C"}}
	var err error
	if m.conf, err = filepath.Abs("build.conf"); err != nil {
		return nil, err
	}
	if repository := os.Getenv("OBS_BUILD_GIT"); repository != "" {
		dir := filepath.Join(scratch, "obs-build")
		if _, err := script("sh", "-ec", `mkdir "$2"; git --git-dir="$1" archive HEAD | tar -x -C "$2"`, "sh", repository, dir); err != nil {
			return nil, err
		}
		m.obsBuild = filepath.Join(dir, "build")
		m.env = append(m.env, "BUILD_DIR="+dir)
	}
	if m.debian, err = script("./root.sh", workDir()); err != nil {
		return nil, err
	}
	m.guarded, err = m.guard()
	return m, err
}

// needs returns the machine, or skips the test where it cannot be had.
func needs(t *testing.T) *machine {
	t.Helper()
	m, err := prepared()
	if errors.As(err, new(skipped)) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// skipped says why there is nothing to test here.
type skipped struct{ error }

func (s skipped) Unwrap() error { return s.error }

// script is [harness.Script]. Where this machine cannot have what is needed, the error is a
// skipped.
func script(name string, args ...string) (string, error) {
	out, err := harness.Script(name, args...)
	if harness.Unreachable(err) {
		err = skipped{err}
	}
	return out, err
}

// bare is what a program prints, to the byte.
func bare(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return out
}

// must runs a program that has to succeed.
func must(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := script(name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
