// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"math"
	"sync/atomic"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// A Base is a base that many tables are split on. What they have in common is worked out
// once. It is safe for concurrent use.
//
// Memory: eight bytes for each type and a bit for each byte of strings.
type Base struct {
	pointerSize int             // in bytes
	identifiers offsets         // the offsets of strings that are identifiers
	widths      []atomic.Uint64 // of each type, as widthOf has it; 0 before the first use
}

// NewBase prepares a base. pointerSize is in bytes.
func NewBase(t *btf.Table, pointerSize int) *Base {
	strings := t.StringSection()
	b := &Base{pointerSize: pointerSize, identifiers: make(offsets, len(strings)/64+1), widths: make([]atomic.Uint64, t.EndID())}
	for from := 0; from < len(strings); {
		name, _ := t.Bytes(uint32(from))
		if identifier(name[:min(len(name), btf.MaxName)]) {
			b.identifiers.set(uint32(from))
		}
		from += len(name) + 1
	}
	return b
}

// kept encodes a width in bits as a value other than 0; widthOf decodes it.
func kept(n uint64, known bool) uint64 {
	if !known {
		return 1
	}
	return n<<1 + 2 // a size in bytes has 32 bits
}

func widthOf(kept uint64) (n uint64, known bool) {
	if kept == 1 {
		return 0, false
	}
	return (kept - 2) >> 1, true
}

// offsets is a set of string offsets.
type offsets []uint64

func (o offsets) set(i uint32)      { o[i/64] |= 1 << (i % 64) }
func (o offsets) has(i uint32) bool { return int(i/64) < len(o) && o[i/64]&(1<<(i%64)) != 0 }

// width is how many bits a member of a type takes, unless it is a bitfield of the newer
// kind.
// The sizes of arrays, in bytes, are kept in arrays, 0 for an unknown one.
func width(t *btf.Table, id btf.TypeID, pointerSize int, arrays map[btf.TypeID]uint64) (n uint64, known bool) {
	if k, _ := t.Kind(id); k == btf.KindPtr { // every second one
		return 8 * uint64(pointerSize), pointerSize > 0
	}
	target, ok := t.Resolve(id)
	switch {
	case !ok:
		return 0, false
	case target.Kind().IsComposite():
		return 8 * uint64(target.SizeType), true
	case target.Kind() == btf.KindInt:
		// Narrower than its size, it is a bitfield as older compilers wrote it.
		return min(8*uint64(target.SizeType), uint64(target.Word(0)&0xff)), true
	}
	if n, known = size(t, target, pointerSize, arrays, 0); !known {
		return 0, false
	}
	return 8 * n, true
}

// maxArrays bounds how deep arrays are nested.
const maxArrays = 32

// size is btf.Table.Size for a type behind modifiers. The size of an array is
// remembered, or a hostile table could have it worked out for each member anew.
func size(t *btf.Table, typ btf.Type, pointerSize int, arrays map[btf.TypeID]uint64, depth int) (n uint64, known bool) {
	if typ.Kind() != btf.KindArray {
		return t.Size(typ.ID, uint64(pointerSize))
	}
	if n, done := arrays[typ.ID]; done {
		return n, n > 0
	}
	a := typ.Array()
	if elem, ok := t.Resolve(a.Elem); ok && depth < maxArrays {
		n, _ = size(t, elem, pointerSize, arrays, depth+1)
	}
	if n *= uint64(a.Len); n > math.MaxUint32 {
		n = 0
	}
	arrays[typ.ID] = n
	return n, n > 0
}
