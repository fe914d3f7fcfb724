// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"encoding/binary"
	"hash/maphash"
	"slices"
	"strconv"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// words writes what a definition is made of beside numbers.
type words interface {
	name(b []byte, off uint32) []byte
	ref(b []byte, id uint32) []byte
}

// define appends a type's own definition, fields separated by blanks:
//
//	KIND FLAG VLEN                    of every type: kind flag 0 or 1, vlen in decimal
//	INT 0 0 name size word            word: encoding, offset and bits as one number
//	FLOAT 0 0 name size
//	PTR 0 0 ref                       likewise CONST, VOLATILE, RESTRICT
//	TYPEDEF 0 0 name ref              likewise TYPE_TAG
//	DECL_TAG 0 0 name ref component
//	ARRAY 0 0 elements ref index
//	STRUCT 0 2 name size (member ref offset bits)...   likewise UNION; offset in bits
//	ENUM 0 2 name size (enumerator value)...           likewise ENUM64
//	FWD 0 0 name                      FLAG 1 for a union
//	FUNC_PROTO 0 2 ref (param ref)... the first ref is what it returns
//	FUNC 0 linkage name ref
//	VAR 0 0 name ref linkage
//	DATASEC 0 2 name size (ref offset size)...
//
// Numbers are decimal. How names and refs are written is the words' business.
func (s *side) define(b []byte, t btf.Type, w words) []byte {
	k, n := t.Kind(), int(t.Vlen())
	number := func(values ...uint64) {
		for _, v := range values {
			b = strconv.AppendUint(append(b, ' '), v, 10)
		}
	}
	name := func(off uint32) { b = w.name(append(b, ' '), off) }
	refs := s.to.of(uint32(t.ID))
	ref := func(i int) { b = w.ref(append(b, ' '), refs[i]) }

	b = append(b, k.String()...)
	flag := uint64(0)
	if t.KindFlag() {
		flag = 1
	}
	number(flag, uint64(n))
	switch k {
	case btf.KindPtr, btf.KindConst, btf.KindVolatile, btf.KindRestrict:
		ref(0)
	case btf.KindArray:
		number(uint64(t.Array().Len))
		ref(0)
		ref(1)
	case btf.KindFuncProto:
		ref(0)
		for i := range n {
			name(t.Param(i).NameOff)
			ref(i + 1)
		}
	default:
		name(t.NameOff)
	}
	switch k {
	case btf.KindInt:
		number(uint64(t.SizeType), uint64(t.Word(0)))
	case btf.KindFloat:
		number(uint64(t.SizeType))
	case btf.KindTypedef, btf.KindTypeTag, btf.KindFunc:
		ref(0)
	case btf.KindVar, btf.KindDeclTag:
		ref(0)
		number(uint64(t.Word(0)))
	case btf.KindStruct, btf.KindUnion:
		number(uint64(t.SizeType))
		for i := range n {
			m := t.Member(i)
			name(m.NameOff)
			ref(i)
			number(uint64(m.BitOffset()), uint64(m.BitfieldSize()))
		}
	case btf.KindEnum, btf.KindEnum64:
		number(uint64(t.SizeType))
		for i := range n {
			e := t.Enumerator(i)
			name(e.NameOff)
			number(e.Value)
		}
	case btf.KindDatasec:
		number(uint64(t.SizeType))
		for i := range n {
			e := t.Entry(i)
			ref(i)
			number(uint64(e.Offset), uint64(e.Size))
		}
	}
	return b
}

// rounds is after how many rounds each level of hashes stands: a hash of level 0
// tells own definitions apart, one of level i what can be reached by that many
// references.
var rounds = []int{0, 1, 3, 8}

// hash finds the hashes by which types are matched. A hash holds for one
// comparison only: its seed is chosen anew each time, so that no input can aim at
// a collision.
func (s *side) hash(seed maphash.Seed) {
	h := &hashes{side: s, seed: seed, names: map[uint32]uint64{}, defs: make([]uint64, s.n)}
	s.keys = make([]uint64, s.n)
	var b []byte
	for id := range uint32(s.n) {
		if s.named[id] {
			t := s.typ(id)
			b = append(append(append(b[:0], kindWord(t)...), ' '), s.name(t.NameOff)...)
			s.keys[id] = maphash.Bytes(seed, b)
		}
	}
	define := func(id uint32) uint64 {
		b = s.define(b[:0], s.typ(id), h)
		return maphash.Bytes(seed, b) | 1 // 0 is: not yet
	}
	for _, id := range s.unnamed {
		h.defs[id] = define(id)
	}
	late := make([]uint64, len(s.cyclic)) // none of them sees another's
	for i, id := range s.cyclic {
		late[i] = define(id)
	}
	for i, id := range s.cyclic {
		h.defs[id] = late[i]
	}
	for id := range uint32(s.n) {
		if s.named[id] {
			h.defs[id] = define(id)
		}
	}

	now, spare := h.defs, []uint64(nil)
	for r, last := 0, rounds[len(rounds)-1]; ; r++ {
		kept := slices.Contains(rounds, r)
		if kept {
			s.levels = append(s.levels, now)
		}
		if r == last {
			break
		}
		next := spare
		if next == nil {
			next = make([]uint64, s.n)
		}
		for id := range uint32(s.n) {
			v := now[id]
			for _, to := range s.to.of(id) {
				if to != missing {
					v ^= now[to]
				}
				v = (v ^ v>>29) * 0x9e3779b97f4a7c15
			}
			next[id] = v
		}
		if spare = now; kept {
			spare = nil
		}
		now = next
	}
}

// hashes writes names and references as hashes.
type hashes struct {
	*side
	seed  maphash.Seed
	names map[uint32]uint64
	defs  []uint64
}

func (h *hashes) name(b []byte, off uint32) []byte {
	v, ok := h.names[off]
	if !ok {
		v = maphash.String(h.seed, h.side.name(off))
		h.names[off] = v
	}
	return binary.LittleEndian.AppendUint64(b, v)
}

func (h *hashes) ref(b []byte, id uint32) []byte {
	switch {
	case id == 0:
		return append(b, "void"...)
	case id == missing:
		return append(b, "missing"...)
	case h.named[id]:
		return binary.LittleEndian.AppendUint64(append(b, 'n'), h.keys[id])
	case h.defs[id] == 0:
		return append(b, "cycle"...)
	}
	return binary.LittleEndian.AppendUint64(append(b, 'a'), h.defs[id])
}
