// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// missing is a reference past the end of the table.
const missing = ^uint32(0)

// side is one of the two bases as a graph. Nodes are ids, void is node 0.
type side struct {
	t       *btf.Table
	n       int    // nodes
	strings string // the string section: names are pieces of it and cost nothing

	named []bool // the node is known by its kind and name
	to    links  // what each node refers to, missing where it does not exist
	from  links  // what refers to each node, by id

	unnamed []uint32 // nodes without a name, each behind what it refers to of its sort
	cyclic  []uint32 // those that lead to a cycle of nodes without names

	keys   []uint64   // of named nodes: kind and name
	levels [][]uint64 // of all: what tells them apart, see rounds

	listed int // members that were listed
}

// links holds the links of all nodes, one node behind the other.
type links struct {
	ends  []uint32
	first []uint32 // where each node's links begin; one more than there are nodes
}

func (l links) of(node uint32) []uint32 { return l.ends[l.first[node]:l.first[node+1]] }

func newSide(t *btf.Table) *side {
	s := &side{t: t, n: max(int(t.EndID()), 1), strings: string(t.StringSection())}
	s.named = make([]bool, s.n)
	s.to.first = make([]uint32, s.n+1)
	s.from.first = make([]uint32, s.n+1)
	s.to.ends = make([]uint32, 0, references(t))
	for typ := range t.Types() {
		s.named[typ.ID] = s.known(typ)
		for ref := range typ.TypeRefs() {
			id := uint32(ref.ID)
			if int64(id) >= int64(s.n) {
				id = missing
			} else {
				s.from.first[id+1]++
			}
			s.to.ends = append(s.to.ends, id)
		}
		s.to.first[typ.ID+1] = uint32(len(s.to.ends))
	}
	for i := range s.n {
		s.from.first[i+1] += s.from.first[i]
	}
	s.from.ends = make([]uint32, s.from.first[s.n])
	next := append([]uint32(nil), s.from.first...)
	for id := range uint32(s.n) {
		for _, to := range s.to.of(id) {
			if to != missing {
				s.from.ends[next[to]] = id
				next[to]++
			}
		}
	}
	s.sort()
	return s
}

// references counts those of a table's types to types.
func references(t *btf.Table) (n int) {
	for typ := range t.Types() {
		for range typ.TypeRefs() {
			n++
		}
	}
	return n
}

// sort puts the nodes without names behind those of them that they refer to.
func (s *side) sort() {
	waits := make([]uint32, s.n)
	for id := range uint32(s.n) {
		if id == 0 || s.named[id] {
			continue
		}
		for _, to := range s.to.of(id) {
			if s.anonymous(to) {
				waits[id]++
			}
		}
		if waits[id] == 0 {
			s.unnamed = append(s.unnamed, id)
		}
	}
	for i := 0; i < len(s.unnamed); i++ {
		for _, from := range s.from.of(s.unnamed[i]) {
			if s.anonymous(from) {
				if waits[from]--; waits[from] == 0 {
					s.unnamed = append(s.unnamed, from)
				}
			}
		}
	}
	for id, n := range waits {
		if n > 0 {
			s.cyclic = append(s.cyclic, uint32(id))
		}
	}
}

// anonymous reports whether a node is a type without a name.
func (s *side) anonymous(id uint32) bool { return id != 0 && id != missing && !s.named[id] }

// known reports whether a type's name says which one it is.
func (s *side) known(t btf.Type) bool {
	switch t.Kind() {
	case btf.KindStruct, btf.KindUnion, btf.KindEnum, btf.KindEnum64, btf.KindFwd, btf.KindTypedef,
		btf.KindInt, btf.KindFloat, btf.KindFunc, btf.KindVar, btf.KindDatasec:
		return s.name(t.NameOff) != ""
	}
	return false
}

// name is the string at an offset, "" past the end.
func (s *side) name(off uint32) string {
	if uint64(off) >= uint64(len(s.strings)) {
		return ""
	}
	name := s.strings[off:min(len(s.strings), int(off)+btf.MaxName)]
	if end := strings.IndexByte(name, 0); end >= 0 {
		name = name[:end]
	}
	return name
}

func (s *side) typ(id uint32) btf.Type {
	t, _ := s.t.Type(btf.TypeID(id))
	return t
}

// kindWord is what a person calls the kind of a named type. A declared and a
// defined struct are one to a person, and so are the two kinds of enum.
func kindWord(t btf.Type) string {
	switch k := t.Kind(); k {
	case btf.KindStruct:
		return "struct"
	case btf.KindUnion:
		return "union"
	case btf.KindEnum, btf.KindEnum64:
		return "enum"
	case btf.KindFwd:
		if t.KindFlag() {
			return "union"
		}
		return "struct"
	case btf.KindTypedef:
		return "typedef"
	default:
		return k.String()
	}
}
