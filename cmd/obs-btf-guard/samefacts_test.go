// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
	"github.com/obs-btf-guard/obs-btf-guard/internal/hostile"
)

// How a kernel is packed, in which order and under which names, changes no verdict.
func TestPackingChangesNothing(t *testing.T) {
	const before = "../../testdata/incident/5.15.12-1.1"
	whole := kernelFiles(t, "../../testdata/incident/broken/kernel-default-5.15.12-1.4.x86_64.rpm",
		"../../testdata/incident/broken/kernel-default-extra-5.15.12-1.4.x86_64.rpm")
	reversed := slices.Clone(whole)
	slices.Reverse(reversed)
	var kernels, modules []hostile.File
	for _, f := range whole {
		if strings.Contains(path.Base(f.Path), ".ko") {
			modules = append(modules, f)
		} else {
			kernels = append(kernels, f)
		}
	}
	packed := func(format, suffix string) []hostile.File {
		out := slices.Clone(whole)
		for i, f := range out {
			if strings.HasSuffix(f.Path, ".ko") {
				out[i].Path += suffix
				out[i].Content = hostile.Compress(t, format, f.Content)
			}
		}
		return out
	}
	one := func(p hostile.Package) []hostile.Package { return []hostile.Package{p} }
	want := verdicts(t, one(hostile.Package{Files: whole}), nil, before)
	if len(want) < 20 || !slices.ContainsFunc(want, func(s string) bool { return strings.Contains(s, "rejected") }) {
		t.Fatalf("the case has too little in it: %q", want)
	}
	for _, tt := range []struct {
		name     string
		packages []hostile.Package
		files    []string // what the packages are called
	}{
		{"payload of gzip", one(hostile.Package{Files: whole, Compressor: "gzip"}), nil},
		{"payload of xz", one(hostile.Package{Files: whole, Compressor: "xz"}), nil},
		{"payload of lzma", one(hostile.Package{Files: whole, Compressor: "lzma"}), nil},
		{"payload without compression", one(hostile.Package{Files: whole, Compressor: "none"}), nil},
		{"modules of gzip", one(hostile.Package{Files: packed("gzip", ".gz")}), nil},
		{"modules of xz", one(hostile.Package{Files: packed("xz", ".xz")}), nil},
		{"modules of zstd", one(hostile.Package{Files: packed("zstd", ".zst")}), nil},
		{"files in another order", one(hostile.Package{Files: reversed}), nil},
		{"kernel and modules in two packages", []hostile.Package{{Files: kernels}, {Name: "kernel-default-modules", Files: modules}}, nil},
		{"other way round", []hostile.Package{{Name: "kernel-default-modules", Files: modules}, {Files: kernels}}, nil},
		{"file with another name", one(hostile.Package{Files: whole}), []string{"something.rpm"}},
		{"in a folder below", one(hostile.Package{Files: whole}), []string{"x86_64/deep/er/a.rpm"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(want, verdicts(t, tt.packages, tt.files, before)); diff != "" {
				t.Errorf("-as it was packed +now\n%s", diff)
			}
		})
	}
}

// kernelFiles are the files of packages.
func kernelFiles(t *testing.T, packages ...string) (out []hostile.File) {
	t.Helper()
	for _, name := range packages {
		_, files := fixture.Files(t, name)
		for _, f := range files {
			out = append(out, hostile.File{Path: f.Path, Content: f.Data})
		}
	}
	return out
}

// verdicts packs packages and checks them against a build before: which module of
// which origin came to which verdict, in which pairing.
func verdicts(t *testing.T, packages []hostile.Package, names []string, before string) (out []string) {
	t.Helper()
	dir := t.TempDir()
	for i, p := range packages {
		name := fmt.Sprintf("%d.rpm", i)
		if i < len(names) {
			name = names[i]
		}
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, hostile.RPM(t, p), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), []string{"obs-btf-guard", "check", "--no-db", "--format", "json", "--against", before, dir}, &stdout, &stderr); status == exitError {
		t.Fatalf("%s", stderr.String())
	}
	var report struct {
		Verdicts []struct {
			Module, Verdict, Severity, Pairing, Errno string
		}
	}
	if err := json.Unmarshal(stdout.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	for _, v := range report.Verdicts {
		out = append(out, fmt.Sprintf("%s: %s, %s by %s", v.Module, v.Verdict, v.Severity, v.Pairing))
	}
	slices.Sort(out)
	return out
}
