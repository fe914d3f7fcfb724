// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// fakeOBS has the RPMs of a folder, named as OBS names them.
type fakeOBS struct {
	t     *testing.T
	files map[string]string // path by name
	deps  []api.Dependencies

	mu         sync.Mutex
	asked      []string
	downloaded []string
}

func (o *fakeOBS) URL() string { return "https://api.example.org" }

// State knows no build ids, as OBS 2.9 does not.
func (o *fakeOBS) State(context.Context, api.Target) (api.State, error) { return api.State{}, nil }

func (o *fakeOBS) Repositories(_ context.Context, project string) ([]api.Repository, error) {
	switch project {
	case "Kernel:stable":
		return []api.Repository{{Name: "standard", Arches: []string{"x86_64", "s390x"}}, {Name: "ports", Arches: []string{"riscv64"}}}, nil
	case "Kernel:empty":
		return []api.Repository{{Name: "standard"}, {Name: "new", Arches: []string{"x86_64"}}}, nil
	}
	return nil, errors.New("404 unknown project")
}

func (o *fakeOBS) Binaries(_ context.Context, t api.Target) ([]api.Binary, error) {
	switch (api.Target{Project: t.Project, Repository: t.Repository, Arch: t.Arch}) {
	case api.Target{Project: "Kernel:stable", Repository: "standard", Arch: "x86_64"}:
	case api.Target{Project: "Kernel:stable", Repository: "ports", Arch: "riscv64"}, api.Target{Project: "Kernel:empty", Repository: "new", Arch: "x86_64"}:
		return nil, nil
	default:
		return nil, errors.New("404 unknown project")
	}
	out := []api.Binary{{Name: "bash.rpm"}, {Name: "kernel-default-devel.rpm"}, {Name: "_buildenv"}, {Name: "kernel-broken.rpm"}}
	for name := range o.files {
		out = append(out, api.Binary{Name: name, Size: -1})
	}
	return out, nil
}

func (o *fakeOBS) DepInfo(context.Context, string, string, string) ([]api.Dependencies, error) {
	return o.deps, nil
}

func (o *fakeOBS) FileInfo(_ context.Context, _ api.Target, file string) (api.FileInfo, error) {
	o.mu.Lock()
	o.asked = append(o.asked, file)
	o.mu.Unlock()
	if o.files[file] == "" {
		return api.FileInfo{}, errors.New("no such file")
	}
	r, err := rpm.Open(o.files[file])
	if err != nil {
		o.t.Fatal(err)
	}
	defer r.Close()
	p := r.Package
	i := api.FileInfo{Name: p.Name, Version: p.Version, Release: p.Release, Arch: p.Arch, Source: p.SourceName(), Size: 1}
	for _, d := range p.Provides {
		i.Provides = append(i.Provides, d.String())
	}
	for _, d := range p.Requires { // what is recommended, OBS does not tell
		i.Requires = append(i.Requires, d.String())
	}
	return i, nil
}

func (o *fakeOBS) Download(_ context.Context, _ api.Target, b api.Binary, dir string) (string, error) {
	o.downloaded = append(o.downloaded, b.Name)
	data, err := os.ReadFile(o.files[b.Name])
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, b.Name)
	return path, os.WriteFile(path, data, 0o644)
}

// TestOBS holds that OBS is asked for what its names stand for, and that the answers
// are used as those of a repository are.
func TestOBS(t *testing.T) {
	for name, stamped := range map[string]bool{"by token": true, "by content": false} {
		t.Run(name, func(t *testing.T) {
			dir := incident(t, func(string) bool { return stamped }, "5.15.12-1.1", "5.15.12-1.3")
			o := &fakeOBS{t: t, files: map[string]string{
				"kernel-default.rpm":       filepath.Join(dir, newKernel+".rpm"),
				"kernel-default-extra.rpm": filepath.Join(dir, oldExtra+".rpm"),
				"ipu6-kmp-default.rpm":     filepath.Join(dir, kmp+".rpm"),
			}}
			res, err := Run(t.Context(), Options{Sources: []string{"obs:Kernel:stable/standard/x86_64"}, Dir: t.TempDir(), OBS: func() (OBS, error) { return o, nil }})
			if err != nil {
				t.Fatal(err)
			}
			want := []string{"stale " + oldExtra}
			if !stamped {
				want = append(want, "unlabeled "+newKernel, "unlabeled "+oldExtra)
			}
			want = append(want, kmp+" on "+newKernel+" fits", oldExtra+" on "+newKernel+" misfits",
				"problem obs:Kernel:stable/standard/x86_64: kernel-broken.rpm: no such file")
			if diff := cmp.Diff(want, said(res)); diff != "" {
				t.Error(diff)
			}
			if all := strings.Join(o.asked, " "); strings.Contains(all, "bash") || strings.Contains(all, "devel") {
				t.Error("asked for", all)
			}
		})
	}
}

// TestOBSRecommends holds that a package which recommends its base is not called
// unlabeled, nor a kernel downloaded for it.
func TestOBSRecommends(t *testing.T) {
	dir := incident(t, func(name string) bool { return name == newKernel }, "5.15.12-1.3")
	modules := filepath.Join(dir, newExtra+".rpm")
	recommends := rpm.Relation{Kind: rpm.Recommends, Dependency: rpm.Dependency{Name: base("default", 7)}}
	if _, err := rpm.Rewrite(t.Context(), modules, rpm.Edit{Add: []rpm.Relation{recommends}}); err != nil {
		t.Fatal(err)
	}
	o := &fakeOBS{t: t, files: map[string]string{"kernel-default.rpm": filepath.Join(dir, newKernel+".rpm"), "kernel-default-extra.rpm": modules}}
	res, err := Run(t.Context(), Options{Sources: []string{"obs:Kernel:stable/standard/x86_64"}, Dir: t.TempDir(), OBS: func() (OBS, error) { return o, nil }})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"broken " + newExtra, newExtra + " on " + newKernel + " misfits",
		"problem obs:Kernel:stable/standard/x86_64: kernel-broken.rpm: no such file"}
	if diff := cmp.Diff(want, said(res)); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(o.downloaded, []string{"kernel-default-extra.rpm"}) {
		t.Errorf("downloaded %q", o.downloaded)
	}
}

// TestOBSParts holds that a name of fewer parts stands for all of them, and that one
// which cannot be read leaves the others.
func TestOBSParts(t *testing.T) {
	dir := incident(t, func(string) bool { return true }, "5.15.12-1.1", "5.15.12-1.3")
	good := Source{Name: "obs:Kernel:stable/standard/x86_64", Kind: "obs", Packages: 4}
	ports := Source{Name: "obs:Kernel:stable/ports/riscv64", Kind: "obs"}
	broken := "obs:Kernel:stable/standard/x86_64: kernel-broken.rpm: no such file"
	away := "obs:Kernel:stable/standard/s390x: 404 unknown project"
	for name, test := range map[string]struct {
		names    string
		sources  []Source
		problems []string
	}{
		"project":             {"obs:Kernel:stable", []Source{good, ports}, []string{broken, away}},
		"repository":          {"obs:Kernel:stable/standard", []Source{good}, []string{broken, away}},
		"unknown repository":  {"obs:Kernel:stable/nope", nil, []string{"obs:Kernel:stable/nope: the project has no repository nope, or none that is built for an architecture"}},
		"no architecture":     {"obs:Kernel:empty/standard", nil, []string{"obs:Kernel:empty/standard: the project has no repository standard, or none that is built for an architecture"}},
		"unknown project":     {"obs:nope", nil, []string{"obs:nope: 404 unknown project"}},
		"nothing built":       {"obs:Kernel:empty", []Source{{Name: "obs:Kernel:empty/new/x86_64", Kind: "obs"}}, []string{"obs:Kernel:empty: OBS has no package there"}},
		"nothing and another": {"obs:nope obs:Kernel:stable/standard/x86_64", []Source{good}, []string{"obs:nope: 404 unknown project", broken}},
	} {
		t.Run(name, func(t *testing.T) {
			connected := 0
			connect := func() (OBS, error) {
				connected++
				return &fakeOBS{t: t, files: map[string]string{"kernel-default.rpm": filepath.Join(dir, newKernel+".rpm")}}, nil
			}
			res, err := Run(t.Context(), Options{Sources: strings.Fields(test.names), OBS: connect})
			if err != nil {
				t.Fatal(err)
			}
			var problems []string
			for _, p := range res.Problems {
				problems = append(problems, p.Error())
			}
			if diff := cmp.Diff(test.problems, problems); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.sources, res.Sources); diff != "" {
				t.Error(diff)
			}
			if len(res.Kernels) > 1 || slices.Contains(test.sources, good) != (len(res.Kernels) == 1) {
				t.Errorf("%d kernels", len(res.Kernels))
			}
			if connected != 1 {
				t.Errorf("connected %d times", connected)
			}
		})
	}
}

func TestOBSNames(t *testing.T) {
	for name, test := range map[string]struct{ source, want string }{
		"too many parts": {"obs:Kernel:stable/standard/x86_64/kernel-default", "obs:PROJECT/REPOSITORY/ARCH"},
		"an empty part":  {"obs:Kernel:stable//x86_64", "obs:PROJECT/REPOSITORY/ARCH"},
		"nothing":        {"obs:", "obs:PROJECT"},
		"unknown":        {"obs:a/b/c", "404 unknown project"},
		"no credentials": {"obs:a/b/secret", "no password"},
	} {
		t.Run(name, func(t *testing.T) {
			connect := func() (OBS, error) {
				if test.want == "no password" {
					return nil, errors.New(test.want)
				}
				return &fakeOBS{t: t}, nil
			}
			res, err := Run(t.Context(), Options{Sources: []string{test.source}, OBS: connect})
			if err != nil || len(res.Problems) != 1 || !strings.Contains(res.Problems[0].Error(), test.want) {
				t.Errorf("%v, %v", res.Problems, err)
			}
		})
	}
}

// slowOBS has packages of which the first take the longest to be known.
type slowOBS struct {
	fakeOBS
	packages       int
	now, most, all int // requests: under way, most at once, in all
}

func (o *slowOBS) Binaries(context.Context, api.Target) (out []api.Binary, err error) {
	for i := range o.packages {
		out = append(out, api.Binary{Name: fmt.Sprintf("m%d-kmp-default.rpm", i)})
	}
	return out, nil
}

func (o *slowOBS) FileInfo(ctx context.Context, _ api.Target, file string) (api.FileInfo, error) {
	o.mu.Lock()
	o.now++
	o.all++
	o.most = max(o.most, o.now)
	n := o.all
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		o.now--
		o.mu.Unlock()
	}()
	select {
	case <-ctx.Done():
		return api.FileInfo{}, ctx.Err()
	case <-time.After(time.Duration(o.packages-n) * time.Second):
	}
	name := strings.TrimSuffix(file, ".rpm")
	if strings.HasPrefix(file, "m1") {
		return api.FileInfo{}, errors.New("no such file")
	}
	return api.FileInfo{Name: name, Version: "1", Release: "1", Arch: "x86_64", Requires: []string{base("default", 1)}}, nil
}

// TestOBSAtOnce holds that some packages are asked for at once and no more, that
// what comes of it stands in the order of the list, and that nothing is asked for
// after the context has ended.
func TestOBSAtOnce(t *testing.T) {
	run := func(t *testing.T, ctx context.Context) (*slowOBS, *Result, error) {
		o := &slowOBS{packages: 12}
		res, err := Run(ctx, Options{Sources: []string{"obs:a/b/c"}, OBS: func() (OBS, error) { return o, nil }})
		if o.now != 0 || o.most != DefaultRequests {
			t.Errorf("%d requests are under way, there were %d at once", o.now, o.most)
		}
		return o, res, err
	}
	t.Run("order", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, res, err := run(t, t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, line := range said(res) {
				if strings.HasPrefix(line, "problem ") {
					got = append(got, line)
				}
			}
			var want []string
			for _, i := range []int{1, 10, 11} {
				want = append(want, fmt.Sprintf("problem obs:a/b/c: m%d-kmp-default.rpm: no such file", i))
			}
			if diff := cmp.Diff(want, got); diff != "" || len(res.Modules) != 9 {
				t.Errorf("%s, %d packages", diff, len(res.Modules))
			}
		})
	})
	t.Run("ends", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
			defer cancel()
			o, _, err := run(t, ctx)
			if !errors.Is(err, context.DeadlineExceeded) || o.all > 2*DefaultRequests {
				t.Errorf("%v after %d requests", err, o.all)
			}
		})
	})
}

// listedOBS has sizes and times in its listing, and counts what it is asked.
type listedOBS struct {
	*fakeOBS
	times    map[string]int64
	requests []string
}

func (o *listedOBS) Binaries(ctx context.Context, t api.Target) ([]api.Binary, error) {
	o.requests = append(o.requests, "listing")
	list, err := o.fakeOBS.Binaries(ctx, t)
	list = slices.DeleteFunc(list, func(b api.Binary) bool { return b.Name == "kernel-broken.rpm" })
	for i, b := range list {
		if at := o.times[b.Name]; at > 0 {
			list[i].Size, list[i].MTime = 1, api.UnixTime{Time: time.Unix(at, 0)}
		}
	}
	slices.SortFunc(list, func(a, b api.Binary) int { return strings.Compare(a.Name, b.Name) })
	return list, err
}

func (o *listedOBS) DepInfo(ctx context.Context, project, repository, arch string) ([]api.Dependencies, error) {
	o.requests = append(o.requests, "depinfo")
	return o.fakeOBS.DepInfo(ctx, project, repository, arch)
}

// TestOBSAgain asks for the listing of a repository that did not change and nothing
// else, and of one that did for what is another; it finds the same each time.
func TestOBSAgain(t *testing.T) {
	dir := incident(t, func(string) bool { return true }, "5.15.12-1.1", "5.15.12-1.3")
	o := &listedOBS{
		fakeOBS: &fakeOBS{
			t: t, deps: []api.Dependencies{{Needs: []string{"kernel-default-devel"}, Subpackages: []string{"zfs", "gone"}}},
			files: map[string]string{
				"kernel-default.rpm":       filepath.Join(dir, newKernel+".rpm"),
				"kernel-default-extra.rpm": filepath.Join(dir, oldExtra+".rpm"),
				"zfs.rpm":                  filepath.Join(dir, kmp+".rpm"),
			},
		},
		times: map[string]int64{"kernel-default.rpm": 1, "kernel-default-extra.rpm": 1, "zfs.rpm": 1},
	}
	var m notebook
	var first []string
	run := func(want ...string) *Result {
		t.Helper()
		o.requests, o.asked = nil, nil
		res, err := Run(t.Context(), Options{Sources: []string{"obs:Kernel:stable/standard/x86_64"}, Dir: t.TempDir(), Memory: &m, OBS: func() (OBS, error) { return o, nil }})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(o.asked)
		if got := slices.Concat(o.requests, o.asked); !slices.Equal(got, want) {
			t.Errorf("asked for %q, want %q", got, want)
		}
		return res
	}
	first = said(run("listing", "depinfo", "kernel-default-extra.rpm", "kernel-default.rpm", "zfs.rpm"))
	if diff := cmp.Diff(first, said(run("listing"))); diff != "" {
		t.Error(diff)
	}
	// One is built again, and fits now.
	o.files["kernel-default-extra.rpm"] = filepath.Join(dir, newExtra+".rpm")
	o.times["kernel-default-extra.rpm"] = 2
	if again := said(run("listing", "depinfo", "kernel-default-extra.rpm")); slices.Equal(first, again) {
		t.Errorf("nothing changed: %q", again)
	}
	run("listing")
	// OBS has yet to download one: each time it is asked for.
	delete(o.times, "kernel-default.rpm")
	run("listing", "depinfo", "kernel-default.rpm")
	run("listing", "kernel-default.rpm")
	// What another program kept is no matter.
	for key := range m.pages {
		m.pages[key] = `{"Listing": 1}`
	}
	run("listing", "depinfo", "kernel-default-extra.rpm", "kernel-default.rpm", "zfs.rpm")
}
