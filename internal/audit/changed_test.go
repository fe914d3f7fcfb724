// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/obs-btf-guard/obs-btf-guard/internal/cache"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// rebuilt changes the header of a package, as a build does.
func rebuilt(t *testing.T, path, times string) {
	t.Helper()
	e := rpm.Edit{Add: []rpm.Relation{{Kind: rpm.Provides, Dependency: rpm.Dependency{Name: "built-" + times}}}}
	if _, err := rpm.Rewrite(t.Context(), path, e); err != nil {
		t.Fatal(err)
	}
}

// TestOneChanged downloads the one package that is another than last time, and takes the
// rest of its kernelrelease from the cache: of a repository and of OBS.
func TestOneChanged(t *testing.T) {
	dir := incident(t, func(string) bool { return false }, "5.15.12-1.1", "5.15.12-1.3")
	repositoryOf(t, dir)
	var fetched []string
	files := http.FileServer(http.Dir(dir))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".rpm") {
			fetched = append(fetched, strings.TrimPrefix(r.URL.Path, "/"))
		}
		files.ServeHTTP(w, r)
	}))
	defer server.Close()
	root := t.TempDir()
	var m notebook
	run := func(source string, want ...string) {
		t.Helper()
		fetched = nil
		o := &timedOBS{fakeOBS{t: t, files: map[string]string{
			"kernel-default.rpm": filepath.Join(dir, newKernel+".rpm"), "kernel-default-extra.rpm": filepath.Join(dir, newExtra+".rpm"),
			"ipu6-kmp-default.rpm": filepath.Join(dir, kmp+".rpm"),
		}}}
		ask := func(m Memory, d *cache.Dir) []string {
			t.Helper()
			res, err := Run(t.Context(), Options{Sources: []string{source}, Dir: t.TempDir(), Memory: m, Cache: d, OBS: func() (OBS, error) { return o, nil }})
			if err != nil {
				t.Fatal(err)
			}
			return said(res)
		}
		got := ask(&m, cache.New(root, "program"))
		fetched = append(fetched, o.downloaded...)
		slices.Sort(fetched)
		if diff := cmp.Diff(want, fetched); diff != "" {
			t.Errorf("%s: fetched %s", source, diff)
		}
		if diff := cmp.Diff(ask(nil, nil), got); diff != "" {
			t.Errorf("%s: other answers than of all packages: %s", source, diff)
		}
	}
	const obs = "obs:Kernel:stable/standard/x86_64"
	run(server.URL, kmp+".rpm", oldKernel+".rpm", newKernel+".rpm", oldExtra+".rpm", newExtra+".rpm")
	run(obs, "ipu6-kmp-default.rpm", "kernel-default-extra.rpm", "kernel-default.rpm")
	rebuilt(t, filepath.Join(dir, newExtra+".rpm"), "twice")
	repositoryOf(t, dir)
	run(server.URL, newExtra+".rpm")
	run(obs, "kernel-default-extra.rpm")
	run(obs)
	// What the cache has no more, or is damaged there, is fetched again.
	entries, err := filepath.Glob(filepath.Join(root, "program", "[0-9a-f]*.entry"))
	if err != nil || len(entries) != 6 {
		t.Fatal(entries, err)
	}
	for _, e := range entries {
		info, err := os.Stat(e)
		if err == nil {
			err = os.Truncate(e, info.Size()/2)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	rebuilt(t, filepath.Join(dir, newExtra+".rpm"), "thrice")
	repositoryOf(t, dir)
	run(obs, "ipu6-kmp-default.rpm", "kernel-default-extra.rpm", "kernel-default.rpm")
}

// timedOBS tells sizes and times, as OBS does, so that a file is known again.
type timedOBS struct{ fakeOBS }

func (o *timedOBS) stamp(name string) (size int64, at api.UnixTime) {
	info, err := os.Stat(o.files[name])
	if err != nil {
		return 0, at
	}
	return info.Size(), api.UnixTime{Time: time.Unix(info.Size(), 0)}
}

func (o *timedOBS) Binaries(ctx context.Context, t api.Target) ([]api.Binary, error) {
	list, err := o.fakeOBS.Binaries(ctx, t)
	list = slices.DeleteFunc(list, func(b api.Binary) bool { return o.files[b.Name] == "" })
	for i, b := range list {
		list[i].Size, list[i].MTime = o.stamp(b.Name)
	}
	return list, err
}

func (o *timedOBS) FileInfo(ctx context.Context, t api.Target, file string) (api.FileInfo, error) {
	info, err := o.fakeOBS.FileInfo(ctx, t, file)
	info.Size, info.MTime = o.stamp(file)
	return info, err
}
