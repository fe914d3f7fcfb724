// SPDX-License-Identifier: Apache-2.0

package hostile

import "encoding/binary"

// lzmaZeros is an lzma-alone file of size zeros, or up to 272 more: a literal, and then
// the match of 273 bytes at distance 1 again and again. A real compressor takes long
// for as much. The coder is that of the LZMA specification (lzma-specification.txt of
// the LZMA SDK).
func lzmaZeros(size int) []byte {
	matches := (size + 271) / 273
	out := []byte{0x5d, 0, 0, 1, 0} // lc 3, lp 0, pb 2; a dictionary of 64 KiB
	out = binary.LittleEndian.AppendUint64(out, uint64(1+273*matches))
	e := rangeEncoder{width: 1<<32 - 1, pending: 1, out: out}

	var isMatch, isRep0Long [12][4]chance
	var isRep, isRepG0 [12]chance
	var choice, choice2 chance
	var literal, high [256]chance
	state := 0
	e.bit(&isMatch[0][0], 0)
	e.tree(&literal, 0)
	for i := range matches {
		pos := (1 + 273*i) & 3
		e.bit(&isMatch[state][pos], 1)
		e.bit(&isRep[state], 1)
		e.bit(&isRepG0[state], 0)
		e.bit(&isRep0Long[state][pos], 1)
		e.bit(&choice, 1)
		e.bit(&choice2, 1)
		e.tree(&high, 255) // 273 = 18 + 255
		if state < 7 {
			state = 8
		} else {
			state = 11
		}
	}
	for range 5 {
		e.shift()
	}
	return e.out
}

// chance is how much less likely than one half a 0 is, of 2048: its zero value is even.
type chance int16

type rangeEncoder struct {
	low     uint64
	width   uint32
	cache   byte
	pending int
	out     []byte
}

func (e *rangeEncoder) bit(c *chance, bit int) {
	p := 1024 - uint32(*c)
	if *c < 0 {
		p = 1024 + uint32(-*c)
	}
	bound := (e.width >> 11) * p
	if bit == 0 {
		e.width = bound
		p += (2048 - p) >> 5
	} else {
		e.low += uint64(bound)
		e.width -= bound
		p -= p >> 5
	}
	*c = chance(1024 - int(p))
	for e.width < 1<<24 {
		e.width <<= 8
		e.shift()
	}
}

// tree writes the eight bits of a symbol.
func (e *rangeEncoder) tree(probs *[256]chance, symbol int) {
	at := 1
	for i := 7; i >= 0; i-- {
		b := symbol >> i & 1
		e.bit(&probs[at], b)
		at = at<<1 | b
	}
}

func (e *rangeEncoder) shift() {
	if e.low < 0xff000000 || e.low > 0xffffffff {
		carry := byte(e.low >> 32)
		for ; e.pending > 0; e.pending-- {
			e.out = append(e.out, e.cache+carry)
			e.cache = 0xff
		}
		e.cache = byte(e.low >> 24)
	}
	e.pending++
	e.low = e.low & 0x00ffffff << 8
}
