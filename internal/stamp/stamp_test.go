// SPDX-License-Identifier: Apache-2.0

package stamp

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/generator"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// The packages of the incident's rebuild in their order; the last needs the base of the
// second.
const (
	kmp    = "ipu6-kmp-default-1.0_k5.15.12_1-2.1.x86_64"
	kernel = "kernel-default-5.15.12-1.3.x86_64"
	extra  = "kernel-default-extra-5.15.12-1.3.x86_64"
)

// build copies a build of testdata/incident into a folder.
func build(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(fixture.Testdata(t), "incident", name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// files reads all files in a folder.
func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if data, err := os.ReadFile(filepath.Join(dir, e.Name())); err == nil {
			out[e.Name()] = data
		}
	}
	if err != nil || len(out) == 0 {
		t.Fatalf("%s: %d files, %v", dir, len(out), err)
	}
	return out
}

// changed names the files that are not what they were.
func changed(t *testing.T, dir string, before map[string][]byte) (out []string) {
	t.Helper()
	for name, data := range files(t, dir) {
		if !bytes.Equal(data, before[name]) {
			out = append(out, strings.TrimSuffix(name, ".rpm"))
		}
	}
	slices.Sort(out)
	return out
}

// stamped runs on a folder.
func stamped(t *testing.T, ctx context.Context, dir string, o Options) (*Result, error) {
	t.Helper()
	inv, err := collect.Read(t.Context(), collect.Stamp([]string{dir}, nil, o.Remove))
	if err != nil {
		t.Fatal(err)
	}
	res, err := guard.Judge(t.Context(), inv, guard.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if o.Strength == "" {
		o.Strength = generator.Auto
	}
	return Run(ctx, inv, res, o)
}

// run is stamped without an error.
func run(t *testing.T, dir string, o Options) *Result {
	t.Helper()
	r, err := stamped(t, t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// effective names the packages that have changes.
func (r *Result) effective() (out []string) {
	for _, c := range r.Changes {
		if !c.Empty() {
			out = append(out, c.Package.NEVRA)
		}
	}
	return out
}

// TestRun writes what is missing, finds it right, and takes it out again, which leaves the
// packages byte for byte as they were.
func TestRun(t *testing.T) {
	dir := build(t, "5.15.12-1.3")
	before := files(t, dir)
	for _, step := range []struct {
		name     string
		o        Options
		changes  []string
		writes   []string // what is not as before then
		disagree bool
		says     string
	}{
		{"verify without", Options{Mode: Verify}, []string{kernel, extra}, nil, true, "  missing Provides: kernel-btf(default:sha256:94460e068"},
		{"dry run", Options{Mode: DryRun}, []string{kernel, extra}, nil, false, "  to add  Requires: ((kernel-btf(default:sha256:94460e068"},
		{"nothing to remove", Options{Remove: true}, nil, nil, false, kernel + ": right already\n"},
		{"write", Options{}, []string{kernel, extra}, []string{kernel, extra}, false, kmp + ": right already\n" + kernel + ":\n  added   Provides"},
		{"write again", Options{}, nil, []string{kernel, extra}, false, extra + ": right already\n"},
		{"verify with", Options{Mode: Verify}, nil, []string{kernel, extra}, false, ""},
		{"weaker", Options{Strength: generator.Recommends}, []string{extra}, []string{kernel, extra}, false, "  removed Requires: ((kernel-btf"},
		{"verify weaker", Options{Mode: Verify}, []string{extra}, []string{kernel, extra}, true, "  wrong   Recommends: ((kernel-btf"},
		{"remove, dry run", Options{Mode: DryRun, Remove: true}, []string{kernel, extra}, []string{kernel, extra}, false, "  to remove Provides: kernel-btf"},
		{"remove", Options{Remove: true}, []string{kernel, extra}, nil, false, "  removed Recommends: "},
		{"verify removed", Options{Mode: Verify}, []string{kernel, extra}, nil, true, ""},
		{"none for modules", Options{Strength: generator.None}, []string{kernel}, []string{kernel}, false, ""},
	} {
		r := run(t, dir, step.o)
		if len(r.Problems)+len(r.Left) > 0 || len(r.Changes) != 3 || r.Disagree() != step.disagree {
			t.Errorf("%s: problems %v, left %d, %d changes, disagree %v", step.name, r.Problems, len(r.Left), len(r.Changes), r.Disagree())
		}
		if got := r.effective(); !slices.Equal(got, step.changes) {
			t.Errorf("%s: changes in %q, want %q", step.name, got, step.changes)
		}
		if got := changed(t, dir, before); !slices.Equal(got, step.writes) {
			t.Errorf("%s: written %q, want %q", step.name, got, step.writes)
		}
		var text strings.Builder
		if err := r.Text(&text); err != nil || !strings.Contains(text.String(), step.says) {
			t.Errorf("%s: %v, want %q in\n%s", step.name, err, step.says, &text)
		}
	}
}

// TestAllOrNone leaves all packages as they are where one has modules of no known base,
// and where one cannot be read.
func TestAllOrNone(t *testing.T) {
	cut := build(t, "5.15.12-1.3")
	if err := os.Truncate(filepath.Join(cut, extra+".rpm"), 4000); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		dir, wrong, says string
		packages         int
	}{
		"a misfit": {build(t, "broken"), "kernel-default-extra-5.15.12-1.4.x86_64.rpm", "so the base it was built on is not known", 2},
		"cut":      {cut, extra + ".rpm", "cut short", 2},
	} {
		before := files(t, tc.dir)
		r := run(t, tc.dir, Options{})
		if len(r.Changes) > 0 || len(r.Left) != tc.packages || len(changed(t, tc.dir, before)) > 0 {
			t.Errorf("%s: %q changed, %d left, written %q", name, r.effective(), len(r.Left), changed(t, tc.dir, before))
		}
		if len(r.Problems) != 1 || filepath.Base(r.Problems[0].Path) != tc.wrong || !strings.Contains(r.Problems[0].Error(), tc.says) {
			t.Errorf("%s: %v", name, r.Problems)
		}
	}
}

// TestWriteFails ends at the first package that cannot be written, and says which are
// written and which are as before.
func TestWriteFails(t *testing.T) {
	dir := build(t, "5.15.12-1.3")
	before := files(t, dir)
	if err := os.MkdirAll(filepath.Join(regular.Temporary(filepath.Join(dir, extra+".rpm")), "occupied"), 0o755); err != nil {
		t.Fatal(err)
	}
	r := run(t, dir, Options{})
	if written := changed(t, dir, before); len(r.Changes) != 2 || !slices.Equal(r.effective(), []string{kernel}) || !slices.Equal(written, []string{kernel}) {
		t.Errorf("changes in %q, written %q", r.effective(), written)
	}
	if len(r.Left) != 1 || r.Left[0].NEVRA != extra {
		t.Errorf("left: %d", len(r.Left))
	}
	if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Error(), "beside it") {
		t.Errorf("%v", r.Problems)
	}
}

// TestCanceled gives what was done until then, which is nothing.
func TestCanceled(t *testing.T) {
	dir := build(t, "5.15.12-1.3")
	before := files(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := stamped(t, ctx, dir, Options{})
	if !errors.Is(err, context.Canceled) || len(r.Changes)+len(r.Problems) > 0 || len(r.Left) != 3 || len(changed(t, dir, before)) > 0 {
		t.Errorf("%v: %+v", err, r)
	}
}

// TestNothing says why there is nothing to stamp.
func TestNothing(t *testing.T) {
	dir := t.TempDir()
	r := run(t, dir, Options{})
	if len(r.Problems) != 1 || r.Problems[0].Path != dir || r.Problems[0].Err.Error() != "no RPM was found" {
		t.Errorf("%v", r.Problems)
	}
}
