// SPDX-License-Identifier: Apache-2.0

package relocate

import (
	"encoding/binary"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// writer collects the types and strings of one table. A string stands once in a
// table and not at all if the base has it, in the order of first use.
type writer struct {
	order    binary.ByteOrder
	base     *writer
	startStr uint32
	types    []byte
	strings  []byte
	offsets  map[string]uint32 // of the table's own strings
}

// newWriter begins a base, whose strings begin with the empty one.
func newWriter(order binary.ByteOrder) *writer {
	return &writer{order: order, strings: []byte{0}, offsets: map[string]uint32{"": 0}}
}

// split begins a table on w, to which nothing may be added any more.
func (w *writer) split() *writer {
	return &writer{
		order: w.order, base: w, offsets: map[string]uint32{},
		startStr: w.startStr + uint32(len(w.strings)),
	}
}

// add appends one type.
func (w *writer) add(record []uint32) {
	for _, word := range record {
		w.types = append(w.types, 0, 0, 0, 0)
		w.order.PutUint32(w.types[len(w.types)-4:], word)
	}
}

// str returns the offset of a string, which it adds if it is new.
func (w *writer) str(s []byte) uint32 {
	for t := w; t != nil; t = t.base {
		if off, ok := t.offsets[string(s)]; ok {
			return off
		}
	}
	off := w.startStr + uint32(len(w.strings))
	w.strings = append(append(w.strings, s...), 0)
	w.offsets[string(s)] = off
	return off
}

// bytes returns the section: header, types, strings.
func (w *writer) bytes() []byte { return btf.Encode(w.order, w.types, w.strings) }
