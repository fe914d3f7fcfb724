// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/cache"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// Finder works out what does not fit.
type Finder struct {
	Server Server
	Dir    string                           // where packages may be downloaded to
	Cache  *cache.Dir                       // keeps what is read of them; may be nil
	Tell   func(format string, args ...any) // reports progress; may be nil
	// Settle waits a while for a kernel that is being built. If it is nil, modules that
	// would meet such a kernel are not checked.
	Settle func(ctx context.Context) error

	sources map[Where]*listing    // asked once
	builds  map[api.Target]*Build // asked once, of kernels and others that modules meet
}

// Plan is Find and then Complete.
func (f *Finder) Plan(ctx context.Context, p *Plan, places []Where) error {
	if err := f.Find(ctx, p, places); err != nil {
		return err
	}
	return f.Complete(ctx, p)
}

// forget has everything asked anew.
func (f *Finder) forget() { f.sources, f.builds = nil, nil }

// Find adds to the plan a step for each package of the places whose modules do
// not fit the kernel they will meet: the nearest of its flavor on the place's
// path. Metadata decides; where it says nothing, packages are downloaded and checked.
// The error is one of asking OBS. What is unknown of single packages is in the plan's
// notes.
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

// listing is what a place builds.
type listing struct {
	packages []api.Dependencies
	of       map[string]string // the package that an RPM comes from, by name
	needs    map[string][]string
}

func (f *Finder) listed(ctx context.Context, at Where) (*listing, error) {
	if l, ok := f.sources[at]; ok {
		return l, nil
	}
	packages, err := f.Server.DepInfo(ctx, at.Project, at.Repository, at.Arch)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	l := &listing{packages, map[string]string{}, map[string][]string{}}
	for _, s := range packages {
		l.needs[s.Package] = s.Needs
		for _, b := range s.Subpackages {
			l.of[b] = s.Package
		}
	}
	if f.sources == nil {
		f.sources = map[Where]*listing{}
	}
	f.sources[at] = l
	return l, nil
}

func (f *Finder) tell(format string, args ...any) {
	if f.Tell != nil {
		f.Tell(format, args...)
	}
}

// built is an RPM with where it is from.
type built struct {
	*rpm.Package            // its header, as far as OBS tells
	from         api.Target // of a whole repository where it does not matter which package built it
	file         string
	seen         *Build // the package's last build before it was looked at
}

func (b *built) at() Where { return place(b.from) }

func (b *built) String() string {
	return fmt.Sprintf("%s-%s-%s of %s", b.Name, b.Version, b.Release, b.at())
}

// place adds the steps of one place.
func (f *Finder) place(ctx context.Context, p *Plan, at Where) error {
	here, err := f.listed(ctx, at)
	if err != nil {
		return err
	}
	kernels, err := f.kernels(ctx, at)
	if err != nil {
		return err
	}
	var modules []*built
	for _, s := range here.packages {
		if !mayHaveModules(s) {
			p.Skipped = append(p.Skipped, at.of(s.Package).String())
			continue
		}
		f.tell("looking at %s/%s", at, s.Package)
		rpms, err := f.binaries(ctx, p, at.of(s.Package), s)
		if err != nil {
			return err
		}
		modules = append(modules, rpms...)
	}
	p.Kernels += len(kernels.all)
	p.Packages += len(modules)
	if len(here.packages) == 0 {
		p.note("%s: OBS knows of no package there (yet)", at)
	}
	f.symbols(ctx, p, kernels.all, modules)
	return f.match(ctx, p, kernels, modules)
}

// mayHaveModules reports whether a package may build modules: it is a kernel, it has the
// name of a package of modules, or it is built with what modules are built with.
func mayHaveModules(s api.Dependencies) bool {
	return slices.ContainsFunc(s.Subpackages, func(name string) bool {
		return kernel.IsModulePackage(name) || kernel.IsKernelPackage(name)
	}) || buildsModules(s)
}

// buildsModules reports whether a package is built with the devel package of a
// kernel.
func buildsModules(s api.Dependencies) bool {
	return slices.ContainsFunc(s.Needs, kernel.IsDevelPackage)
}

// binaries describes the RPMs of a package that may hold modules.
func (f *Finder) binaries(ctx context.Context, p *Plan, t api.Target, s api.Dependencies) ([]*built, error) {
	seen, err := f.Server.LastBuild(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t, err)
	}
	files, err := f.Server.Binaries(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t, err)
	}
	files = slices.DeleteFunc(files, func(b api.Binary) bool { return !mayHoldModules(b.Name) })
	if len(files) > api.MostInfos {
		p.note("%s is not checked: it has %s RPMs that may hold modules, and no more than %s are asked for", t, prose.Number(len(files)), prose.Number(api.MostInfos))
		return nil, nil
	}
	var out []*built
	for _, file := range files {
		info, err := f.Server.FileInfo(ctx, t, file.Name)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			p.note("%s: %s is not checked: %v", t, file.Name, err)
			continue
		}
		m := &built{obs.Header(info), t, file.Name, seen}
		if tells(m) || buildsModules(s) || kernel.MayHoldModules(m.Name, rpm.Names(m.Provides)) {
			out = append(out, m)
		}
	}
	return out, nil
}

// mayHoldModules reports false only for files that cannot have modules.
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
	return !kernel.IsAccessory(name)
}

// Complete puts the steps of a plan in order, and fills in the package's last build where
// it is missing. If OBS does not tell the dependencies, names decide: kernels come first.
func (f *Finder) Complete(ctx context.Context, p *Plan) error {
	var fail error
	p.order(func(from api.Target) []api.Target {
		needs, err := f.needs(ctx, p, from)
		if err != nil && fail == nil {
			fail = err
		}
		return needs
	})
	if errors.Is(fail, ErrBlind) {
		p.kernelsFirst()
		return nil
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Seen != nil || fail != nil {
			continue
		}
		s.Seen, fail = f.Server.LastBuild(ctx, s.target())
	}
	return fail
}

// needs lists the packages that one is built with, where they are in the plan's
// places.
func (f *Finder) needs(ctx context.Context, p *Plan, from api.Target) ([]api.Target, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l, err := f.listed(ctx, place(from))
	if err != nil {
		return nil, err
	}
	var out []api.Target
	for _, at := range p.places() {
		there, err := f.listed(ctx, at)
		if err != nil {
			return nil, err
		}
		for _, name := range l.needs[from.Package] {
			if n := at.of(there.of[name]); n.Package != "" && !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out, nil
}
