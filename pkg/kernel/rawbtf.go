// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// The BTF header (include/uapi/linux/btf.h, struct btf_header): u16 magic,
// u8 version, u8 flags, u32 hdr_len, then type_off, type_len, str_off and
// str_len, each u32, offsets counted from the header's end. Linux 7.1 adds
// layout_off and layout_len.
const (
	btfHeaderLen       = 24
	btfLayoutHeaderLen = 32
)

// btfOrder recognises a BTF header: magic 0xEB9F in either byte order, version
// 1, no flags, and at least the 24 bytes of header every producer writes.
// Everything after that is for the reader of the table to judge.
func btfOrder(b []byte) (binary.ByteOrder, bool) {
	if len(b) < btfHeaderLen {
		return nil, false
	}
	var order binary.ByteOrder
	switch string(b[:4]) {
	case "\x9f\xeb\x01\x00":
		order = binary.LittleEndian
	case "\xeb\x9f\x01\x00":
		order = binary.BigEndian
	default:
		return nil, false
	}
	return order, order.Uint32(b[4:]) >= btfHeaderLen
}

const (
	// minBaseTypes is the least number of types that are believed to be a
	// kernel's own. A distribution's kernel has some 100,000; the BPF programs
	// that are embedded in a kernel (kernel/bpf/preload) carry small tables of
	// their own.
	minBaseTypes = 1000

	// maxWalkedTypes bounds the work on a file full of BTF headers.
	maxWalkedTypes = 1 << 24
)

var errTooManyBTF = errors.New("too many beginnings of BTF tables in a flat image")

// findBTF finds a kernel's BTF where no section table tells its place: the
// largest table in data that holds together from header to last string. It is
// nil if there is none.
func findBTF(data []byte, order binary.ByteOrder) ([]byte, error) {
	var magic [4]byte
	order.PutUint16(magic[:], 0xeb9f)
	magic[2] = 1 // version

	var found []byte
	budget := maxWalkedTypes
	for at := 0; ; {
		next := bytes.Index(data[at:], magic[:])
		if next < 0 {
			return found, nil
		}
		at += next
		table, types := tableAt(data[at:], order, &budget)
		switch {
		case budget <= 0:
			return nil, errTooManyBTF
		case types >= minBaseTypes && len(table) > len(found):
			found = table
		}
		at += max(len(table), len(magic))
	}
}

// tableAt returns the BTF table that data starts with and its number of types,
// or nil and 0. Stricter than the kernel, it wants the order that libbpf writes
// for pahole: types first, everything else right behind them.
func tableAt(data []byte, order binary.ByteOrder, budget *int) (table []byte, types int) {
	got, ok := btfOrder(data)
	if !ok || got != order {
		return nil, 0
	}
	*budget--
	headerLen := uint64(order.Uint32(data[4:]))
	typeOff, typeLen := uint64(order.Uint32(data[8:])), uint64(order.Uint32(data[12:]))
	strOff, strLen := uint64(order.Uint32(data[16:])), uint64(order.Uint32(data[20:]))
	var layoutOff, layoutLen uint64
	switch {
	case headerLen == btfLayoutHeaderLen && len(data) >= btfLayoutHeaderLen:
		layoutOff, layoutLen = uint64(order.Uint32(data[24:])), uint64(order.Uint32(data[28:]))
	case headerLen != btfHeaderLen:
		return nil, 0
	}
	if layoutLen == 0 {
		layoutOff = strOff + strLen
	}
	stringsFirst := strOff == typeLen && layoutOff == strOff+strLen
	layoutFirst := layoutOff == typeLen && strOff == layoutOff+layoutLen
	size := headerLen + typeLen + strLen + layoutLen
	if typeOff != 0 || !stringsFirst && !layoutFirst || size > uint64(len(data)) {
		return nil, 0
	}
	strings := data[headerLen+strOff:][:strLen]
	if strLen == 0 || strings[0] != 0 || strings[strLen-1] != 0 {
		return nil, 0
	}
	types, ok = countTypes(data[headerLen:][:typeLen], order, budget)
	if !ok {
		return nil, 0
	}
	return data[:size:size], types
}

// countTypes walks a type section and says whether the records end exactly
// where it ends.
func countTypes(section []byte, order binary.ByteOrder, budget *int) (types int, ok bool) {
	for len(section) > 0 {
		if *budget--; *budget <= 0 || len(section) < 12 {
			return 0, false
		}
		size, ok := recordSize(order.Uint32(section[4:]))
		if !ok || size > len(section) {
			return 0, false
		}
		section = section[size:]
		types++
	}
	return types, true
}

// recordSize is the size in bytes of a type record with this info word. Linux
// 7.2 widened vlen to 24 bits and kind to 7; older kernels leave the new bits
// zero, so one reading serves both.
func recordSize(info uint32) (size int, ok bool) {
	vlen := int(info & 0xffffff)
	const record = 12 // struct btf_type
	switch kind := info >> 24 & 0x7f; kind {
	case 1, 14, 17: // INT, VAR, DECL_TAG
		return record + 4, true
	case 3: // ARRAY
		return record + 12, true
	case 4, 5, 15, 19: // STRUCT, UNION, DATASEC, ENUM64
		return record + 12*vlen, true
	case 6, 13: // ENUM, FUNC_PROTO
		return record + 8*vlen, true
	case 2, 7, 8, 9, 10, 11, 12, 16, 18: // PTR, FWD, TYPEDEF, CV, FUNC, FLOAT, TYPE_TAG
		return record, true
	}
	return 0, false
}
