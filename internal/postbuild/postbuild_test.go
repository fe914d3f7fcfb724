// SPDX-License-Identifier: Apache-2.0

package postbuild

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs"
)

// TestCheck runs the check on build roots: what it looks at, what it says and how
// it ends.
func TestCheck(t *testing.T) {
	const extra = "kernel-default-extra-5.15.12-1.3.x86_64.rpm"
	for _, tc := range []struct {
		name    string
		pkg     string            // PNAME as obs-build exports it
		built   []string          // copied from testdata/incident, by folder/name
		files   map[string]string // other files below the root
		old     string            // folder of testdata/incident with the former results
		exit    int
		fails   string // the error, "" for none
		says    string // in the log, "" for an empty log
		reports bool   // whether a report is left for the next build
	}{
		{name: "nothing was built"},
		{name: "a package that cannot be read, of none of our business", files: map[string]string{"RPMS/noarch/texlive-1-1.noarch.rpm": "no RPM"},
			says: "cannot check "},
		{name: "a kernel that cannot be read", pkg: "kernel-default", files: map[string]string{"RPMS/x86_64/kernel-default-1-1.x86_64.rpm": "no RPM"},
			exit: 2, says: "kernel-default-1-1.x86_64.rpm", reports: true},
		{name: "a first build", built: []string{"5.15.12-1.3"}, says: "there are no old packages here", reports: true},
		{name: "the incident", built: []string{"5.15.12-1.3"}, old: "5.15.12-1.1", exit: 1, says: "ipheth", reports: true},
		{name: "modules without their kernel", built: []string{"5.15.12-1.3/" + extra}, says: "no vmlinux of 5.15.12-1-default", reports: true},
		{name: "a mistake in the packager's policy", built: []string{"5.15.12-1.3"}, files: map[string]string{"SOURCES/btf-guard.conf": "[[rule]]\nnonsense = 1\n"},
			fails: "btf-guard.conf"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			root := t.TempDir()
			top := filepath.Join(root, "rpmbuild")
			write(t, filepath.Join(top, "RPMS/x86_64/.keep"), "")
			write(t, filepath.Join(top, "OTHER/.keep"), "")
			write(t, filepath.Join(top, "SOURCES/a.spec"), "")
			if err := os.Symlink("rpmbuild", filepath.Join(root, ".build.packages")); err != nil {
				t.Fatal(err)
			}
			for _, from := range tc.built {
				copyInto(t, from, filepath.Join(top, "RPMS/x86_64"))
			}
			if tc.old != "" {
				copyInto(t, tc.old, filepath.Join(root, ".build.oldpackages"))
			}
			for name, text := range tc.files {
				write(t, filepath.Join(top, name), text)
			}
			found, err := obs.Find(root, func(string) string { return tc.pkg })
			if err != nil {
				t.Fatal(err)
			}
			var log strings.Builder
			exit, err := Check(t.Context(), found, nil, "test", &log)
			if tc.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tc.fails) {
					t.Fatalf("error %v, want %q", err, tc.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if exit != tc.exit || !strings.Contains(strings.Join(strings.Fields(log.String()), " "), tc.says) || tc.says == "" && log.Len() > 0 {
				t.Errorf("exit status %d, want %d, and %q in\n%s", exit, tc.exit, tc.says, &log)
			}
			if left, _ := filepath.Glob(filepath.Join(top, "OTHER/*btf*")); (len(left) > 0) != tc.reports {
				t.Errorf("left %q, want a report: %v", left, tc.reports)
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// copyInto copies packages of testdata/incident, one or a folder of them.
func copyInto(t *testing.T, from, dir string) {
	t.Helper()
	from = filepath.Join("../../testdata/incident", from)
	paths := []string{from}
	if !strings.HasSuffix(from, ".rpm") {
		paths, _ = filepath.Glob(filepath.Join(from, "*.rpm"))
	}
	if len(paths) == 0 {
		t.Fatalf("no packages in %s", from)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, filepath.Base(path)), string(data))
	}
}
