// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// A field is one tag of a header with its value as it stands in the file.
type field struct {
	tag   tag
	typ   dataType
	count uint32 // elements, or bytes of binary data
	data  []byte // integers big endian, strings with their NUL; no alignment
}

// A fieldList is the content of a header without its region.
type fieldList []field

// fields returns what the header holds, in its order. The data is the header's
// own.
func (b *blob) fields() fieldList {
	var list fieldList
	for _, e := range b.entries {
		if e.tag >= firstTag {
			list = append(list, field{e.tag, e.typ, e.count, b.data[e.offset:e.end]})
		}
	}
	return list
}

// rewritable says whether marshal would give the header back byte for byte. It
// does for all that rpm itself wrote; with anything else, such as bytes that
// belong to no tag, it is not known what they are for.
func (b *blob) rewritable(kind blobKind) error {
	list := b.fields()
	for i := 1; i < len(list); i++ {
		if list[i].tag < list[i-1].tag {
			return fmt.Errorf("%s: tag %v behind tag %v: not in ascending order as rpm writes them, will not be rewritten", b.name, list[i].tag, list[i-1].tag)
		}
	}
	again := list.marshal(kind)
	if bytes.Equal(again, b.raw) {
		return nil
	}
	at := 0
	for at < min(len(again), len(b.raw)) && again[at] == b.raw[at] {
		at++
	}
	return fmt.Errorf("%s: laid out otherwise than rpm does, at byte %d of %d: will not be rewritten", b.name, at, len(b.raw))
}

// marshal encodes a header the way rpm's headerReload and headerExport do
// (lib/header.cc): the region first, then the index in the list's order; the
// data in the same order, integers aligned to their size; the region's trailer
// at the end. Padding to 8 bytes, which only the signature header has, is not
// part of it. The result is to be read back before use: limits are not looked at.
func (l fieldList) marshal(kind blobKind) []byte {
	rows, dataLen := len(l)+1, 0
	for _, f := range l {
		dataLen += f.padding(dataLen) + len(f.data)
	}
	// A header may have 256 MiB: its memory is asked for once.
	raw := append(make([]byte, 0, introSize+rows*entrySize+dataLen+entrySize), headerMagic...)
	raw = binary.BigEndian.AppendUint32(raw, uint32(rows))
	raw = binary.BigEndian.AppendUint32(raw, uint32(dataLen+entrySize))
	raw = appendRow(raw, kind.region, typeBin, uint32(dataLen), entrySize)
	at := 0
	for _, f := range l {
		at += f.padding(at)
		raw = appendRow(raw, f.tag, f.typ, uint32(at), f.count)
		at += len(f.data)
	}
	at = 0
	for _, f := range l {
		padding := f.padding(at)
		raw = append(append(raw, make([]byte, padding)...), f.data...)
		at += padding + len(f.data)
	}
	return appendRow(raw, kind.region, typeBin, uint32(-rows*entrySize), entrySize)
}

// padding is how many zeros stand in front of a field's data at an offset.
func (f field) padding(at int) int { return -at & (max(1, int(f.typ.size())) - 1) }

func appendRow(b []byte, t tag, typ dataType, offset, count uint32) []byte {
	for _, v := range [...]uint32{uint32(t), uint32(typ), offset, count} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

func (l fieldList) search(t tag) (int, bool) {
	return slices.BinarySearchFunc(l, t, func(f field, t tag) int { return cmp.Compare(f.tag, t) })
}

// set replaces the field with f's tag or inserts it at its place. A field
// without elements is removed: rpm has no empty arrays.
func (l *fieldList) set(f field) {
	at, found := l.search(f.tag)
	switch {
	case f.count == 0 && found:
		*l = slices.Delete(*l, at, at+1)
	case f.count == 0:
	case found:
		(*l)[at] = f
	default:
		*l = slices.Insert(*l, at, f)
	}
}

// stringArray makes a field of strings, which must not contain a NUL.
func stringArray(t tag, list []string) field {
	f := field{tag: t, typ: typeStringArray, count: uint32(len(list))}
	for _, s := range list {
		f.data = append(append(f.data, s...), 0)
	}
	return f
}

func int32Array(t tag, list []uint32) field {
	f := field{tag: t, typ: typeInt32, count: uint32(len(list))}
	for _, v := range list {
		f.data = binary.BigEndian.AppendUint32(f.data, v)
	}
	return f
}
