// SPDX-License-Identifier: Apache-2.0

// Package btftest writes BTF tables for tests, right ones and wrong ones.
//
// New begins a base and [Writer.Split] a table on it; one method for each kind
// adds a type and returns its id:
//
//	base := btftest.New()
//	u32 := base.Int("unsigned int", 4, 0, 32)
//	mod := base.Split()
//	mod.Struct("port", 8, btftest.Member{Name: "speed", Type: u32, Offset: 32})
//	data := mod.Bytes()
//
// Nothing is checked. [Writer.Record] and [Writer.Raw] write what no compiler
// would, and [Writer.Bytes] takes functions that make the header lie.
package btftest

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// Writer collects the types and strings of one table. Its fields may be set
// before the first type is added.
type Writer struct {
	Order     binary.ByteOrder
	HeaderLen uint32 // hdr_len: 24, 32 with the layout section's fields, or a lie
	Layout    []byte // bytes of the layout section, behind the strings

	base     *Writer
	startID  btf.TypeID
	startStr uint32
	count    int
	types    []byte
	strings  []byte
}

// New begins a base, little-endian and with a header of 24 bytes.
func New() *Writer {
	return &Writer{Order: binary.LittleEndian, HeaderLen: btf.HeaderSize, startID: 1, strings: []byte{0}}
}

// NewBigEndian begins a base as s390x has it.
func NewBigEndian() *Writer {
	w := New()
	w.Order = binary.BigEndian
	return w
}

// Split begins a table on w as it stands: type ids and string offsets continue,
// and names that w has are taken from there.
func (w *Writer) Split() *Writer {
	return &Writer{
		Order: w.Order, HeaderLen: w.HeaderLen, base: w,
		startID: w.NextID(), startStr: w.startStr + uint32(len(w.strings)),
	}
}

// NextID is the id that the next type gets.
func (w *Writer) NextID() btf.TypeID { return w.startID + btf.TypeID(w.count) }

// Clone copies the writer, so that a test can add to one of the two.
func (w *Writer) Clone() *Writer {
	c := *w
	c.types = bytes.Clone(w.types)
	c.strings = bytes.Clone(w.strings)
	return &c
}

// String returns the offset of s and adds it where neither the table nor its
// base has it. "" is offset 0.
func (w *Writer) String(s string) uint32 {
	if off, ok := w.find(s); ok {
		return off
	}
	return w.NewString(s)
}

// NewString adds s even if it is there already, and returns its offset.
func (w *Writer) NewString(s string) uint32 {
	off := w.startStr + uint32(len(w.strings))
	w.strings = append(append(w.strings, s...), 0)
	return off
}

func (w *Writer) find(s string) (uint32, bool) {
	if s == "" {
		return 0, true
	}
	if w.base != nil {
		if off, ok := w.base.find(s); ok {
			return off, true
		}
	}
	want := append([]byte(s), 0)
	for at := 0; at < len(w.strings); {
		if bytes.HasPrefix(w.strings[at:], want) {
			return w.startStr + uint32(at), true
		}
		at += bytes.IndexByte(w.strings[at:], 0) + 1
	}
	return 0, false
}

// Bytes returns the table. The edits may change its header first.
func (w *Writer) Bytes(edits ...func(*btf.Header)) []byte {
	h := btf.Header{
		Magic: btf.Magic, Version: 1, Len: w.HeaderLen,
		TypeLen: uint32(len(w.types)),
		StrOff:  uint32(len(w.types)), StrLen: uint32(len(w.strings)),
	}
	if len(w.Layout) > 0 {
		h.LayoutOff, h.LayoutLen = h.StrOff+h.StrLen, uint32(len(w.Layout))
	}
	for _, edit := range edits {
		edit(&h)
	}
	out := []byte{0, 0, h.Version, h.Flags}
	w.Order.PutUint16(out, h.Magic)
	out = w.append(out, h.Len, h.TypeOff, h.TypeLen, h.StrOff, h.StrLen, h.LayoutOff, h.LayoutLen)
	// A header longer than its fields goes on with zeros.
	if grow := int(w.HeaderLen) - len(out); grow > 0 {
		out = append(out, make([]byte, grow)...)
	}
	out = append(out[:w.HeaderLen], w.types...)
	out = append(out, w.strings...)
	return append(out, w.Layout...)
}

// Table parses the table, and its base first, and fails the test where that
// cannot be done.
func (w *Writer) Table(t testing.TB) *btf.Table {
	t.Helper()
	var base *btf.Table
	if w.base != nil {
		base = w.base.Table(t)
	}
	table, err := btf.Parse(w.Bytes(), base)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func (w *Writer) append(b []byte, words ...uint32) []byte {
	for _, word := range words {
		b = append(b, 0, 0, 0, 0)
		w.Order.PutUint32(b[len(b)-4:], word)
	}
	return b
}
