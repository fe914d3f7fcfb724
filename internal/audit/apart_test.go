// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// alternating is a project with two repositories: each has a build of one
// kernelrelease, and modules.
type alternating struct {
	fakeOBS
	of map[string]map[string]string // by repository, paths by name
}

func (o *alternating) Repositories(context.Context, string) ([]api.Repository, error) {
	return []api.Repository{{Name: "first", Arches: []string{"x86_64"}}, {Name: "second", Arches: []string{"x86_64"}}}, nil
}

func (o *alternating) Binaries(_ context.Context, t api.Target) ([]api.Binary, error) {
	var out []api.Binary
	for name := range o.of[t.Repository] {
		out = append(out, api.Binary{Name: name, Size: -1})
	}
	slices.SortFunc(out, func(a, b api.Binary) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (o *alternating) FileInfo(ctx context.Context, t api.Target, file string) (api.FileInfo, error) {
	f := fakeOBS{t: o.t, files: o.of[t.Repository]}
	return f.FileInfo(ctx, t, file)
}

func (o *alternating) Download(ctx context.Context, t api.Target, b api.Binary, dir string) (string, error) {
	f := fakeOBS{t: o.t, files: o.of[t.Repository]}
	return f.Download(ctx, t, b, dir)
}

// TestAlternatives holds that repositories of a project named as a whole are no
// neighbours: neither are their kernels one incident, nor does a kernel of one fit
// the modules of another. Named one by one, they are.
func TestAlternatives(t *testing.T) {
	dirs := map[bool]string{}
	for _, stamped := range []bool{true, false} {
		dirs[stamped] = incident(t, func(string) bool { return stamped }, "5.15.12-1.1", "5.15.12-1.3")
	}
	stamped := true
	path := func(nevra string) string { return filepath.Join(dirs[stamped], nevra+".rpm") }
	run := func(firstExtra, secondExtra string, sources ...string) []string {
		t.Helper()
		o := &alternating{fakeOBS{t: t}, map[string]map[string]string{
			"first":  {"kernel-default.rpm": path(oldKernel), "kernel-default-extra.rpm": path(firstExtra)},
			"second": {"kernel-default.rpm": path(newKernel), "kernel-default-extra.rpm": path(secondExtra)},
		}}
		res, err := Run(t.Context(), Options{Sources: sources, MetadataOnly: stamped, Dir: t.TempDir(), OBS: func() (OBS, error) { return o, nil }})
		if err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(said(res), func(s string) bool { return strings.HasPrefix(s, "unlabeled ") })
	}
	newFits := newExtra + " on " + newKernel + " fits"
	oldFits := oldExtra + " on " + oldKernel + " fits"
	rebuilt := "rebuild 1.1 to 1.3 changed true"
	for _, stamped = range []bool{true, false} {
		for name, tc := range map[string]struct{ got, want []string }{
			"each in itself":        {run(oldExtra, newExtra, "obs:P"), []string{oldFits, newFits}},
			"each with the other's": {run(newExtra, oldExtra, "obs:P"), []string{"stale " + oldExtra, "stale " + newExtra, oldExtra + " on " + newKernel + " misfits", newExtra + " on " + oldKernel + " misfits"}},
			"the same in both":      {run(oldExtra, oldExtra, "obs:P"), []string{"stale " + oldExtra, oldFits, oldExtra + " on " + newKernel + " misfits"}},
			"and a folder":          {run(oldExtra, oldExtra, "obs:P", path(newExtra)), []string{"stale " + oldExtra, oldFits, oldExtra + " on " + newKernel + " misfits", newExtra + " on " + oldKernel + " misfits", newFits}},
			"one, and a kernel":     {run(oldExtra, newExtra, "obs:P/first", path(newKernel)), []string{"incident 5.15.12-1-default", rebuilt, oldKernel + " on " + newKernel + " misfits", newKernel + " on " + oldKernel + " misfits", oldFits, oldExtra + " on " + newKernel + " misfits"}},
			"named twice":           {run(oldExtra, newExtra, "obs:P/first/x86_64", "obs:P/first"), []string{oldFits}},
		} {
			if diff := cmp.Diff(tc.want, tc.got); diff != "" {
				t.Errorf("%s, stamped %t: %s", name, stamped, diff)
			}
		}
	}
	// Builds that meet are one incident, reported once, in whichever order they are named.
	for _, sources := range [][]string{
		{"obs:P/first/x86_64", "obs:P/second/x86_64"}, {"obs:P", "obs:P/first", "obs:P/second"}, {"obs:P/first", "obs:P/second", "obs:P"},
		{"obs:P", "obs:Q"}, {"obs:P", path(oldKernel), path(newKernel)},
	} {
		got := strings.Join(run(oldExtra, newExtra, sources...), "\n")
		if strings.Count(got, "incident ") != 1 || strings.Count(got, "rebuild ") != 1 {
			t.Errorf("%q:\n%s", sources, got)
		}
	}
}

// TestItsOwnToken says of modules with the token that their package provides itself
// that it does not know.
func TestItsOwnToken(t *testing.T) {
	p := extra("1.1", 1)
	p.provides = p.requires
	dir := repository(t, t.TempDir(), p)
	res, err := Run(t.Context(), Options{Sources: []string{dir}, MetadataOnly: true})
	if err != nil || res.Exit([]guard.Verdict{guard.Undecided}) == 0 || res.outcome(nil) == good {
		t.Errorf("%v, %q", err, said(res))
	}
}

// TestDownloadBound refuses what is said to be too large, and leaves room for the
// others.
func TestDownloadBound(t *testing.T) {
	a := &audit{}
	for _, size := range []int64{1 << 62, -1, maxDownloads + 1} {
		if err := a.download(size); err == nil {
			t.Errorf("%d bytes are downloaded", size)
		}
	}
	if err := a.download(maxDownloads); err != nil {
		t.Error(err)
	}
	if err := a.download(1); err == nil {
		t.Error("one byte more is downloaded")
	}
}
