// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// btfOrder recognises a BTF header: the magic in either byte order, version 1, no
// flags, and at least the 24 bytes of header every producer writes. Everything after
// that is left to the reader of the table.
func btfOrder(b []byte) (binary.ByteOrder, bool) {
	order, ok := btf.ByteOrder(b)
	if !ok || len(b) < btf.HeaderSize {
		return nil, false
	}
	h := btf.DecodeHeader(b, order, btf.HeaderSize)
	return order, h.Version == 1 && h.Flags == 0 && h.Len >= btf.HeaderSize
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

// findBTF finds a kernel's BTF without a section table: the largest table in data that
// is consistent from header to last string. It is nil if there is none.
func findBTF(data []byte, order binary.ByteOrder) ([]byte, error) {
	var magic [4]byte
	order.PutUint16(magic[:], btf.Magic)
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
	h := btf.DecodeHeader(data, order, uint32(min(btf.HeaderSizeLayout, len(data))))
	headerLen, typeLen := uint64(h.Len), uint64(h.TypeLen)
	strOff, strLen := uint64(h.StrOff), uint64(h.StrLen)
	layoutOff, layoutLen := uint64(h.LayoutOff), uint64(h.LayoutLen)
	if layoutLen == 0 {
		layoutOff = strOff + strLen
	}
	stringsFirst := strOff == typeLen && layoutOff == strOff+strLen
	layoutFirst := layoutOff == typeLen && strOff == layoutOff+layoutLen
	size := headerLen + typeLen + strLen + layoutLen
	switch {
	case h.Len != btf.HeaderSize && h.Len != btf.HeaderSizeLayout,
		h.TypeOff != 0, !stringsFirst && !layoutFirst, size > uint64(len(data)):
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
		t := btf.Type{Info: order.Uint32(section[4:])}
		if k := t.Kind(); k == btf.KindVoid || k > btf.KindMax || t.RecordSize() > len(section) {
			return 0, false
		}
		section = section[t.RecordSize():]
		types++
	}
	return types, true
}
