// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"cmp"
	"fmt"
	"slices"
)

// pair is a module and a base to be judged together.
type pair struct {
	module  *Module
	base    *Base // nil for a module that meets none
	pairing Pairing
}

// meetings is what meets what.
type meetings struct {
	pairs    []pair // ordered by kernel, pairing and path
	unlinked []Unlinked
	problems []Problem
}

// meet lists what meets what. Where the user named a base, every module meets that
// one and no other. Modules of a package for whose kernelrelease no kernel is here meet
// the new ones of their flavor, beside which the package would be installed.
func meet(inv *Inventory) meetings {
	var out meetings
	kernels := sortKernels(inv.Bases)
	if len(kernels.named) > 0 {
		out = onNamed(inv.Modules, kernels.named)
	} else {
		out.pairs, out.unlinked, out.problems = weakly(inv)
		linked := map[*Module]bool{}
		for _, p := range out.pairs {
			linked[p.module] = true
		}
		for _, m := range inv.Modules {
			own := kernels.ofRelease(m)
			if len(own) == 0 && m.Origin == New && !linked[m] {
				own = kernels.beside(m)
			}
			out.pairs = append(out.pairs, own...)
		}
	}
	slices.SortStableFunc(out.pairs, func(a, b pair) int {
		return cmp.Or(
			cmp.Compare(a.release(), b.release()),
			cmp.Compare(a.arch(), b.arch()),
			cmp.Compare(slices.Index(Pairings, a.pairing), slices.Index(Pairings, b.pairing)),
			cmp.Compare(a.module.Origin, b.module.Origin),
			cmp.Compare(a.baseLabel(), b.baseLabel()),
			cmp.Compare(a.module.Label(), b.module.Label()),
			cmp.Compare(a.module.Path, b.module.Path))
	})
	return out
}

// kernelsHere are bases by how modules come to meet them.
type kernelsHere struct {
	named     []*Base // the user named them, or they run
	byRelease map[string][]*Base
	fresh     []*Base // the new ones
}

func sortKernels(bases []*Base) kernelsHere {
	out := kernelsHere{byRelease: map[string][]*Base{}}
	for _, b := range bases {
		switch b.Origin {
		case Own: // nothing is read on it
		case Given, Running:
			out.named = append(out.named, b)
		default:
			out.byRelease[b.Release] = append(out.byRelease[b.Release], b)
			if b.Origin == New {
				out.fresh = append(out.fresh, b)
			}
		}
	}
	return out
}

// onNamed pairs each module with the bases that were named.
func onNamed(modules []*Module, bases []*Base) (out meetings) {
	for _, m := range modules {
		for _, b := range bases {
			if otherArch(m, b) {
				out.problems = append(out.problems, Problem{Path: m.Path, Origin: m.Origin, Err: fmt.Errorf(wrongArch, m.Arch, b.Arch)})
				continue
			}
			pairing := PairGiven
			if b.Origin == Running {
				pairing = PairRunning
			}
			out.pairs = append(out.pairs, pair{m, b, pairing})
		}
	}
	return out
}

// ofRelease pairs a module with the kernels of its kernelrelease.
func (k kernelsHere) ofRelease(m *Module) (out []pair) {
	for _, b := range k.byRelease[m.Release] {
		if p, ok := match(m, b); ok {
			out = append(out, pair{m, b, p})
		}
	}
	return out
}

// beside pairs a module with the new kernels that its package would be installed beside,
// and with none where there is none.
func (k kernelsHere) beside(m *Module) (out []pair) {
	for _, b := range k.fresh {
		if m.Package != nil && m.ReadsBase() && m.meetsFlavor(b) && !otherArch(m, b) {
			out = append(out, pair{m, b, PairAcross})
		}
	}
	if len(out) == 0 {
		return []pair{{module: m, pairing: PairAcross}}
	}
	return out
}

// otherArch reports whether module and base are for different machines. A raw
// table does not say what it is for.
func otherArch(m *Module, b *Base) bool { return m.Arch != b.Arch && m.Arch != "" && b.Arch != "" }

// release is that of the kernel.
func (p pair) release() string {
	if p.base != nil && p.pairing == PairWeak {
		return p.base.Release
	}
	return p.module.Release
}

func (p pair) arch() string {
	if p.base != nil {
		return p.base.Arch
	}
	return p.module.Arch
}

func (p pair) baseLabel() string {
	if p.base == nil {
		return ""
	}
	return p.base.Label()
}

// match says whether a module meets a base, and as what.
func match(m *Module, b *Base) (Pairing, bool) {
	if m.Release != b.Release || otherArch(m, b) {
		return "", false
	}
	source := func(p *Package) string {
		if p == nil {
			return ""
		}
		return p.Source
	}
	switch {
	case m.Origin == Against && b.Origin == Against:
		return "", false // the older build is not what is judged
	case b.Origin == Installed:
		return PairAcross, m.Origin == New
	case m.Linked:
		return PairWeak, true
	case m.build() == b.build() && m.Origin == b.Origin:
		return PairBuild, true
	case m.Origin != b.Origin && (m.Package == nil || b.Package == nil), source(m.Package) == source(b.Package):
		if m.Package == nil && m.Origin == b.Origin {
			return PairAcross, true // two files of which nothing says that they belong together
		}
		return PairRebuild, true
	}
	return PairAcross, true
}

// NoVmlinux is why modules that need a base were not checked: there is none of
// their kernelrelease.
type NoVmlinux struct {
	Modules int
	Kernel  string // kernelrelease and architecture, for people
}

// unmet makes problems of the modules that needed a base and met none, one for
// each package, folder or file that was given.
func unmet(findings []Finding) []Problem {
	type place struct{ path, release, arch string }
	count := map[place]int{}
	var order []place
	for _, f := range findings {
		if f.Base != nil || f.Verdict != Unproven {
			continue
		}
		m := f.Module
		at := place{cmp.Or(m.Tree, m.Path), m.Release, m.Arch}
		if m.Package != nil {
			at.path = m.Package.Path
		}
		if count[at]++; count[at] == 1 {
			order = append(order, at)
		}
	}
	var out []Problem
	for _, at := range order {
		out = append(out, Problem{Path: at.path, Err: &NoVmlinux{count[at], kernelName(at.release, at.arch)}})
	}
	return out
}
