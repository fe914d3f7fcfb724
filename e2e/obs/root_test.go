// SPDX-License-Identifier: Apache-2.0

//go:build e2eobs

package obs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

// root is a build root that may be worked in.
type root string

// layRoot makes a build root on top of another one, which stays as it is.
func layRoot(on string) (root, error) {
	dir, err := os.MkdirTemp(scratch, "root-")
	if err != nil {
		return "", err
	}
	r, upper, work := filepath.Join(dir, "root"), filepath.Join(dir, "upper"), filepath.Join(dir, "work")
	for _, folder := range []string{r, upper, work} {
		if err := errors.Join(os.Mkdir(folder, 0o755), os.Chmod(folder, 0o755)); err != nil {
			return "", err
		}
	}
	err = syscall.Mount("overlay", r, "overlay", 0, "lowerdir="+on+",upperdir="+upper+",workdir="+work)
	if err != nil { // as in a container, where the folder may be on an overlay itself
		_, err = script("cp", "-a", "--reflink=auto", on+"/.", r)
	}
	return root(r), err
}

// remove removes the build root and what belongs to it.
func (r root) remove() error {
	if r == "" {
		return nil
	}
	return remove(filepath.Dir(string(r)))
}

// newRoot gives the test a build root with our packages and the checks.
func newRoot(t *testing.T) root {
	t.Helper()
	r, err := layRoot(needs(t).guarded)
	t.Cleanup(func() {
		if err := r.remove(); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// mounts lists what is mounted below a folder, the last one first.
func mounts(dir string) []string {
	table, _ := os.ReadFile("/proc/self/mountinfo")
	var out []string
	for line := range strings.Lines(string(table)) {
		if fields := strings.Fields(line); len(fields) > 4 && strings.HasPrefix(fields[4], dir+"/") {
			out = append(out, fields[4])
		}
	}
	slices.Reverse(out)
	return out
}

// remove removes a folder with build roots in it. What is still mounted there is
// unmounted; if it cannot be, everything stays.
func remove(dir string) error {
	for _, path := range mounts(dir) {
		if err := syscall.Unmount(path, syscall.MNT_DETACH); err != nil {
			return fmt.Errorf("unmount %s: %w", path, err)
		}
	}
	if left := mounts(dir); len(left) > 0 {
		return fmt.Errorf("still mounted: %s", strings.Join(left, ", "))
	}
	return os.RemoveAll(dir)
}

// path is where the host has a file of the build root.
func (r root) path(parts ...string) string {
	return filepath.Join(append([]string{string(r)}, parts...)...)
}

// run runs a program in the build root, as obs-build runs a check.
func (r root) run(t *testing.T, env []string, args ...string) (status int, out string) {
	t.Helper()
	cmd := exec.Command("chroot", append([]string{string(r)}, args...)...)
	cmd.Env = append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=POSIX", "BUILD_ROOT=/"}, env...)
	text, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

// install puts packages into the build root, as build requirements are.
func (r root) install(t *testing.T, rpms ...string) {
	t.Helper()
	for _, rpm := range rpms {
		copyFile(t, rpm, r.path("tmp", filepath.Base(rpm)))
		// rpm knows of nothing that Debian put there, so --nodeps
		if status, out := r.run(t, nil, "rpm", "-i", "--nodeps", "/tmp/"+filepath.Base(rpm)); status != 0 {
			t.Fatalf("rpm -i %s: exit status %d\n%s", filepath.Base(rpm), status, out)
		}
	}
}

// tokens lists the bases that the package's dependencies of a kind name, as rpm has
// them: "provides", "requires" or "recommends".
func tokens(t *testing.T, rpm, kind string) []string {
	t.Helper()
	var out []string
	for line := range strings.Lines(must(t, "rpm", "-qp", "--nosignature", "--"+kind, rpm)) {
		if token, _, ok := fingerprint.ParseRequirement(strings.TrimSpace(line)); ok {
			out = append(out, token)
		}
	}
	return out
}
