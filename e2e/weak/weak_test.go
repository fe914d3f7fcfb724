// SPDX-License-Identifier: Apache-2.0

//go:build e2e

// Package weak compares which modules of packages the program pairs with kernels that
// they were not built for, with what the two programs link that do so on machines:
// weak-modules2 of SUSE's suse-module-tools and weak-modules of RHEL's package kmod.
//
//	go test -tags e2e ./e2e/weak
//
// Both are taken from their public repositories, or from git repositories that
// $SUSE_MODULE_TOOLS_GIT and $KMOD_GIT name. Needs root on a Debian machine.
package weak

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

var (
	program    string // the binary under test
	dir        string // goes when the tests are over
	installErr error
)

func TestMain(m *testing.M) {
	harness.Main(m, func(b *harness.Bench) error {
		program, dir = b.Program, b.Dir
		_, installErr = harness.Script("../install.sh", "rpm=rpm", "rpmbuild=rpm", "rpm2cpio=rpm2cpio", "cpio=cpio", "depmod=kmod",
			"gcc=gcc", "pahole=dwarves", "bpftool=bpftool", "git=git", "unshare=util-linux", "dpkg-deb=dpkg", "readelf=binutils")
		return nil
	})
}

// repository is a git repository with one of the programs.
func repository(t *testing.T, variable, url string) string {
	t.Helper()
	for _, tool := range []string{"git", "depmod", "rpm", "rpm2cpio", "cpio", "unshare"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not here (%v)", tool, installErr)
		}
	}
	if git := os.Getenv(variable); git != "" {
		return git
	}
	to := filepath.Join(dir, variable)
	if _, err := os.Stat(to); err == nil {
		return to
	}
	cmd := exec.Command("git", "clone", "--quiet", "--depth", "1", url, to)
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0")
	if o := harness.Try(t, cmd); o.Status != 0 {
		t.Skipf("%s is not to be had (set $%s to a clone): %s", url, variable, o.All())
	}
	return to
}

func suse(t *testing.T) string {
	return repository(t, "SUSE_MODULE_TOOLS_GIT", "https://github.com/openSUSE/suse-module-tools")
}

func rhel(t *testing.T) string {
	return repository(t, "KMOD_GIT", "https://github.com/openela-main/kmod")
}

// product is the packages of one of testdata/products, but for a second package with
// the kernel's own files.
func product(t *testing.T, name string) []string {
	t.Helper()
	below, err := filepath.Abs("../../testdata/products/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(harness.Must(t, "find", below, "-name", "*.rpm", "!", "-name", "kernel-default-base-*"))
}

// unpack lays the files of packages out below a root, and a System.map beside each
// kernel, without which the programs do not take it for one.
func unpack(t *testing.T, root string, packages []string) {
	t.Helper()
	for _, path := range packages {
		harness.Must(t, "sh", "-c", `mkdir -p "$1" && cd "$1" && rpm2cpio "$2" | cpio -idmu --quiet`, "sh", root, path)
	}
	harness.Must(t, "sh", "-c", `for f in "$1"/usr/lib/modules/*/symvers.gz; do : > "${f%symvers.gz}System.map"; done`, "sh", root)
}

// linkedBySUSE is what weak-modules2 links, as "KERNELRELEASE MODULE".
func linkedBySUSE(t *testing.T, git, how string, packages []string) []string {
	t.Helper()
	root := t.TempDir()
	unpack(t, root, packages)
	out, err := harness.Script("./suse.sh", append([]string{git, root, how}, packages...)...)
	harness.SkipUnreachable(t, err)
	if err != nil {
		t.Fatal(err)
	}
	return lines(out)
}

// linkedByRHEL is the same of weak-modules.
func linkedByRHEL(t *testing.T, git, how string, packages []string) []string {
	t.Helper()
	root := t.TempDir()
	unpack(t, root, packages)
	if err := os.Symlink("usr/lib", filepath.Join(root, "lib")); err != nil {
		t.Fatal(err)
	}
	out, err := harness.Script("./rhel.sh", git, root, how)
	if err != nil {
		t.Fatal(err)
	}
	return lines(out)
}

// paired is what the program pairs.
func paired(t *testing.T, packages []string) []string {
	t.Helper()
	folder := t.TempDir()
	harness.Must(t, "cp", append(slices.Clone(packages), folder)...)
	o := harness.Try(t, exec.Command(program, "check", "--no-db", "--format", "json", folder))
	var doc struct {
		Bases    []struct{ Package, KernelRelease string }
		Verdicts []struct {
			Pairing, Path string
			BasePackage   string `json:"base_package"`
		}
		Errors []struct{ Path, Error string }
	}
	if err := json.Unmarshal([]byte(o.Stdout), &doc); err != nil || len(doc.Errors) > 0 {
		t.Fatal(err, doc.Errors, o.Stderr)
	}
	release := map[string]string{}
	for _, b := range doc.Bases {
		release[b.Package] = b.KernelRelease
	}
	var out []string
	for _, v := range doc.Verdicts {
		if v.Pairing == "weak" {
			out = append(out, release[v.BasePackage]+" "+v.Path)
		}
	}
	return lines(strings.Join(out, "\n"))
}

// lines are those of a text, sorted, with the paths of merged systems.
func lines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if krel, path, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			out = append(out, krel+" /usr"+strings.TrimPrefix(path, "/usr"))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// check compares what is paired with what is linked, and demands that something is.
func check(t *testing.T, paired, linked []string) {
	t.Helper()
	if !slices.Equal(paired, linked) {
		t.Errorf("paired are\n%s\nlinked are\n%s", strings.Join(paired, "\n"), strings.Join(linked, "\n"))
	}
	if len(linked) == 0 {
		t.Error("nothing is linked")
	}
	t.Logf("%d links", len(linked))
}

func TestSUSE(t *testing.T) {
	git := suse(t)
	packages := product(t, "leap")
	ours := paired(t, packages)
	for _, how := range []string{"kernel", "kmp"} {
		t.Run(how, func(t *testing.T) { check(t, ours, linkedBySUSE(t, git, how, packages)) })
	}
}

func TestRHEL(t *testing.T) {
	git := rhel(t)
	packages := product(t, "rhel")
	ours := paired(t, packages)
	for _, how := range []string{"kernel", "kmod"} {
		t.Run(how, func(t *testing.T) { check(t, ours, linkedByRHEL(t, git, how, packages)) })
	}
}
