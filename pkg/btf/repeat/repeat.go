// SPDX-License-Identifier: Apache-2.0

// Package repeat finds the structs of a base that a module's table has once more.
//
// A module's table should hold only what its base does not have: pahole takes out
// the rest (btf_dedup in tools/lib/bpf/btf.c). Where that failed, BPF programs see
// two types of one name and one definition, and the kernel's verifier does not take
// the one for the other (btf_types_are_same in include/linux/btf.h, by identity).
//
// A struct that merely has the name of another is not repeated, nor is one that
// leads to a type which the module defines otherwise than the base: to a compiler
// these are different types, and both tables need them.
package repeat

import (
	"bytes"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// Base is a base whose structs and unions can be looked up by name. It is safe for
// concurrent use.
type Base struct {
	table *btf.Table
	named map[string][]btf.TypeID
}

// NewBase makes the index. Time and memory are in proportion to the number of types.
func NewBase(table *btf.Table) *Base {
	b := &Base{table, map[string][]btf.TypeID{}}
	for t := range table.Types() {
		if name := nameOf(table, t); t.Kind().IsComposite() && len(name) > 0 {
			b.named[string(name)] = append(b.named[string(name)], t.ID)
		}
	}
	return b
}

// Repeated are the types of the base that a table has once more.
type Repeated struct {
	Structs map[btf.TypeID]bool // named structs and unions, by the table's own ids
	Names   []string            // theirs, each once, in the order of the table
	Types   int                 // all types of the table that only repeat the base, those included
	Bytes   int                 // that these take in its type section
}

// In finds what a table, which must be split on this base, repeats of it. A type is
// repeated if it has the same kind, name, size and members as one of the base, and
// so has everything that can be reached from it. A forward declaration counts as the
// struct or union of its name, as for btf_dedup.
//
// The work is bounded by the size of the table: of one that was made to cost more, a
// part is left out.
func (b *Base) In(table *btf.Table) Repeated {
	return b.find(&comparison{own: table, base: b.table, state: map[pair]bool{}, budget: minSteps + 16*table.Len()})
}

func (b *Base) find(c *comparison) Repeated {
	table := c.own
	out := Repeated{Structs: map[btf.TypeID]bool{}}
	named := map[string]bool{}
	for t := range table.Types() {
		if !t.Kind().IsComposite() {
			continue
		}
		name := string(nameOf(table, t))
		if !slices.ContainsFunc(b.named[name], func(id btf.TypeID) bool { return c.equal(pair{t.ID, id}) }) {
			continue
		}
		out.Structs[t.ID] = true
		if !named[name] {
			named[name] = true
			out.Names = append(out.Names, name)
		}
	}
	seen := map[btf.TypeID]bool{}
	for p, equal := range c.state {
		if equal && p.own >= table.StartID() && !seen[p.own] {
			seen[p.own] = true
			out.Types++
			t, _ := table.Type(p.own)
			out.Bytes += t.RecordSize()
		}
	}
	return out
}

// minSteps is what a small table may cost. Of the modules of Debian's 6.18.12, which
// repeat up to 1,622 structs each, none needs more than 2 steps for each of its types.
const minSteps = 1 << 16

// pair is a type of the module's table and one of the base.
type pair struct{ own, base btf.TypeID }

// comparison is that of one table with its base.
type comparison struct {
	own, base *btf.Table
	state     map[pair]bool // those of which it is known, whether they are equal
	budget    int           // of pairs that may yet be looked at
}

// equal reports whether two types and all that they lead to are equal. Types refer
// to one another in cycles: the pairs met on the way are taken for equal until one is
// found that is not.
func (c *comparison) equal(root pair) bool {
	if known, ok := c.state[root]; ok {
		return known
	}
	from := map[pair]pair{root: root} // how each was come by
	todo := []pair{root}
	for len(todo) > 0 {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if c.budget--; c.budget < 0 {
			return false
		}
		known, ok := c.state[p]
		if known {
			continue
		}
		if ok || !c.alike(p, func(next pair) {
			if _, met := from[next]; !met {
				from[next] = p
				todo = append(todo, next)
			}
		}) {
			c.refute(p, from)
			return false
		}
	}
	for p := range from {
		c.state[p] = true
	}
	return true
}

// refute notes that a pair is not equal, nor are those that led to it.
func (c *comparison) refute(p pair, from map[pair]pair) {
	for {
		c.state[p] = false
		by := from[p]
		if by == p {
			return
		}
		p = by
	}
}

// alike compares two records but for the ids in them, and gives the pairs that these
// make to next.
func (c *comparison) alike(p pair, next func(pair)) bool {
	if p.own == p.base && p.own < c.own.StartID() {
		return true
	}
	a, okA := c.own.Type(p.own)
	b, okB := c.base.Type(p.base)
	if !okA || !okB || !c.sameNames(a, b) {
		return false
	}
	if a.NameOff != 0 && (declares(a, b) || declares(b, a)) {
		return true
	}
	if p.own < c.own.StartID() || a.Info != b.Info || !sameValues(a, b) {
		return false // the base has no type twice
	}
	refs := make([]btf.TypeID, 0, 8)
	for ref := range b.TypeRefs() {
		refs = append(refs, ref.ID)
	}
	i := 0
	for ref := range a.TypeRefs() { // as many: kind and vlen are the same
		next(pair{ref.ID, refs[i]})
		i++
	}
	return true
}

// declares reports whether a is the forward declaration of a struct or union like b.
func declares(a, b btf.Type) bool {
	want := btf.KindStruct
	if a.KindFlag() {
		want = btf.KindUnion
	}
	return a.Kind() == btf.KindFwd && b.Kind() == want
}

// sameNames compares the names of the types and, where they are of one kind, of what
// is in them.
func (c *comparison) sameNames(a, b btf.Type) bool {
	if !bytes.Equal(nameOf(c.own, a), nameOf(c.base, b)) {
		return false
	}
	if a.Info != b.Info {
		return true // sees to it
	}
	names := make([]uint32, 0, 8)
	for ref := range b.NameRefs() {
		names = append(names, ref.Off)
	}
	i := 0
	for ref := range a.NameRefs() {
		own, _ := c.own.Prefix(ref.Off, btf.MaxName)
		base, _ := c.base.Prefix(names[i], btf.MaxName)
		if !bytes.Equal(own, base) {
			return false
		}
		i++
	}
	return true
}

// sameValues compares sizes, offsets, lengths and values of two records with the same
// kind and vlen.
func sameValues(a, b btf.Type) bool {
	switch a.Kind() {
	case btf.KindFunc, btf.KindVar, btf.KindDatasec, btf.KindDeclTag:
		return false // no struct leads to them
	}
	return slices.Equal(a.AppendValues(nil), b.AppendValues(nil))
}

func nameOf(table *btf.Table, t btf.Type) []byte {
	name, _ := table.Prefix(t.NameOff, btf.MaxName)
	return name
}
