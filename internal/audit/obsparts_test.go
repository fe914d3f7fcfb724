// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
)

// statedOBS tells build ids.
type statedOBS struct {
	*listedOBS
	state api.State
}

func (o *statedOBS) State(context.Context, api.Target) (api.State, error) {
	o.requests = append(o.requests, "state")
	return o.state, nil
}

// TestOBSBuildID asks for the state of a repository and nothing else while it has the
// build id of what is known, and for the listing otherwise.
func TestOBSBuildID(t *testing.T) {
	dir := incident(t, func(string) bool { return true }, "5.15.12-1.1", "5.15.12-1.3")
	o := &statedOBS{listedOBS: &listedOBS{
		fakeOBS: &fakeOBS{t: t, files: map[string]string{
			"kernel-default.rpm": filepath.Join(dir, newKernel+".rpm"), "kernel-default-extra.rpm": filepath.Join(dir, oldExtra+".rpm"),
		}},
		times: map[string]int64{"kernel-default.rpm": 1, "kernel-default-extra.rpm": 1, "bash.rpm": 1, "kernel-default-devel.rpm": 1, "_buildenv": 1},
	}}
	var m notebook
	run := func(state api.State, want ...string) []string {
		t.Helper()
		o.state, o.requests, o.asked = state, nil, nil
		res, err := Run(t.Context(), Options{Sources: []string{"obs:Kernel:stable/standard/x86_64"}, Dir: t.TempDir(), Memory: &m, OBS: func() (OBS, error) { return o, nil }})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(o.asked)
		if got := slices.Concat(o.requests, o.asked); !slices.Equal(got, want) {
			t.Errorf("%+v: asked for %q, want %q", state, got, want)
		}
		return append(said(res), fmt.Sprint(res.Sources))
	}
	one := api.State{Code: "finished", BuildID: "one"}
	first := run(api.State{Code: "building", BuildID: "one-inprogress"}, "state", "listing", "depinfo", "kernel-default-extra.rpm", "kernel-default.rpm")
	for _, again := range [][]string{run(one, "state", "listing"), run(one, "state"), run(api.State{Code: "finished", BuildID: "one", Dirty: true}, "state", "listing"), run(one, "state", "listing"), run(one, "state")} {
		if diff := cmp.Diff(first, again); diff != "" {
			t.Error(diff)
		}
	}
	o.files["kernel-default-extra.rpm"], o.times["kernel-default-extra.rpm"] = filepath.Join(dir, newExtra+".rpm"), 2
	two := api.State{Code: "finished", BuildID: "two"}
	other := run(two, "state", "listing", "depinfo", "kernel-default-extra.rpm")
	if slices.Equal(first, other) {
		t.Error("the package that changed is the same")
	}
	if diff := cmp.Diff(other, run(two, "state")); diff != "" {
		t.Error(diff)
	}
	// What OBS would have to download first is no build: its state does not tell.
	delete(o.times, "kernel-default.rpm")
	run(api.State{Code: "finished", BuildID: "three"}, "state", "listing", "depinfo", "kernel-default.rpm")
	run(api.State{Code: "finished", BuildID: "three"}, "listing", "kernel-default.rpm")
}

// wideOBS has projects of two repositories with one package each, which each take a
// second to be known.
type wideOBS struct {
	slowOBS
	broken string // name of a part
}

func (o *wideOBS) Repositories(context.Context, string) ([]api.Repository, error) {
	return []api.Repository{{Name: "a", Arches: []string{"x86_64"}}, {Name: "b", Arches: []string{"x86_64"}}}, nil
}

func (o *wideOBS) Binaries(_ context.Context, t api.Target) ([]api.Binary, error) {
	if err := o.wait(); err != nil || t.Project+"/"+t.Repository == o.broken {
		return nil, errors.Join(err, errors.New("404 not here"))
	}
	return []api.Binary{{Name: t.Project + t.Repository + "-kmp-default.rpm"}}, nil
}

func (o *wideOBS) FileInfo(_ context.Context, t api.Target, file string) (api.FileInfo, error) {
	return api.FileInfo{Name: strings.TrimSuffix(file, ".rpm"), Version: "1", Release: "1", Arch: t.Arch, Requires: []string{base("default", 1)}}, o.wait()
}

// wait counts requests. Those that begin first take the longest.
func (o *wideOBS) wait() error {
	o.mu.Lock()
	o.now++
	o.all++
	o.most = max(o.most, o.now)
	n := o.all
	o.mu.Unlock()
	time.Sleep(time.Second + time.Duration(100-n)*time.Millisecond)
	o.mu.Lock()
	o.now--
	o.mu.Unlock()
	return nil
}

// TestOBSPartsAtOnce asks for several parts at once and no more than so many requests,
// and has them in the order of the sources; too many packages are so at the same place.
func TestOBSPartsAtOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		o    Options
		most int
		want string
	}{
		"by default":        {Options{}, DefaultRequests, "p0/a p0/b p1/a p2/a p2/b p3/a p3/b p4/a p4/b p5/a p5/b"},
		"two":               {Options{Requests: 2}, 2, "p0/a p0/b p1/a p2/a p2/b p3/a p3/b p4/a p4/b p5/a p5/b"},
		"too many packages": {Options{MaxPackages: 4}, DefaultRequests, "p0/a p0/b p1/a p2/a p2/b"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := &wideOBS{broken: "p1/b"}
				for i := range 6 {
					tc.o.Sources = append(tc.o.Sources, fmt.Sprint("obs:p", i))
				}
				tc.o.OBS = func() (OBS, error) { return o, nil }
				res, err := Run(t.Context(), tc.o)
				if err != nil {
					t.Fatal(err)
				}
				var sources []string
				for _, s := range res.Sources {
					sources = append(sources, strings.TrimSuffix(strings.TrimPrefix(s.Name, "obs:"), "/x86_64"))
				}
				if got := strings.Join(sources, " "); got != tc.want {
					t.Errorf("read %s, want %s", got, tc.want)
				}
				if o.most != tc.most || o.now != 0 {
					t.Errorf("%d requests at once, %d under way; want %d", o.most, o.now, tc.most)
				}
				if !strings.Contains(res.Problems[0].Error(), "obs:p1/b/x86_64: 404 not here") {
					t.Errorf("%v", res.Problems)
				}
				if tc.o.MaxPackages > 0 && (len(res.Modules) != 4 || !strings.Contains(res.Problems[1].Error(), "obs:p2: more than 4 packages")) {
					t.Errorf("%d packages, %v", len(res.Modules), res.Problems)
				}
			})
		})
	}
}
