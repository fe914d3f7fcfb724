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

// Linkable is a package of modules that weak-modules may link into kernels of other
// kernelreleases. It knows facts only, from the content of a package or from its
// dependencies.
type Linkable struct {
	Name, NEVRA  string
	Version      string // version-release
	Arch, Flavor string

	Releases []string          // kernelreleases that it was built for
	Needs    []kernel.Import   // symbols from outside of the package
	Exports  map[string]uint32 // symbols for other modules, and their CRCs
}

// Tree is the tree of a kernelrelease that modules are linked into.
type Tree struct {
	Release, Flavor, Arch string
	Symbols               *kernel.Symvers // nil where they are not known
}

// Meets reports whether weak-modules would try to link the package into a tree.
func (l *Linkable) Meets(t Tree) bool {
	return t.Release != "" && t.Flavor == l.Flavor && (t.Arch == l.Arch || t.Arch == "" || l.Arch == "") &&
		!slices.Contains(l.Releases, t.Release)
}

// Link goes through packages as weak-modules2 does, again while one that was linked
// may have brought the symbols that another needs (walk_kmps). Of packages of one
// name the newest that fits is linked, and none where one of them was built for this
// kernel. apart says of the others why not. With a tree whose symbols are not known,
// neither has any.
func Link(t Tree, packages []*Linkable) (linked map[*Linkable]bool, apart map[*Linkable]string) {
	linked, apart = map[*Linkable]bool{}, map[*Linkable]string{}
	if t.Symbols == nil {
		return linked, apart
	}
	place := map[string]*Linkable{} // by name, who has it
	var exports []map[string]uint32
	var left []*Linkable
	for _, l := range packages {
		if l.Meets(t) {
			left = append(left, l)
		} else if slices.Contains(l.Releases, t.Release) && l.Flavor == t.Flavor {
			place[l.Name] = l
			exports = append(exports, l.Exports)
		}
	}
	slices.SortStableFunc(left, func(x, y *Linkable) int {
		return -cmp.Or(rpm.CompareVersions(x.Version, y.Version), cmp.Compare(x.NEVRA, y.NEVRA))
	})
	for again := true; again; {
		again = false
		for _, l := range left {
			switch other := place[l.Name]; {
			case other == l:
			case other != nil:
				apart[l] = cmp.Or(apart[l], other.NEVRA+" takes its place")
			default:
				lacks := l.lacks(t.Symbols, exports)
				if lacks != "" {
					apart[l] = lacks
					continue
				}
				delete(apart, l)
				linked[l], place[l.Name] = true, l
				exports = append(exports, l.Exports)
				again = true
			}
		}
	}
	return linked, apart
}

// lacks says which symbol keeps the modules from being linked, "" if none does.
func (l *Linkable) lacks(symbols *kernel.Symvers, exports []map[string]uint32) string {
	for _, need := range l.Needs {
		crc, found := symbols.Lookup(need)
		for _, e := range exports {
			if found {
				break
			}
			crc, found = e[need.Symbol]
		}
		switch {
		case !found:
			return "needs symbol " + need.Symbol + ", which is not there"
		case crc != need.CRC:
			return fmt.Sprintf("needs symbol %s with CRC %08x, there it has %08x", need.Symbol, need.CRC, crc)
		}
	}
	return ""
}

// outliving is a package that was read, with its modules of one kernelrelease.
type outliving struct {
	Linkable
	pkg     *Package
	modules []*Module
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
			o = &outliving{pkg: m.Package, Linkable: Linkable{
				Name: m.Package.Name, NEVRA: m.Package.NEVRA, Version: m.Package.VersionRelease,
				Arch: m.Arch, Flavor: kernel.Flavor(m.Release), Releases: []string{m.Release}, Exports: map[string]uint32{},
			}}
			of[k] = o
			out = append(out, o)
		}
		o.modules = append(o.modules, m)
		for symbol, crc := range m.Exports {
			o.Exports[symbol] = crc
		}
	}
	for _, o := range out {
		o.findNeeds()
	}
	return out
}

// findNeeds lists what the modules import and none of them exports.
func (o *outliving) findNeeds() {
	for _, m := range o.modules {
		for _, i := range m.Imports {
			if _, own := o.Exports[i.Symbol]; !own && !i.Weak {
				o.Needs = append(o.Needs, i)
			}
		}
	}
	slices.SortFunc(o.Needs, func(a, b kernel.Import) int {
		return cmp.Or(cmp.Compare(a.Symbol, b.Symbol), cmp.Compare(a.CRC, b.CRC))
	})
	o.Needs = slices.Compact(o.Needs)
}

// depends reports whether the base matters to any of the modules.
func (o *outliving) depends() bool { return slices.ContainsFunc(o.modules, (*Module).ReadsBase) }

// sees reports whether the sides of a comparison let the package meet a kernel.
func (o *outliving) sees(b *Base) bool {
	return !b.Origin.Named() && (o.modules[0].Origin != Against || b.Origin == New)
}

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
// known of modules with BTF.
func weakly(inv *Inventory) (pairs []pair, apart []Unlinked, problems []Problem) {
	packages := outlivingIn(inv.Modules)
	for _, b := range inv.Bases {
		var seen []*outliving
		var linkables []*Linkable
		for _, o := range packages {
			if o.sees(b) {
				seen = append(seen, o)
				linkables = append(linkables, &o.Linkable)
			}
		}
		tree := Tree{b.Release, b.Flavor, b.Arch, b.Symbols}
		linked, why := Link(tree, linkables)
		for _, o := range seen {
			switch {
			case !o.Meets(tree):
			case linked[&o.Linkable]:
				for _, m := range o.modules {
					pairs = append(pairs, pair{m, b, PairWeak})
				}
			case b.Symbols != nil:
				apart = append(apart, Unlinked{o.pkg, o.Releases[0], b, why[&o.Linkable]})
			case o.depends():
				problems = append(problems, Problem{Path: o.pkg.Path, Origin: o.pkg.Origin, Err: fmt.Errorf(
					"not checked on %s (%s): whether its modules are linked into %s is not known, since neither a symvers nor symbols among the provides of %s say which it has",
					b.Label(), b.Arch, b.Release, b.Label())})
			}
		}
	}
	return pairs, apart, problems
}
