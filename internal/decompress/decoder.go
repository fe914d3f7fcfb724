// SPDX-License-Identifier: Apache-2.0

package decompress

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/obs-btf-guard/obs-btf-guard/internal/bzip2"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"github.com/obs-btf-guard/obs-btf-guard/internal/xz"
)

// inputBuffer is the size in bytes of the buffer between the source and the
// decoders, several of which read byte by byte.
const inputBuffer = 64 << 10

// bzip2Workers is the largest number of blocks decoded at once, whatever
// GOMAXPROCS is: a block in work costs about 8 MB.
const bzip2Workers = 8

// A Decoder decompresses one input after the other and keeps the decoders'
// state between them: thousands of modules cost one zstd or xz decoder, not
// thousands. The zero value is ready; Close releases what it holds. A Decoder
// must not be used by several goroutines at once.
type Decoder struct {
	in    *bufio.Reader
	src   bytes.Reader
	gzip  *gzip.Reader
	bzip2 *bzip2.Reader // the last one given out
	xz    *xz.Decoder
	zstd  *zstd.Decoder
	lz4   *lz4.Reader
}

// Reader returns a reader of what r holds once format f is undone. It is valid
// until the next call on d, and it may read further into r than the compressed
// data goes. For None it is r itself. Blocks of bzip2 are decoded several at
// once; the goroutines have ended when the returned reader is at its end, and
// at the latest with the next call on d.
//
// Errors of the returned reader begin with the format's name. An input that
// ends early gives an error that wraps io.ErrUnexpectedEOF or the decoder's own
// one, never a clean io.EOF; the one exception is a legacy lz4 image cut exactly
// at a block's border, as that format has no end mark.
func (d *Decoder) Reader(f Format, r io.Reader) (io.Reader, error) {
	d.stop()
	if f == None {
		return r, nil
	}
	if d.in == nil {
		d.in = bufio.NewReaderSize(nil, inputBuffer)
	}
	d.in.Reset(r)
	// No format's stream is shorter than its magic, but some decoders take
	// an empty input for an empty output.
	if _, err := d.in.Peek(1); err != nil {
		return nil, formatError(f, err)
	}
	out, err := d.open(f, r)
	if err != nil {
		return nil, formatError(f, err)
	}
	return &stream{format: f, r: out}, nil
}

// stop ends the work of the last reader given out.
func (d *Decoder) stop() {
	if d.bzip2 != nil {
		d.bzip2.Close()
		d.bzip2 = nil
	}
}

// open starts the decoder of f on d.in, which reads from r.
func (d *Decoder) open(f Format, r io.Reader) (out io.Reader, err error) {
	switch f {
	case Gzip:
		if d.gzip == nil {
			d.gzip = new(gzip.Reader)
		}
		return d.gzip, d.gzip.Reset(d.in)
	case Bzip2:
		workers := min(runtime.GOMAXPROCS(0), bzip2Workers)
		if r == &d.src {
			// Append's callers have a core busy each, with inputs too small
			// to share out.
			workers = 1
		}
		d.bzip2 = bzip2.NewReader(d.in, workers)
		return d.bzip2, nil
	case Xz:
		return d.openXz().Reader(d.in)
	case Lzma:
		return d.openXz().AloneReader(d.in)
	case Zstd:
		if d.zstd == nil {
			// One goroutine is the fastest setting for streams of this kind.
			d.zstd, err = zstd.NewReader(d.in,
				zstd.WithDecoderConcurrency(1),
				zstd.WithDecoderLowmem(true),
				zstd.WithDecoderMaxWindow(MaxWindow))
			return d.zstd, err
		}
		return d.zstd, d.zstd.Reset(d.in)
	case Lz4:
		if d.lz4 == nil {
			d.lz4 = lz4.NewReader(nil)
			if err := d.lz4.Apply(lz4.ConcurrencyOption(1)); err != nil {
				return nil, err
			}
		}
		d.lz4.Reset(d.in)
		return d.lz4, nil
	}
	return nil, ErrUnsupported
}

// openXz returns the decoder of xz and lzma.
func (d *Decoder) openXz() *xz.Decoder {
	if d.xz == nil {
		d.xz = xz.NewDecoder(MaxWindow)
	}
	return d.xz
}

// Append decompresses the whole of src and appends the result to dst, as the
// built-in append would: dst's spare room is used first. At most limit bytes
// are produced; one more gives an error that wraps ErrTooLarge. dst is returned
// at its old length on any error, with the room that it grew: a thousand bombs take the
// memory of one.
func (d *Decoder) Append(dst []byte, f Format, src []byte, limit int64) ([]byte, error) {
	d.stop()
	if f == None {
		if int64(len(src)) > limit {
			return dst, formatError(f, fmt.Errorf("%w of %d bytes", ErrTooLarge, limit))
		}
		return append(dst, src...), nil
	}
	if f == Xz || f == Lzma {
		decode := d.openXz().Append
		if f == Lzma {
			decode = d.xz.AppendAlone
		}
		out, err := decode(dst, src, limit)
		if errors.Is(err, xz.ErrTooLarge) {
			err = fmt.Errorf("%w of %d bytes", ErrTooLarge, limit)
		}
		if err != nil {
			err = formatError(f, err)
		}
		return out, err
	}
	d.src.Reset(src)
	r, err := d.Reader(f, &d.src)
	if err != nil {
		return dst, err
	}
	// At least the input's size at once: memory stays in proportion to what was really
	// there. A byte more than the limit tells that there is more.
	out, err := AppendFrom(withRoom(dst, min(int64(len(src)), limit+1)), r, limit+1)
	if int64(len(out)-len(dst)) > limit {
		err = formatError(f, fmt.Errorf("%w of %d bytes", ErrTooLarge, limit))
	}
	if err != nil {
		return out[:len(dst)], err
	}
	return out, nil
}

// Close releases the decoders. d may be used again and starts anew.
func (d *Decoder) Close() {
	d.stop()
	if d.zstd != nil {
		d.zstd.Close()
	}
	*d = Decoder{}
}

// stream puts the format's name on the errors of a decoder.
type stream struct {
	format Format
	r      io.Reader
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		err = formatError(s.format, err)
	}
	return n, err
}

// formatError puts the format's name on an error, and an input that ends too early has the
// words that all files have for it.
func formatError(f Format, err error) error { return fmt.Errorf("%s: %w", f, regular.AsShort(err)) }
