// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// now is the time of day in JUnit's and SARIF's forms.
var now = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d`)

// TestSameFromCache compares what the program prints of packages that are read with
// what it prints when it takes them from the cache, byte by byte.
func TestSameFromCache(t *testing.T) {
	t.Setenv("CI", "")
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	const (
		old    = "../../testdata/incident/5.15.12-1.1"
		new    = "../../testdata/incident/5.15.12-1.3"
		broken = "../../testdata/incident/broken"
	)
	weak := filepath.Join("../../testdata", "outlives")
	var calls []string
	for _, format := range reportFormats {
		calls = append(calls,
			"check --verbose --format "+format+" "+new+" --against "+old,
			"audit --format "+format+" "+new+" "+old+" "+weak)
	}
	calls = append(calls,
		"check "+broken,
		"check --verbose --kernel 6.6 --allow-mismatch yes "+new,
		"check --base "+new+"/kernel-default-5.15.12-1.3.x86_64.rpm "+old,
		"check "+new+" "+broken+" --against "+old,
		"check "+weak,
		"explain "+old+" "+new,
		"explain --format json "+old+" "+new,
		"fingerprint "+new+" "+old,
		"fingerprint --rules --verbose "+new,
		"stamp --dry-run "+new,
		"stamp --verify "+old,
	)
	answer := func(call string, more ...string) string {
		var out, errs bytes.Buffer
		exit := run(t.Context(), append(append([]string{"obs-btf-guard"}, strings.Fields(call)...), more...), &out, &errs)
		return now.ReplaceAllString(string(rune('0'+exit))+"\n"+out.String()+errs.String(), "NOW")
	}
	ofAll := filepath.Join(t.TempDir(), "what others kept")
	for _, call := range calls {
		t.Run(call, func(t *testing.T) {
			own := filepath.Join(t.TempDir(), "none yet")
			t.Setenv("XDG_STATE_HOME", t.TempDir())
			want := answer(call, "--no-cache")
			for turn, cache := range []string{own, own, ofAll} {
				t.Setenv("XDG_CACHE_HOME", cache)
				t.Setenv("XDG_STATE_HOME", t.TempDir()) // audit is to go by the cache alone
				if got := answer(call); got != want {
					t.Errorf("run %d:\n%s\nwithout a cache:\n%s", turn+1, got, want)
				}
			}
		})
	}
}

// TestKept says which calls leave what a package holds, and where.
func TestKept(t *testing.T) {
	const pkg = "../../testdata/incident/5.15.12-1.3/kernel-default-5.15.12-1.3.x86_64.rpm"
	data, err := os.ReadFile(pkg)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.rpm")
	if err := os.WriteFile(cut, data[:len(data)-100], 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		env  map[string]string
		call string
		want int
	}{
		{"check", nil, "check " + pkg, 1},
		{"check without history", nil, "check --no-db " + pkg, 0},
		{"check without cache", nil, "check --no-cache " + pkg, 0},
		{"explain", nil, "explain " + pkg + " " + pkg, 1},
		{"stamp", nil, "stamp --dry-run " + pkg, 1},
		{"audit", nil, "audit " + pkg, 1},
		{"all modules", nil, "fingerprint --verbose " + pkg, 1},
		{"half of the package", nil, "fingerprint " + pkg, 0},
		{"headers only", nil, "stamp --dry-run --remove " + pkg, 0},
		{"CI", map[string]string{"CI": "true"}, "check " + pkg, 0},
		{"build root", map[string]string{"BUILD_ROOT": "/"}, "check " + pkg, 0},
		{"two packages", nil, "check ../../testdata/incident/broken", 2},
		{"a package that is cut off", nil, "check CUT", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, value := range map[string]string{"XDG_CACHE_HOME": dir, "XDG_STATE_HOME": t.TempDir(), "CI": ""} {
				t.Setenv(name, value)
			}
			for name, value := range tc.env {
				t.Setenv(name, value)
			}
			var out bytes.Buffer
			run(t.Context(), append([]string{"obs-btf-guard"}, strings.Fields(strings.ReplaceAll(tc.call, "CUT", cut))...), &out, &out)
			kept := "[0-9a-f]*" // of packages
			if tc.want == 0 {
				kept = "*"
			}
			entries, err := filepath.Glob(filepath.Join(dir, "obs-btf-guard", "*", kept))
			if err != nil || len(entries) != tc.want {
				t.Errorf("%d entries, want %d, error %v: %v\n%s", len(entries), tc.want, err, entries, &out)
			}
		})
	}
}

// TestRemoveReadsHeaders: nothing behind the header of a package without fingerprints
// is looked at to take them out, so that damage there is not seen.
func TestRemoveReadsHeaders(t *testing.T) {
	data, err := os.ReadFile("../../testdata/incident/5.15.12-1.3/kernel-default-5.15.12-1.3.x86_64.rpm")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kernel.rpm")
	data[len(data)-20] ^= 0xff
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	for call, want := range map[string]int{"stamp --remove " + path: exitOK, "stamp " + path: exitError} {
		var out bytes.Buffer
		if got := run(t.Context(), append([]string{"obs-btf-guard"}, strings.Fields(call)...), &out, &out); got != want {
			t.Errorf("%s: exit status %d, want %d\n%s", call, got, want, &out)
		}
	}
}

// TestNothingIsReadTwice: after check, no other command reads the packages. One that
// does keeps them anew, in another file.
func TestNothingIsReadTwice(t *testing.T) {
	const new = "../../testdata/incident/5.15.12-1.3"
	root := t.TempDir()
	top := filepath.Join(root, "home/abuild/rpmbuild")
	for _, dir := range []string{"RPMS/x86_64", "OTHER", "SOURCES"} {
		if err := os.MkdirAll(filepath.Join(top, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("home/abuild/rpmbuild", filepath.Join(root, ".build.packages")); err != nil {
		t.Fatal(err)
	}
	packages, err := filepath.Glob(new + "/*.rpm")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(top, "RPMS/x86_64", filepath.Base(p)), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kernel := new + "/kernel-default-5.15.12-1.3.x86_64.rpm"
	dir := t.TempDir()
	for name, value := range map[string]string{"XDG_CACHE_HOME": dir, "CI": "", "BUILD_ROOT": ""} {
		t.Setenv(name, value)
	}
	call := func(args string) {
		t.Helper()
		t.Setenv("XDG_STATE_HOME", t.TempDir())
		var out bytes.Buffer
		if exit := run(t.Context(), append([]string{"obs-btf-guard"}, strings.Fields(args)...), &out, &out); exit == exitError {
			t.Fatalf("%s: %s", args, &out)
		}
	}
	entries := func() map[string]os.FileInfo {
		t.Helper()
		paths, err := filepath.Glob(filepath.Join(dir, "obs-btf-guard", "*", "[0-9a-f]*.entry"))
		if err != nil || len(paths) != len(packages) {
			t.Fatalf("%d packages, entries %v, error %v", len(packages), paths, err)
		}
		out := map[string]os.FileInfo{}
		for _, path := range paths {
			if out[path], err = os.Stat(path); err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	call("check " + new)
	before := entries()
	for _, args := range []string{
		"check " + new, "audit " + new, "explain " + kernel + " " + kernel, "fingerprint " + kernel,
		"stamp --dry-run " + new, "rebuild --dry-run " + new, "hook --root " + root,
	} {
		t.Run(args, func(t *testing.T) {
			long := time.Now().Add(-time.Hour)
			for path := range before {
				if err := os.Chtimes(path, long, long); err != nil {
					t.Fatal(err)
				}
			}
			call(args)
			used := false
			for path, info := range entries() {
				if !os.SameFile(before[path], info) {
					t.Errorf("%s was read anew", path)
				}
				used = used || info.ModTime().After(long.Add(time.Minute))
			}
			if !used {
				t.Error("nothing was taken from the cache")
			}
		})
	}
}
