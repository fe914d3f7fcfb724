// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"encoding/binary"
	"hash/maphash"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// Types refer to one another in cycles, so two of them are equal if nothing that
// can be reached by the same way from both tells them apart. That is found by
// partition refinement: types begin in one class if their records agree but for
// the ids they hold, and a class is split while its members refer to types of
// different classes. What is never split is equal.

// graph is the types of both bases as nodes, those of the second behind those of
// the first, void included in each.
type graph struct {
	built, read *btf.Table
	split       int // index of the second base's first node

	seed  maphash.Seed // chosen anew each time, so that no input can aim at a collision
	local []uint64     // hash of each record but for the ids
	named []bool       // the node is a type that its name stands for
	edges []uint32     // the nodes that each node refers to, one node behind the other
	first []uint32     // where each node's edges begin; one more than there are nodes

	values []uint32 // of the record being hashed
}

func newGraph(built, read *btf.Table) *graph {
	g := &graph{built: built, read: read, seed: maphash.MakeSeed()}
	nodes := int(built.EndID()) + int(read.EndID())
	g.local = make([]uint64, 0, nodes)
	g.named = make([]bool, 0, nodes)
	g.first = make([]uint32, 0, nodes+1)
	g.add(built)
	g.split = len(g.local)
	g.add(read)
	g.first = append(g.first, uint32(len(g.edges)))
	return g
}

// add appends the types of one base.
func (g *graph) add(t *btf.Table) {
	base := uint32(len(g.local))
	end := t.EndID()
	g.node(t, btf.Type{}) // void, and where references past the end lead
	for typ := range t.Types() {
		g.node(t, typ)
		for ref := range typ.TypeRefs() {
			id := ref.ID
			if id >= end {
				id = 0
			}
			g.edges = append(g.edges, base+uint32(id))
		}
	}
}

func (g *graph) node(t *btf.Table, typ btf.Type) {
	g.first = append(g.first, uint32(len(g.edges)))
	var h maphash.Hash
	h.SetSeed(g.seed)
	g.hashLocal(&h, t, typ)
	g.local = append(g.local, h.Sum64())
	g.named = append(g.named, standsForItself(typ))
}

// standsForItself reports whether a type's name tells a person what it is, so
// that the types it is made of need not be looked at.
func standsForItself(t btf.Type) bool {
	if t.NameOff == 0 {
		return false
	}
	switch t.Kind() {
	case btf.KindStruct, btf.KindUnion, btf.KindEnum, btf.KindEnum64, btf.KindFwd, btf.KindTypedef,
		btf.KindInt, btf.KindFloat, btf.KindFunc, btf.KindVar, btf.KindDatasec:
		return true
	}
	return false
}

// hashLocal hashes what a record says but for the ids: info word, size, names as
// strings, offsets and values.
func (g *graph) hashLocal(h *maphash.Hash, t *btf.Table, typ btf.Type) {
	g.values = typ.AppendValues(g.values[:0])
	var word [4]byte
	for _, v := range g.values {
		binary.LittleEndian.PutUint32(word[:], v)
		h.Write(word[:])
	}
	for ref := range typ.NameRefs() {
		name, _ := t.Prefix(ref.Off, btf.MaxName)
		h.Write(name)
		h.WriteByte(0)
	}
}

// hashName hashes what a person knows a named type by.
func (g *graph) hashName(node int) uint64 {
	t, id := g.built, node
	if node >= g.split {
		t, id = g.read, node-g.split
	}
	typ, _ := t.Type(btf.TypeID(id))
	name, _ := t.Prefix(typ.NameOff, btf.MaxName)
	var h maphash.Hash
	h.SetSeed(g.seed)
	h.WriteByte(byte(typ.Kind()))
	h.Write(name)
	return h.Sum64()
}

// view says what tells types apart.
type view uint8

const (
	deepView view = iota // everything that can be reached
	nameView             // named types by kind and name, others by what they lead to
)

// classes gives each type of both bases its class.
type classes struct{ built, read []int32 }

// refine splits classes until no class can be split any more.
func (g *graph) refine(v view) classes {
	begin := make([]uint64, len(g.local))
	fixed := func(i int) bool { return v == nameView && g.named[i] }
	for i := range begin {
		begin[i] = g.local[i]
		if fixed(i) {
			begin[i] = g.hashName(i)
		}
	}
	p := newPartition(begin)
	p.refine(g.reverse(fixed))
	return classes{p.class[:g.split], p.class[g.split:]}
}

// reverse lists for each node the edges that lead to it, but for those from
// nodes that are never split.
func (g *graph) reverse(fixed func(int) bool) *incoming {
	n := len(g.local)
	in := &incoming{first: make([]int32, n+1)}
	walk := func(visit func(from, place, to int)) {
		for i := range n {
			if fixed(i) {
				continue
			}
			for place, e := range g.edges[g.first[i]:g.first[i+1]] {
				visit(i, place, int(e))
			}
		}
	}
	walk(func(_, _, to int) { in.first[to+1]++ })
	for i := range n {
		in.first[i+1] += in.first[i]
	}
	in.edges = make([]edge, in.first[n])
	next := slices.Clone(in.first)
	walk(func(from, place, to int) {
		in.edges[next[to]] = edge{int32(place), int32(from)}
		next[to]++
	})
	return in
}
