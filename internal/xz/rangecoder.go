// SPDX-License-Identifier: Apache-2.0

package xz

const (
	probBits = 11
	probOne  = 1 << probBits // probability 1, of a bit that is 0
	probInit = probOne / 2
	probMove = 5 // how slowly a probability follows what comes

	// zeroMove added to a probability before the shift moves it up, not down.
	zeroMove = 1<<32 + 1<<probMove - 1 - probOne

	rangeMin  = 1 << 24 // a smaller range takes another byte
	rangeInit = 5       // bytes at the beginning, the first of them 0

	// symbolBytes is the most input in bytes that one literal or match takes,
	// 20, and a byte that the range coder may take at its end.
	symbolBytes = 20 + 1
)

// coder is the state of a range decoder. It is passed by value and comes back
// as a result, so that it stays in registers. Its small methods are small enough
// to be inlined; in front of each bit there is a fill.
type coder struct {
	width uint32 // of the range
	code  uint32 // of the input, from the beginning of the range
	at    int    // of the next byte of the input
}

// fill takes a byte where the range has become too small.
func (c coder) fill(in []byte) coder {
	if c.width < rangeMin {
		c.width <<= 8
		c.code = c.code<<8 | uint32(in[c.at])
		c.at++
	}
	return c
}

// bit decodes a bit whose value decides what comes next.
func (c coder) bit(p *uint16) (coder, bool) {
	v := uint32(*p)
	bound := c.width >> probBits * v
	if c.code < bound {
		c.width = bound
		*p = uint16(v + (probOne-v)>>probMove)
		return c, false
	}
	c.width -= bound
	c.code -= bound
	*p = uint16(v - v>>probMove)
	return c, true
}

// digit decodes a bit that is part of a number. There is no branch in it, as
// nobody could predict it.
func (c coder) digit(p *uint16) (coder, uint32) {
	v := uint32(*p)
	bound := c.width >> probBits * v
	zero := uint32((int64(c.code) - int64(bound)) >> 63) // all ones if the bit is 0
	c.width += zero&(bound+bound-c.width) - bound
	c.code -= bound &^ zero
	*p = uint16(v - uint32(int32(v+zero&zeroMove)>>probMove))
	return c, 1 + zero
}

// direct decodes n bits of even probability, the most significant first.
func (c coder) direct(in []byte, n uint) (coder, uint32) {
	v := uint32(0)
	for ; n > 0; n-- {
		c = c.fill(in)
		c.width >>= 1
		c.code -= c.width
		negative := uint32(int32(c.code) >> 31)
		c.code += c.width & negative
		v = v<<1 + 1 + negative
	}
	return c, v
}

// tree3 decodes a number of 3 bits.
func (c coder) tree3(in []byte, probs *[8]uint16) (coder, uint32) {
	m, b := uint32(1), uint32(0)
	for range 3 {
		c, b = c.fill(in).digit(&probs[m&7])
		m = m<<1 | b
	}
	return c, m & 7
}

// tree6 decodes a number of 6 bits.
func (c coder) tree6(in []byte, probs *[64]uint16) (coder, uint32) {
	m, b := uint32(1), uint32(0)
	for range 6 {
		c, b = c.fill(in).digit(&probs[m&63])
		m = m<<1 | b
	}
	return c, m & 63
}

// tree8 decodes a number of 8 bits.
func (c coder) tree8(in []byte, probs *[256]uint16) (coder, uint32) {
	m, b := uint32(1), uint32(0)
	for range 8 {
		c, b = c.fill(in).digit(&probs[m&255])
		m = m<<1 | b
	}
	return c, m & 255
}

// reverse decodes a number of n bits, the least significant first. There must be
// 1<<n probabilities.
func (c coder) reverse(in []byte, probs []uint16, n uint) (coder, uint32) {
	m, v, b := uint32(1), uint32(0), uint32(0)
	for i := range n {
		c, b = c.fill(in).digit(&probs[m])
		m = m<<1 | b
		v |= b << i
	}
	return c, v
}
