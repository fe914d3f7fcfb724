// SPDX-License-Identifier: Apache-2.0

package bzip2

import (
	"io"
	"slices"
	"sync/atomic"
)

const (
	// inline is the size in bytes below which an input is decoded without
	// goroutines.
	inline = 64 << 10

	// keep is the most output in bytes that a worker makes of a block; whoever
	// reads expands the rest.
	keep = 2 << 20
)

// Reader reads a bzip2 file. It must not be used by several goroutines at once.
//
// Nothing in the file says where the next block begins. So the reader looks for
// what has the magic of a block or of the end, and has the blocks between
// decoded at once. From the first thing on that is not as it should be (a
// damaged or cut block, or a magic that occurs within a block by chance), it
// decodes one block after the other, so that the output and the error are those
// of a decoder that never guessed.
type Reader struct {
	in       source
	units    int          // blocks in work at most
	guessing bool         // where blocks end
	end      error        // what comes behind the queue
	free     []*unit      // to use again
	spare    []*inversion // of units that are decoded
	queue    []*unit      // in work, in the input's order
	cur      *unit        // the unit that is being read
	out      []byte       // of its output, what is not yet read
	stop     atomic.Bool
	err      error // the end
}

// NewReader returns a reader of what src holds uncompressed. It decodes up to
// workers blocks at once, in goroutines that end with the input and at the
// latest with Close; 1 is for none. An end of the input within a stream gives
// io.ErrUnexpectedEOF, as an empty input does.
func NewReader(src io.Reader, workers int) *Reader {
	r := &Reader{units: workers}
	r.Reset(src)
	return r
}

// Reset has r read src, with the buffers it has.
func (r *Reader) Reset(src io.Reader) {
	r.join()
	r.free = append(r.free, r.queue...)
	if r.cur != nil {
		r.free = append(r.free, r.cur)
	}
	*r = Reader{
		in:       source{src: src, buf: r.in.buf[:0]},
		units:    r.units,
		guessing: r.units > 1,
		free:     r.free,
		spare:    r.spare,
		queue:    r.queue[:0],
	}
	if r.guessing {
		r.guessing = r.in.fill(inline)
	}
}

// Close joins the goroutines. The source is not read any more.
func (r *Reader) Close() {
	r.join()
	*r = Reader{err: errClosed}
}

func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(r.out) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		if r.cur != nil && r.cur.err == nil && !r.cur.expanded() {
			r.cur.expandMore()
			r.out = r.cur.out
			continue
		}
		r.next()
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}

// next moves on to the next block.
func (r *Reader) next() {
	if u := r.cur; u != nil {
		if u.err != nil {
			r.err = u.err
			return
		}
		r.free = append(r.free, u)
		r.cur = nil
	}
	if r.guessing {
		if r.dispatch(); len(r.queue) > 0 {
			u := r.queue[0]
			<-u.done
			r.spare = append(r.spare, u.inversion)
			u.inversion = nil
			if u.sound {
				r.queue = slices.Delete(r.queue, 0, 1)
				r.cur, r.out = u, u.out
				return
			}
		} else if r.end != errGuess {
			r.err = r.end
			return
		}
		r.takeOver()
	}
	u := r.unit()
	if r.err = r.in.next(u, false); r.err != nil {
		r.free = append(r.free, u)
		return
	}
	r.cur = u
}

// dispatch puts as many blocks to work as there may be.
func (r *Reader) dispatch() {
	for r.end == nil && len(r.queue) < r.units {
		u := r.unit()
		if r.end = r.in.next(u, true); r.end != nil {
			r.free = append(r.free, u)
			return
		}
		u.done = make(chan struct{})
		r.queue = append(r.queue, u)
		go u.work(&r.stop)
	}
}

// unit returns an unused unit.
func (r *Reader) unit() *unit {
	u := new(unit)
	if n := len(r.free); n > 0 {
		u, r.free = r.free[n-1], r.free[:n-1]
		u.err, u.out = nil, u.out[:0]
	}
	if u.inversion == nil {
		u.inversion = new(inversion)
		if n := len(r.spare); n > 0 {
			u.inversion, r.spare = r.spare[n-1], r.spare[:n-1]
		}
	}
	return u
}

// join waits for the workers.
func (r *Reader) join() {
	r.stop.Store(true)
	for _, u := range r.queue {
		<-u.done
	}
}

// takeOver goes back to the first block in the queue and gives up guessing.
func (r *Reader) takeOver() {
	r.join()
	r.guessing = false
	if len(r.queue) == 0 {
		return
	}
	var buf []byte
	for i, u := range r.queue {
		if i > 0 {
			buf = append(buf, u.passed...)
		}
		buf = append(buf, u.raw[:u.advance]...)
	}
	buf = append(buf, r.in.passed...)
	r.in.buf, r.in.passed = append(buf, r.in.buf...), nil
	r.in.place = r.queue[0].place
	r.free = append(r.free, r.queue...)
	r.queue = r.queue[:0]
}

// place is what decoding from somewhere within the input takes.
type place struct {
	level byte   // '1' to '9', 0 in front of a stream's header
	bit   int    // of the first byte
	sum   uint32 // checksum of the stream so far
	some  bool   // there was a stream
}

// size is the number of bytes in a block at most.
func (p place) size() int { return levelBytes * int(p.level-'0') }

// unit is one block on its way.
type unit struct {
	block
	place          // where it begins
	passed  []byte // what the input has between the unit before and this one
	raw     []byte // the input from the byte that the block begins in
	ends    int    // where the block should end, in bits of raw
	advance int    // bytes of raw in front of the one that the next unit begins in

	done  chan struct{} // closed when the following are set
	sound bool          // the block decodes, up to its very end, and is not wrong so far
	out   []byte        // output
	err   error         // behind it
}

// work is a worker's part.
func (u *unit) work(stop *atomic.Bool) {
	defer close(u.done)
	u.sound = false
	if stop.Load() {
		return
	}
	end, err := u.decode(u.raw, u.place.bit, u.size())
	if err != nil || end != u.ends {
		return
	}
	u.expandMore()
	u.sound = u.err == nil
}

// expandMore makes the next part of the output.
func (u *unit) expandMore() {
	u.out = u.out[:0]
	for {
		u.out = u.expand(u.out)
		if u.expanded() {
			u.err = u.verify()
			return
		}
		if cap(u.out) >= keep {
			return
		}
		u.out = slices.Grow(u.out, max(len(u.text)-u.at, len(u.out))+maxRun+8)
	}
}
