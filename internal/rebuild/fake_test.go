// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
)

// node is a package at a place.
type node struct {
	at  Where
	pkg string
}

func nodeOf(t api.Target) node { return node{place(t), t.Package} }

// fakeServer is an OBS in memory.
type fakeServer struct {
	path     map[Where][]Where
	packages map[node]*fakePackage
	blind    bool

	asked   []node
	rebuild func(node, *fakePackage) error // what a request does, nil for building at once
	fetched []string
	away    map[Where]error // repositories that do not answer
}

// from finds the package that has a file, for one or for all of a place.
func (f *fakeServer) from(t api.Target, file string) *fakePackage {
	for n, p := range f.packages {
		if _, ok := p.files[file]; ok && n.at == place(t) && (t.Package == n.pkg || t.Package == api.WholeRepository) {
			return p
		}
	}
	return nil
}

type fakePackage struct {
	needs    []string
	files    map[string]api.FileInfo // by file name
	local    map[string]string       // file contents
	state    State
	last     *Build
	schedule []func(*fakePackage) // one for each time it is looked at
}

func (p *fakePackage) tick() {
	if len(p.schedule) > 0 {
		p.schedule[0](p)
		p.schedule = p.schedule[1:]
	}
}

func (f *fakeServer) Path(_ context.Context, project, repository string) ([]api.PathElement, error) {
	var out []api.PathElement
	for at, path := range f.path {
		for _, w := range path {
			if at.Project == project && at.Repository == repository {
				out = append(out, api.PathElement{Project: w.Project, Repository: w.Repository})
			}
		}
	}
	return out, nil
}

func (f *fakeServer) DepInfo(_ context.Context, project, repository, arch string) ([]api.Dependencies, error) {
	var out []api.Dependencies
	for n, p := range f.packages {
		if n.at == (Where{project, repository, arch}) {
			d := api.Dependencies{Package: n.pkg, Needs: p.needs}
			for _, b := range p.files {
				d.Subpackages = append(d.Subpackages, b.Name)
			}
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b api.Dependencies) int { return len(a.Package) - len(b.Package) })
	return out, nil
}

func (f *fakeServer) Binaries(_ context.Context, t api.Target) ([]api.Binary, error) {
	if err := f.away[place(t)]; err != nil && t.Package == api.WholeRepository {
		return nil, err
	}
	var out []api.Binary
	for n, p := range f.packages {
		if n.at == place(t) && (n.pkg == t.Package || t.Package == api.WholeRepository) {
			for name := range p.files {
				out = append(out, api.Binary{Name: name})
			}
		}
	}
	slices.SortFunc(out, func(a, b api.Binary) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (f *fakeServer) FileInfo(_ context.Context, t api.Target, file string) (api.FileInfo, error) {
	p := f.from(t, file)
	if p == nil || p.files[file].Name == "" {
		return api.FileInfo{}, fmt.Errorf("no %s", file)
	}
	return p.files[file], nil
}

func (f *fakeServer) Fetch(_ context.Context, t api.Target, file, dir string) (string, error) {
	f.fetched = append(f.fetched, file)
	from, err := os.ReadFile(f.from(t, file).local[file])
	if err != nil {
		return "", err
	}
	to := filepath.Join(dir, file)
	return to, os.WriteFile(to, from, 0o644)
}

func (f *fakeServer) States(_ context.Context, at Where, pkgs []string) (map[string]State, error) {
	if f.blind {
		return nil, ErrBlind
	}
	out := map[string]State{}
	for _, name := range pkgs {
		if p := f.packages[node{at, name}]; p != nil {
			p.tick()
			out[name] = p.state
		}
	}
	return out, nil
}

func (f *fakeServer) LastBuild(_ context.Context, t api.Target) (*Build, error) {
	if f.blind {
		return nil, ErrBlind
	}
	if p := f.packages[nodeOf(t)]; p != nil {
		return p.last, nil
	}
	return nil, nil
}

func (f *fakeServer) Rebuild(_ context.Context, t api.Target) error {
	n := nodeOf(t)
	f.asked = append(f.asked, n)
	if f.rebuild != nil {
		return f.rebuild(n, f.packages[n])
	}
	if p := f.packages[n]; p != nil {
		p.builds("succeeded")
	}
	return nil
}

// builds has the package be scheduled, built, and come to an end with a code.
func (p *fakePackage) builds(code string) {
	p.state = State{Code: p.state.Code, Dirty: true}
	p.schedule = []func(*fakePackage){
		func(p *fakePackage) { p.state = State{Code: "scheduled"} },
		func(p *fakePackage) { p.state = State{Code: "building"} },
		func(p *fakePackage) { p.state = State{Code: "finished"} },
		func(p *fakePackage) {
			p.state = State{Code: code}
			ended := time.Unix(0, 0)
			if p.last != nil {
				ended = p.last.Ended
			}
			p.last = &Build{VersionRelease: "1-1", Code: code, Ended: ended.Add(time.Hour)}
		},
	}
}
