// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"hash/maphash"
	"iter"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// match finds each type's partner on the other side.
func (d *differ) match() {
	d.toNew, d.toOld = make([]uint32, d.old.n), make([]uint32, d.new.n)
	d.differs = make([]bool, d.old.n)

	// Of equal definition. Where several have it (static functions, definitions that
	// differ only in what they lead to), those are partners that agree the farthest.
	all := func(_ *side, id uint32) bool { return id != 0 }
	for olds, news := range d.groups(d.old.levels[0], d.new.levels[0], all) {
		if len(olds) == 1 && len(news) == 1 {
			d.pair(olds[0], news[0])
			continue
		}
		for level := len(rounds) - 1; level >= 0; level-- {
			d.pairEqual(d.old.levels[level], d.new.levels[level], olds, news)
		}
	}

	// Of equal kind and name.
	rest := func(s *side, id uint32) bool { return s.named[id] && d.partners(s)[id] == 0 }
	for olds, news := range d.groups(d.old.keys, d.new.keys, rest) {
		d.pairAlike(olds, news)
	}
	d.pairByPlace()
	d.pairEnums()
}

// pairEnums pairs enums without a name that have values in common by name.
func (d *differ) pairEnums() {
	with := map[string]uint32{}
	values := func(s *side, id uint32, visit func(name string)) {
		t := s.typ(id)
		if d.partners(s)[id] != 0 || !s.anonymous(id) || !isEnum(t) {
			return
		}
		for ref := range t.NameRefs() {
			if ref.Role == btf.RoleEnumerator {
				visit(s.name(ref.Off))
			}
		}
	}
	for a := range uint32(d.old.n) {
		values(d.old, a, func(name string) { with[name] = a })
	}
	for b := range uint32(d.new.n) {
		best, most := uint32(0), 0
		common := map[uint32]int{}
		values(d.new, b, func(name string) {
			if a := with[name]; a != 0 && d.toNew[a] == 0 {
				if common[a]++; common[a] > most {
					best, most = a, common[a]
				}
			}
		})
		if best != 0 {
			d.pair(best, b)
			d.differs[best] = true
		}
	}
}

func (d *differ) partners(s *side) []uint32 {
	if s == d.old {
		return d.toNew
	}
	return d.toOld
}

func (d *differ) pair(a, b uint32) { d.toNew[a], d.toOld[b] = b, a }

// groups visits those of the nodes that have a key in common with one of the other
// side, each side's by id. keys are by id.
func (d *differ) groups(oldKeys, newKeys []uint64, of func(*side, uint32) bool) iter.Seq2[[]uint32, []uint32] {
	// Entries are kept small, since there is one for each type: of the key its upper half,
	// which nearly always decides.
	type entry struct{ upper, node uint32 }
	const isNew = 1 << 31 // beside the id
	key := func(node uint32) uint64 {
		if node&isNew != 0 {
			return newKeys[node&^isNew]
		}
		return oldKeys[node]
	}
	return func(yield func(olds, news []uint32) bool) {
		entries := make([]entry, 0, d.old.n+d.new.n)
		for _, s := range []*side{d.old, d.new} {
			for id := range uint32(s.n) {
				if !of(s, id) {
					continue
				}
				node := id
				if s == d.new {
					node |= isNew
				}
				entries = append(entries, entry{uint32(key(node) >> 32), node})
			}
		}
		slices.SortFunc(entries, func(a, b entry) int {
			if a.upper != b.upper {
				return cmp.Compare(a.upper, b.upper)
			}
			return cmp.Or(cmp.Compare(key(a.node), key(b.node)), cmp.Compare(a.node, b.node))
		})
		var olds, news []uint32
		for i, e := range entries {
			if e.node&isNew == 0 {
				olds = append(olds, e.node)
			} else {
				news = append(news, e.node&^isNew)
			}
			if i+1 < len(entries) && key(entries[i+1].node) == key(e.node) {
				continue
			}
			if len(olds) > 0 && len(news) > 0 && !yield(olds, news) {
				return
			}
			olds, news = olds[:0], news[:0]
		}
	}
}

// pairEqual pairs those of equal hash that have no partner yet, by id.
func (d *differ) pairEqual(oldHash, newHash []uint64, olds, news []uint32) {
	waiting := map[uint64][]uint32{}
	for _, a := range olds {
		if d.toNew[a] == 0 {
			waiting[oldHash[a]] = append(waiting[oldHash[a]], a)
		}
	}
	for _, b := range news {
		if as := waiting[newHash[b]]; d.toOld[b] == 0 && len(as) > 0 {
			d.pair(as[0], b)
			waiting[newHash[b]] = as[1:]
		}
	}
}

// mostPairs is how many pairs of one name are weighed against each other.
const mostPairs = 1024

// pairAlike pairs types of one name that differ, those first that have the most
// in common.
func (d *differ) pairAlike(olds, news []uint32) {
	pair := func(a, b uint32) {
		d.pair(a, b)
		d.differs[a] = true
	}
	if len(olds)*len(news) > mostPairs {
		for i := range min(len(olds), len(news)) {
			pair(olds[i], news[i])
		}
		return
	}
	type candidate struct {
		a, b   uint32
		common int
	}
	var all []candidate
	for _, a := range olds {
		parts := d.old.parts(a, d.seed)
		for _, b := range news {
			c := candidate{a, b, 0}
			if len(olds)*len(news) > 1 {
				for part := range d.new.parts(b, d.seed) {
					if parts[part] {
						c.common++
					}
				}
			}
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(x, y candidate) int { return cmp.Compare(y.common, x.common) })
	for _, c := range all {
		if d.toNew[c.a] == 0 && d.toOld[c.b] == 0 {
			pair(c.a, c.b)
		}
	}
}

// parts hashes what a definition is made of: the names in it, the types in it,
// and what those without a name are made of.
func (s *side) parts(id uint32, seed maphash.Seed) map[uint64]bool {
	out := map[uint64]bool{}
	for range 4 {
		t := s.typ(id)
		for ref := range t.NameRefs() {
			out[maphash.String(seed, s.name(ref.Off))] = true
		}
		refs := s.to.of(id)
		for _, to := range refs {
			if to != missing {
				out[s.levels[0][to]] = true
			}
		}
		if len(refs) != 1 || !s.anonymous(refs[0]) {
			break
		}
		id = refs[0]
	}
	return out
}

// pairByPlace pairs types without a name that stand at the same place of types
// which changed: the prototype of a function, the union in a struct.
func (d *differ) pairByPlace() {
	var queue []uint32
	for a := range uint32(d.old.n) {
		if d.differs[a] {
			queue = append(queue, a)
		}
	}
	for len(queue) > 0 {
		a := queue[0]
		queue = queue[1:]
		for x, y := range d.places(a, d.toNew[a]) {
			queue = d.pairChain(x, y, queue)
		}
	}
}

// pairChain pairs two types without a name if pointers, qualifiers and arrays
// lead from both to such types of one kind that have a content of their own.
func (d *differ) pairChain(x, y uint32, queue []uint32) []uint32 {
	var chain [][2]uint32
	for range maxChain {
		if !d.old.anonymous(x) || !d.new.anonymous(y) || d.toNew[x] != 0 || d.toOld[y] != 0 {
			return queue
		}
		chain = append(chain, [2]uint32{x, y})
		k := d.old.typ(x).Kind()
		if d.new.typ(y).Kind() != k {
			return queue
		}
		switch k {
		case btf.KindPtr, btf.KindConst, btf.KindVolatile, btf.KindRestrict, btf.KindTypeTag, btf.KindArray:
			x, y = d.old.to.of(x)[0], d.new.to.of(y)[0]
			continue
		}
		for _, p := range chain {
			// A cycle may have led to the same one twice.
			if d.toNew[p[0]] == 0 && d.toOld[p[1]] == 0 {
				d.pair(p[0], p[1])
				d.differs[p[0]] = true
				queue = append(queue, p[0])
			}
		}
		return queue
	}
	return queue
}

// maxChain bounds how many pointers, qualifiers and arrays are followed.
const maxChain = 32

// places visits the types that two types refer to from the same place: members
// of the same name, parameters and whatever else has no name by their number.
func (d *differ) places(a, b uint32) func(yield func(x, y uint32) bool) {
	return func(yield func(x, y uint32) bool) {
		ta, tb := d.old.typ(a), d.new.typ(b)
		refsA, refsB := d.old.to.of(a), d.new.to.of(b)
		if !ta.Kind().IsComposite() || !tb.Kind().IsComposite() {
			if ta.Kind() == btf.KindDatasec || ta.Kind() != tb.Kind() {
				return
			}
			for i := range min(len(refsA), len(refsB)) {
				if !yield(refsA[i], refsB[i]) {
					return
				}
			}
			return
		}
		at := map[string][]uint32{}
		for i, to := range refsA {
			name := d.old.name(ta.Member(i).NameOff)
			at[name] = append(at[name], to)
		}
		for i, to := range refsB {
			name := d.new.name(tb.Member(i).NameOff)
			if xs := at[name]; len(xs) > 0 {
				at[name] = xs[1:]
				if !yield(xs[0], to) {
					return
				}
			}
		}
	}
}
