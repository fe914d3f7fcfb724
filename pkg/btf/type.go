// SPDX-License-Identifier: Apache-2.0

package btf

import (
	"encoding/binary"
	"fmt"
)

// recordSize is sizeof(struct btf_type): name_off, info, and size or type.
const recordSize = 12

// Type is a view of one type's record. It holds the table's bytes, not a copy.
type Type struct {
	ID      TypeID
	NameOff uint32
	Info    uint32 // kind_flag, kind and vlen as they stand on disk

	// SizeType is the size in bytes of INT, ENUM, ENUM64, STRUCT, UNION,
	// DATASEC and FLOAT, the type id that the others refer to, and unused in
	// ARRAY and FWD.
	SizeType uint32

	big   bool   // the record is big-endian
	extra []byte // what follows the 12 bytes: of a Table, with all records behind it
}

// Cut decodes the record at the start of b, in the given byte order, and
// returns the bytes behind it. A *FormatError tells that b ends inside the
// record or that its kind is unknown; the Type then holds the twelve bytes that
// all kinds share, if they were there.
//
// The info word is read in the widths of Linux 7.2 (kind 7 bits, vlen 24), which
// contain the older ones: bits that older tables keep zero (kernel-side mask
// 0x9f00ffff) are part of both.
func Cut(b []byte, order binary.ByteOrder, id TypeID) (Type, []byte, error) {
	return cut(b, order == binary.BigEndian, id)
}

func cut(b []byte, big bool, id TypeID) (Type, []byte, error) {
	if len(b) < recordSize {
		t := Type{ID: id, big: big}
		return t, nil, t.errorf("%d bytes left, a type needs %d", len(b), recordSize)
	}
	t := decode(b, big, id)
	b = b[recordSize:]
	if k := t.Kind(); k == KindVoid || k > KindMax {
		return t, nil, t.errorf("unknown kind %d", k)
	}
	n := t.ExtraSize()
	if n > uint64(len(b)) {
		return t, nil, t.errorf("%d bytes left, %s with vlen %d needs %d", len(b), t.Kind(), t.Vlen(), n)
	}
	t.extra = b[:n:n]
	return t, b[n:], nil
}

// decode reads the words that all kinds have.
func decode(b []byte, big bool, id TypeID) Type {
	return Type{ID: id, big: big, NameOff: u32(b, big), Info: u32(b[4:], big), SizeType: u32(b[8:], big)}
}

// u32 reads a word; a call through binary.ByteOrder for each would take longer
// than all the rest.
func u32(b []byte, big bool) uint32 {
	if big {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

func (t Type) errorf(format string, args ...any) error {
	return formatErrorf(fmt.Sprintf("type [%d]", t.ID), format, args...)
}

// Kind returns the kind, which may be one that this package does not know.
func (t Type) Kind() Kind { return Kind(t.Info >> 24 & 0x7f) }

// Vlen counts the members, enumerators, parameters or entries.
func (t Type) Vlen() uint32 { return t.Info & 0xffffff }

// KindFlag is bit 31 of the info word.
func (t Type) KindFlag() bool { return t.Info>>31 == 1 }

// ExtraSize is the number of bytes that the kind wants behind its 12.
func (t Type) ExtraSize() uint64 {
	n := uint64(t.Vlen())
	switch t.Kind() {
	case KindInt, KindVar, KindDeclTag:
		return 4
	case KindArray:
		return 12
	case KindStruct, KindUnion, KindDatasec, KindEnum64:
		return 12 * n
	case KindEnum, KindFuncProto:
		return 8 * n
	}
	return 0
}

// RecordSize is the number of bytes that the whole record takes.
func (t Type) RecordSize() int { return recordSize + int(t.ExtraSize()) }

// Word returns the i-th 32-bit word behind the first twelve bytes: the INT's
// encoding word, VAR linkage, DECL_TAG component index.
func (t Type) Word(i int) uint32 { return u32(t.extra[4*i:], t.big) }

// Member is one member of a STRUCT or UNION.
type Member struct {
	NameOff uint32
	Type    TypeID
	Offset  uint32 // as on disk: see BitOffset and BitfieldSize
	packed  bool
}

// BitOffset is the member's offset in bits.
func (m Member) BitOffset() uint32 {
	if m.packed {
		return m.Offset & 0xffffff
	}
	return m.Offset
}

// BitfieldSize is the member's width in bits, 0 for one that is no bitfield or
// whose struct does not set the kind flag.
func (m Member) BitfieldSize() uint32 {
	if m.packed {
		return m.Offset >> 24
	}
	return 0
}

// Member returns the i-th member of a STRUCT or UNION.
func (t Type) Member(i int) Member {
	b := t.extra[12*i : 12*i+12]
	return Member{u32(b, t.big), TypeID(u32(b[4:], t.big)), u32(b[8:], t.big), t.KindFlag()}
}

// Array is what an ARRAY says.
type Array struct {
	Elem, Index TypeID
	Len         uint32 // elements
}

// Array returns an ARRAY's element type, index type and length.
func (t Type) Array() Array {
	return Array{TypeID(t.Word(0)), TypeID(t.Word(1)), t.Word(2)}
}

// Param is one parameter of a FUNC_PROTO. A last one without name and type is
// the "..." of a variadic function.
type Param struct {
	NameOff uint32
	Type    TypeID
}

// Param returns the i-th parameter of a FUNC_PROTO.
func (t Type) Param(i int) Param {
	b := t.extra[8*i : 8*i+8]
	return Param{u32(b, t.big), TypeID(u32(b[4:], t.big))}
}

// Entry is one variable of a DATASEC.
type Entry struct {
	Type         TypeID
	Offset, Size uint32 // bytes in the section
}

// Entry returns the i-th entry of a DATASEC.
func (t Type) Entry(i int) Entry {
	b := t.extra[12*i : 12*i+12]
	return Entry{TypeID(u32(b, t.big)), u32(b[4:], t.big), u32(b[8:], t.big)}
}

// Enumerator is one value of an ENUM or ENUM64, sign-extended from 32 bits in an
// ENUM whose kind flag says signed.
type Enumerator struct {
	NameOff uint32
	Value   uint64
}

// Enumerator returns the i-th value of an ENUM or ENUM64.
func (t Type) Enumerator(i int) Enumerator {
	if t.Kind() == KindEnum64 {
		return Enumerator{t.Word(3 * i), uint64(t.Word(3*i+2))<<32 | uint64(t.Word(3*i+1))}
	}
	v := uint64(t.Word(2*i + 1))
	if t.KindFlag() {
		v = uint64(int64(int32(v)))
	}
	return Enumerator{t.Word(2 * i), v}
}
