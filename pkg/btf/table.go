// SPDX-License-Identifier: Apache-2.0

package btf

import (
	"bytes"
	"encoding/binary"
	"iter"
	"math"
)

// Table is one parsed table, a base or a split one. It refers to the bytes it
// was parsed from, never writes to them, and is safe for concurrent use.
type Table struct {
	Header Header
	Order  binary.ByteOrder

	big      bool // Order is big-endian
	base     *Table
	startID  TypeID
	startStr uint32
	types    []byte
	strings  []byte
	offsets  []uint32 // of each own type's record in types
	kinds    []Kind   // of each own type
}

// Parse lays out the table that data holds: a base if base is nil, else a table
// split on base. Errors are *FormatError and mean that the bytes cannot be laid
// out as header, whole types and a string section; names and references are not
// looked at. The types before a broken one are not lost: with an error in the
// type section the table is returned too and ends before that type.
//
// Memory: five bytes for each type, beside data itself.
func Parse(data []byte, base *Table) (*Table, error) {
	h, order, err := readHeader(data)
	if err != nil {
		return nil, err
	}
	t := &Table{Header: h, Order: order, big: order == binary.BigEndian, base: base, startID: 1}
	if base != nil {
		if order != base.Order {
			return nil, formatErrorf("header", "byte order is %v, the base has %v", order, base.Order)
		}
		t.startID = base.EndID()
		t.startStr = base.EndString()
	}
	if t.types, err = h.section("type section", data, h.TypeOff, h.TypeLen); err != nil {
		return nil, err
	}
	if t.strings, err = h.section("string section", data, h.StrOff, h.StrLen); err != nil {
		return nil, err
	}
	if n := len(t.strings); n > 0 && t.strings[n-1] != 0 {
		return nil, formatErrorf("string section", "does not end in NUL")
	}
	return t, t.index()
}

// index finds where each type's record begins.
func (t *Table) index() error {
	// A typical record takes 20 bytes or more; no record takes less than 12.
	t.offsets = make([]uint32, 0, len(t.types)/20)
	t.kinds = make([]Kind, 0, len(t.types)/20)
	for rest := t.types; len(rest) > 0; {
		at := len(t.types) - len(rest)
		typ, next, err := cut(rest, t.big, t.startID+TypeID(len(t.offsets)))
		if err != nil {
			return err
		}
		t.offsets = append(t.offsets, uint32(at))
		t.kinds = append(t.kinds, typ.Kind())
		rest = next
	}
	return nil
}

// Base is the table that this one is split on, nil for a base.
func (t *Table) Base() *Table { return t.base }

// Len counts the table's own types.
func (t *Table) Len() int { return len(t.offsets) }

// StartID is the id of the table's first own type.
func (t *Table) StartID() TypeID { return t.startID }

// EndID is the id behind the last type, which is the kernel's nr_types and the
// first id of a table split on this one. A base without any type has none, not
// even void, to the kernel (btf_add_type in kernel/bpf/btf.c).
func (t *Table) EndID() TypeID {
	if t.base == nil && len(t.offsets) == 0 {
		return 0
	}
	return t.startID + TypeID(len(t.offsets))
}

// StartString is the offset of the table's first own string byte.
func (t *Table) StartString() uint32 { return t.startStr }

// EndString is the offset behind the last string byte.
func (t *Table) EndString() uint32 {
	end := uint64(t.startStr) + uint64(len(t.strings))
	return uint32(min(end, math.MaxUint32))
}

// TypeSection returns the bytes of the table's own types.
func (t *Table) TypeSection() []byte { return t.types }

// StringSection returns the bytes of the table's own strings.
func (t *Table) StringSection() []byte { return t.strings }

// Type looks a type up by id, in the base too. ok is false past the end. Id 0
// gives a Type of KindVoid.
func (t *Table) Type(id TypeID) (typ Type, ok bool) {
	for t.base != nil && id < t.startID {
		t = t.base
	}
	if id == 0 && t.base == nil {
		return Type{}, true
	}
	i := int64(id) - int64(t.startID)
	if i >= int64(len(t.offsets)) {
		return Type{ID: id}, false
	}
	return t.at(t.offsets[i], id), true
}

// Kind is the kind of the type with an id, in the base too; ok is false past the end. It
// costs less than Type where nothing else is needed.
func (t *Table) Kind(id TypeID) (k Kind, ok bool) {
	for t.base != nil && id < t.startID {
		t = t.base
	}
	if id == 0 && t.base == nil {
		return KindVoid, true
	}
	if i := int64(id) - int64(t.startID); i < int64(len(t.kinds)) {
		return t.kinds[i], true
	}
	return KindVoid, false
}

// at is the type whose record begins at an offset that index has seen.
func (t *Table) at(offset uint32, id TypeID) Type {
	record := t.types[offset:]
	typ := decode(record, t.big, id)
	typ.extra = record[recordSize:]
	return typ
}

// Types walks the table's own types by ascending id.
func (t *Table) Types() iter.Seq[Type] {
	return func(yield func(Type) bool) {
		for i, at := range t.offsets {
			if !yield(t.at(at, t.startID+TypeID(i))) {
				return
			}
		}
	}
}

// Bytes returns the bytes from a string offset up to the next NUL. The offset
// need not be the start of a string: like the kernel, Bytes reads from wherever
// it points. ok is false past the end.
func (t *Table) Bytes(off uint32) (s []byte, ok bool) { return t.Prefix(off, math.MaxInt) }

// MaxName is longer than any name that a kernel takes for one (KSYM_NAME_LEN is
// 512). A caller that reads every name of a table should bound them by it: otherwise
// one long string that all names end in is read as often as there are types.
const MaxName = 1024

// Prefix is Bytes for the first limit bytes of the string.
func (t *Table) Prefix(off uint32, limit int) (s []byte, ok bool) {
	tail := t.tail(off)
	if tail == nil {
		return nil, false
	}
	tail = tail[:min(len(tail), limit)]
	end := bytes.IndexByte(tail, 0)
	if end < 0 {
		end = len(tail)
	}
	return tail[:end], true
}

// String is Bytes as a string, "" past the end.
func (t *Table) String(off uint32) string {
	s, _ := t.Bytes(off)
	return string(s)
}

// IsStringStart reports whether off is where a string begins, not the middle of
// one: every offset that a BTF writer stores is.
func (t *Table) IsStringStart(off uint32) bool {
	if t.base != nil && off < t.startStr {
		return t.base.IsStringStart(off)
	}
	i := off - t.startStr
	return uint64(i) < uint64(len(t.strings)) && (i == 0 || t.strings[i-1] == 0)
}

// tail is the string section from off on, nil past the end.
func (t *Table) tail(off uint32) []byte {
	if t.base != nil && off < t.startStr {
		return t.base.tail(off)
	}
	if i := off - t.startStr; uint64(i) < uint64(len(t.strings)) {
		return t.strings[i:]
	}
	return nil
}

// Name is the type's name, "" for an anonymous one and for an offset past the
// end.
func (t *Table) Name(typ Type) string { return t.String(typ.NameOff) }
