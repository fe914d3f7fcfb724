// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"context"
	"fmt"
	"slices"
	"strings"

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
// whether the metadata of these was enough to decide.
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

// answers plans or notes the results of a package's match; see Step.InVain.
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

// build names the build that an RPM came out of, "" where it does not matter which
// package built it.
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

// copied checks the vmlinux of a package that is not the flavor's kernel, such as
// kernel-default-base, against that kernel's.
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
