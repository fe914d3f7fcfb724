// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"cmp"
	"iter"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// Links answers for many trees which packages are linked into which, as [linkables.link]
// does for one, and in time that grows with the kernels and with the packages rather than with
// their product: packages without a name of a module or a symbol in common do not change
// each other's answers, and an answer holds from one kernel to the next as long as no
// symbol changes that matters to it. It keeps what it found of the packages that it was
// asked for last. Not for several goroutines.
type Links struct {
	trees []Tree
	lanes []*lane
	where []place // of each tree
	of    map[*Linkable]member

	kept   int // runs in all groups
	filled []*linkGroup

	last struct { // what was asked for
		of   *Linkable
		lane int32
		runs []run
	}
}

// mostRuns is how many answers are kept, in 8 bytes each.
const mostRuns = 1 << 23

// lane has trees that differ in nothing but kernelrelease and symbols, in their order.
type lane struct {
	trees   []int32                      // by number
	changes map[kernel.SymbolID][]uint32 // places where a symbol is another than at the one before
	release map[string][]uint32          // places of a kernelrelease
}

// place is where a tree stands.
type place struct {
	lane int32
	at   uint32
}

// linkGroup has packages that may decide over each other.
type linkGroup struct {
	packages linkables
	offers   bool              // one of them exports symbols
	runs     map[int32][][]run // by lane and package, those that were asked for
}

// member is a package of a group, by its number there.
type member struct {
	*linkGroup
	number int
}

// run is the answer from one place in a lane to where the next run begins.
type run struct {
	from uint32
	linkState
}

// linkState is an answer without its reason.
type linkState struct{ is, unknown, apart bool }

func stateOf(l Linked) linkState { return linkState{l.Is, l.Unknown, !l.Unknown && l.Why != nil} }

// NewLinks takes trees in an order of their own: the fewer symbols change from one to the
// next, the less work there is.
func NewLinks(trees []Tree, packages []*Linkable) *Links {
	s := &Links{trees: slices.Clone(trees), of: groups(packages)}
	matters := map[kernel.SymbolID]bool{}
	for _, l := range packages {
		for id := range l.symbols() {
			matters[id] = true
		}
	}
	s.makeLanes(matters)
	return s
}

// symbols are those that answers for the package depend on.
func (l *Linkable) symbols() iter.Seq[kernel.SymbolID] {
	return func(yield func(kernel.SymbolID) bool) {
		for _, need := range l.Needs {
			if !yield(kernel.SymbolIDOf(need.Symbol)) {
				return
			}
		}
		for symbol := range l.Exports {
			if !yield(kernel.SymbolIDOf(symbol)) {
				return
			}
		}
	}
}

// groups puts together what may decide over each other: packages with one place in a
// tree, those that export one symbol, and those that need it.
func groups(packages []*Linkable) map[*Linkable]member {
	d := newDisjoint(len(packages))
	together := func(has map[string]int, name string, i int) {
		if j, ok := has[name]; ok {
			d.join(i, j)
		} else {
			has[name] = i
		}
	}
	has, exporter := map[string]int{}, map[string]int{}
	for i, l := range packages {
		if l.Modules == nil {
			together(has, l.Name, i)
		}
		for _, name := range l.Modules {
			together(has, name, i)
		}
		for symbol := range l.Exports {
			together(exporter, symbol, i)
		}
	}
	for i, l := range packages {
		for _, need := range l.Needs {
			if j, ok := exporter[need.Symbol]; ok {
				d.join(i, j)
			}
		}
	}
	of := map[int]*linkGroup{}
	for i, l := range packages {
		g := of[d.first(i)]
		if g == nil {
			g = &linkGroup{}
			of[d.first(i)] = g
		}
		g.packages = append(g.packages, l)
		g.offers = g.offers || len(l.Exports) > 0
	}
	out := make(map[*Linkable]member, len(packages))
	for _, g := range of {
		g.packages = newLinkables(g.packages)
		for n, l := range g.packages {
			out[l] = member{g, n}
		}
	}
	return out
}

// makeLanes sorts the trees, and finds where the symbols that matter change.
func (s *Links) makeLanes(matters map[kernel.SymbolID]bool) {
	type kind struct {
		arch, flavor   string
		known, partial bool // the symbols
	}
	number := map[kind]int32{}
	s.where = make([]place, len(s.trees))
	for i, t := range s.trees {
		k := kind{t.Arch, t.Flavor, t.Symbols != nil, t.Symbols != nil && t.Symbols.Partial()}
		n, ok := number[k]
		if !ok {
			n = int32(len(s.lanes))
			number[k] = n
			s.lanes = append(s.lanes, &lane{changes: map[kernel.SymbolID][]uint32{}, release: map[string][]uint32{}})
		}
		la := s.lanes[n]
		at := uint32(len(la.trees))
		if at > 0 && k.known {
			before, same := s.trees[la.trees[at-1]].Symbols, true
			for id := range before.Changed(t.Symbols) {
				same = false
				if matters[id] {
					la.changes[id] = append(la.changes[id], at)
				}
			}
			if same {
				s.trees[i].Symbols = before // once in memory
			}
		}
		la.trees = append(la.trees, int32(i))
		la.release[t.Release] = append(la.release[t.Release], at)
		s.where[i] = place{n, at}
	}
}

// At says whether a package is linked into the tree of a number.
func (s *Links) At(l *Linkable, tree int) Linked {
	w, m := s.where[tree], s.of[l]
	if m.linkGroup == nil {
		return Linked{}
	}
	if s.last.of != l || s.last.lane != w.lane {
		s.last.of, s.last.lane, s.last.runs = l, w.lane, s.find(m.linkGroup, w.lane)[m.number]
	}
	n, found := slices.BinarySearchFunc(s.last.runs, w.at, func(r run, at uint32) int { return cmp.Compare(r.from, at) })
	if !found {
		n--
	}
	r := s.last.runs[n]
	out := Linked{Is: r.is, Unknown: r.unknown}
	if r.unknown || r.apart {
		out.Why = func() string { return m.link(s.trees[tree])[m.number].Why() }
	}
	return out
}

func (g *linkGroup) link(t Tree) []Linked {
	return g.packages.link(t, func(*Linkable) bool { return true })
}

// find has the answers for a group in a lane.
func (s *Links) find(g *linkGroup, lane int32) [][]run {
	if runs := g.runs[lane]; runs != nil {
		return runs
	}
	if s.kept > mostRuns {
		for _, f := range s.filled {
			f.runs = nil
		}
		s.kept, s.filled = 0, nil
	}
	runs := make([][]run, len(g.packages))
	for _, at := range s.cuts(g, s.lanes[lane]) {
		for n, answer := range g.link(s.trees[s.lanes[lane].trees[at]]) {
			state := stateOf(answer)
			if list := runs[n]; len(list) == 0 || list[len(list)-1].linkState != state {
				runs[n] = append(list, run{at, state})
				s.kept++
			}
		}
	}
	if g.runs == nil {
		g.runs = map[int32][][]run{}
		s.filled = append(s.filled, g)
	}
	g.runs[lane] = runs
	return runs
}

// cuts are the places in a lane where an answer for the group may be another than at the
// one before: the first, where a kernel is that a package was built for, and where a
// symbol changes that decides.
func (s *Links) cuts(g *linkGroup, la *lane) []uint32 {
	cuts := []uint32{0}
	for _, l := range g.packages {
		for _, release := range l.Releases {
			for _, at := range la.release[release] {
				cuts = append(cuts, at, at+1)
			}
		}
		if g.offers { // then those of others decide as well
			for id := range l.symbols() {
				cuts = append(cuts, la.changes[id]...)
			}
		} else if t := s.trees[la.trees[0]]; t.Symbols != nil && l.suits(t) {
			cuts = s.lacking(l, la, cuts)
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	end, _ := slices.BinarySearch(cuts, uint32(len(la.trees)))
	return cuts[:end]
}

// lacking adds where the first symbol that a package lacks, if it does, becomes another:
// what it needs besides that decides nothing.
func (s *Links) lacking(l *Linkable, la *lane, cuts []uint32) []uint32 {
	type span struct{ from, to uint32 }
	open := []span{{0, uint32(len(la.trees))}} // where nothing is lacking so far
	partial := s.trees[la.trees[0]].Symbols.Partial()
	for _, need := range l.Needs {
		changes := la.changes[kernel.SymbolIDOf(need.Symbol)]
		var still []span
		for _, o := range open {
			next, _ := slices.BinarySearch(changes, o.from+1)
			for at := o.from; at < o.to; {
				end := o.to
				if next < len(changes) {
					end = min(end, changes[next])
					next++
				}
				crc, found := s.trees[la.trees[at]].Symbols.Lookup(need)
				fits := found && crc == need.CRC
				if !fits {
					cuts = append(cuts, at, end)
				}
				if fits || !found && partial { // then another may decide
					if n := len(still) - 1; n >= 0 && still[n].to == at {
						still[n].to = end
					} else {
						still = append(still, span{at, end})
					}
				}
				at = end
			}
		}
		if open = still; len(open) == 0 {
			break
		}
	}
	return cuts
}
