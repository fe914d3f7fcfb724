// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// judge downloads packages whose metadata does not tell, and the kernels they meet if a
// module or a token needs one. Most packages have no such module.
func (f *Finder) judge(ctx context.Context, p *Plan, k *kernels, silent []*built) error {
	d := downloads{finder: f, plan: p, of: map[string]*built{}}
	for _, m := range silent {
		if err := d.fetch(ctx, m); err != nil {
			return err
		}
	}
	inv, err := d.read(ctx)
	if err != nil {
		return err
	}
	for _, problem := range inv.Problems {
		p.note("%s is not checked: %v", d.of[problem.Path], problem.Err)
	}
	needs := d.needs(ctx, k, inv)
	d.paths = slices.DeleteFunc(d.paths, func(path string) bool { return needs[path] == nil })
	met := d.met(k, needs)
	if len(d.paths) == 0 {
		return nil
	}
	ours := slices.Clone(d.paths)
	for _, flavor := range slices.Sorted(maps.Keys(met)) {
		if err := d.fetch(ctx, met[flavor]); err != nil {
			return err
		}
	}
	if inv, err = d.read(ctx); err != nil {
		return err
	}
	return d.match(ctx, inv, ours, needs, met)
}

// downloads are packages that were fetched to be checked.
type downloads struct {
	finder *Finder
	plan   *Plan
	paths  []string
	of     map[string]*built // by path
}

// needs lists the flavors of the kernels that packages have to be checked against, by the
// packages' paths.
func (d *downloads) needs(ctx context.Context, k *kernels, inv *guard.Inventory) map[string][]string {
	needs := map[string][]string{}
	need := func(path, flavor string) {
		if !slices.Contains(needs[path], flavor) {
			needs[path] = append(needs[path], flavor)
		}
	}
	for _, pkg := range inv.Packages {
		// OBS leaves out what is recommended.
		if b := d.of[pkg.Path]; len(pkg.Requires) > 0 && !d.finder.told(ctx, d.plan, k, b, pkg.Provides, pkg.Requires) {
			for _, flavor := range flavorsOf(pkg.Requires) {
				need(pkg.Path, flavor)
			}
		}
	}
	for _, m := range inv.Modules {
		if len(m.Package.Requires) == 0 && m.ReadsBase() {
			need(m.Package.Path, k.flavorFor(m))
		}
	}
	return needs
}

// met finds the kernels of the flavors that are needed. A package that needs one of which
// nothing is known is noted, and dropped.
func (d *downloads) met(k *kernels, needs map[string][]string) map[string]*built {
	met := map[string]*built{}
	for _, path := range slices.Clone(d.paths) {
		for _, flavor := range needs[path] {
			b, why := k.met(flavor)
			switch {
			case why != "":
				d.plan.note("%s is not checked: %s", d.of[path], why)
				d.paths = slices.DeleteFunc(d.paths, func(s string) bool { return s == path })
			case b != nil:
				met[flavor] = b
			}
		}
	}
	return met
}

// fetch downloads a package, or notes that it cannot be had.
func (d *downloads) fetch(ctx context.Context, b *built) error {
	d.finder.tell("downloading %s", b)
	path, err := d.finder.Server.Fetch(ctx, b.from, b.file, d.finder.Dir)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		d.plan.note("%s is not checked: %v", b, err)
	case d.of[path] == nil:
		d.paths = append(d.paths, path)
		d.of[path] = b
	}
	return nil
}

func (d *downloads) read(ctx context.Context) (*guard.Inventory, error) {
	if len(d.paths) == 0 {
		return &guard.Inventory{}, nil
	}
	sources := collect.Packages(d.paths...)
	sources.Cache = d.finder.Cache
	return collect.Read(ctx, sources)
}

// match checks the packages at the paths, which were downloaded.
func (d *downloads) match(ctx context.Context, inv *guard.Inventory, paths []string, needs map[string][]string, met map[string]*built) error {
	res, err := guard.Judge(ctx, inv, guard.Options{})
	if err != nil {
		return err
	}
	for _, problem := range res.Problems {
		b := d.of[problem.Path]
		if none := (*guard.NoVmlinux)(nil); b != nil && !errors.As(problem.Err, &none) {
			d.plan.note("%s is not checked: %v", b, problem.Err)
		}
	}
	kernels := map[*guard.Base]*guard.Vmlinux{}
	for _, b := range inv.Bases {
		from := d.of[b.Package.Path]
		kernels[b] = &guard.Vmlinux{
			Label: from.String(), Build: from.build(), Release: b.Release, Flavor: b.Flavor,
			Base: b.Fingerprint.Base, Known: guard.ByContent,
		}
	}
	contents := guard.Contents(res.Findings, func(b *guard.Base) *guard.Vmlinux { return kernels[b] })
	for _, pkg := range inv.Packages {
		if !slices.Contains(paths, pkg.Path) {
			continue
		}
		b := d.of[pkg.Path]
		c := &guard.Cargo{
			Build: b.build(), Provides: pkg.Provides, Requires: pkg.Requires,
			Flavor: pkg.Flavor, Modules: true, Listed: true, Content: contents[pkg],
		}
		for _, m := range inv.Modules {
			if m.Package == pkg && !slices.Contains(c.Releases, m.Release) {
				c.Releases = append(c.Releases, m.Release)
			}
		}
		var here []*guard.Vmlinux
		for _, base := range inv.Bases {
			k := kernels[base]
			if base.Package == pkg {
				c.Kernels = append(c.Kernels, k)
			}
			if base.Package == pkg || slices.Contains(needs[pkg.Path], base.Flavor) && d.of[base.Package.Path].file == fileOf(met[base.Flavor]) {
				here = append(here, k)
			}
		}
		var meets []*built
		for _, flavor := range needs[pkg.Path] {
			if k := met[flavor]; k != nil {
				meets = append(meets, k)
			}
		}
		cells, answers := c.Match(here)
		d.plan.answers(b, cells, answers, d.finder.inVain(ctx, b, meets...))
	}
	return nil
}

// fileOf is the file of a kernel, "" without one.
func fileOf(b *built) string {
	if b == nil {
		return ""
	}
	return b.file
}
