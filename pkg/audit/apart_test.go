// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/obs/api"
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

// TestAlternatives holds that repositories of a project named as a whole are no
// neighbours: neither are their kernels one incident, nor does a kernel of one fit
// the modules of another. Named one by one, they are.
func TestAlternatives(t *testing.T) {
	dir := incident(t, func(string) bool { return true }, "5.15.12-1.1", "5.15.12-1.3")
	path := func(nevra string) string { return filepath.Join(dir, nevra+".rpm") }
	run := func(firstExtra, secondExtra string, sources ...string) []string {
		t.Helper()
		o := &alternating{fakeOBS{t: t}, map[string]map[string]string{
			"first":  {"kernel-default.rpm": path(oldKernel), "kernel-default-extra.rpm": path(firstExtra)},
			"second": {"kernel-default.rpm": path(newKernel), "kernel-default-extra.rpm": path(secondExtra)},
		}}
		res, err := Run(t.Context(), Options{Sources: sources, MetadataOnly: true, OBS: func() (OBS, error) { return o, nil }})
		if err != nil {
			t.Fatal(err)
		}
		return said(res)
	}
	newFits := newExtra + " on " + newKernel + " fits"
	oldFits := oldExtra + " on " + oldKernel + " fits"
	for name, tc := range map[string]struct{ got, want []string }{
		"each in itself":        {run(oldExtra, newExtra, "obs:P"), []string{oldFits, newFits}},
		"each with the other's": {run(newExtra, oldExtra, "obs:P"), []string{"stale " + oldExtra, "stale " + newExtra, oldExtra + " on " + newKernel + " misfits", newExtra + " on " + oldKernel + " misfits"}},
		"and a folder":          {run(oldExtra, oldExtra, "obs:P", path(newExtra)), []string{"stale " + oldExtra, oldFits, oldExtra + " on " + newKernel + " misfits", newExtra + " on " + oldKernel + " misfits", newFits}},
		"one, and a kernel":     {run(oldExtra, newExtra, "obs:P/first", path(newKernel)), []string{"incident 5.15.12-1-default", "rebuild 1.1 to 1.3 changed true", oldKernel + " on " + newKernel + " misfits", newKernel + " on " + oldKernel + " misfits", oldFits, oldExtra + " on " + newKernel + " misfits"}},
		"named one by one":      {run(oldExtra, newExtra, "obs:P/first/x86_64", "obs:P/second/x86_64")[:1], []string{"incident 5.15.12-1-default"}},
		"named twice":           {run(oldExtra, newExtra, "obs:P/first/x86_64", "obs:P/first"), []string{oldFits}},
	} {
		if diff := cmp.Diff(tc.want, tc.got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
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
