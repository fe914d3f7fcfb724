// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// match fills the matrix and says what needs attention.
func (a *audit) match(ctx context.Context) {
	a.findTwins()
	a.findMachines()
	links := a.newLinker()
	of := map[*guard.Vmlinux]*Kernel{}
	for _, k := range a.res.Kernels {
		of[&k.Vmlinux] = k
	}
	var meets meeting
	for _, p := range a.packages {
		if ctx.Err() != nil {
			return
		}
		if len(p.kernels) == 0 && len(p.Requires) == 0 && !p.maybe {
			continue
		}
		if len(p.kernels) == 0 || p.maybe {
			a.res.Modules = append(a.res.Modules, p)
		}
		a.matchPackage(p, links, of, meets.kernels(p, a.res.Kernels))
	}
	a.incidents()
	slices.SortStableFunc(a.res.Findings, func(f, g Finding) int {
		return cmp.Compare(slices.Index(Kinds, f.Kind), slices.Index(Kinds, g.Kind))
	})
}

// matchPackage adds a package's row to the matrix.
func (a *audit) matchPackage(p *Package, links *linker, of map[*guard.Vmlinux]*Kernel, meets []*guard.Vmlinux) {
	var unlinked []told
	var linked func(*guard.Vmlinux) guard.Linked
	if p.mayOutlive() {
		linked = func(v *guard.Vmlinux) guard.Linked {
			l := links.linked(p, of[v])
			if l.Why != nil && !l.Unknown {
				unlinked = append(unlinked, told{of[v], l})
			}
			return l
		}
	}
	fits, answers := p.cargo(linked).Match(meets)
	cells := make([]Cell, 0, len(fits))
	for _, c := range fits {
		cells = append(cells, Cell{p, of[c.Kernel], c})
	}
	a.res.add(cells)
	a.res.apart(p, unlinked)
	for _, f := range answers {
		if f.Verdict == guard.Unlabeled && p.debian {
			continue
		}
		if f.Verdict == guard.Unmet && a.mayBeWider(p) {
			f.Verdict = guard.Undecided
			f.Reason += fmt.Sprintf(" for %s; kernels of a larger architecture are, and only its files tell whether its modules are for these", p.arch())
		}
		a.res.Findings = append(a.res.Findings, Finding{Kind: f.Verdict, Package: p, Release: f.Release, Arch: p.Arch, Reasons: []string{f.Reason}})
	}
}

// meeting lists the kernels that a package meets. It keeps the last list, which usually
// serves the next package as well.
type meeting struct {
	whole, repository, arch string
	list                    []*guard.Vmlinux
}

func (m *meeting) kernels(p *Package, all []*Kernel) []*guard.Vmlinux {
	if arch := p.arch(); m.list == nil || m.whole != p.whole || m.repository != p.repository || m.arch != arch {
		*m = meeting{p.whole, p.repository, arch, []*guard.Vmlinux{}}
		for _, k := range all {
			if k.Arch == arch && p.meets(k.Package) {
				m.list = append(m.list, &k.Vmlinux)
			}
		}
	}
	return m.list
}

// findTwins looks for builds whose kernels differ only in content. Nothing tells which
// package of the build belongs to which of them.
func (a *audit) findTwins() {
	first := map[string]*Kernel{}
	var twins []string
	for _, k := range a.res.Kernels {
		key := fmt.Sprint(k.Package.NEVRA, " ", k.Release, " ", k.Flavor, " ", k.Package.build)
		if first[key] == nil {
			first[key] = k
		} else if first[key].Base != k.Base {
			twins = append(twins, k.Build)
		}
	}
	for _, k := range a.res.Kernels {
		if slices.Contains(twins, k.Build) {
			k.Build = ""
		}
	}
}

// incidents finds kernelreleases with several builds: what changed between them,
// and whether their bases differ.
func (a *audit) incidents() {
	builds := map[guard.KernelID][]*Kernel{}
	for _, k := range a.res.Kernels {
		if k.Release != "" && k.Known != guard.Unknown {
			builds[k.id()] = append(builds[k.id()], k)
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(builds), compareIDs) {
		a.rebuilds(builds[id])
		if in := conflicting(builds[id]); len(in) > 0 {
			f := Finding{Kind: guard.Incident, Release: id.Release, Arch: id.Arch}
			said := map[string]bool{} // it may lie in several repositories
			for _, k := range slices.Backward(in) {
				reason := fmt.Sprintf("%s  %s", k.Short(), k.Package)
				if !said[reason] {
					said[reason] = true
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
			// Nothing tells which of two with the same version is the later one.
			p := pair{before.Short() + before.Package.NEVRA, k.Short() + k.Package.NEVRA}
			if rpm.CompareEVR(before.Package.evr, k.Package.evr) != 0 && !seen[p] {
				seen[p] = true
				a.res.Changes = append(a.res.Changes, Change{before, k})
			}
			break
		}
	}
}

// conflicting picks the builds that meet a build with another base.
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
