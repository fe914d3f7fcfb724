// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package metadata

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// dependencies is what build-compare looks at in a package: each kind of
// dependency with name, flags and version.
func dependencies(t *testing.T, rpm string) string {
	t.Helper()
	var format strings.Builder
	for _, tag := range []string{"CONFLICT", "OBSOLETE", "PROVIDE", "RECOMMEND", "REQUIRE", "SUGGEST", "SUPPLEMENT"} {
		format.WriteString(tag + `\n[%{` + tag + `NAME} %{` + tag + `FLAGS} %{` + tag + `VERSION}\n]\n`)
	}
	return harness.Must(t, "rpm", "-qp", "--nosignature", "--qf", format.String(), rpm)
}

// A fingerprint that moved makes a build's result a different one, so it is
// published; one that did not leaves the result what it was.
func TestBuildCompare(t *testing.T) {
	h := newHost(t, true)
	tr, other := unpackBuild(t, "1.3"), unpackBuild(t, "1.3")
	// The other build has the same files to the byte, but for the vmlinux; that one
	// alone decides the token. Modules without BTF fit both.
	replace(t, unpackBuild(t, "1.1").modules("vmlinux.xz"), other.modules("vmlinux.xz"))
	for _, each := range []tree{tr, other} {
		harness.Must(t, "find", string(each), "-name", "*.ko*", "-exec", "sh", "-c", `echo a module >"$1"; touch -d @1640789416 "$1"`, "sh", "{}", ";")
	}
	build := func(tr tree) *built {
		return h.kernel(t, tr, "1.3", "_buildhost host", "use_source_date_epoch_as_buildtime 0")
	}
	first, again, moved := build(tr), build(tr), build(other)

	t.Run("dependencies", func(t *testing.T) {
		const kernel = "kernel-default"
		if dependencies(t, first.rpms[kernel]) != dependencies(t, again.rpms[kernel]) {
			t.Error("two builds of one tree differ in dependencies")
		}
		if dependencies(t, first.rpms[kernel]) == dependencies(t, moved.rpms[kernel]) {
			t.Error("another fingerprint, and the dependencies are the same")
		}
	})
	t.Run("script", func(t *testing.T) {
		git := os.Getenv("BUILD_COMPARE_GIT")
		if git == "" {
			t.Skip("BUILD_COMPARE_GIT names no repository of build-compare")
		}
		needs(t, "git", "file", "awk", "perl")
		scripts := t.TempDir()
		harness.Must(t, "sh", "-c", `git -c safe.directory='*' --git-dir="$1" archive HEAD | tar -x -C "$2"`, "sh", git, scripts)
		compare := func(old, new *built) harness.Outcome {
			return harness.Try(t, exec.Command("bash", filepath.Join(scripts, "same-build-result.sh"), results(t, old), results(t, new)))
		}
		if o := compare(first, again); o.Status != 0 {
			t.Errorf("two builds of one tree: exit status %d\n%s", o.Status, o.All())
		}
		o := compare(first, moved)
		if o.Status == 0 || !strings.Contains(o.Stdout, "kernel-btf(default:sha256:") {
			t.Errorf("another fingerprint: exit status %d\n%s", o.Status, o.All())
		}
	})
}

// results lays out a build's packages with a source package, which the script
// asks for; it is the same for all builds.
func results(t *testing.T, b *built) string {
	t.Helper()
	dir := t.TempDir()
	for _, rpm := range b.rpms {
		replace(t, rpm, filepath.Join(dir, filepath.Base(rpm)))
	}
	spec := filepath.Join(t.TempDir(), "source.spec")
	text := "Name: kernel-default\nVersion: 5.15.12\nRelease: 1\nSummary: s\nLicense: GPL-2.0-only\n%description\ns\n"
	writeFile(t, spec, text)
	harness.Must(t, "rpmbuild", "-bs", "--quiet", "--define", "_topdir "+filepath.Dir(spec), "--define", "_srcrpmdir "+dir, spec)
	return dir
}
