// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// weak-modules2 (SUSE, suse-module-tools) and weak-modules (RHEL, kmod) link the
// modules of a package into the trees of other kernelreleases: those whose symbols
// satisfy what its modules need, CRC by CRC. They never look at BTF, so the kernel
// reads it on a base that it was not built for.
//
// The former takes packages named <name>-kmp-<flavor>, whole, to kernels of that
// flavor. The latter takes what lies in extra/ to any kernel, each module by itself
// with those that it needs.

// outliving is a package that was read, with its modules of one kernelrelease.
type outliving struct {
	Linkable
	pkg     *Package
	modules []*Module
}

// outlivingIn lists the packages with modules that may be linked into other kernels,
// in the order of the modules. weak-modules2 refuses a package with modules below
// kernel/ or of several kernelreleases (check_kmp), and such as were built with the
// kernel (kmp_in_kernel).
func outlivingIn(modules []*Module) []*outliving {
	type id struct {
		pkg           *Package
		release, arch string
	}
	of := map[id]*outliving{}
	refused := map[*Package]bool{}
	first := map[*Package]string{} // kernelrelease
	var out []*outliving
	for _, m := range modules {
		if m.Package == nil || m.Err != nil {
			continue
		}
		kmp := kernel.KMPFlavor(m.Package.Name) != ""
		if first[m.Package] == "" {
			first[m.Package] = m.Release
		}
		if kmp && (!kernel.Outlives(m.Path) || first[m.Package] != m.Release) || m.Package.InKernel {
			refused[m.Package] = true
		}
		if !kernel.Outlives(m.Path) {
			continue
		}
		k := id{m.Package, m.Release, m.Arch}
		o := of[k]
		if o == nil {
			o = &outliving{pkg: m.Package, Linkable: Linkable{
				Name: m.Package.Name, NEVRA: m.Package.NEVRA, Version: m.Package.VersionRelease,
				Arch: m.Arch, Flavor: kernel.KMPFlavor(m.Package.Name), Releases: []string{m.Release},
			}}
			of[k] = o
			out = append(out, o)
		}
		o.modules = append(o.modules, m)
	}
	var parts []*outliving
	for _, o := range out {
		switch {
		case refused[o.pkg]:
		case o.Flavor != "":
			o.findNeeds()
			parts = append(parts, o)
		default:
			parts = append(parts, o.split()...)
		}
	}
	return parts
}

// split puts together the modules that need each other's symbols: weak-modules links
// each by itself (make_groups).
func (o *outliving) split() []*outliving {
	d := newDisjoint(len(o.modules))
	exporter := map[string]int{}
	for i, m := range o.modules {
		for symbol := range m.Exports {
			exporter[symbol] = i
		}
	}
	for i, m := range o.modules {
		for _, need := range m.Imports {
			if j, ok := exporter[need.Symbol]; ok {
				d.join(i, j)
			}
		}
	}
	var parts []*outliving
	of := map[int]*outliving{}
	for i, m := range o.modules {
		part := of[d.first(i)]
		if part == nil {
			part = &outliving{Linkable: o.Linkable, pkg: o.pkg}
			of[d.first(i)] = part
			parts = append(parts, part)
		}
		part.modules = append(part.modules, m)
	}
	for _, part := range parts {
		part.findNeeds()
	}
	return parts
}

// findNeeds lists what the modules export, and what they import and none of them
// exports.
func (o *outliving) findNeeds() {
	o.Exports = map[string]uint32{}
	for _, m := range o.modules {
		o.Modules = append(o.Modules, kernel.ModuleName(m.Path))
		maps.Copy(o.Exports, m.Exports)
	}
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

// SymbolsOf are the symbols that modules may use of a kernel, with those of its modules:
// depmod knows them by the modules, whatever else says of them. It is nil where nothing
// tells those of the vmlinux.
func (inv *Inventory) SymbolsOf(b *Base) *kernel.Symvers {
	return b.Symbols.With(kernel.NewSymvers(func(yield func(string, uint32) bool) {
		for _, m := range inv.Modules {
			if m.Release != b.Release || otherArch(m, b) || kernel.Outlives(m.Path) {
				continue
			}
			for symbol, crc := range m.Exports {
				if !yield(symbol, crc) {
					return
				}
			}
		}
	}))
}

// own lists the modules of a kernel itself that were read.
func (inv *Inventory) own(b *Base) (out []resident) {
	for _, m := range inv.Modules {
		if m.Release == b.Release && !otherArch(m, b) && m.Err == nil && !kernel.Outlives(m.Path) {
			out = append(out, resident{kernel.ModuleName(m.Path), m.Exports, m.needs})
		}
	}
	return out
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
	if len(packages) == 0 {
		return nil, nil, nil
	}
	of := map[*Linkable]*outliving{}
	all := make([]*Linkable, len(packages))
	for i, o := range packages {
		of[&o.Linkable], all[i] = o, &o.Linkable
	}
	ordered := newLinkables(all)
	at := map[*outliving]int{}
	for i, l := range ordered {
		at[of[l]] = i
	}
	for _, b := range inv.Bases {
		tree := Tree{b.Release, b.Flavor, b.Arch, inv.SymbolsOf(b), inv.own(b)}
		linked := ordered.link(tree, func(l *Linkable) bool { return of[l].sees(b) })
		for _, o := range packages {
			answer := linked[at[o]]
			switch {
			case !o.sees(b), !o.Meets(tree):
			case answer.Is:
				for _, m := range o.modules {
					pairs = append(pairs, pair{m, b, PairWeak})
				}
			case !answer.Unknown:
				apart = append(apart, Unlinked{o.pkg, o.Releases[0], b, answer.Why()})
			case o.depends():
				why := answer.Why()
				if tree.Symbols == nil || tree.Symbols.Partial() {
					why = fmt.Sprintf(linkNoSymbols, b.Label())
				}
				problems = append(problems, Problem{Path: o.pkg.Path, Origin: o.pkg.Origin, Err: fmt.Errorf(
					linkNotKnown, b.Label(), b.Arch, b.Release, why)})
			}
		}
	}
	return pairs, apart, problems
}
