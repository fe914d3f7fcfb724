// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// match holds the packages of a place against the kernels they will meet.
func (f *Finder) match(ctx context.Context, p *Plan, at Where, k *kernels, modules []*built) error {
	var silent []*built // their metadata does not tell
	for _, m := range modules {
		provided, required := tokens(m.Provides), tokens(m.Requires)
		for _, token := range provided {
			f.copied(p, at, k, m, token)
		}
		known := len(provided)+len(required) > 0
		for _, token := range required {
			if !f.required(p, at, k, m, token, provided) {
				known = false
			}
		}
		if !known {
			silent = append(silent, m)
		}
	}
	return f.judge(ctx, p, at, k, silent)
}

// copied holds the vmlinux of a package that is not the flavor's kernel, as
// kernel-default-base has one, against that kernel's.
func (f *Finder) copied(p *Plan, at Where, k *kernels, m *built, token string) {
	flavor, _, _ := fingerprint.ParseToken(token)
	if m.isMain(flavor) {
		return
	}
	met, why := k.met(flavor)
	switch {
	case why != "":
		p.note("%s is not judged: %s", m, why)
	case met == nil || !met.isMain(flavor) || len(tokens(met.Provides)) == 0:
	case !slices.Contains(tokens(met.Provides), token):
		p.add(at, m.pkg, m.seen, fmt.Sprintf("%s has the vmlinux with base %s; that of %s is %s", m, short([]string{token}), met, short(tokens(met.Provides))))
	}
}

// required holds a base that a package's modules were built on against what they
// will meet. It reports whether that could be told from metadata.
func (f *Finder) required(p *Plan, at Where, k *kernels, m *built, token string, own []string) bool {
	flavor, _, _ := fingerprint.ParseToken(token)
	if mine := ofFlavor(own, flavor); len(mine) > 0 {
		if !slices.Contains(mine, token) {
			p.add(at, m.pkg, m.seen, fmt.Sprintf("%s has modules built on base %s beside a vmlinux with %s", m, short([]string{token}), short(mine)))
		}
		return true
	}
	met, why := k.met(flavor)
	switch {
	case why != "":
		p.note("%s is not judged: %s", m, why)
	case met == nil:
		p.note("%s is not judged: it requires base %s, and no kernel of that flavor is at %s or on its path", m, short([]string{token}), at)
	case len(tokens(met.Provides)) == 0:
		return false
	case !slices.Contains(tokens(met.Provides), token):
		p.add(at, m.pkg, m.seen, fmt.Sprintf("%s was built on base %s; that of %s is %s", m, short([]string{token}), met, short(tokens(met.Provides))))
	}
	return true
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

// judge downloads packages whose metadata says nothing and judges what is in
// them, first alone: most have no module that needs a base.
func (f *Finder) judge(ctx context.Context, p *Plan, at Where, k *kernels, silent []*built) error {
	d := downloads{finder: f, plan: p, of: map[string]*built{}}
	for _, m := range silent {
		if err := d.fetch(ctx, m); err != nil {
			return err
		}
	}
	if len(d.paths) == 0 {
		return nil
	}
	inv, err := collect.Read(ctx, collect.Sources{Paths: d.paths})
	if err != nil {
		return err
	}
	told := map[string]bool{} // by weak dependencies, which OBS does not tell of
	for _, pkg := range inv.Packages {
		b := d.of[pkg.Path]
		for _, token := range pkg.Requires {
			told[pkg.Path] = f.required(p, at, k, b, token, pkg.Provides) || told[pkg.Path]
		}
	}
	needs := map[string]bool{}   // packages
	flavors := map[string]bool{} // of the kernels that they need
	for _, m := range inv.Modules {
		if len(m.BTF) == 0 && m.Err == nil || m.Distilled || told[m.Package.Path] {
			continue
		}
		b, flavor := d.of[m.Package.Path], kernel.Flavor(m.Release)
		met, why := k.met(flavor)
		switch {
		case why != "":
			p.note("%s is not judged: %s", b, why)
		case met == nil:
			p.note("%s is not judged: no kernel for %s is at %s or on its path", b, m.Release, at)
		case met.release() != "" && met.release() != m.Release:
			p.add(at, b.pkg, b.seen, fmt.Sprintf("%s has modules for %s; the kernel they meet, %s, is %s", b, m.Release, met, met.release()))
		default:
			needs[m.Package.Path] = true
			flavors[flavor] = true
		}
	}
	for _, problem := range inv.Problems {
		p.note("%s is not judged: %v", d.of[problem.Path], problem.Err)
	}
	d.paths = slices.DeleteFunc(d.paths, func(path string) bool { return !needs[path] })
	for flavor := range flavors {
		met, _ := k.met(flavor)
		if err := d.fetch(ctx, met); err != nil {
			return err
		}
	}
	return d.weigh(ctx, at)
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
	path, err := d.finder.Server.Fetch(ctx, b.at, b.pkg, b.file, d.finder.Dir)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		d.plan.note("%s is not judged: %v", b, err)
	case d.of[path] == nil:
		d.paths = append(d.paths, path)
		d.of[path] = b
	}
	return nil
}

// weigh judges downloaded packages and plans those whose modules do not fit.
func (d *downloads) weigh(ctx context.Context, at Where) error {
	if len(d.paths) == 0 {
		return nil
	}
	inv, err := collect.Read(ctx, collect.Sources{Paths: d.paths})
	if err != nil {
		return err
	}
	res, err := guard.Judge(ctx, inv)
	if err != nil {
		return err
	}
	for _, problem := range res.Problems {
		p := d.of[problem.Path]
		if none := (*guard.NoVmlinux)(nil); p != nil && !errors.As(problem.Err, &none) {
			d.plan.note("%s is not judged: %v", p, problem.Err)
		}
	}
	type part struct {
		pkg      *guard.Package
		severity guard.Severity
	}
	bad := map[part][]guard.Finding{}
	var order []part
	for _, finding := range res.Findings {
		if finding.Severity == guard.OK || d.of[finding.Module.Package.Path].pkg == Repository {
			continue // what a kernel's own modules are is the kernel's business
		}
		k := part{finding.Module.Package, finding.Severity}
		if bad[k] == nil {
			order = append(order, k)
		}
		bad[k] = append(bad[k], finding)
	}
	for _, k := range order {
		b, first := d.of[k.pkg.Path], bad[k][0]
		why := fmt.Sprintf("%s: %s is %s", b, first.Module.Name, first.Verdict)
		if first.Base != nil {
			why += " on the vmlinux of " + first.Base.Label()
		}
		if n := len(bad[k]) - 1; n > 0 {
			why += fmt.Sprintf(", and %d more", n)
		}
		if k.severity == guard.Fail {
			d.plan.add(at, b.pkg, b.seen, why)
		} else {
			d.plan.note("%s", why)
		}
	}
	return nil
}
