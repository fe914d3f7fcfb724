// SPDX-License-Identifier: Apache-2.0

package decompress

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync/atomic"
)

const (
	// bzip2Workers is the largest number of blocks decoded at once, whatever
	// GOMAXPROCS is: a block in work costs about 8 MB.
	bzip2Workers = 8

	// bzip2Inline is the size in bytes below which an input is decoded without
	// goroutines.
	bzip2Inline = inputBuffer

	// bzip2Keep is the most output in bytes that is kept of one block. bzip2's
	// first run-length stage lets a block of 900 kB grow to 46 MB.
	bzip2Keep = 2 << 20

	// bzip2Level is the most that a block takes in compressed form, in bytes
	// for each level; bzip2Slack comes on top.
	bzip2Level = 1_200_000 / 9
	bzip2Slack = 64 << 10
)

var errReaderClosed = errors.New("read after close")

// bzip2Reader reads bzip2 files with several blocks decoded at once. It only
// ever accepts: a file whose blocks, checksums and borders are all as they
// should be comes out in parallel. From the first thing on that is not (a
// damaged or cut block, a block magic that occurs within a block by chance, a
// wrong checksum, garbage, an empty stream), the standard library reads the
// rest from that very bit, and the error, if there is one, is its.
type bzip2Reader struct {
	in    bzip2Splitter
	units int          // units there may be
	free  []*bzip2Unit // units to use again
	queue []*bzip2Unit // in work, in the input's order
	cur   *bzip2Unit   // the unit that out or big belongs to
	out   []byte       // decoded, not yet read
	big   io.Reader    // a sound block whose output was too large to keep
	rest  io.Reader    // the sequential decoder, once it took over
	stop  atomic.Bool  // workers are to give up
	err   error        // the end
}

func newBzip2Reader(r io.Reader, workers int) *bzip2Reader {
	return &bzip2Reader{
		in:    bzip2Splitter{src: r, inline: bzip2Inline},
		units: workers,
	}
}

// openBzip2 returns a reader of in, and the same again as a *bzip2Reader if it
// must be closed.
func openBzip2(in io.Reader) (io.Reader, *bzip2Reader) {
	workers := min(runtime.GOMAXPROCS(0), bzip2Workers)
	if workers == 1 {
		return bzip2.NewReader(in), nil
	}
	b := newBzip2Reader(in, workers)
	return b, b
}

func (b *bzip2Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		switch {
		case b.err != nil:
			return 0, b.err
		case b.rest != nil:
			n, err := b.rest.Read(p)
			b.err = err
			return n, err
		case len(b.out) > 0:
			n := copy(p, b.out)
			b.out = b.out[n:]
			return n, nil
		case b.big != nil:
			n, err := b.big.Read(p)
			if err != nil {
				b.big = nil // io.EOF: it was decoded once before
			}
			if n > 0 {
				return n, nil
			}
		default:
			b.next()
		}
	}
}

// next moves on to the next unit.
func (b *bzip2Reader) next() {
	if b.cur != nil {
		b.free = append(b.free, b.cur)
		b.cur = nil
	}
	b.dispatch()
	if len(b.queue) == 0 {
		if b.in.state == bzip2AtEOF {
			b.err = io.EOF
		} else {
			b.takeOver()
		}
		return
	}
	u := b.queue[0]
	<-u.done
	if !u.sound {
		b.takeOver()
		return
	}
	b.queue = slices.Delete(b.queue, 0, 1)
	b.cur = u
	if u.large {
		b.big = bzip2.NewReader(bytes.NewReader(u.file))
	} else {
		b.out = u.out
	}
}

// dispatch puts as many blocks to work as there may be.
func (b *bzip2Reader) dispatch() {
	for len(b.queue) < b.units {
		var u *bzip2Unit
		if n := len(b.free); n > 0 {
			u, b.free = b.free[n-1], b.free[:n-1]
		} else {
			u = new(bzip2Unit)
		}
		if !b.in.next(u) {
			return
		}
		u.done = make(chan struct{})
		b.queue = append(b.queue, u)
		go u.decode(&b.stop)
	}
}

// join waits for the workers.
func (b *bzip2Reader) join() {
	b.stop.Store(true)
	for _, u := range b.queue {
		<-u.done
	}
}

// takeOver gives the rest of the input, from the first unit in the queue on,
// to the standard library.
func (b *bzip2Reader) takeOver() {
	b.join()
	at := b.in.at
	var parts []io.Reader
	for i, u := range b.queue {
		if i == 0 {
			at = u.at
		}
		parts = append(parts, bytes.NewReader(u.raw[:u.advance]))
	}
	parts = append(parts, bytes.NewReader(b.in.buf), &b.in)
	in := bufio.NewReaderSize(io.MultiReader(parts...), inputBuffer)
	b.queue, b.free = nil, nil

	if at.level == 0 {
		b.rest = bzip2.NewReader(in)
		return
	}
	// The bits in front of the first byte belong to what was read already.
	head, seam := bzip2Resume(at)
	if at.bit > 0 {
		first, err := in.ReadByte()
		if err != nil {
			b.err = unexpected(err)
			return
		}
		head = append(head, seam|first&(0xff>>at.bit))
	}
	b.rest = bzip2.NewReader(bufio.NewReaderSize(io.MultiReader(bytes.NewReader(head), in), inputBuffer))
	var made [4]byte
	if _, err := io.ReadFull(b.rest, made[:]); err != nil {
		b.err = err
	}
}

// close joins the goroutines. The source is not read any more.
func (b *bzip2Reader) close() {
	b.join()
	*b = bzip2Reader{err: errReaderClosed}
}

// bzip2Place is what decoding from a place within the input takes.
type bzip2Place struct {
	level byte   // '1' to '9', 0 before the first header
	bit   int    // of the first byte, counted from its most significant
	crc   uint32 // the stream's checksum so far
}

// bzip2Unit is one block on its way.
type bzip2Unit struct {
	at      bzip2Place
	raw     []byte // the input from the byte that the block begins in
	end     int    // the block's end, in bits from raw's start
	advance int    // bytes of raw in front of the one the next unit begins in
	file    []byte // the block as a file of its own

	done  chan struct{} // closed when the following are set
	out   []byte        // the output, unless large
	large bool          // the output passes bzip2Keep
	sound bool          // the block decodes, up to its very end
}

// decode is the work on one block.
func (u *bzip2Unit) decode(stop *atomic.Bool) {
	defer close(u.done)
	u.file = u.wrap(u.file[:0])
	u.out, u.large, u.sound = u.out[:0], false, false
	r := bzip2.NewReader(bytes.NewReader(u.file))
	for !stop.Load() {
		if len(u.out) == cap(u.out) {
			if len(u.out) >= bzip2Keep {
				u.out, u.large = u.out[:0], true
			} else {
				u.out = slices.Grow(u.out, max(len(u.out), 64<<10))
			}
		}
		n, err := r.Read(u.out[len(u.out):cap(u.out)])
		u.out = u.out[:len(u.out)+n]
		if err != nil {
			// The end magic cannot overlap itself. So this is the one that
			// wrap wrote, and the block ends where the splitter said.
			u.sound = err == io.EOF
			return
		}
	}
}

// wrap appends to dst a bzip2 file of this one block: the checksum of its
// stream is its own.
func (u *bzip2Unit) wrap(dst []byte) []byte {
	dst = append(dst, 'B', 'Z', 'h', u.at.level)
	bit, bits := u.at.bit, u.end-u.at.bit
	for i := range bits / 8 {
		c := u.raw[i] << bit
		if bit > 0 {
			c |= u.raw[i+1] >> (8 - bit)
		}
		dst = append(dst, c)
	}
	w := bitWriter{buf: dst}
	tail := bits % 8
	w.write(bitsAt(u.raw, u.end-tail, tail), tail)
	w.write(bzip2EndMagic, 48)
	w.write(bitsAt(u.raw, bit+48, 32), 32)
	return w.flush()
}

// bzip2State is where a splitter stands.
type bzip2State int

const (
	bzip2AtStart bzip2State = iota // before the file's header
	bzip2AtBlock                   // at a block's magic
	bzip2AtOdd                     // at something for the standard library
	bzip2AtEOF                     // behind the end of a sound input
)

// bzip2Splitter cuts an input at what looks like the magic of a block or of a
// stream's end. As an io.Reader it goes on with what it has not yet read of src.
type bzip2Splitter struct {
	src    io.Reader
	err    error // of src, io.EOF included
	inline int   // an input with fewer bytes is not cut
	state  bzip2State
	at     bzip2Place // where buf begins
	buf    []byte
}

func (s *bzip2Splitter) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.src.Read(p)
	s.err = err
	return n, err
}

// fill reads until buf has n bytes; it says whether that was possible.
func (s *bzip2Splitter) fill(n int) bool {
	for idle := 0; len(s.buf) < n && s.err == nil; {
		s.buf = slices.Grow(s.buf, inputBuffer)
		k, _ := s.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+k]
		if k > 0 {
			idle = 0
		} else if idle++; idle == 100 && s.err == nil { // as bufio does
			s.err = io.ErrNoProgress
		}
	}
	return len(s.buf) >= n
}

// next sets u to the next block. Without one it says false, and state says
// whether the input is at its end.
func (s *bzip2Splitter) next(u *bzip2Unit) bool {
	if s.state == bzip2AtStart {
		s.state = bzip2AtOdd
		if !s.fill(max(s.inline, 10)) || s.header(0) != bzip2BlockMagic {
			return false
		}
		s.at = bzip2Place{level: s.buf[3]}
		s.buf = slices.Delete(s.buf, 0, 4)
		s.state = bzip2AtBlock
	}
	if s.state != bzip2AtBlock {
		return false
	}
	s.state = bzip2AtOdd
	end, magic := s.find(s.at.bit + 48 + 32)
	if end < 0 {
		return false
	}
	next := bzip2Place{s.at.level, end % 8, combine(s.at.crc, uint32(bitsAt(s.buf, s.at.bit+48, 32)))}
	advance := end / 8
	if magic == bzip2BlockMagic {
		s.state = bzip2AtBlock
	} else {
		// Behind the stream's checksum and the padding to a byte there is
		// another stream's header or nothing.
		behind := (end + 48 + 32 + 7) / 8
		more := s.fill(behind + 10)
		sound := len(s.buf) >= behind && uint32(bitsAt(s.buf, end+48, 32)) == next.crc
		switch {
		case sound && len(s.buf) == behind && s.err == io.EOF:
			s.state = bzip2AtEOF
		case sound && more && s.header(behind) == bzip2BlockMagic:
			s.state = bzip2AtBlock
			next = bzip2Place{level: s.buf[behind+3]}
			advance = behind + 4
		}
	}
	u.at, u.end, u.advance = s.at, end, advance
	u.raw = append(u.raw[:0], s.buf[:max(advance, (end+7)/8)]...)
	s.at = next
	s.buf = slices.Delete(s.buf, 0, advance)
	return true
}

// header returns the magic that follows a stream's header at byte i, 0 if
// there is no header.
func (s *bzip2Splitter) header(i int) uint64 {
	h := s.buf[i : i+4]
	if string(h[:3]) != "BZh" || h[3] < '1' || h[3] > '9' {
		return 0
	}
	return bitsAt(s.buf, (i+4)*8, 48)
}

// find returns the place, in bits, and the kind of the first magic at or
// behind bit from, and -1 if none comes before the input's end or within what
// a block can take.
func (s *bzip2Splitter) find(from int) (int, uint64) {
	limit := bzip2Level*int(s.at.level-'0') + bzip2Slack
	for {
		if pos, magic := findMagic(s.buf, from); pos >= 0 {
			return pos, magic
		}
		from = max(from, 8*len(s.buf)-47)
		if len(s.buf) > limit || !s.fill(len(s.buf)+1) {
			return -1, 0
		}
	}
}

const (
	bzip2BlockMagic = 0x314159265359
	bzip2EndMagic   = 0x177245385090
)

// magicBytes says for each value of the third and of the fourth byte counted
// from the one a magic begins in, which magic can begin there at which bit: bit
// 2n of the mask stands for a block's at bit n, bit 2n+1 for an end's.
var magicBytes = func() (masks [2][256]uint16) {
	for bit := range 8 {
		for kind, magic := range []uint64{bzip2BlockMagic, bzip2EndMagic} {
			var b [8]byte
			binary.BigEndian.PutUint64(b[:], magic<<(16-bit))
			masks[0][b[2]] |= 1 << (2*bit + kind)
			masks[1][b[3]] |= 1 << (2*bit + kind)
		}
	}
	return masks
}()

// findMagic returns the place, in bits, and the value of the first magic that
// lies in buf at or behind bit from, or -1.
func findMagic(buf []byte, from int) (int, uint64) {
	third, fourth := &magicBytes[0], &magicBytes[1]
	for i := from / 8; i+6 <= len(buf); i++ {
		if third[buf[i+2]]&fourth[buf[i+3]] == 0 {
			continue
		}
		for pos := max(from, 8*i); pos < 8*i+8 && pos+48 <= 8*len(buf); pos++ {
			if m := bitsAt(buf, pos, 48); m == bzip2BlockMagic || m == bzip2EndMagic {
				return pos, m
			}
		}
	}
	return -1, 0
}

// bitsAt returns n bits of buf from bit pos on, at most 56.
func bitsAt(buf []byte, pos, n int) uint64 {
	var v uint64
	last := pos + n
	for i := pos / 8; i < (last+7)/8; i++ {
		v = v<<8 | uint64(buf[i])
	}
	return v >> (-last & 7) & (1<<n - 1)
}

// combine adds a block's checksum to its stream's.
func combine(stream, block uint32) uint32 { return (stream<<1 | stream>>31) ^ block }

// bitWriter appends bits to a buffer.
type bitWriter struct {
	buf []byte
	cur uint64 // the last n bits, not yet in buf
	n   int
}

// write appends the low n bits of v, at most 48.
func (w *bitWriter) write(v uint64, n int) {
	w.cur, w.n = w.cur<<n|v, w.n+n
	for w.n >= 8 {
		w.n -= 8
		w.buf = append(w.buf, byte(w.cur>>w.n))
	}
}

// flush pads with zeros to a byte.
func (w *bitWriter) flush() []byte {
	w.write(0, -w.n&7)
	return w.buf
}

// bzip2Resume makes the beginning of a file that brings a decoder to at: the
// header and one block of four bytes whose checksum is at.crc. It ends at bit
// at.bit of a byte, so that what follows keeps its place within the bytes; the
// bits of that byte are returned beside the whole ones.
func bzip2Resume(at bzip2Place) (head []byte, seam byte) {
	// A checksum of four bytes can have any value: run the division backwards.
	rem := ^at.crc
	for range 32 {
		if rem&1 != 0 {
			rem = (rem^0x04c11db7)>>1 | 1<<31
		} else {
			rem >>= 1
		}
	}
	text := binary.BigEndian.AppendUint32(nil, ^rem)
	if text[0] == text[1] && text[0] == text[2] && text[0] == text[3] {
		text = append(text, 0) // after four equal bytes the count of further ones
	}

	// The Burrows-Wheeler transform: the last bytes of the sorted rotations.
	rotations := make([][]byte, len(text))
	for i := range text {
		rotations[i] = slices.Concat(text[i:], text[:i])
	}
	slices.SortFunc(rotations, bytes.Compare)
	origin := slices.IndexFunc(rotations, func(r []byte) bool { return bytes.Equal(r, text) })

	w := bitWriter{buf: []byte{'B', 'Z', 'h', at.level}}
	w.write(bzip2BlockMagic, 48)
	w.write(uint64(at.crc), 32)
	w.write(uint64(origin), 1+24)
	for range 17 {
		w.write(0xffff, 16) // all 256 byte values are in use
	}
	w.write(2, 3) // Huffman tables

	// Symbols 0 to 253 have codes of 8 bits, 254 to 257 of 9.
	const lastSymbol, short = 257, 254
	body := bitWriter{}
	for range 2 {
		body.write(8, 5)
		for symbol := range lastSymbol + 1 {
			if symbol == short {
				body.write(0b10, 2) // one longer
			}
			body.write(0, 1)
		}
	}
	emit := func(symbol int) {
		if symbol < short {
			body.write(uint64(symbol), 8)
		} else {
			body.write(uint64(symbol-short+2*short), 9)
		}
	}
	var list [256]byte
	for i := range list {
		list[i] = byte(i)
	}
	run := 0
	endRun := func() {
		for ; run > 0; run = (run - 1) / 2 {
			emit((run + 1) % 2)
		}
	}
	for _, r := range rotations {
		c := r[len(r)-1]
		i := bytes.IndexByte(list[:], c)
		if i == 0 {
			run++
			continue
		}
		endRun()
		emit(i + 1)
		copy(list[1:i+1], list[:i])
		list[0] = c
	}
	endRun()
	emit(lastSymbol)

	// Selectors that nobody uses move the end to the wanted bit.
	bodyBits := 8*len(body.buf) + body.n
	selectors := 1 + (at.bit-(w.n+15+1+bodyBits))&7
	w.write(uint64(selectors), 15)
	w.write(0, selectors)
	for _, c := range body.buf {
		w.write(uint64(c), 8)
	}
	w.write(body.cur&(1<<body.n-1), body.n)
	return w.buf, byte(w.cur << (8 - w.n))
}
