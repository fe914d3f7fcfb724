// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// Finder works out what does not fit.
type Finder struct {
	Server Server
	Dir    string                           // where packages may be downloaded to
	Tell   func(format string, args ...any) // what is being done, for who waits; may be nil

	sources map[Where][]Source // asked once
}

// Find adds to the plan a step for each package of the places whose modules do
// not fit the kernel they will meet: the nearest of its flavor on the place's
// path. What metadata says decides; where it says nothing, packages are
// downloaded and judged. The error is one of asking OBS; what cannot be told of
// single packages stands in the plan's notes.
func (f *Finder) Find(ctx context.Context, p *Plan, places []Where) error {
	for i, at := range places {
		if slices.Contains(places[:i], at) {
			continue
		}
		if err := f.place(ctx, p, at); err != nil {
			return err
		}
	}
	return nil
}

// Complete puts the steps of a plan in order and notes for each the package's
// last build. An OBS that does not tell leaves them as they are.
func (f *Finder) Complete(ctx context.Context, p *Plan) error {
	var errs []error
	fail := func(err error) {
		if err != nil && !errors.Is(err, ErrBlind) {
			errs = append(errs, err)
		}
	}
	p.order(func(at Where, pkg string) []node {
		needs, err := f.needs(ctx, p, at, pkg)
		fail(err)
		return needs
	})
	for i := range p.Steps {
		s := &p.Steps[i]
		last, err := f.Server.LastBuild(ctx, s.Where(), s.Package)
		if err != nil {
			fail(fmt.Errorf("%s: %w", s, err))
		}
		s.Seen = last
	}
	return errors.Join(errs...)
}

// needs lists the packages that one is built with, where they are in the plan's
// places.
func (f *Finder) needs(ctx context.Context, p *Plan, at Where, pkg string) ([]node, error) {
	all, err := f.listed(ctx, at)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(s Source) bool { return s.Name == pkg })
	if i < 0 {
		return nil, nil
	}
	var out []node
	var places []Where
	for _, s := range p.Steps {
		if w := s.Where(); !slices.Contains(places, w) {
			places = append(places, w)
		}
	}
	for _, w := range places {
		there, err := f.listed(ctx, w)
		if err != nil {
			return nil, err
		}
		for _, s := range there {
			if slices.ContainsFunc(s.Binaries, func(b string) bool { return slices.Contains(all[i].Needs, b) }) {
				out = append(out, node{w, s.Name})
			}
		}
	}
	return out, nil
}

func (f *Finder) listed(ctx context.Context, at Where) ([]Source, error) {
	if s, ok := f.sources[at]; ok {
		return s, nil
	}
	s, err := f.Server.Sources(ctx, at)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	if f.sources == nil {
		f.sources = map[Where][]Source{}
	}
	f.sources[at] = s
	return s, nil
}

func (f *Finder) tell(format string, args ...any) {
	if f.Tell != nil {
		f.Tell(format, args...)
	}
}

// built is an RPM with the place that it is built at.
type built struct {
	Binary
	at   Where
	pkg  string
	file string
}

func (b *built) String() string { return b.file + " of " + b.at.String() + "/" + b.pkg }

// tokens are the kernel-btf(...) names of a list of dependencies.
func tokens(deps []string) []string {
	var out []string
	for _, d := range deps {
		name, _, _ := strings.Cut(d, " ")
		if _, _, ok := fingerprint.ParseToken(name); ok && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// vmlinux reports whether the RPM has a vmlinux, by what rpm and the kernels' own
// generators say of it.
func (b *built) vmlinux() bool {
	return len(tokens(b.Provides)) > 0 || slices.ContainsFunc(b.Provides, func(d string) bool { return strings.HasPrefix(d, "kernel-uname-r ") })
}

// place adds the steps of one place.
func (f *Finder) place(ctx context.Context, p *Plan, at Where) error {
	path, err := f.Server.Path(ctx, at)
	switch {
	case len(path) == 0 || ctx.Err() != nil:
		return err
	case err != nil:
		f.tell("%s: the projects it builds against are not known: %v", at, err)
	}
	var kernels, modules []*built
	kernelNames := map[string]bool{} // RPMs built with kernels, which KMPs need
	for i, w := range path {
		all, err := f.listed(ctx, w)
		if err != nil {
			return err
		}
		for _, s := range all {
			if slices.ContainsFunc(s.Binaries, kernel.IsKernelPackage) {
				for _, b := range s.Binaries {
					kernelNames[b] = true
				}
			}
		}
		for _, s := range all {
			isKernel := slices.ContainsFunc(s.Binaries, kernel.IsKernelPackage)
			isModules := i == 0 && (slices.ContainsFunc(s.Binaries, kernel.IsModulePackage) ||
				slices.ContainsFunc(s.Needs, func(n string) bool { return kernelNames[n] || kernel.IsKernelPackage(n) }))
			if !isKernel && !isModules {
				continue
			}
			f.tell("looking at %s/%s", w, s.Name)
			rpms, err := f.binaries(ctx, p, w, s.Name)
			if err != nil {
				return err
			}
			for _, b := range rpms {
				switch {
				case b.vmlinux():
					kernels = append(kernels, b)
				case i == 0:
					modules = append(modules, b)
				}
			}
		}
	}
	return f.match(ctx, p, at, kernels, modules)
}

// binaries describes the RPMs of a package that may hold a kernel or modules.
func (f *Finder) binaries(ctx context.Context, p *Plan, at Where, pkg string) ([]*built, error) {
	files, err := f.Server.Files(ctx, at, pkg)
	if err != nil {
		return nil, fmt.Errorf("%s/%s: %w", at, pkg, err)
	}
	var out []*built
	for _, file := range files {
		if !mayHoldModules(file) {
			continue
		}
		b, err := f.Server.Binary(ctx, at, pkg, file)
		if err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			p.note("%s/%s/%s: %v", at, pkg, file, err)
			continue
		}
		out = append(out, &built{b, at, pkg, file})
	}
	return out, nil
}

// mayHoldModules leaves out what is certain to be something else.
func mayHoldModules(file string) bool {
	name, ok := strings.CutSuffix(file, ".rpm")
	if !ok {
		return false
	}
	for _, arch := range []string{".src", ".nosrc", ".noarch"} {
		if strings.HasSuffix(name, arch) {
			return false
		}
	}
	for _, part := range []string{"-debuginfo-", "-debugsource-", "-devel-", "-headers-", "-macros-", "-docs-"} {
		if strings.Contains(name, part) {
			return false
		}
	}
	return true
}
