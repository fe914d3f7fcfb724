// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// weak-modules2 (SUSE, suse-module-tools) and weak-modules (RHEL, kmod) link the
// modules of a package into the trees of other kernelreleases: those of the same
// flavor whose symbols satisfy what all its modules need, CRC by CRC. They never
// look at BTF, so the kernel reads it on a base that it was not built for.

// outliving is a package of modules that may be linked into other kernels.
type outliving struct {
	pkg     *Package
	modules []*Module
	flavor  string
	needs   []kernel.Import // from outside of the package
	exports kernel.SymbolCRCs
}

// outlivingIn lists the packages with modules below updates/ or extra/, in the
// order of the modules.
func outlivingIn(modules []*Module) []*outliving {
	type id struct {
		pkg           *Package
		release, arch string
	}
	of := map[id]*outliving{}
	var out []*outliving
	for _, m := range modules {
		if m.Package == nil || m.Err != nil || !kernel.Outlives(m.Path) {
			continue
		}
		k := id{m.Package, m.Release, m.Arch}
		o := of[k]
		if o == nil {
			o = &outliving{pkg: m.Package, flavor: kernel.Flavor(m.Release), exports: kernel.SymbolCRCs{}}
			of[k] = o
			out = append(out, o)
		}
		o.modules = append(o.modules, m)
		for symbol, crc := range m.Exports {
			o.exports[symbol] = crc
		}
	}
	for _, o := range out {
		for _, m := range o.modules {
			for _, i := range m.Imports {
				if _, own := o.exports[i.Symbol]; !own && !i.Weak {
					o.needs = append(o.needs, i)
				}
			}
		}
		slices.SortFunc(o.needs, func(a, b kernel.Import) int {
			return cmp.Or(cmp.Compare(a.Symbol, b.Symbol), cmp.Compare(a.CRC, b.CRC))
		})
		o.needs = slices.Compact(o.needs)
	}
	return out
}

func (o *outliving) release() string { return o.modules[0].Release }

// depends reports whether the base matters to any of the modules.
func (o *outliving) depends() bool { return slices.ContainsFunc(o.modules, (*Module).hasTable) }

func (m *Module) hasTable() bool { return len(m.BTF) > 0 }

// Unlinked is a kernel of the right flavor into which a package's modules are not
// linked.
type Unlinked struct {
	Package *Package
	Release string // kernelrelease of the modules
	Base    *Base
	Why     string
}

// weakly finds which packages are linked into which kernels of other
// kernelreleases, and which are not, and why. It is a problem where that cannot be
// told of modules with BTF.
func weakly(inv *Inventory) (pairs []pair, apart []Unlinked, problems []Problem) {
	packages := outlivingIn(inv.Modules)
	for _, b := range inv.Bases {
		if b.Origin.Named() {
			continue
		}
		linked, why := linkedInto(b, packages)
		for _, o := range packages {
			switch {
			case !o.meets(b):
			case slices.Contains(linked, o):
				for _, m := range o.modules {
					pairs = append(pairs, pair{m, b, PairWeak})
				}
			case b.Symbols != nil:
				apart = append(apart, Unlinked{o.pkg, o.release(), b, why[o]})
			case o.depends():
				problems = append(problems, Problem{Path: o.pkg.Path, Origin: o.pkg.Origin, Err: fmt.Errorf(
					"not judged on %s (%s): whether its modules are linked into %s is not known, since neither a symvers nor symbols among the provides of %s say which it has",
					b.Label(), b.Arch, b.Release, b.Label())})
			}
		}
	}
	return pairs, apart, problems
}

// meets reports whether weak-modules would try to link the package into a kernel.
func (o *outliving) meets(b *Base) bool {
	m := o.modules[0]
	return b.Release != "" && b.Release != m.Release && b.Flavor == o.flavor && !otherArch(m, b) &&
		!(m.Origin == Against && b.Origin == Against) && !(m.Origin == Against && b.Origin == Installed)
}

// linkedInto goes through the packages as weak-modules2 does, again while one that
// was linked may have brought the symbols that another needs (walk_kmps). Of
// packages of one name the newest that fits is linked, and none where one of them
// was built for this kernel.
func linkedInto(b *Base, packages []*outliving) (linked []*outliving, why map[*outliving]string) {
	why = map[*outliving]string{}
	have := []kernel.SymbolCRCs{b.Symbols}
	builtFor := map[string]*Package{}
	for _, o := range packages {
		if o.release() == b.Release && o.flavor == b.Flavor {
			builtFor[o.pkg.Name] = o.pkg
			have = append(have, o.exports)
		}
	}
	if b.Symbols == nil {
		return nil, why
	}
	newest := slices.Clone(packages)
	slices.SortStableFunc(newest, func(x, y *outliving) int { return -comparePackages(x.pkg, y.pkg) })
	taken := map[string]*Package{}
	for again := true; again; {
		again = false
		for _, o := range newest {
			switch other := cmp.Or(builtFor[o.pkg.Name], taken[o.pkg.Name]); {
			case !o.meets(b), taken[o.pkg.Name] == o.pkg:
			case other != nil:
				why[o] = cmp.Or(why[o], other.NEVRA+" takes its place")
			default:
				if why[o] = o.lacks(have); why[o] == "" {
					taken[o.pkg.Name] = o.pkg
					linked = append(linked, o)
					have = append(have, o.exports)
					again = true
				}
			}
		}
	}
	return linked, why
}

// comparePackages orders packages of one name, the older first.
func comparePackages(p, q *Package) int {
	return cmp.Or(rpm.CompareVersions(p.VersionRelease, q.VersionRelease), cmp.Compare(p.NEVRA, q.NEVRA))
}

// lacks says which symbol keeps the modules from being linked, "" if none does.
func (o *outliving) lacks(have []kernel.SymbolCRCs) string {
	for _, need := range o.needs {
		found := false
		for _, symbols := range have {
			crc, ok := symbols[need.Symbol]
			if ok && crc != need.CRC {
				return fmt.Sprintf("needs symbol %s with CRC %08x, there it has %08x", need.Symbol, need.CRC, crc)
			}
			found = found || ok
		}
		if !found {
			return "needs symbol " + need.Symbol + ", which is not there"
		}
	}
	return ""
}
