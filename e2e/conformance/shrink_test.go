// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package conformance

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// shrink cuts a table down as long as fails holds: bytes go from the end, then
// words from the type section.
func shrink(data []byte, order binary.ByteOrder, fails func([]byte) bool) []byte {
	for again := true; again; {
		again = false
		take := func(smaller []byte) bool {
			if !fails(smaller) {
				return false
			}
			data, again = smaller, true
			return true
		}
		for n := 512; n > 0; n /= 2 {
			for len(data) > n && take(data[:len(data)-n]) {
			}
		}
		for n := 64; n >= 4; n /= 2 {
			for at := btf.HeaderSize; at+n <= len(data); at += 4 {
				take(without(data, order, at, n))
			}
		}
	}
	return data
}

// without returns the table without n bytes at an offset. If they are types, and
// the header tells the truth about them, it goes on doing so.
func without(data []byte, order binary.ByteOrder, at, n int) []byte {
	smaller := slices.Delete(bytes.Clone(data), at, at+n)
	typeLen, strOff := order.Uint32(data[12:]), order.Uint32(data[16:])
	if typeLen == strOff && at+n <= btf.HeaderSize+int(typeLen) {
		order.PutUint32(smaller[12:], typeLen-uint32(n))
		order.PutUint32(smaller[16:], strOff-uint32(n))
	}
	return smaller
}
