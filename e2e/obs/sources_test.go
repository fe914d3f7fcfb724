// SPDX-License-Identifier: Apache-2.0

//go:build e2eobs

package obs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sources is what OBS has of a package: a spec file and what it needs beside it.
type sources struct {
	dir  string
	spec string // path of the spec file that is built
}

// newSources takes spec files of this folder, of which the first is built.
func newSources(t *testing.T, specs ...string) sources {
	t.Helper()
	s := sources{dir: t.TempDir()}
	for _, spec := range specs {
		s.copy(t, filepath.Join("specs", spec))
	}
	s.spec = filepath.Join(s.dir, specs[0])
	return s
}

// copy puts files beside the spec file.
func (s sources) copy(t *testing.T, files ...string) {
	t.Helper()
	for _, file := range files {
		copyFile(t, file, filepath.Join(s.dir, filepath.Base(file)))
	}
}

// add puts a text beside the spec file.
func (s sources) add(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// tree is a folder with files as packages have them.
type tree string

// unpack gives the payloads of packages.
func unpack(t *testing.T, rpms ...string) tree {
	t.Helper()
	needs(t)
	dir := t.TempDir()
	for _, rpm := range rpms {
		must(t, "sh", "-ec", `rpm=$(realpath "$1"); cd "$2"; rpm2cpio "$rpm" | cpio -idmu --quiet`, "sh", rpm, dir)
	}
	return tree(dir)
}

const (
	krel     = "5.15.12-1-default"
	incident = "../../testdata/incident"
)

// kernelTree gives the files of one of the incident's builds: "5.15.12-1.1",
// "5.15.12-1.3" or "broken".
func kernelTree(t *testing.T, build string) tree {
	t.Helper()
	rpms, _ := filepath.Glob(filepath.Join(incident, build, "kernel-*.rpm"))
	if len(rpms) != 2 {
		t.Fatalf("packages of %s: %q", build, rpms)
	}
	return unpack(t, rpms...)
}

// modules is where the tree has the kernel's files.
func (tr tree) modules(parts ...string) string {
	return filepath.Join(append([]string{string(tr), "usr/lib/modules", krel}, parts...)...)
}

// addTo packs the tree for a spec file.
func (tr tree) addTo(t *testing.T, src sources) {
	t.Helper()
	must(t, "tar", "-C", string(tr), "-cf", filepath.Join(src.dir, "tree.tar"), ".")
}

// token is what the tree's vmlinux should provide, by objcopy and sha256sum.
func (tr tree) token(t *testing.T) string {
	t.Helper()
	vmlinux := filepath.Join(t.TempDir(), "vmlinux")
	must(t, "sh", "-ec", `xz -dc "$1" > "$2"`, "sh", tr.modules("vmlinux.xz"), vmlinux)
	_, base, ok := strings.Cut(must(t, "../fingerprint.sh", vmlinux), "base ")
	if !ok {
		t.Fatal("fingerprint.sh names no base")
	}
	return "kernel-btf(default:" + base + ")"
}

// copyFile copies a file, with the folders above it.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o755)
	}
	if err == nil {
		err = os.WriteFile(to, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
