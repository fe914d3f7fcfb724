// SPDX-License-Identifier: Apache-2.0

package xz

import (
	"encoding/binary"
	"io"
)

const (
	states     = 12
	litStates  = 7 // those below follow a literal
	maxPosBits = 4 // of the position, that select probabilities
	maxLitBits = 4 // of the position and the last byte, that select a literal's
	minMatch   = 2 // bytes
	maxMatch   = 273
	lenStates  = 4 // shorter matches have their own distances
	endSlots   = 14
	alignBits  = 4
	endMarker  = 1<<32 - 1 // a distance

	// matchSlack is how many bytes behind a match may be overwritten.
	matchSlack = 8
)

// probabilities are what lzma learns.
type probabilities struct {
	// Indexes are masked where that saves a check of bounds; hence 16 states.
	match    [16][1 << maxPosBits]uint16 // a match, not a literal
	rep      [16]uint16                  // with a distance used before
	rep0     [16]uint16                  // not the last one
	rep0Long [16][1 << maxPosBits]uint16 // the last one, more than a byte
	rep1     [16]uint16                  // not the one before
	rep2     [16]uint16                  // not the one before that
	slots    [lenStates][64]uint16       // the distance's two most significant bits and its length
	special  [128]uint16                 // the rest of short distances
	align    [1 << alignBits]uint16      // the last four bits of others
	matchLen lengths
	repLen   lengths
	literal  [1 << maxLitBits][3 << 8]uint16
}

// lengths decodes the length of a match.
type lengths struct {
	longer  uint16 // than 9 bytes
	longest uint16 // than 17
	low     [1 << maxPosBits][8]uint16
	mid     [1 << maxPosBits][8]uint16
	high    [256]uint16
}

func (l *lengths) decode(c coder, in []byte, place uint32) (coder, uint32) {
	c, longer := c.fill(in).bit(&l.longer)
	if !longer {
		c, n := c.tree3(in, &l.low[place&15])
		return c, n + minMatch
	}
	c, longest := c.fill(in).bit(&l.longest)
	if !longest {
		c, n := c.tree3(in, &l.mid[place&15])
		return c, n + minMatch + 8
	}
	c, n := c.tree8(in, &l.high)
	return c, n + minMatch + 16
}

func (p *probabilities) reset(literals int) {
	fill := func(probs []uint16) {
		for i := range probs {
			probs[i] = probInit
		}
	}
	for i := range p.match {
		fill(p.match[i][:])
		fill(p.rep0Long[i][:])
	}
	fill(p.rep[:])
	fill(p.rep0[:])
	fill(p.rep1[:])
	fill(p.rep2[:])
	for i := range p.slots {
		fill(p.slots[i][:])
	}
	fill(p.special[:])
	fill(p.align[:])
	for _, l := range []*lengths{&p.matchLen, &p.repLen} {
		l.longer, l.longest = probInit, probInit
		for i := range l.low {
			fill(l.low[i][:])
			fill(l.mid[i][:])
		}
		fill(l.high[:])
	}
	for i := range literals {
		fill(p.literal[i][:])
	}
}

// lzma decodes the stream of literals and matches that .lzma files and the
// chunks of LZMA2 consist of.
type lzma struct {
	probs probabilities
	props properties
	state uint32
	reps  [4]uint32 // the distances used last, less one

	coder coder
	in    []byte // may be read symbolBytes behind stop
	stop  int    // where the input ends

	window
}

// properties are how a stream was made.
type properties struct {
	literalBits  uint32 // of the last byte, that select a literal's probabilities (lc)
	literalPlace uint32 // mask of the position, that do so too (lp)
	place        uint32 // mask of the position, that select the others (pb)
}

// parseProperties reads the byte with them. As in liblzma lc + lp is at most 4.
func parseProperties(b byte) (properties, bool) {
	lc, lp, pb := uint32(b)%9, uint32(b)/9%5, uint32(b)/45
	if pb > maxPosBits || lc+lp > maxLitBits {
		return properties{}, false
	}
	return properties{lc, 1<<lp - 1, 1<<pb - 1}, true
}

func (p properties) literals() int { return int(p.literalPlace+1) << p.literalBits }

// reset forgets what was learnt.
func (d *lzma) reset() {
	d.probs.reset(d.props.literals())
	d.state, d.reps = 0, [4]uint32{}
}

// start begins a range coder. in has stop bytes, and symbolBytes behind them.
func (d *lzma) start(in []byte, stop int) error {
	if stop < rangeInit {
		return io.ErrUnexpectedEOF
	}
	if in[0] != 0 {
		return FormatError("range coder does not begin with zero")
	}
	d.in, d.stop = in, stop
	d.coder = coder{width: 1<<32 - 1, code: binary.BigEndian.Uint32(in[1:]), at: rangeInit}
	return nil
}

// finish says whether the range coder is where the end of its input is.
func (d *lzma) finish() bool {
	d.coder = d.coder.fill(d.in)
	return d.coder.code == 0
}

// decode decodes until the output is at soft or beyond (less than maxMatch
// bytes), or the input at its end or beyond (less than symbolBytes). Output
// beyond hard is an error. ended says whether the end marker came.
func (d *lzma) decode(soft, hard int) (ended bool, err error) {
	var (
		c, in, stop = d.coder, d.in, d.stop
		buf, pos    = d.buf, d.pos
		state       = d.state & 15
		rep0        = d.reps[0]
		props       = d.props
		probs       = &d.probs
		isOne       bool
	)
	low := max(d.base, 0)
	last := uint32(0) // byte
	if pos > low {
		last = uint32(buf[pos-1])
	}
	for pos < soft && c.at <= stop {
		offset := uint32(pos - d.base)
		place := offset & props.place & 15
		if c, isOne = c.fill(in).bit(&probs.match[state&15][place]); !isOne {
			which := (offset&props.literalPlace)<<props.literalBits + last>>(8-props.literalBits)
			literal := &probs.literal[which&15]
			m, b := uint32(1), uint32(0)
			if state < litStates {
				for m < 1<<8 {
					c, b = c.fill(in).digit(&literal[m])
					m = m<<1 | b
				}
			} else {
				// As long as the bits are those of the byte at the last
				// distance, other probabilities apply.
				from := pos - int(rep0) - 1
				if from < low {
					err = errDistance
					break
				}
				match, same := uint32(buf[from]), uint32(1<<8)
				for m < 1<<8 {
					match <<= 1
					expected := match & same
					c, b = c.fill(in).digit(&literal[same+expected+m])
					m = m<<1 | b
					same &= expected ^ (b - 1)
				}
			}
			last = m & 0xff
			buf[pos] = byte(m)
			pos++
			state = uint32(afterLiteral[state&15])
			continue
		}

		length := uint32(0)
		if c, isOne = c.fill(in).bit(&probs.rep[state&15]); !isOne {
			d.reps[3], d.reps[2], d.reps[1] = d.reps[2], d.reps[1], rep0
			c, length = probs.matchLen.decode(c, in, place)
			c, rep0 = probs.distance(c, in, length)
			if rep0 == endMarker {
				ended = true
				break
			}
			state = after(state, 7, 10)
		} else if c, isOne = c.fill(in).bit(&probs.rep0[state&15]); !isOne {
			if c, isOne = c.fill(in).bit(&probs.rep0Long[state&15][place]); !isOne {
				length = 1
				state = after(state, 9, 11)
			} else {
				c, length = probs.repLen.decode(c, in, place)
				state = after(state, 8, 11)
			}
		} else {
			distance := d.reps[1]
			if c, isOne = c.fill(in).bit(&probs.rep1[state&15]); isOne {
				distance = d.reps[2]
				if c, isOne = c.fill(in).bit(&probs.rep2[state&15]); isOne {
					distance = d.reps[3]
					d.reps[3] = d.reps[2]
				}
				d.reps[2] = d.reps[1]
			}
			d.reps[1] = rep0
			rep0 = distance
			c, length = probs.repLen.decode(c, in, place)
			state = after(state, 8, 11)
		}

		distance, n := int(rep0)+1, int(length)
		if distance > pos-low || distance > d.dict {
			err = errDistance
			break
		}
		if n > hard-pos {
			err = FormatError("match goes beyond the end")
			break
		}
		from := pos - distance
		if distance >= 8 && pos+n+matchSlack <= len(buf) {
			for i := 0; i < n; i += 8 {
				binary.LittleEndian.PutUint64(buf[pos+i:], binary.LittleEndian.Uint64(buf[from+i:]))
			}
		} else {
			for i := range n {
				buf[pos+i] = buf[from+i]
			}
		}
		pos += n
		last = uint32(buf[pos-1])
	}
	d.coder, d.pos, d.state, d.reps[0] = c, pos, state, rep0
	return ended, err
}

// afterLiteral is the state that follows on a literal.
var afterLiteral = [16]uint8{0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 4, 5}

// after is one state after literals and another one after matches.
func after(state, literal, match uint32) uint32 {
	if state < litStates {
		return literal
	}
	return match
}

// distance decodes the distance, less one, of a match of a length.
func (p *probabilities) distance(c coder, in []byte, length uint32) (coder, uint32) {
	c, slot := c.tree6(in, &p.slots[min(length-minMatch, lenStates-1)&3])
	if slot < 4 {
		return c, slot
	}
	bits := uint(slot>>1 - 1)
	distance := (2 | slot&1) << bits
	if slot < endSlots {
		c, rest := c.reverse(in, p.special[distance-slot:], bits)
		return c, distance + rest
	}
	c, middle := c.direct(in, bits-alignBits)
	c, rest := c.reverse(in, p.align[:], alignBits)
	return c, distance + middle<<alignBits + rest
}
