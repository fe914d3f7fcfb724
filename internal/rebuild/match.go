// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// match checks the packages of a place against the kernels they will meet.
func (f *Finder) match(ctx context.Context, p *Plan, k *kernels, modules []*built) error {
	var silent []*built // their metadata does not tell
	for _, m := range modules {
		provided, required := tokens(m.Provides), tokens(m.needs())
		for _, token := range provided {
			f.copied(ctx, p, k, m, token)
		}
		if len(required) == 0 {
			if len(provided) == 0 {
				silent = append(silent, m)
			}
			continue
		}
		if !f.told(ctx, p, k, m, provided, required) {
			silent = append(silent, m)
		}
	}
	return f.judge(ctx, p, k, silent)
}

// told checks the tokens of a package against the kernels it will meet. It reports
// whether their metadata tells their bases.
func (f *Finder) told(ctx context.Context, p *Plan, k *kernels, m *built, provided, required []string) bool {
	c := &guard.Cargo{Build: m.build(), Provides: provided, Requires: required}
	here, meets := m.vmlinux(c.Build), []*built{}
	for _, flavor := range flavorsOf(required) {
		met, why := k.met(flavor)
		if why != "" {
			p.note("%s is not checked: %s", m, why)
			return true
		}
		if met != nil {
			meets = append(meets, met)
			here = append(here, ofFlavor(met.vmlinux(""), flavor)...)
		}
	}
	if !slices.ContainsFunc(required, func(t string) bool { return !slices.Contains(provided, t) }) {
		return true // it has the vmlinux itself
	}
	cells, answers := c.Match(here)
	if slices.ContainsFunc(cells, func(c guard.Cell) bool { return c.Fit == guard.Undecided }) {
		return false
	}
	p.answers(m, cells, answers, f.inVain(ctx, m, meets...))
	return true
}

// answers plans or notes what a package's match came to; see Step.InVain.
func (p *Plan) answers(b *built, cells []guard.Cell, answers []guard.Answer, inVain string) {
	for _, a := range answers {
		switch a.Verdict {
		case guard.Stale, guard.Broken:
			p.add(b.from, b.seen, fmt.Sprintf("%s: %s", b, a.Reason), inVain)
		case guard.Undecided, guard.Unproven, guard.Unmet:
			p.note("%s is not checked: %s", b, a.Reason)
		}
	}
	for _, c := range cells {
		for v := range c.Counts {
			if c.Fit == guard.Fits && v.Severity() != guard.OK {
				p.note("%s: %s on %s", b, c.Counts, c.Kernel.Label)
				break
			}
		}
	}
}

// build names the build that an RPM came out of, "" where who built it does not
// matter.
func (b *built) build() string {
	if b.from.Package == api.WholeRepository {
		return ""
	}
	return b.from.String()
}

// vmlinux lists the kernels of an RPM by what it provides.
func (b *built) vmlinux(build string) []*guard.Vmlinux {
	var releases []string
	if r := b.release(); r != "" {
		releases = append(releases, r)
	}
	return guard.Kernels(guard.Vmlinux{Label: b.String(), Build: build, Flavor: kernel.PackageFlavor(b.Name, b.dependencies())}, releases, tokens(b.Provides), false)
}

// flavorsOf lists the flavors of tokens.
func flavorsOf(tokens []string) []string {
	var out []string
	for _, t := range tokens {
		if flavor, _, _ := fingerprint.ParseToken(t); !slices.Contains(out, flavor) {
			out = append(out, flavor)
		}
	}
	return out
}

// ofFlavor picks the kernels of a flavor.
func ofFlavor(kernels []*guard.Vmlinux, flavor string) []*guard.Vmlinux {
	return slices.DeleteFunc(kernels, func(k *guard.Vmlinux) bool { return k.Flavor != flavor })
}

// copied checks the vmlinux of a package that is not the flavor's kernel, as
// kernel-default-base has one, against that kernel's.
func (f *Finder) copied(ctx context.Context, p *Plan, k *kernels, m *built, token string) {
	flavor, _, _ := fingerprint.ParseToken(token)
	if m.isMain(flavor) {
		return
	}
	met, why := k.met(flavor)
	switch {
	case why != "":
		p.note("%s is not checked: %s", m, why)
	case met == nil || !met.isMain(flavor) || len(tokens(met.Provides)) == 0:
	case !slices.Contains(tokens(met.Provides), token):
		p.add(m.from, m.seen, fmt.Sprintf("%s has the vmlinux with base %s; that of %s is %s", m, short([]string{token}), met, short(tokens(met.Provides))), f.inVain(ctx, m, met))
	}
}

// short names the bases of tokens as people tell them apart.
func short(tokens []string) string {
	var out []string
	for _, t := range tokens {
		flavor, base, _ := fingerprint.ParseToken(t)
		out = append(out, base.Short()+" ("+flavor+")")
	}
	return strings.Join(out, ", ")
}

// judge downloads packages whose metadata does not tell, and the kernels they meet
// where a module or a token needs one: most have no module that does.
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
	needs := map[string][]string{} // flavors, by path
	need := func(path, flavor string) {
		if !slices.Contains(needs[path], flavor) {
			needs[path] = append(needs[path], flavor)
		}
	}
	for _, pkg := range inv.Packages {
		// OBS does not tell what is recommended.
		if b := d.of[pkg.Path]; len(pkg.Requires) > 0 && !f.told(ctx, p, k, b, pkg.Provides, pkg.Requires) {
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
	d.paths = slices.DeleteFunc(d.paths, func(path string) bool { return needs[path] == nil })
	met := map[string]*built{} // by flavor
	for path, flavors := range needs {
		for _, flavor := range flavors {
			b, why := k.met(flavor)
			switch {
			case why != "":
				p.note("%s is not checked: %s", d.of[path], why)
				d.paths = slices.DeleteFunc(d.paths, func(s string) bool { return s == path })
			case b != nil && met[flavor] == nil:
				met[flavor] = b
			}
		}
	}
	if len(d.paths) == 0 {
		return nil
	}
	ours := slices.Clone(d.paths)
	for _, b := range met {
		if err := d.fetch(ctx, b); err != nil {
			return err
		}
	}
	if inv, err = d.read(ctx); err != nil {
		return err
	}
	return d.match(ctx, inv, ours, needs, met)
}

// downloads are packages that were fetched to be judged.
type downloads struct {
	finder *Finder
	plan   *Plan
	paths  []string
	of     map[string]*built // by path
}

// fetch downloads a package. One that cannot be had is noted.
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

// match judges what was downloaded and checks the packages at the paths.
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
