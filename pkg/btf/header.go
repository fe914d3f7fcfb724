// SPDX-License-Identifier: Apache-2.0

package btf

import (
	"encoding/binary"
	"fmt"
)

// Magic opens every table, in the byte order of the machine it is for.
const Magic = 0xEB9F

// Header sizes in bytes. Linux 7.1 appended the layout section's two fields.
const (
	HeaderSize       = 24
	HeaderSizeLayout = 32
)

// Header is the header of a table. Offsets count bytes from the end of the
// header, lengths are bytes.
type Header struct {
	Magic            uint16
	Version, Flags   uint8
	Len              uint32 // hdr_len: where the sections begin
	TypeOff, TypeLen uint32
	StrOff, StrLen   uint32

	// The layout section, present where Len is at least HeaderSizeLayout.
	LayoutOff, LayoutLen uint32
}

// FormatError says which field of a table cannot be, and with which figures.
type FormatError struct {
	Field  string // "header", "type section", "string section" or "type [ID]"
	Detail string
}

func (e *FormatError) Error() string { return e.Field + ": " + e.Detail }

func formatErrorf(field, format string, args ...any) error {
	return &FormatError{Field: field, Detail: fmt.Sprintf(format, args...)}
}

// ByteOrder reports in which byte order data begins with the magic.
func ByteOrder(data []byte) (binary.ByteOrder, bool) {
	if len(data) < 2 {
		return nil, false
	}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if order.Uint16(data) == Magic {
			return order, true
		}
	}
	return nil, false
}

// DecodeHeader reads a header as a kernel whose own header has known bytes
// does: it copies min(hdr_len, known) bytes and takes what is missing for 0
// (btf_parse_hdr in kernel/bpf/btf.c). data holds at least 8 bytes and at least
// hdr_len of them; nothing else is checked.
func DecodeHeader(data []byte, order binary.ByteOrder, known uint32) Header {
	var buf [HeaderSizeLayout]byte
	copy(buf[:], data[:min(order.Uint32(data[4:]), known)])
	return Header{
		Magic: order.Uint16(buf[0:]), Version: buf[2], Flags: buf[3],
		Len:     order.Uint32(buf[4:]),
		TypeOff: order.Uint32(buf[8:]), TypeLen: order.Uint32(buf[12:]),
		StrOff: order.Uint32(buf[16:]), StrLen: order.Uint32(buf[20:]),
		LayoutOff: order.Uint32(buf[24:]), LayoutLen: order.Uint32(buf[28:]),
	}
}

// Encode puts a table together that every kernel knows: a header of HeaderSize bytes,
// the types and the strings.
func Encode(order binary.ByteOrder, types, strings []byte) []byte {
	out := make([]byte, HeaderSize, HeaderSize+len(types)+len(strings))
	order.PutUint16(out, Magic)
	out[2] = 1 // version
	typeLen, strLen := uint32(len(types)), uint32(len(strings))
	for i, field := range []uint32{HeaderSize, 0, typeLen, typeLen, strLen} {
		order.PutUint32(out[4+4*i:], field)
	}
	return append(append(out, types...), strings...)
}

// readHeader reads and checks a header against the bytes that are there.
func readHeader(data []byte) (Header, binary.ByteOrder, error) {
	order, ok := ByteOrder(data)
	if !ok {
		return Header{}, nil, formatErrorf("header", "magic %x, not eb9f in either byte order", data[:min(len(data), 2)])
	}
	if len(data) < 8 {
		return Header{}, nil, formatErrorf("header", "%d bytes, hdr_len stands at 4", len(data))
	}
	if n := order.Uint32(data[4:]); int64(n) > int64(len(data)) || n < 8 {
		return Header{}, nil, formatErrorf("header", "hdr_len is %d, table has %d bytes", n, len(data))
	}
	h := DecodeHeader(data, order, HeaderSizeLayout)
	switch {
	case h.Version != 1:
		return h, nil, formatErrorf("header", "version %d, only 1 is known", h.Version)
	case h.Flags != 0:
		return h, nil, formatErrorf("header", "flags %#x, none is known", h.Flags)
	}
	return h, order, nil
}

// section cuts one section out of a table.
func (h Header) section(name string, data []byte, off, length uint32) ([]byte, error) {
	start := uint64(h.Len) + uint64(off)
	end := start + uint64(length)
	if end > uint64(len(data)) {
		return nil, formatErrorf(name, "ends at %d, table has %d bytes", end, len(data))
	}
	return data[start:end:end], nil
}
