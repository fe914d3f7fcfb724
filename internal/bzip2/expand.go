// SPDX-License-Identifier: Apache-2.0

package bzip2

import (
	"encoding/binary"
	"hash/crc32"
	mathbits "math/bits"
)

// maxRun is how many bytes four equal ones and their count can stand for.
const maxRun = 4 + 255

// expansion is where the undoing of the first stage stands: four equal bytes
// are followed by the number of further ones. A block can grow to 51 times its
// size by it.
type expansion struct {
	at  int    // in the block's text
	sum uint32 // checksum of what came out
}

func (b *block) begin() { b.expansion = expansion{sum: 0} }

// expanded says whether all of the block came out.
func (b *block) expanded() bool { return b.at == len(b.text) }

// verify checks the checksum, once the block is expanded.
func (b *block) verify() error {
	if b.sum != b.crc {
		return FormatError("block checksum mismatch")
	}
	return nil
}

// expand appends to out what comes next, up to its capacity less maxRun.
func (b *block) expand(out []byte) []byte {
	old, text, at := len(out), b.text, b.at
	for at < len(text) && cap(out)-len(out) >= maxRun {
		if at+8 > len(text) || cap(out)-len(out) < 8 {
			// The last few bytes, one at a time.
			run := 1
			for run < 4 && at+run < len(text) && text[at+run] == text[at] {
				run++
			}
			out = append(out, text[at:at+run]...)
			at += run
			if run == 4 && at < len(text) {
				out = repeat(out, text[at-1], int(text[at]))
				at++
			}
			continue
		}
		// Eight bytes at once: a zero in diff is a byte equal to the next.
		word := binary.LittleEndian.Uint64(text[at:])
		diff := word ^ word>>8
		const low7 = 0x7f7f7f7f7f7f7f7f
		same := ^((diff&low7 + low7) | diff | low7) // the sign bit of each zero byte
		runs := same & (same >> 8) & (same >> 16)   // and two more behind it
		n := len(out)
		binary.LittleEndian.PutUint64(out[n:n+8], word)
		if runs&(1<<40-1) == 0 {
			out = out[:n+5]
			at += 5
			continue
		}
		literal := mathbits.TrailingZeros64(runs)/8 + 4
		out = out[:n+literal]
		at += literal
		if at < len(text) {
			out = repeat(out, text[at-1], int(text[at]))
			at++
		}
	}
	b.at = at
	b.sum = checksum(b.sum, out[old:])
	return out
}

// repeat appends n times c. There is room for it.
func repeat(out []byte, c byte, n int) []byte {
	stretch := out[len(out) : len(out)+n]
	for i := range stretch {
		stretch[i] = c
	}
	return out[:len(out)+n]
}

// checksum continues the checksum of a block: the polynomial of IEEE 802.3, but
// each byte's most significant bit first. Package crc32 has it with the least
// significant bit first, in hardware. Mirroring every byte and the result turns
// the one into the other.
func checksum(sum uint32, data []byte) uint32 {
	var mirrored [1024]byte
	sum = mathbits.Reverse32(sum)
	for len(data) > 0 {
		n := copy(mirrored[:], data)
		data = data[n:]
		for i := 0; i < n; i += 8 {
			word := mirrored[i : i+8]
			v := binary.LittleEndian.Uint64(word)
			v = v>>1&0x5555555555555555 | v&0x5555555555555555<<1
			v = v>>2&0x3333333333333333 | v&0x3333333333333333<<2
			v = v>>4&0x0f0f0f0f0f0f0f0f | v&0x0f0f0f0f0f0f0f0f<<4
			binary.LittleEndian.PutUint64(word, v)
		}
		sum = crc32.Update(sum, crc32.IEEETable, mirrored[:n])
	}
	return mathbits.Reverse32(sum)
}

// combine adds a block's checksum to its stream's.
func combine(stream, block uint32) uint32 { return mathbits.RotateLeft32(stream, 1) ^ block }
