// SPDX-License-Identifier: Apache-2.0

package xz

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Filters, by their number in a block's header.
const (
	filterDelta    = 0x03
	filterX86      = 0x04
	filterPowerPC  = 0x05 // big-endian
	filterIA64     = 0x06
	filterARM      = 0x07
	filterARMThumb = 0x08
	filterSPARC    = 0x09
	filterARM64    = 0x0a
)

// filter undoes one filter. Those for machine code replaced the relative
// addresses in jumps and calls by absolute ones, which repeat more often.
type filter struct {
	// code undoes the filter in b, in place, and returns how many bytes from
	// the front are done; the next call goes on behind them.
	code func(f *filter, b []byte) int
	pc   uint32 // place of the first byte in the program
	done int    // bytes of what run gets

	distance int       // delta
	history  [256]byte // delta: the last bytes

	opcodes, blocked uint8 // x86: see there
}

// filters are those of a block, in the order of its header: the last one is the
// first to be undone.
type filters struct {
	list []filter
	held []byte // output, of which some is not done
	out  int    // bytes of it that were returned
}

func (f *filters) reset() { f.list, f.held, f.out = f.list[:0], f.held[:0], 0 }

func (f *filters) any() bool { return len(f.list) > 0 }

// add adds a filter.
func (f *filters) add(id int64, props []byte) error {
	var made filter
	align := uint32(4)
	switch id {
	case filterDelta:
		if len(props) != 1 {
			return FormatError("delta filter with properties that do not exist")
		}
		f.list = append(f.list, filter{code: (*filter).delta, distance: int(props[0]) + 1})
		return nil
	case filterX86:
		made.code, align = (*filter).x86, 1
	case filterPowerPC:
		made.code = (*filter).powerPC
	case filterIA64:
		made.code, align = (*filter).ia64, 16
	case filterARM:
		made.code = (*filter).arm
	case filterARMThumb:
		made.code, align = (*filter).armThumb, 2
	case filterSPARC:
		made.code = (*filter).sparc
	case filterARM64:
		made.code = (*filter).arm64
	default:
		return FormatError(fmt.Sprintf("filter %#x is not supported where it is", id))
	}
	switch len(props) {
	case 0:
	case 4:
		made.pc = binary.LittleEndian.Uint32(props)
	default:
		return FormatError("filter with properties that do not exist")
	}
	if made.pc%align != 0 {
		return FormatError("filter begins between two instructions")
	}
	f.list = append(f.list, made)
	return nil
}

// run undoes the filters in b, in place. It returns how many bytes are done; last
// says that there are no further ones.
func (f *filters) run(b []byte, last bool) int {
	end := len(b)
	for i := len(f.list) - 1; i >= 0; i-- {
		one := &f.list[i]
		n := one.code(one, b[one.done:end])
		one.done += n
		one.pc += uint32(n)
		if last { // what is left is no whole instruction
			one.done = end
		}
		end = one.done
	}
	return end
}

// next takes the next part of a block and returns what is done, valid until the
// next call.
func (f *filters) next(part []byte, last bool) []byte {
	f.held = f.held[:copy(f.held, f.held[f.out:])]
	for i := range f.list {
		f.list[i].done -= f.out
	}
	f.held = append(f.held, part...)
	f.out = f.run(f.held, last)
	return f.held[:f.out]
}

func (f *filter) delta(b []byte) int {
	at := int(f.pc)
	for i := range b {
		b[i] += f.history[(at+i-f.distance)&0xff]
		f.history[(at+i)&0xff] = b[i]
	}
	return len(b)
}

// x86 replaces the operands of CALL and JMP, 4 bytes of which the highest is 00
// or ff. Bytes e8 and e9 occur in operands and data as well. So it depends on
// the three bytes before whether one is taken for an instruction: bit n-1 of
// opcodes says that the n-th before was e8 or e9 and not taken for one, that of
// blocked that it was none for its highest byte.
func (f *filter) x86(b []byte) int {
	outer := func(c byte) bool { return c == 0 || c == 0xff }
	opcodes, blocked := f.opcodes, f.blocked
	i := 0
	for i+5 <= len(b) {
		if b[i]&0xfe != 0xe8 {
			opcodes, blocked = opcodes<<1&7, blocked<<1&7
			i++
			continue
		}
		// opcodes has at most one bit, the near-th.
		near, plain := bits.Len8(opcodes), opcodes&(opcodes-1) == 0
		if !outer(b[i+4]) || blocked != 0 || !plain {
			hit := uint8(0)
			if outer(b[i+4]) {
				hit = 1
			}
			opcodes, blocked = opcodes<<1&7|1, blocked<<1&7|hit
			i++
			continue
		}
		operand := binary.LittleEndian.Uint32(b[i+1:])
		for {
			operand -= f.pc + uint32(i) + 5
			if near == 0 {
				break
			}
			low := 32 - 8*near // bits that the instruction before does not share
			if !outer(byte(operand >> (low - 8))) {
				break
			}
			operand ^= 1<<low - 1
		}
		operand &= 1<<25 - 1
		operand |= -(operand & (1 << 24))
		binary.LittleEndian.PutUint32(b[i+1:], operand)
		opcodes, blocked = 0, 0
		i += 5
	}
	f.opcodes, f.blocked = opcodes, blocked
	return i
}

func (f *filter) arm(b []byte) int {
	n := len(b) &^ 3
	for i := 0; i < n; i += 4 {
		if b[i+3] == 0xeb { // BL
			word := binary.LittleEndian.Uint32(b[i:])
			word -= (f.pc + uint32(i) + 8) >> 2
			binary.LittleEndian.PutUint32(b[i:], 0xeb<<24|word&(1<<24-1))
		}
	}
	return n
}

func (f *filter) armThumb(b []byte) int {
	i := 0
	for ; i+4 <= len(b); i += 2 {
		high, low := binary.LittleEndian.Uint16(b[i:]), binary.LittleEndian.Uint16(b[i+2:])
		if high>>11 != 0x1e || low>>11 != 0x1f { // BL, in two halves
			continue
		}
		to := uint32(high&0x7ff)<<11 | uint32(low&0x7ff)
		to -= (f.pc + uint32(i) + 4) >> 1
		binary.LittleEndian.PutUint16(b[i:], 0xf000|uint16(to>>11&0x7ff))
		binary.LittleEndian.PutUint16(b[i+2:], 0xf800|uint16(to&0x7ff))
		i += 2
	}
	return i
}

func (f *filter) arm64(b []byte) int {
	n := len(b) &^ 3
	for i := 0; i < n; i += 4 {
		pc, word := f.pc+uint32(i), binary.LittleEndian.Uint32(b[i:])
		switch {
		case word>>26 == 0x25: // BL
			word = 0x25<<26 | (word-pc>>2)&(1<<26-1)
		case word&0x9f000000 == 0x90000000: // ADRP, within 512 MiB
			to := word>>29&3 | word>>3&0x1ffffc
			if (to+0x20000)&0x1c0000 != 0 {
				continue
			}
			to -= pc >> 12
			word = word&0x9000001f | to&3<<29 | to&0x3fffc<<3 | -(to&0x20000)&0xe00000
		default:
			continue
		}
		binary.LittleEndian.PutUint32(b[i:], word)
	}
	return n
}

func (f *filter) powerPC(b []byte) int {
	n := len(b) &^ 3
	for i := 0; i < n; i += 4 {
		word := binary.BigEndian.Uint32(b[i:])
		if word&0xfc000003 == 0x48000001 { // bl
			word = 0x48000001 | (word-f.pc-uint32(i))&0x03fffffc
			binary.BigEndian.PutUint32(b[i:], word)
		}
	}
	return n
}

func (f *filter) sparc(b []byte) int {
	n := len(b) &^ 3
	for i := 0; i < n; i += 4 {
		word := binary.BigEndian.Uint32(b[i:])
		if word>>22 != 0x100 && word>>22 != 0x1ff { // call, not too far
			continue
		}
		to := word - (f.pc+uint32(i))>>2
		sign := -(to >> 22 & 1) << 22 & 0x3fffffff
		binary.BigEndian.PutUint32(b[i:], 1<<30|sign|to&0x3fffff)
	}
	return n
}

// ia64 has three instructions of 41 bits in 16 bytes, behind 5 bits that say of
// what kind they are.
func (f *filter) ia64(b []byte) int {
	n := len(b) &^ 15
	for i := 0; i < n; i += 16 {
		branches := ia64Branches[b[i]&0x1f]
		for slot := range 3 {
			if branches>>slot&1 == 0 {
				continue
			}
			bit := 5 + 41*slot
			at, shift := b[i+bit/8:i+bit/8+6], bit%8
			word := uint64(binary.LittleEndian.Uint32(at)) | uint64(binary.LittleEndian.Uint16(at[4:]))<<32
			code := word >> shift
			if code>>37&15 != 5 || code>>9&7 != 0 { // br.call
				continue
			}
			to := uint32(code>>13&0xfffff | code>>36&1<<20)
			to -= (f.pc + uint32(i)) >> 4
			code &^= 0x8fffff << 13
			code |= uint64(to&0xfffff)<<13 | uint64(to>>20&1)<<36
			word = word&(1<<shift-1) | code<<shift
			binary.LittleEndian.PutUint32(at, uint32(word))
			binary.LittleEndian.PutUint16(at[4:], uint16(word>>32))
		}
	}
	return n
}

// ia64Branches has for each template which slots may branch.
var ia64Branches = [32]uint8{16: 4, 17: 4, 18: 6, 19: 6, 22: 7, 23: 7, 24: 4, 25: 4, 28: 4, 29: 4}
