// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

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
func (f *fakeServer) from(at Where, pkg, file string) *fakePackage {
	for n, p := range f.packages {
		if _, ok := p.files[file]; ok && n.at == at && (pkg == n.pkg || pkg == Repository) {
			return p
		}
	}
	return nil
}

type fakePackage struct {
	needs    []string
	files    map[string]Binary // by file name
	local    map[string]string // file contents
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

func (f *fakeServer) Path(_ context.Context, at Where) ([]Where, error) {
	return append([]Where{at}, f.path[at]...), nil
}

func (f *fakeServer) Sources(_ context.Context, at Where) ([]Source, error) {
	var out []Source
	for n, p := range f.packages {
		if n.at == at {
			s := Source{Name: n.pkg, Needs: p.needs}
			for _, b := range p.files {
				s.Binaries = append(s.Binaries, b.Name)
			}
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b Source) int { return len(a.Name) - len(b.Name) })
	return out, nil
}

func (f *fakeServer) Files(_ context.Context, at Where, pkg string) ([]string, error) {
	if err := f.away[at]; err != nil && pkg == Repository {
		return nil, err
	}
	var out []string
	for n, p := range f.packages {
		if n.at == at && (n.pkg == pkg || pkg == Repository) {
			out = slices.AppendSeq(out, maps.Keys(p.files))
		}
	}
	slices.Sort(out)
	return out, nil
}

func (f *fakeServer) Binary(_ context.Context, at Where, pkg, file string) (Binary, error) {
	p := f.from(at, pkg, file)
	if p == nil || p.files[file].Name == "" {
		return Binary{}, fmt.Errorf("no %s", file)
	}
	return p.files[file], nil
}

func (f *fakeServer) Fetch(_ context.Context, at Where, pkg, file, dir string) (string, error) {
	f.fetched = append(f.fetched, file)
	from, err := os.ReadFile(f.from(at, pkg, file).local[file])
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

func (f *fakeServer) LastBuild(_ context.Context, at Where, pkg string) (*Build, error) {
	if f.blind {
		return nil, ErrBlind
	}
	if p := f.packages[node{at, pkg}]; p != nil {
		return p.last, nil
	}
	return nil, nil
}

func (f *fakeServer) Rebuild(_ context.Context, at Where, pkg string) error {
	n := node{at, pkg}
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
