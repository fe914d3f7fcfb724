// SPDX-License-Identifier: Apache-2.0

package xz

import "slices"

// minSlide is how many bytes a window has at least besides the dictionary: the
// largest chunk and a bit.
const minSlide = 2<<20 + 64<<10

// window is the output, which is the dictionary as well.
type window struct {
	buf  []byte
	pos  int // where output goes
	base int // where the dictionary began; negative if that was dropped since
	dict int // the size of the dictionary: the largest distance
}

// within says whether n more bytes are within the limit of the output.
func (d *Decoder) within(n int) error {
	if d.whole != nil && int64(d.lzma.pos-d.whole.start)+int64(n) > d.whole.limit {
		return ErrTooLarge
	}
	return nil
}

// room makes room for n bytes of output, at most a chunk's, and matchSlack
// behind them. A window grows as it fills, up to a quarter more than the
// dictionary, and then drops what is behind the dictionary.
func (d *Decoder) room(n int) {
	w := &d.lzma.window
	if w.pos+n+matchSlack <= len(w.buf) {
		return
	}
	if d.whole != nil {
		grown := slices.Grow(w.buf[:w.pos], max(n+matchSlack, d.whole.grow, w.pos-d.whole.start))
		w.buf = grown[:cap(grown)]
		return
	}
	most := w.dict + max(w.dict/4, minSlide)
	if w.pos+n+matchSlack > most {
		keep := min(w.pos, w.dict)
		drop := w.pos - keep
		copy(w.buf, w.buf[drop:w.pos])
		w.pos, w.base = keep, w.base-drop
	}
	if need := w.pos + n + matchSlack; need > len(w.buf) {
		grown := make([]byte, max(need, min(2*len(w.buf), most)))
		copy(grown, w.buf[:w.pos])
		w.buf = grown
	}
}
