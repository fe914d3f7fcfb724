// SPDX-License-Identifier: Apache-2.0

package bzip2

import "encoding/binary"

// bits reads a buffer bit by bit, most significant bit first. Behind its end
// come zeros; whoever reads checks with overrun whether that happened.
type bits struct {
	buf []byte
	pos int    // of the next byte that is not yet in acc
	acc uint64 // the next n bits, in the most significant places
	n   uint   // more bits than n may be set in acc: those of buf that follow
}

// bitsFrom begins at a bit of buf.
func bitsFrom(buf []byte, bit int) bits {
	b := bits{buf: buf, pos: bit / 8}
	b.fill()
	b.skip(uint(bit % 8))
	return b
}

// fill brings n to 56 at least.
func (b *bits) fill() {
	if uint(b.pos)+8 <= uint(len(b.buf)) {
		b.acc |= binary.BigEndian.Uint64(b.buf[b.pos:]) >> (b.n & 63)
		b.pos += int(63-b.n) >> 3
		b.n |= 56
		return
	}
	for b.n < 56 {
		if b.pos < len(b.buf) {
			b.acc |= uint64(b.buf[b.pos]) << (56 - b.n)
		}
		b.pos++
		b.n += 8
	}
}

// skip drops n bits, which must be there.
func (b *bits) skip(n uint) { b.acc <<= n & 63; b.n -= n }

// take reads n bits, at most 48.
func (b *bits) take(n uint) uint64 {
	if b.n < n {
		b.fill()
	}
	v := b.acc >> (64 - n)
	b.skip(n)
	return v
}

// at is the place of the next bit, counted from the beginning of the buffer.
func (b *bits) at() int { return 8*b.pos - int(b.n) }

// overrun says whether more was read than is there.
func (b *bits) overrun() bool { return b.at() > 8*len(b.buf) }

// bitsAt returns n bits of buf from bit pos on, at most 48.
func bitsAt(buf []byte, pos int, n uint) uint64 {
	b := bitsFrom(buf, pos)
	return b.take(n)
}
