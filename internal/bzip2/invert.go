// SPDX-License-Identifier: Apache-2.0

package bzip2

import "slices"

// inversion undoes the Burrows-Wheeler transform. Its buffers are used again.
//
// With all rotations of the original text sorted, the transformed text has
// their last bytes. Their first bytes are the same ones, sorted: the k-th 'e'
// of the one is the k-th 'e' of the other, so each rotation has a link to the
// rotation by one byte more. Following the links from the original on spells
// it.
//
// That is one load from memory after the other, each of which has to wait for
// the one before, anywhere within 3.6 MB. So the links are followed from many
// rotations at once. Where a chain comes to a rotation that another one began
// with, it is at its end, and the original is put together from the chains.
type inversion struct {
	links  []uint32 // where the rotation by one is << 8 | first byte
	chunks []byte   // what chains spelled, chunkSize bytes each
	chains [maxChains]chain
}

const (
	maxChains = 32
	chunkSize = 1024 // bytes that chains spell in turn

	// chainBytes is how long a text is at least for each of its chains.
	chainBytes = 2 * chunkSize

	chainHead = 1 << 31 // marks the link of a rotation that a chain begins with
)

// chain is one walk along the links.
type chain struct {
	link   uint32 // of the rotation it is at
	at     int    // in chunks, of the next byte
	first  uint32 // rotation that it began with
	spells []int  // where its chunks are
	last   int    // length of the last one
	next   uint32 // rotation that it ended at, where another chain begins
}

// invert replaces text by the original, whose rotation is the one at origin.
func (v *inversion) invert(text []byte, origin int) {
	var place [256]int
	for _, c := range text {
		place[c]++
	}
	sum := 0
	for c, n := range place {
		place[c] = sum
		sum += n
	}
	v.links = slices.Grow(v.links[:0], len(text))[:len(text)]
	links := v.links
	for i, c := range text {
		links[place[c]] = uint32(i)<<8 | uint32(c)
		place[c]++
	}

	if len(text) < 2*chainBytes {
		next := uint32(origin)
		for i := range text {
			link := links[next]
			text[i] = byte(link)
			next = link >> 8
		}
		return
	}
	chains := v.begin(origin, len(text))
	v.follow(chains)

	// Equal rotations, as those of "abab", may make the links end where they
	// began before all of the text is there: then it repeats.
	at := uint32(origin)
	for len(text) > 0 {
		c := &chains[slices.IndexFunc(chains, func(c chain) bool { return c.first == at })]
		for i, from := range c.spells {
			n := chunkSize
			if i == len(c.spells)-1 {
				n = c.last
			}
			text = text[copy(text, v.chunks[from:from+n]):]
		}
		at = c.next
	}
}

// begin marks where chains begin: at origin, and anywhere else.
func (v *inversion) begin(origin, size int) []chain {
	n := min(maxChains, size/chainBytes)
	chains := v.chains[:0]
	for i := range n {
		first := uint32((origin + i*(size/n)) % size)
		chains = chains[:i+1]
		c := &chains[i]
		*c = chain{first: first, link: v.links[first], spells: c.spells[:0]}
		v.links[first] |= chainHead
	}
	// Every rotation is in one chain at most, and each chain has one chunk
	// that is not full.
	room := size + n*chunkSize
	v.chunks = slices.Grow(v.chunks[:0], room)[:room]
	return chains
}

// follow follows all chains to their ends, a byte of each in turn.
func (v *inversion) follow(chains []chain) {
	var walks [maxChains]*chain // not yet at their end
	n := 0
	for i := range chains {
		walks[i] = &chains[i]
		n++
	}
	links, chunks, used := v.links, v.chunks, 0
	for n > 0 {
		for _, c := range walks[:n] {
			c.at = used
			c.spells = append(c.spells, used)
			used += chunkSize
		}
		for i := 1; i <= chunkSize; i++ {
			for w := 0; w < n; w++ {
				c := walks[w]
				link := c.link
				chunks[c.at] = byte(link)
				c.at++
				to := link >> 8
				link = links[to]
				c.link = link
				if link&chainHead != 0 {
					c.last, c.next = i, to
					n--
					walks[w] = walks[n]
					walks[n] = nil
					w--
				}
			}
		}
	}
}
