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
	var given []*Base
	byRelease := map[string][]*Base{}
	var fresh []*Base
	for _, b := range inv.Bases {
		switch b.Origin {
		case Own: // nothing is read on it
		case Given, Running:
			given = append(given, b)
		default:
			byRelease[b.Release] = append(byRelease[b.Release], b)
			if b.Origin == New {
				fresh = append(fresh, b)
			}
		}
	}
	var out []pair
	var unlinked []Unlinked
	var problems []Problem
	if len(given) == 0 {
		out, unlinked, problems = weakly(inv)
	}
	linked := map[*Module]bool{}
	for _, p := range out {
		linked[p.module] = true
	}
	for _, m := range inv.Modules {
		before := len(out)
		for _, b := range given {
			if otherArch(m, b) {
				problems = append(problems, Problem{Path: m.Path, Origin: m.Origin, Err: fmt.Errorf(wrongArch, m.Arch, b.Arch)})
				before = -1
				continue
			}
			pairing := PairGiven
			if b.Origin == Running {
				pairing = PairRunning
			}
			out = append(out, pair{m, b, pairing})
		}
		for _, b := range byRelease[m.Release] {
			if p, ok := match(m, b); ok && len(given) == 0 {
				out = append(out, pair{m, b, p})
			}
		}
		if len(out) != before || m.Origin != New || linked[m] {
			continue
		}
		for _, b := range fresh {
			if m.Package != nil && m.ReadsBase() && m.meetsFlavor(b) && !otherArch(m, b) {
				out = append(out, pair{m, b, PairAcross})
			}
		}
		if len(out) == before {
			out = append(out, pair{module: m, pairing: PairAcross})
		}
	}
	slices.SortStableFunc(out, func(a, b pair) int {
		return cmp.Or(
			cmp.Compare(a.release(), b.release()),
			cmp.Compare(a.arch(), b.arch()),
			cmp.Compare(slices.Index(Pairings, a.pairing), slices.Index(Pairings, b.pairing)),
			cmp.Compare(a.module.Origin, b.module.Origin),
			cmp.Compare(a.baseLabel(), b.baseLabel()),
			cmp.Compare(a.module.Label(), b.module.Label()),
			cmp.Compare(a.module.Path, b.module.Path))
	})
	return meetings{out, unlinked, problems}
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
