// SPDX-License-Identifier: Apache-2.0

// Package xz reads .xz files and their predecessor, .lzma.
//
// A [Decoder] reads either as a stream ([Decoder.Reader], [Decoder.AloneReader])
// or as a whole ([Decoder.Append], [Decoder.AppendAlone]); the latter is faster,
// as the output is the dictionary. It keeps its buffers from one input to the
// next. The input is not trusted: every checksum and size is verified, a
// dictionary above the caller's limit is refused, and memory grows only as
// output really comes.
//
// # The format
//
// As https://tukaani.org/xz/xz-file-format.txt has it, a file is made of streams
// (stream.go), a stream of blocks and an index of them (block.go, index.go). A
// block went through up to three filters that make machine code easier to
// compress (filter.go), and through LZMA2 (lzma2.go), which cuts LZMA (lzma.go)
// into chunks. Bits of LZMA are coded by their probability (rangecoder.go). Numbers
// are little-endian.
//
// Of what the format allows, checks other than CRC32, CRC64 and SHA-256 and the
// filter for RISC-V are refused.
package xz

import (
	"errors"
	"io"
)

// FormatError says what in the input is not as the format has it.
type FormatError string

func (e FormatError) Error() string { return string(e) }

// ErrTooLarge is returned where output passes the limit.
var ErrTooLarge = errors.New("output is larger than the limit")

var errDistance = FormatError("match begins before the dictionary")

// Decoder decodes one input after the other. It must not be used by several
// goroutines at once.
type Decoder struct {
	maxDict int
	in      source
	lzma    lzma
	lzma2   lzma2
	stream  stream
	block   block
	whole   *output // where all output goes, nil for a stream
	step    func() error
	ready   []byte // output to be read
	err     error  // behind it
}

// NewDecoder returns a decoder that takes dictionaries of up to maxDict bytes.
func NewDecoder(maxDict int) *Decoder { return &Decoder{maxDict: maxDict} }

// output is what Append makes.
type output struct {
	start int   // of the output in the window
	limit int64 // bytes
	grow  int   // bytes by which to grow at least
}

// Reader reads the first header of the .xz file that r holds and returns a reader
// of the rest, valid until the next call. An end of the input within a stream
// gives io.ErrUnexpectedEOF, as an empty input does.
func (d *Decoder) Reader(r io.Reader) (io.Reader, error) {
	d.start(r, nil)
	d.step = d.stepXz
	return (*reader)(d), d.step()
}

// AloneReader is Reader for .lzma files. They hold one stream, and nothing may
// follow.
func (d *Decoder) AloneReader(r io.Reader) (io.Reader, error) {
	d.start(r, nil)
	d.step = d.stepAloneHeader
	return (*reader)(d), d.step()
}

// Append appends to dst what the .xz file src holds. dst's spare room is used
// first. More than limit bytes give ErrTooLarge. dst is returned at its old
// length on any error, with the room that it grew.
func (d *Decoder) Append(dst, src []byte, limit int64) ([]byte, error) {
	d.start(nil, src)
	d.step = d.stepXz
	return d.appendAll(dst, limit)
}

// AppendAlone is Append for .lzma files.
func (d *Decoder) AppendAlone(dst, src []byte, limit int64) ([]byte, error) {
	d.start(nil, src)
	d.step = d.stepAloneHeader
	return d.appendAll(dst, limit)
}

func (d *Decoder) start(r io.Reader, buf []byte) {
	d.in.reset(r, buf)
	d.stream, d.ready, d.err, d.whole = stream{}, nil, nil, nil
	d.block.open = false
}

func (d *Decoder) appendAll(dst []byte, limit int64) ([]byte, error) {
	old := d.lzma.buf
	d.whole = &output{start: len(dst), limit: limit, grow: max(len(d.in.buf), 4<<10)}
	d.lzma.window = window{buf: dst[:cap(dst)], pos: len(dst)}
	var err error
	for err == nil {
		err = d.step()
	}
	out := d.lzma.buf[:d.lzma.pos]
	d.lzma.window = window{buf: old}
	d.in.reset(nil, nil)
	if err != io.EOF {
		return out[:len(dst)], err
	}
	return out, nil
}

// reader is the Read of a Decoder, which a Decoder itself has not: it would be
// one of nothing.
type reader Decoder

func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(r.ready) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		r.err = r.step()
	}
	n := copy(p, r.ready)
	r.ready = r.ready[n:]
	return n, nil
}
