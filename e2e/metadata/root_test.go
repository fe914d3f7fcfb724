// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package metadata

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// root is an empty system that packages are installed into.
type root string

func newRoot(t *testing.T) root {
	t.Helper()
	needsRoot(t)
	needs(t, "rpm")
	r := root(t.TempDir())
	r.must(t, "--initdb")
	return r
}

// database is where rpm, zypper and dnf keep what is installed.
const database = "/var/lib/rpm"

// rpm runs rpm on the system.
func (r root) rpm(t *testing.T, args ...string) harness.Outcome {
	t.Helper()
	return harness.Try(t, exec.Command("rpm", append([]string{"--root", string(r), "--dbpath", database, "--nosignature"}, args...)...))
}

func (r root) must(t *testing.T, args ...string) string {
	t.Helper()
	o := r.rpm(t, args...)
	if o.Status != 0 {
		t.Fatalf("rpm --root %s: exit status %d\n%s", strings.Join(args, " "), o.Status, o.All())
	}
	return o.Stdout
}

// installed lists what is installed, sorted.
func (r root) installed(t *testing.T) []string {
	t.Helper()
	list := strings.Fields(r.must(t, "-q", "-a", "--qf", `%{NAME}-%{VERSION}-%{RELEASE}\n`))
	slices.Sort(list)
	return list
}
