// SPDX-License-Identifier: Apache-2.0

package xz

import (
	"encoding/binary"
	"math"
)

// footer is the size of a stream footer in bytes: CRC32 (u32), the size of the index in
// words less one (u32), flags (u16), magic; little endian (The .xz File Format, 2.1.2).
const footer = 12

// Size is how many bytes a stream unpacks to by the index at its end, of which tail is
// the end of the file: room to make, as nothing of it is checked here. It is 0 where tail
// is too short for the index, or does not end in one.
func Size(tail []byte) int64 {
	at := len(tail) - footer
	if at < 0 || string(tail[len(tail)-2:]) != "YZ" {
		return 0
	}
	words := int64(binary.LittleEndian.Uint32(tail[at+4:])) + 1
	if 4*words > int64(at) {
		return 0
	}
	index := tail[int64(at)-4*words : at]
	if index[0] != 0 { // a block begins with its size, which is not 0
		return 0
	}
	index = index[1:]
	number := func() uint64 {
		n, length := binary.Uvarint(index)
		index = index[max(length, 0):]
		return n
	}
	var size uint64
	for blocks := number(); blocks > 0 && len(index) > 4; blocks-- { // 4: its CRC32
		number() // packed
		size += min(number(), math.MaxInt64/2)
		if size > math.MaxInt64/2 {
			return 0
		}
	}
	return int64(size)
}
