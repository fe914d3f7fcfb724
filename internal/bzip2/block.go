// SPDX-License-Identifier: Apache-2.0

package bzip2

import (
	"encoding/binary"
	"errors"
	"slices"
)

// errShort is returned for a block that goes on behind the end of its buffer.
var errShort = errors.New("block goes on")

const (
	maxTables    = 6
	maxSelectors = 1<<15 - 1 // more than 900,000 bytes need; some writers add a few
	groupSymbols = 50        // that one selector is for
)

// block decodes one block. Its buffers are used again for the next one.
type block struct {
	crc    uint32 // as the block claims
	text   []byte // the transformed bytes, then the bytes before the transform
	tables [maxTables]huffman

	selectors [maxSelectors]uint8

	*inversion // while it is being decoded
	expansion
}

// decode decodes the block whose magic begins at a bit of buf, of a stream with
// blocks of size bytes, up to text. It returns the bit behind the block.
func (b *block) decode(buf []byte, bit, size int) (end int, err error) {
	in := bitsFrom(buf, bit)
	if in.take(magicBits) != blockMagic {
		return 0, FormatError("bad magic value")
	}
	b.crc = uint32(in.take(checksumBits))
	if in.take(1) != 0 {
		return 0, FormatError("deprecated randomized files")
	}
	origin := int(in.take(24))
	used := b.bytesUsed(&in)
	if len(used) == 0 {
		if in.overrun() {
			return 0, errShort
		}
		return 0, FormatError("no symbols in input")
	}
	selectors, err := b.readTables(&in, len(used)+2)
	if err == nil {
		err = b.readText(&in, used, selectors, size)
	}
	switch {
	case in.overrun():
		return 0, errShort // whatever was found wrong in the zeros behind
	case err != nil:
		return 0, err
	case origin >= len(b.text):
		return 0, FormatError("pointer out of bounds")
	}
	b.invert(b.text, origin)
	b.begin()
	return in.at(), nil
}

// bytesUsed reads which bytes occur: a bit for each 16 of them, and 16 bits for
// each that is set.
func (b *block) bytesUsed(in *bits) []byte {
	var used []byte
	for high, groups := 0, in.take(16); high < 16; high++ {
		if groups>>(15-high)&1 == 0 {
			continue
		}
		for low, set := 0, in.take(16); low < 16; low++ {
			if set>>(15-low)&1 != 0 {
				used = append(used, byte(high<<4|low))
			}
		}
	}
	return used
}

// readTables reads the selectors and the tables for that many symbols.
func (b *block) readTables(in *bits, symbols int) (selectors []uint8, err error) {
	tables := int(in.take(3))
	if tables < 2 || tables > maxTables {
		return nil, FormatError("invalid number of Huffman trees")
	}
	selectors = b.selectors[:in.take(15)]
	if len(selectors) == 0 {
		return nil, FormatError("no tree selectors given")
	}
	// A selector is the place of its table in the list of tables used last.
	list := [maxTables]uint8{0, 1, 2, 3, 4, 5}
	for i := range selectors {
		place := 0
		for in.take(1) != 0 {
			if place++; place == tables {
				return nil, FormatError("tree index too large")
			}
		}
		chosen := list[place]
		copy(list[1:place+1], list[:place])
		list[0] = chosen
		selectors[i] = chosen
	}
	// A length is the one before, changed by any number of steps up or down.
	var lengths [maxSymbols]uint8
	for t := range tables {
		length := in.take(5)
		for i := range symbols {
			for {
				if length < 1 || length > maxCode {
					return nil, FormatError("Huffman length out of range")
				}
				if in.take(1) == 0 {
					break
				}
				length += 1 - 2*in.take(1)
			}
			lengths[i] = uint8(length)
		}
		if err := b.tables[t].build(lengths[:symbols]); err != nil {
			return nil, err
		}
	}
	return selectors, nil
}

// readText undoes the Huffman codes, the runs and the list of bytes used last.
func (b *block) readText(in *bits, used []byte, selectors []uint8, size int) error {
	b.text = slices.Grow(b.text[:0], size)[:size]
	text, at := b.text, 0

	// The first eight bytes of the list are in one word, the first in its least
	// significant byte: most symbols move one of them, without memory.
	var list [256]byte
	copy(list[:], used)
	head := uint64(0)
	for i := range 8 {
		head |= uint64(list[i]) << (8 * i)
	}
	end := uint(len(used) + 1)
	run, digit := 0, 1 // of the run being read: its length and its next digit's value

	// The bits are in local variables here, where all of the time goes.
	buf, pos, acc, n := in.buf, in.pos, in.acc, in.n
	err := error(FormatError("insufficient selector indices for number of decoded symbols"))
groups:
	for _, selector := range selectors {
		if pos > len(buf)+8 {
			err = errShort
			break
		}
		table := &b.tables[selector%maxTables]
		for range groupSymbols {
			if n < maxCode {
				if uint(pos)+8 <= uint(len(buf)) {
					acc |= binary.BigEndian.Uint64(buf[pos:]) >> (n & 63)
					pos += int(63-n) >> 3
					n |= 56
				} else {
					edge := bits{buf, pos, acc, n}
					edge.fill()
					pos, acc, n = edge.pos, edge.acc, edge.n
				}
			}
			entry := uint(table.fast[acc>>(64-fastCode)])
			symbol, length := entry>>lengthBits, entry&lengthMask
			if length == 0 {
				if symbol, length = table.slow(acc); length == 0 {
					err = errCode
					break groups
				}
			}
			acc <<= length & 63
			n -= length

			if symbol < 2 {
				run += digit << symbol
				if digit <<= 1; run > len(text)-at {
					err = FormatError("repeats past end of block")
					break groups
				}
				continue
			}
			if digit > 1 {
				stretch, first := text[at:at+run], byte(head)
				for i := range stretch {
					stretch[i] = first
				}
				at += run
				run, digit = 0, 1
			}
			if symbol == end {
				err = nil
				break groups
			}
			if at >= len(text) {
				err = FormatError("data exceeds block size")
				break groups
			}
			place := symbol - 1
			if place < 8 {
				moved := uint64(2)<<(8*place+7) - 1
				head = head&^moved | head<<8&moved | head>>(8*place)&0xff
			} else {
				chosen := list[place&0xff]
				copy(list[9:place+1], list[8:place])
				list[8] = byte(head >> 56)
				head = head<<8 | uint64(chosen)
			}
			text[at] = byte(head)
			at++
		}
	}
	in.pos, in.acc, in.n = pos, acc, n
	b.text = text[:at]
	return err
}
