// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package metadata

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// tree is an unpacked build of the kernel: the files of all its packages.
type tree string

// unpack unpacks packages into one tree.
func unpack(t *testing.T, rpms ...string) tree {
	t.Helper()
	dir := t.TempDir()
	for _, rpm := range rpms {
		harness.Must(t, "sh", "-c", `cd "$1" && rpm2cpio "$2" | cpio -idmu --quiet`, "sh", dir, rpm)
	}
	return tree(dir)
}

// unpackBuild unpacks one of the incident's two builds: "1.1" or "1.3".
func unpackBuild(t *testing.T, rebuild string) tree {
	t.Helper()
	return unpack(t, packages(t, rebuild)...)
}

// packages are kernel-default and -extra of one of the incident's builds.
func packages(t *testing.T, rebuild string) []string {
	t.Helper()
	rpms, err := filepath.Glob(filepath.Join(incident, "5.15.12-"+rebuild, "kernel-*.rpm"))
	if err != nil || len(rpms) != 2 {
		t.Fatalf("packages of %s: %q, %v", rebuild, rpms, err)
	}
	return rpms
}

// modules is where the tree has a kernel's files.
func (tr tree) modules(parts ...string) string {
	return filepath.Join(append([]string{string(tr), "usr/lib/modules", krel}, parts...)...)
}

// vmlinux gives the path of an uncompressed copy of the tree's vmlinux.
func (tr tree) vmlinux(t *testing.T) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "vmlinux")
	harness.Must(t, "sh", "-c", `xz -dc "$1" > "$2"`, "sh", tr.modules("vmlinux.xz"), out)
	return out
}

// token is what the tree's vmlinux should provide, by objcopy and sha256sum.
func (tr tree) token(t *testing.T) string {
	t.Helper()
	_, base, ok := strings.Cut(harness.Must(t, "../fingerprint.sh", tr.vmlinux(t)), "base ")
	if !ok {
		t.Fatal("fingerprint.sh names no base")
	}
	return "kernel-btf(default:" + strings.TrimSpace(base) + ")"
}

// next makes another kernel out of the tree, of version 5.15.13 and with a base
// of its own: words are replaced by others of the same length, the version in
// paths and all files, the name of a struct member in the vmlinux.
func (tr tree) next(t *testing.T) {
	t.Helper()
	words := strings.NewReplacer("5.15.12", "5.15.13", "rb_right", "rb_rjght")
	replace := func(path string) error {
		data, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, []byte(words.Replace(string(data))), 0o644)
		}
		return err
	}
	harness.Must(t, "find", string(tr), "-name", "*.xz", "-exec", "xz", "-d", "{}", "+")
	harness.Must(t, "find", string(tr), "-name", "*.zst", "-exec", "zstd", "-q", "-d", "--rm", "{}", "+")
	err := filepath.WalkDir(string(tr), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		return replace(path)
	})
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(string(tr), "usr/lib/modules", words.Replace(krel))
	if err := os.Rename(tr.modules(), to); err != nil {
		t.Fatal(err)
	}
	harness.Must(t, "xz", filepath.Join(to, "vmlinux"))
}

// configure appends a line to the kernel's config, and hides the config that is
// embedded in the vmlinux, which has not that line.
func (tr tree) configure(t *testing.T, line string) {
	t.Helper()
	harness.Must(t, "sh", "-c", `echo "$2" >> "$1"`, "sh", tr.modules("config"), line)
	vmlinux := tr.vmlinux(t)
	data, err := os.ReadFile(vmlinux)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(vmlinux, bytes.Replace(data, []byte("IKCFG_ST"), []byte("NO_CFG__"), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	harness.Must(t, "sh", "-c", `xz -c "$1" > "$2"`, "sh", vmlinux, tr.modules("vmlinux.xz"))
}

// replace puts another file, or another build's, in the place of one.
func replace(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	harness.Must(t, "cp", "-p", from, to)
}

// writeFile writes a file, with the folders above it.
func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
