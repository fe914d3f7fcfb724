// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// match fills the matrix and says what needs attention.
func (a *audit) match(ctx context.Context) {
	a.findTwins()
	for _, p := range a.packages {
		if ctx.Err() != nil {
			return
		}
		switch {
		case len(p.kernels) > 0:
			a.ownModules(p)
		case len(p.Requires) == 0 && !p.maybe:
			continue
		}
		if len(p.kernels) == 0 || p.maybe {
			a.res.Modules = append(a.res.Modules, p)
		}
		for _, token := range p.required() {
			a.byToken(p, token)
		}
		switch {
		case len(p.kernels) > 0 || len(p.required()) > 0:
		case len(p.Requires) > 0:
			a.find(Undecided, p, "", "requires the kernel-btf(...) that it provides itself, and has no vmlinux that is known")
		default:
			a.byContent(p)
		}
	}
	a.unlabeled()
	a.kernels()
	slices.SortStableFunc(a.res.Findings, func(f, g Finding) int {
		return cmp.Compare(slices.Index(Kinds, f.Kind), slices.Index(Kinds, g.Kind))
	})
}

// findTwins looks for kernels that only their content tells apart.
func (a *audit) findTwins() {
	a.twins = map[string]bool{}
	first := map[string]*Kernel{}
	for _, k := range a.res.Kernels {
		key := fmt.Sprint(k.Package.NEVRA, " ", k.Release, " ", k.Flavor, " ", k.Package.build)
		if first[key] == nil {
			first[key] = k
		} else if first[key].Base != k.Base {
			a.twins[k.Package.build] = true
		}
	}
}

// sameBuild reports whether modules were surely built together with a kernel.
func (a *audit) sameBuild(p *Package, k *Kernel) bool {
	return p.build == k.Package.build && !a.twins[p.build]
}

func (a *audit) find(k Kind, p *Package, release, format string, args ...any) {
	a.res.Findings = append(a.res.Findings, Finding{Kind: k, Package: p, Release: release, Arch: p.Arch, Reasons: []string{fmt.Sprintf(format, args...)}})
}

// maxCells bounds the matrix. Real ones have some ten for each kernel.
const maxCells = 1 << 20

var errCells = fmt.Errorf("more than %d pairs of modules and kernels; the rest is not listed", maxCells)

func (a *audit) cell(c Cell) {
	switch {
	case len(a.res.Cells) < maxCells:
		a.res.Cells = append(a.res.Cells, c)
	case len(a.res.Problems) == 0 || !errors.Is(a.res.Problems[len(a.res.Problems)-1].Err, errCells):
		a.problem(c.Modules.Source, errCells)
	}
}

// byToken holds a package's token against the kernels of its flavor. Kernels of
// other kernelreleases than that of a kernel which provides it are none that its
// modules meet.
func (a *audit) byToken(p *Package, token string) {
	flavor, base, _ := fingerprint.ParseToken(token)
	var here []*Kernel
	var met []guard.KernelID
	unknown := false
	for _, k := range a.res.Kernels {
		if k.Flavor != flavor || k.Package.arch() != p.arch() || !p.meets(k.Package) {
			continue
		}
		here = append(here, k)
		unknown = unknown || k.Known == Unknown
		if k.Known != Unknown && k.Base == base {
			met = append(met, k.id())
		}
	}
	var broken *Kernel
	for _, k := range here {
		c := Cell{Modules: p, Kernel: k, Fit: Misfits, By: ByToken}
		if k.Known != Unknown && k.Base != base && a.sameBuild(p, k) {
			broken = k
		}
		switch {
		case len(met) > 0 && !slices.Contains(met, k.id()), len(p.modules) > 0 && k.Release != "" && !slices.Contains(p.modules, k.Release):
			continue
		case k.Known == Unknown:
			c.Fit = Untold
		case k.Base == base:
			c.Fit = Fits
		}
		a.cell(c)
	}
	switch {
	case broken != nil:
		a.find(Broken, p, broken.Release, "requires %s, and the base of %s, of the same build, is %s", token, broken.Package, broken.short())
	case len(met) > 0:
	case len(here) == 0:
		a.find(Unmet, p, "", "requires %s, and no kernel of that flavor is here", token)
	case unknown:
		a.find(Undecided, p, "", "requires %s, and not all kernels of that flavor tell their base", token)
	default:
		a.find(Stale, p, "", "requires %s, and the kernels of that flavor here have other bases: %s", token, bases(here))
	}
}

// bases names kernels and their bases, the newest first.
func bases(kernels []*Kernel) string {
	const most = 4
	var out []string
	for _, k := range slices.Backward(kernels) {
		if len(out) == most {
			out = append(out, fmt.Sprintf("and %d more", len(kernels)-most))
			break
		}
		out = append(out, fmt.Sprintf("%s of %s", k.short(), k.Package))
	}
	return strings.Join(out, ", ")
}

// short names a kernel's base for people.
func (k *Kernel) short() string {
	switch {
	case k.Known == Unknown:
		return "unknown"
	case k.Base.IsZero():
		return "no BTF"
	}
	return k.Base.Short()
}

// byContent takes over how the modules of a package without tokens were judged.
func (a *audit) byContent(p *Package) {
	if !p.listed || p.missing {
		why := "carries no kernel-btf(...) dependency, and its content was not read"
		if p.missing {
			why = "carries no kernel-btf(...) dependency, and its content could not be read"
		}
		a.find(Undecided, p, "", "%s", why)
		return
	}
	for _, release := range p.modules {
		if a.judged == nil { // only metadata counts
			a.find(Undecided, p, release, "carries no kernel-btf(...) dependency, and its content was not read")
			continue
		}
		fits, unknown := 0, 0
		var bad, broken []string
		for _, k := range a.res.Kernels {
			if k.Release != release || k.Package.arch() != p.arch() || !p.meets(k.Package) {
				continue
			}
			c := a.judgedCell(p, k)
			a.cell(c)
			switch c.Fit {
			case Fits:
				fits++
			case Untold:
				unknown++
			case Misfits:
				bad = append(bad, fmt.Sprintf("%s on %s", Counts(c.Verdicts), k.Package))
				if a.sameBuild(p, k) {
					broken = bad[len(bad)-1:]
				}
			}
		}
		alone := a.judged[meeting{modules: p, release: release}]
		switch {
		case len(broken) > 0:
			a.find(Broken, p, release, "%s", broken[0])
		case fits > 0 || alone != nil && alone[guard.Unproven] == 0:
		case unknown > 0:
			a.find(Undecided, p, release, "its content does not tell which base it was built on")
		case len(bad) > 0:
			a.find(Stale, p, release, "%s", strings.Join(bad, "; "))
		default:
			a.find(Unmet, p, release, "has modules for %s, and no kernel of that kernelrelease is here", release)
		}
	}
}

// judgedCell is a package's modules on a kernel, by what was read.
func (a *audit) judgedCell(p *Package, k *Kernel) Cell {
	at := meeting{p, k, k.Release}
	c := Cell{Modules: p, Kernel: k, Fit: Untold, By: ByContent, Verdicts: a.judged[at]}
	if a.recalled[at] {
		c.By = ByHistory
	}
	if len(c.Verdicts) == 0 {
		// Modules that need no base were not held against kernels whose metadata tells
		// enough.
		if alone := a.judged[meeting{modules: p, release: k.Release}]; !p.dependent && !p.missing && alone != nil {
			c.Fit, c.Verdicts = Fits, alone
		}
		return c
	}
	c.Fit = Fits
	for v := range c.Verdicts {
		switch {
		case v.Severity() == guard.Fail:
			c.Fit = Misfits
		case v == guard.Unproven && c.Fit == Fits:
			c.Fit = Untold
		}
	}
	return c
}

// ownModules holds the modules of a package with a kernel against it and against
// the other builds of the same kernelrelease.
func (a *audit) ownModules(p *Package) {
	for _, own := range p.kernels {
		if own.Release == "" {
			a.find(Undecided, p, "", "does not say which kernelrelease its kernel has")
			continue
		}
		switch {
		case own.Known != Unknown:
		case own.ambiguous:
			a.find(Undecided, p, own.Release, "provides several kernel-btf(...) of flavor %s, which do not tell its base", own.Flavor)
		default:
			a.find(Undecided, p, own.Release, "does not tell its base")
		}
		if !p.maybe {
			continue
		}
		for _, k := range a.res.Kernels {
			if k.id() != own.id() || !p.meets(k.Package) {
				continue
			}
			c := a.judgedCell(p, k)
			switch {
			case c.Verdicts != nil:
			case k == own:
				c.Fit, c.By = Fits, ByToken
				if own.Known == Unknown {
					c.Fit = Untold
				}
			case own.Known != Unknown && k.Known != Unknown && own.Base == k.Base:
				c.Fit, c.By = Fits, own.Known
			case own.Known != Unknown && k.Known != Unknown:
				c.Fit, c.By = Misfits, own.Known
			}
			a.cell(c)
			if k == own && c.Fit == Misfits {
				a.find(Broken, p, own.Release, "%s on its own vmlinux", Counts(c.Verdicts))
			}
		}
	}
}

// unlabeled finds the packages whose content calls for a token that they lack.
func (a *audit) unlabeled() {
	for _, p := range a.packages {
		for _, k := range p.kernels {
			if k.tokenless && !k.Base.IsZero() {
				a.find(Unlabeled, p, k.Release, "ships a vmlinux and does not provide %s", fingerprint.Token(k.Flavor, k.Base))
			}
		}
		if len(p.kernels) == 0 && len(p.Requires) == 0 && p.dependent {
			a.find(Unlabeled, p, "", "its modules were built on another package's vmlinux, and it does not require kernel-btf(...) of it")
		}
	}
}

// kernels finds kernelreleases with several builds: what changed between them,
// and whether their bases differ.
func (a *audit) kernels() {
	builds := map[guard.KernelID][]*Kernel{}
	for _, k := range a.res.Kernels {
		if k.Release != "" && k.Known != Unknown {
			builds[k.id()] = append(builds[k.id()], k)
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(builds), compareIDs) {
		a.rebuilds(builds[id])
		if in := conflicting(builds[id]); len(in) > 0 {
			f := Finding{Kind: Incident, Release: id.Release, Arch: id.Arch}
			for _, k := range slices.Backward(in) {
				reason := fmt.Sprintf("%s  %s", k.short(), k.Package)
				if !slices.Contains(f.Reasons, reason) { // it may lie in several repositories
					f.Packages = append(f.Packages, k.Package)
					f.Reasons = append(f.Reasons, reason)
				}
			}
			a.res.Findings = append(a.res.Findings, f)
		}
	}
}

// rebuilds notes for each build the one before it that it replaces.
func (a *audit) rebuilds(builds []*Kernel) {
	type pair struct{ from, to string }
	seen := map[pair]bool{}
	for i, k := range builds {
		for _, before := range slices.Backward(builds[:i]) {
			if before.Package.Name != k.Package.Name {
				break
			}
			if !before.Package.meets(k.Package) {
				continue
			}
			// Which of two with one version is the later, nothing tells.
			p := pair{before.short() + before.Package.NEVRA, k.short() + k.Package.NEVRA}
			if compareEVR(before.Package, k.Package) != 0 && !seen[p] {
				seen[p] = true
				a.res.Rebuilds = append(a.res.Rebuilds, Rebuild{before, k})
			}
			break
		}
	}
}

// conflicting picks the builds that have another base than one that they meet.
func conflicting(builds []*Kernel) []*Kernel {
	type side struct {
		whole, repository string
		base              fingerprint.Digest
	}
	of := func(k *Kernel) side { return side{k.Package.whole, k.Package.repository, k.Base} }
	sides := map[side]*Kernel{}
	for _, k := range builds {
		sides[of(k)] = k
	}
	conflict := map[side]bool{}
	for s, k := range sides {
		for _, o := range sides {
			if o.Base != k.Base && k.Package.meets(o.Package) {
				conflict[s] = true
				break
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(builds), func(k *Kernel) bool { return !conflict[of(k)] })
}

// Counts writes how often there is each verdict, best first.
func Counts(verdicts map[guard.Verdict]int) string {
	var out []string
	for _, v := range guard.Verdicts {
		if n := verdicts[v]; n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, v))
		}
	}
	return strings.Join(out, ", ")
}
