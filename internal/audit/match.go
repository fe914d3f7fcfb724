// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
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
		var kernels []*guard.Vmlinux
		for _, k := range a.res.Kernels {
			if p.meets(k.Package) {
				kernels = append(kernels, &k.Vmlinux)
			}
		}
		var linked func(*guard.Vmlinux) guard.Linked
		if links.of[p.linkable] != nil || p.outlives {
			linked = func(v *guard.Vmlinux) guard.Linked {
				l := links.linked(p, of[v])
				if l.Why != "" {
					a.res.Unlinked = append(a.res.Unlinked, Unlinked{p, of[v], l.Why})
				}
				return l
			}
		}
		cells, answers := p.cargo(linked).Match(kernels)
		for _, c := range cells {
			a.cell(Cell{p, of[c.Kernel], c})
		}
		for _, f := range answers {
			if f.Verdict == guard.Unlabeled && p.debian {
				continue
			}
			a.res.Findings = append(a.res.Findings, Finding{Kind: f.Verdict, Package: p, Release: f.Release, Arch: p.Arch, Reasons: []string{f.Reason}})
		}
	}
	a.kernels()
	slices.SortStableFunc(a.res.Findings, func(f, g Finding) int {
		return cmp.Compare(slices.Index(Kinds, f.Kind), slices.Index(Kinds, g.Kind))
	})
}

// findTwins looks for builds with kernels that only their content tells apart: what
// of the build is of which of them, nothing tells.
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

// kernels finds kernelreleases with several builds: what changed between them,
// and whether their bases differ.
func (a *audit) kernels() {
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
			for _, k := range slices.Backward(in) {
				reason := fmt.Sprintf("%s  %s", k.Short(), k.Package)
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
			p := pair{before.Short() + before.Package.NEVRA, k.Short() + k.Package.NEVRA}
			if compareEVR(before.Package, k.Package) != 0 && !seen[p] {
				seen[p] = true
				a.res.Changes = append(a.res.Changes, Change{before, k})
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
