// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// Linkable is a package of modules that weak-modules may link into kernels of other
// kernelreleases, or a part of it that it links by itself. It knows facts only, from
// the content of a package or from its dependencies.
type Linkable struct {
	Name, NEVRA string
	Version     string // version-release
	Arch        string
	Flavor      string // of the kernels that it is linked into, "" for any

	Releases []string          // kernelreleases that it was built for
	Modules  []string          // their names, nil where they are not known
	Needs    []kernel.Import   // symbols from outside of the package
	Exports  map[string]uint32 // symbols for other modules, and their CRCs
}

// Tree is the tree of a kernelrelease that modules are linked into.
type Tree struct {
	Release, Flavor, Arch string
	Symbols               *kernel.Symvers // nil where they are not known
	own                   []resident      // the kernel's own modules, nil where they are not known
}

// resident is a module of the kernel itself in its tree. One of the same name that is
// linked into the tree replaces it (depmod.d(5), search).
type resident struct {
	Name    string
	Exports map[string]uint32
	Needs   *kernel.Symvers // nil where it records no versions
}

// Meets reports whether weak-modules would try to link the package into a tree.
func (l *Linkable) Meets(t Tree) bool {
	return t.Release != "" && l.suits(t) && !slices.Contains(l.Releases, t.Release)
}

// suits reports whether the package is for kernels of the tree's flavor and architecture.
func (l *Linkable) suits(t Tree) bool {
	return (l.Flavor == "" || t.Flavor == l.Flavor) && (t.Arch == l.Arch || t.Arch == "" || l.Arch == "")
}

// linkables are packages in the order in which weak-modules2 goes through them
// (rpmsort -r): that of <name>-<version> as if all of it was a version, then of the
// release, the newest first.
type linkables []*Linkable

// newLinkables sorts packages, which takes longer than to link them into one kernel.
func newLinkables(packages []*Linkable) linkables {
	nvr := func(l *Linkable) (nv, release string) {
		version, release, _ := strings.Cut(l.Version, "-")
		return l.Name + "-" + version, release
	}
	return slices.SortedStableFunc(slices.Values(packages), func(x, y *Linkable) int {
		nvX, releaseX := nvr(x)
		nvY, releaseY := nvr(y)
		return -cmp.Or(rpm.CompareVersions(nvX, nvY), rpm.CompareVersions(releaseX, releaseY), cmp.Compare(x.NEVRA, y.NEVRA))
	})
}

// Linked is whether modules are linked into a kernel that they were not built for.
type Linked struct {
	Is      bool
	Unknown bool // nothing tells, and Why says what is missing
	// Why says why not, for a kernel that they might have been linked into; else it is
	// nil. It is worked out for who asks: pairs are many.
	Why func() string
}

// because gives a reason that needs no working out.
func because(why string) func() string { return func() string { return why } }

var (
	unlisted  = Linked{Unknown: true, Why: because(linkUnlisted)}
	partly    = Linked{Unknown: true, Why: because(linkPartly)}
	ofAnother = Linked{Unknown: true, Why: because(linkOfAnother)}
)

// link goes through packages as weak-modules2 does, again while one that was linked
// may have brought the symbols that another needs (walk_kmps). Of packages with
// modules of one name the first that fits is linked, and none where one of them was
// built for this kernel. It answers for each package, in their order, that may lie in
// one place with the tree and that [Linkable.Meets] lets try.
func (packages linkables) link(t Tree, beside func(*Linkable) bool) []Linked {
	k := &linking{tree: t, packages: packages, out: make([]Linked, len(packages)),
		place: map[string]*Linkable{}, exports: map[string][]uint32{}, gone: map[string]bool{}, own: map[string][]resident{}}
	for _, r := range t.own {
		k.own[r.Name] = append(k.own[r.Name], r)
	}
	var left []int
	for i, l := range packages {
		switch {
		case !beside(l):
		case l.Meets(t):
			left = append(left, i)
		case slices.Contains(l.Releases, t.Release) && (l.Arch == t.Arch || l.Arch == "" || t.Arch == ""):
			k.take(l)
		}
	}
	if t.Symbols == nil {
		for _, i := range left {
			k.out[i] = unlisted
		}
		return k.out
	}
	for again := true; again; {
		again = false
		left = slices.DeleteFunc(left, func(i int) bool {
			l := packages[i]
			if other := k.placed(l); other != nil {
				if k.out[i].Why == nil || k.out[i].Unknown {
					k.out[i] = Linked{Why: func() string { return fmt.Sprintf(linkPlace, other.NEVRA) }}
				}
				return true
			}
			if k.out[i] = k.judge(l); !k.out[i].Is {
				return false
			}
			k.take(l)
			again = true
			return true
		})
	}
	k.doubt(left)
	return k.out
}

// linking is a tree while modules are linked into it.
type linking struct {
	tree     Tree
	packages linkables
	out      []Linked              // likewise
	own      map[string][]resident // by name
	in       []*Linkable           // what was linked, or built for it
	place    map[string]*Linkable  // who has it
	// Of what is in: the CRCs of its symbols, and those of modules that it replaces.
	exports map[string][]uint32
	gone    map[string]bool
}

// placed is the package whose place another one would take, nil if there is none.
func (k *linking) placed(l *Linkable) *Linkable {
	if l.Modules == nil {
		return k.place[l.Name]
	}
	for _, name := range l.Modules {
		if other := k.place[name]; other != nil {
			return other
		}
	}
	return nil
}

// take puts a package into the tree, and into its places, which no two have: modules of
// one name (basenames_are_unique), or where those are not known its own name.
func (k *linking) take(l *Linkable) {
	if l.Modules == nil {
		k.place[l.Name] = l
	}
	for _, name := range l.Modules {
		k.place[name] = l
	}
	k.in = append(k.in, l)
	l.offer(k.exports)
	k.replaced(l, k.gone)
}

// offer adds the package's symbols to those of others.
func (l *Linkable) offer(exports map[string][]uint32) {
	for symbol, crc := range l.Exports {
		exports[symbol] = append(exports[symbol], crc)
	}
}

// replaced adds the symbols of the kernel's modules that the package replaces.
func (k *linking) replaced(l *Linkable, symbols map[string]bool) {
	for _, name := range l.Modules {
		for _, r := range k.own[name] {
			for symbol := range r.Exports {
				symbols[symbol] = true
			}
		}
	}
}

// judge says whether a package is linked into the tree as it is.
func (k *linking) judge(l *Linkable) Linked {
	if not := k.lacks(l, k.exports); not.Why != nil {
		return not
	}
	if l.Flavor != "" {
		if not := k.breaks(l); not.Why != nil {
			return not
		}
	}
	return Linked{Is: true}
}

// doubt has what is not linked for want of a symbol be unknown where a package offers it
// of which that is unknown.
func (k *linking) doubt(left []int) {
	for again := true; again; {
		again = false
		maybe := map[string][]uint32{}
		for _, i := range left {
			if k.out[i].Unknown {
				k.packages[i].offer(maybe)
			}
		}
		if len(maybe) == 0 {
			return
		}
		for symbol, crcs := range k.exports {
			maybe[symbol] = append(maybe[symbol], crcs...)
		}
		for _, i := range left {
			l := k.packages[i]
			if !k.out[i].Unknown && k.lacks(l, maybe).Why == nil && k.lacks(l, k.exports).Why != nil {
				k.out[i] = ofAnother
				again = true
			}
		}
	}
}

// replaces reports whether a module of the kernel is replaced once the package is in.
func (k *linking) replaces(l *Linkable, r resident) bool {
	return k.place[r.Name] != nil || slices.Contains(l.Modules, r.Name)
}

// lacks says which symbol keeps the modules from being linked beside others with the
// exports. What a module exports counts before the kernel's own (kmod, tools/depmod.c,
// depmod_symbol_add).
func (k *linking) lacks(l *Linkable, exports map[string][]uint32) Linked {
	own := map[string]bool{}
	k.replaced(l, own)
	maybe := Linked{}
	for _, need := range l.Needs {
		gone := own[need.Symbol] || k.gone[need.Symbol]
		crc, found := uint32(0), false
		if crcs := exports[need.Symbol]; crcs != nil {
			crc, found = crcs[0], true
			if slices.Contains(crcs, need.CRC) {
				crc = need.CRC
			}
		} else if !gone {
			crc, found = k.tree.Symbols.Lookup(need)
		}
		switch {
		case !found && k.tree.Symbols.Partial() && !gone: // another one may decide
			maybe = partly
		case !found:
			return Linked{Why: func() string { return fmt.Sprintf(linkNoSymbol, need.Symbol) }}
		case crc != need.CRC:
			has := crc // crc would be on the heap for each symbol
			return Linked{Why: func() string { return fmt.Sprintf(linkOtherCRC, need.Symbol, need.CRC, has) }}
		}
	}
	return maybe
}

// breaks says which module in the tree would not find a symbol any more once the
// package is in: weak-modules2 links none after which depmod complains, whatever
// module it complains of (has_unresolved_symbols).
func (k *linking) breaks(l *Linkable) Linked {
	changed := map[string]bool{}
	for symbol, crc := range l.Exports {
		if there, ok := k.tree.Symbols.Lookup(kernel.Import{Symbol: symbol, CRC: crc}); ok && there != crc {
			changed[symbol] = true
		}
	}
	k.replaced(l, changed)
	for _, symbol := range slices.Sorted(maps.Keys(changed)) {
		crc, offers := l.Exports[symbol]
		broken := func(whose string, need uint32, needs bool) string {
			switch {
			case !needs || offers && need == crc:
				return ""
			case !offers:
				return fmt.Sprintf(linkTakesAway, whose, symbol)
			}
			return fmt.Sprintf(linkTakesCRC, whose, symbol, need, crc)
		}
		for _, r := range k.tree.own {
			if r.Needs == nil || k.replaces(l, r) {
				continue
			}
			need, needs := r.Needs.Lookup(kernel.Import{Symbol: symbol, CRC: crc})
			if why := broken("the kernel's own "+r.Name, need, needs); why != "" {
				return Linked{Why: because(why)}
			}
		}
		for _, o := range k.in {
			for _, need := range o.Needs {
				if why := broken(o.NEVRA, need.CRC, need.Symbol == symbol); why != "" {
					return Linked{Why: because(why)}
				}
			}
		}
		if k.tree.own == nil {
			return Linked{Unknown: true, Why: because(fmt.Sprintf(linkNeeded, symbol))}
		}
	}
	return Linked{}
}
