// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// closing is the last line of an audit of sources.
func closing(t *testing.T, o Options, failOn []guard.Verdict) (*Result, string) {
	t.Helper()
	res, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := res.Text(&b, TextOptions{FailOn: failOn}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	return res, lines[len(lines)-1]
}

// TestClosing holds that the last line says ok of nothing that is not known.
func TestClosing(t *testing.T) {
	kmod := listed{name: "a-kmp-default", version: "1", release: "1"}
	noKernel := extra("1.1", 1)
	for name, test := range map[string]struct {
		packages []listed
		failOn   []guard.Verdict
		want     string
	}{
		"fits":            {[]listed{kernelDefault("1.1", 1), extra("1.1", 1)}, DefaultFailOn, "ok   all modules fit the kernels they meet"},
		"nothing":         {nil, DefaultFailOn, "ok   no kernel and no modules"},
		"stale":           {[]listed{kernelDefault("1.2", 2), extra("1.1", 1)}, DefaultFailOn, "FAIL 1 stale"},
		"stale as a note": {[]listed{kernelDefault("1.2", 2), extra("1.1", 1)}, nil, "note 1 stale"},
		"unknown":         {[]listed{kmod}, DefaultFailOn, "FAIL 1 unknown"},
		"unknown fails":   {[]listed{kmod}, Kinds, "FAIL 1 unknown"},
		"unmet":           {[]listed{noKernel}, DefaultFailOn, "UNKNOWN 1 unmet"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := repository(t, t.TempDir(), test.packages...)
			if _, got := closing(t, Options{Sources: []string{dir}, MetadataOnly: true}, test.failOn); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
	kernels, one := []*Kernel{{Package: &Package{}}}, []*Package{{}}
	for name, test := range map[string]struct {
		r    Result
		want outcome
	}{
		"no kernel": {Result{Modules: one}, good}, // nor a finding: they need none
		"a cell":    {Result{Modules: one, Kernels: kernels, Rows: []*Row{{Of: map[guard.Verdict]int{guard.Undecided: 1}}}}, unknown},
		"a note":    {Result{Modules: one, Kernels: kernels, Notes: []string{"x"}}, noted},
		"good":      {Result{Modules: one, Kernels: kernels, Rows: []*Row{{Of: map[guard.Verdict]int{guard.Fits: 1}}}}, good},
	} {
		if got := test.r.outcome(nil); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

// TestTwins holds that builds which SOURCE_DATE_EPOCH gave one time are not taken
// for copies, and copies are.
func TestTwins(t *testing.T) {
	const nevra = "kernel-default-6.4.0-1.1.x86_64"
	digests := func(ds ...string) []*Package { // with a token where it ends in T
		var out []*Package
		for _, d := range ds {
			p, err := newPackage("", &rpm.Package{Name: "kernel-default", Version: "6.4.0", Release: "1.1", Arch: "x86_64",
				Provides: []rpm.Dependency{{Name: kernelUname, Flags: rpm.SenseEqual, Version: "6.4.0-1-default"}}}, d)
			if strings.HasSuffix(d, "T") {
				p.Provides = []string{base("default", 1)}
			}
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, p)
		}
		return out
	}
	for name, test := range map[string]struct {
		packages []*Package
		want     int
	}{
		"copies":                       {digests("sha256:a", "sha256:a"), 1},
		"one time":                     {digests("sha256:a", "sha256:b"), 2},
		"header and file":              {digests("header:a", "sha256:a"), 2},
		"header and file, with tokens": {digests("header:aT", "sha256:bT"), 1},
		"one time and base":            {digests("sha256:aT", "sha256:bT"), 2},
		"nothing to tell":              {digests("", ""), 2},
		"copies among others":          {digests("sha256:a", "sha256:b", "sha256:a"), 2},
	} {
		t.Run(name, func(t *testing.T) {
			a := &audit{res: &Result{}, packages: test.packages}
			a.sort()
			if len(a.packages) != test.want {
				t.Errorf("%d packages, want %d", len(a.packages), test.want)
			}
		})
	}
	t.Run("findings", func(t *testing.T) {
		one, two := kernelDefault("1.1", 1), kernelDefault("1.1", 2)
		modules := extra("1.1", 1)
		modules.build = "kernel-default-6.4.0-1.1"
		dir := repository(t, t.TempDir(), one, two, modules)
		res, got := closing(t, Options{Sources: []string{dir}, MetadataOnly: true}, DefaultFailOn)
		if got != "FAIL 1 incident" || len(res.Kernels) != 2 || len(res.Changes) != 0 {
			t.Errorf("%q, %d kernels, %d rebuilds", got, len(res.Kernels), len(res.Changes))
		}
		if f := res.Findings[0]; len(f.Packages) != 2 || f.Packages[0].NEVRA != nevra {
			t.Errorf("%v", f)
		}
	})
	t.Run("a folder and a repository of the same", func(t *testing.T) {
		dir := incident(t, func(string) bool { return false }, "5.15.12-1.3")
		res, err := Run(t.Context(), Options{Sources: []string{dir, filepath.Join(dir, newKernel+".rpm"), filepath.Join(dir, newExtra+".rpm")}})
		if err != nil {
			t.Fatal(err)
		}
		if len(res.Kernels) != 1 || len(res.Modules) != 3 || len(res.Problems) != 0 {
			t.Errorf("%q", said(res))
		}
	})
}

// TestSeveralTokens holds that of two bases of one flavor none is believed, and
// that the content decides.
func TestSeveralTokens(t *testing.T) {
	kernel := kernelDefault("1.1", 1)
	kernel.provides = append(kernel.provides, base("default", 2))
	res, _ := closing(t, Options{Sources: []string{repository(t, t.TempDir(), kernel, extra("1.1", 2))}, MetadataOnly: true}, nil)
	want := []string{"unknown kernel-default-6.4.0-1.1.x86_64", "unknown kernel-default-extra-6.4.0-1.1.x86_64",
		"kernel-default-6.4.0-1.1.x86_64 on kernel-default-6.4.0-1.1.x86_64 unknown", "kernel-default-extra-6.4.0-1.1.x86_64 on kernel-default-6.4.0-1.1.x86_64 unknown"}
	if diff := cmp.Diff(want, said(res)); diff != "" {
		t.Error(diff)
	}

	dir := incident(t, func(string) bool { return true }, "5.15.12-1.3")
	path := filepath.Join(dir, newKernel+".rpm")
	wrong := rpm.Relation{Kind: rpm.Provides, Dependency: rpm.Dependency{Name: base("default", 0xff)}}
	if _, err := rpm.Rewrite(t.Context(), path, rpm.Edit{Add: []rpm.Relation{wrong}}); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "repodata")); err != nil {
		t.Fatal(err)
	}
	res, _ = closing(t, Options{Sources: []string{dir}}, nil)
	want = []string{"mislabeled " + newKernel, kmp + " on " + newKernel + " fits", newExtra + " on " + newKernel + " fits"}
	if diff := cmp.Diff(want, said(res)); diff != "" || res.Kernels[0].Known != guard.ByContent {
		t.Error(diff, res.Kernels[0].Known)
	}
}

// TestEpoch holds that no epoch and 0 are the same.
func TestEpoch(t *testing.T) {
	for epoch, want := range map[string]string{"": "a-1-1.x86_64", "0": "a-1-1.x86_64", "1": "a-1:1-1.x86_64"} {
		p, err := newPackage("", &rpm.Package{Name: "a", Epoch: epoch, Version: "1", Release: "1", Arch: "x86_64"}, "")
		if err != nil || p.NEVRA != want {
			t.Errorf("%q: %v, %v, want %s", epoch, p, err, want)
		}
		none := &Package{evr: "1-1"}
		if got := rpm.CompareEVR(p.evr, none.evr); (got == 0) != (epoch != "1") {
			t.Errorf("%q: %d to none", epoch, got)
		}
	}
}

// TestNotes holds that what lies there and is not looked at is said.
func TestNotes(t *testing.T) {
	dir := incident(t, func(string) bool { return true }, "5.15.12-1.3")
	if err := os.MkdirAll(filepath.Join(dir, "new"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"new/a.rpm", "z.rpm"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, last := closing(t, Options{Sources: []string{dir}, MetadataOnly: true}, nil)
	folder := t.TempDir()
	if err := os.Symlink(dir, filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, newKernel+".rpm"), filepath.Join(folder, newKernel+".rpm")); err != nil {
		t.Fatal(err)
	}
	res, got := closing(t, Options{Sources: []string{dir, folder}}, nil)
	want := []string{
		dir + ": new/a.rpm and 1 more not in the metadata of the repository, and not looked at",
		filepath.Join(folder, "link") + ": a link to a folder, which is not followed",
	}
	if diff := cmp.Diff(want, res.Notes); diff != "" || !strings.HasPrefix(got, "note ") || len(res.Problems) > 0 {
		t.Error(diff, got, last, res.Problems)
	}
}

// TestGone names what the metadata of a folder lists and what is not there, unless there is
// nothing but metadata.
func TestGone(t *testing.T) {
	dir := incident(t, func(string) bool { return true }, "5.15.12-1.3")
	rpms, err := filepath.Glob(filepath.Join(dir, "kernel-default-*.rpm"))
	if err != nil || len(rpms) != 2 {
		t.Fatal(rpms, err)
	}
	all, err := filepath.Glob(filepath.Join(dir, "*.rpm"))
	if err != nil {
		t.Fatal(err)
	}
	gone := dir + ": in the metadata of the repository, and not there: "
	for _, tc := range []struct {
		remove, want []string
	}{
		{nil, nil},
		{rpms[:1], []string{gone + strings.TrimSuffix(filepath.Base(rpms[0]), ".rpm")}},
		{all, nil},
	} {
		for _, path := range tc.remove {
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
		res, _ := closing(t, Options{Sources: []string{dir}, MetadataOnly: true}, nil)
		if diff := cmp.Diff(tc.want, res.Notes); diff != "" {
			t.Errorf("without %q: %s", tc.remove, diff)
		}
	}
}

// TestDownloads holds that a folder is made for downloads alone, and removed.
func TestDownloads(t *testing.T) {
	dir := incident(t, func(string) bool { return false }, "5.15.12-1.3")
	down := t.TempDir()
	entries := func() int {
		found, err := os.ReadDir(down)
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	most := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".rpm") {
			most = max(most, entries())
		} else if n := entries(); n > 0 {
			t.Errorf("%d entries before the first download", n)
		}
		http.FileServer(http.Dir(dir)).ServeHTTP(w, r)
	}))
	defer server.Close()
	res, err := Run(t.Context(), Options{Sources: []string{server.URL}, Dir: down})
	if err != nil || len(res.Problems) > 0 || most != 1 || entries() != 0 {
		t.Errorf("%v, %v, %d folders while downloading, %d after", err, res.Problems, most, entries())
	}
	if _, err := Run(t.Context(), Options{Sources: []string{dir}, Dir: filepath.Join(down, "nothing")}); err != nil {
		t.Error(err)
	}
}

// TestTime holds that a time that nothing can be built at leaves the JSON whole.
func TestTime(t *testing.T) {
	dir := repository(t, t.TempDir(), kernelDefault("1.1", 1))
	path := filepath.Join(dir, "repodata", "primary.xml")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := []byte(strings.Replace(string(data), `build="1640789416"`, `build="999999999999999"`, 1))
	index, err := os.ReadFile(filepath.Join(dir, "repodata", "repomd.xml"))
	if err != nil {
		t.Fatal(err)
	}
	index = []byte(strings.Replace(string(index), hexSum(data), hexSum(changed), 1))
	for name, data := range map[string][]byte{"primary.xml": changed, "repomd.xml": index} {
		if err := os.WriteFile(filepath.Join(dir, "repodata", name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	res, _ := closing(t, Options{Sources: []string{dir}, MetadataOnly: true}, nil)
	var b strings.Builder
	if err := res.JSON(&b, "1", nil); err != nil || !json.Valid([]byte(b.String())) {
		t.Fatal(err, b.String())
	}
	if built := res.Kernels[0].Package.Built; built != (time.Time{}) {
		t.Error(built)
	}
}

// TestCutCopy holds that a copy of a package that was cut short is no copy, in
// whichever order they are named.
func TestCutCopy(t *testing.T) {
	dir := incident(t, func(string) bool { return false }, "5.15.12-1.3")
	if err := os.RemoveAll(filepath.Join(dir, "repodata")); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, newExtra+".rpm"))
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.rpm")
	if err := os.WriteFile(cut, data[:len(data)-300], 0o644); err != nil {
		t.Fatal(err)
	}
	for _, sources := range [][]string{{dir, cut}, {cut, dir}} {
		res, err := Run(t.Context(), Options{Sources: sources})
		if err != nil {
			t.Fatal(err)
		}
		if res.Exit(DefaultFailOn) != 2 || len(res.Problems) != 1 || res.Problems[0].Path != cut {
			t.Errorf("%q: exit %d, %q", sources, res.Exit(DefaultFailOn), said(res))
		}
	}
}
