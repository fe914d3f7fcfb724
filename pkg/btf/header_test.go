// SPDX-License-Identifier: Apache-2.0

package btf_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

var orders = map[string]binary.ByteOrder{"le": binary.LittleEndian, "be": binary.BigEndian}

// small is a base with one type and the name "int".
func small(order binary.ByteOrder, headerLen uint32) *btftest.Writer {
	w := btftest.New()
	w.Order, w.HeaderLen = order, headerLen
	w.Int("int", 4, 1, 32)
	return w
}

// TestHeader holds that headers of both lengths and byte orders are read, and
// that longer ones only move the sections.
func TestHeader(t *testing.T) {
	for name, order := range orders {
		for _, length := range []uint32{24, 32, 40} {
			w := small(order, length)
			if length >= 32 {
				w.Layout = make([]byte, 80)
			}
			table, err := btf.Parse(w.Bytes(), nil)
			if err != nil {
				t.Fatalf("%s %d: %v", name, length, err)
			}
			h := btf.Header{Magic: btf.Magic, Version: 1, Len: length, TypeLen: 16, StrOff: 16, StrLen: 5}
			if length >= 32 {
				h.LayoutOff, h.LayoutLen = 21, 80
			}
			if table.Header != h || table.Order != order {
				t.Errorf("%s %d: %+v %v, want %+v", name, length, table.Header, table.Order, h)
			}
			if typ, ok := table.Type(1); !ok || table.Name(typ) != "int" || typ.Kind() != btf.KindInt {
				t.Errorf("%s %d: type 1 is %v %q", name, length, typ.Kind(), table.Name(typ))
			}
		}
	}
}

// TestHeaderLies holds that a table whose header cannot be true is refused, and
// which figures are said.
func TestHeaderLies(t *testing.T) {
	edit := func(f func(*btf.Header)) []byte { return small(binary.LittleEndian, 24).Bytes(f) }
	good := edit(func(*btf.Header) {})
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "header: magic , not eb9f in either byte order"},
		{"one byte", good[:1], "header: magic 9f, not eb9f in either byte order"},
		{"no BTF", []byte("\x7fELF\x02\x01\x01\x00"), "header: magic 7f45, not eb9f in either byte order"},
		{"only a magic", good[:7], "header: 7 bytes, hdr_len stands at 4"},
		{"cut in the header", good[:23], "header: hdr_len is 24, table has 23 bytes"},
		{"header shorter than its own length", edit(func(h *btf.Header) { h.Len = 7 }), "header: hdr_len is 7, table has 45 bytes"},
		{"header longer than the table", edit(func(h *btf.Header) { h.Len = 0xffffffff }), "header: hdr_len is 4294967295, table has 45 bytes"},
		{"version", edit(func(h *btf.Header) { h.Version = 2 }), "header: version 2, only 1 is known"},
		{"flags", edit(func(h *btf.Header) { h.Flags = 0x80 }), "header: flags 0x80, none is known"},
		{"type section too long", edit(func(h *btf.Header) { h.TypeLen = 0xffffffff }), "type section: ends at 4294967319, table has 45 bytes"},
		{"type section too far", edit(func(h *btf.Header) { h.TypeOff = 0xffffffff }), "type section: ends at 4294967335, table has 45 bytes"},
		{"string section too long", edit(func(h *btf.Header) { h.StrLen = 6 }), "string section: ends at 46, table has 45 bytes"},
		{"both figures at their limit", edit(func(h *btf.Header) { h.StrOff, h.StrLen = 0xffffffff, 0xffffffff }), "string section: ends at 8589934614, table has 45 bytes"},
		{"string section without NUL", edit(func(h *btf.Header) { h.StrLen = 4 }), "string section: does not end in NUL"},
		{"cut in the strings", good[:44], "string section: ends at 45, table has 44 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			table, err := btf.Parse(tt.data, nil)
			var fe *btf.FormatError
			if !errors.As(err, &fe) || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if table != nil {
				t.Error("a table was returned")
			}
		})
	}
}

// TestHeaderShort holds that fields a short header does not reach are zero, as
// the kernel takes them.
func TestHeaderShort(t *testing.T) {
	w := btftest.New()
	w.HeaderLen = 8
	for _, data := range [][]byte{w.Bytes()[:8], append(w.Bytes(), "anything"...)} {
		table, err := btf.Parse(data, nil)
		if err != nil {
			t.Fatal(err)
		}
		if table.Len() != 0 || len(table.StringSection()) != 0 {
			t.Errorf("%d types, %d bytes of strings", table.Len(), len(table.StringSection()))
		}
	}
}

// TestDecodeHeader holds that a kernel which knows 24 bytes sees no layout
// section in a header of 32.
func TestDecodeHeader(t *testing.T) {
	w := small(binary.BigEndian, 32)
	w.Layout = []byte{1, 2, 3, 4}
	data := w.Bytes()
	for known, want := range map[uint32]uint32{24: 0, 28: 0, 32: 4} {
		h := btf.DecodeHeader(data, binary.BigEndian, known)
		if h.LayoutLen != want || h.StrLen != 5 {
			t.Errorf("known %d: layout_len %d, str_len %d", known, h.LayoutLen, h.StrLen)
		}
	}
}

// TestParseByteOrder holds that a module of another byte order than its base is
// refused.
func TestParseByteOrder(t *testing.T) {
	base := small(binary.BigEndian, 24).Table(t)
	_, err := btf.Parse(small(binary.LittleEndian, 24).Bytes(), base)
	if err == nil || err.Error() != "header: byte order is LittleEndian, the base has BigEndian" {
		t.Error(err)
	}
}
