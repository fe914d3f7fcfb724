// SPDX-License-Identifier: Apache-2.0

package xz

import (
	"bytes"
	"encoding/binary"
	"io"
)

const (
	headerMagic = "\xfd7zXZ\x00"
	footerMagic = "YZ"
	headerSize  = 12 // bytes, of the footer too
	alignment   = 4  // bytes, of everything in a file
)

// stream is where a stream stands.
type stream struct {
	open   bool    // its header was read
	some   bool    // there was one before
	flags  [2]byte // must be the same at its end
	check  check
	blocks []record // for the index
}

// record says of a block what the index says of it.
type record struct {
	packed   int64 // bytes of header, compressed data and check, without padding
	unpacked int64
}

// stepXz goes a step on in a file: it reads a stream's header or end, a block's
// header, or a part of its data. At the end of the file it returns io.EOF.
func (d *Decoder) stepXz() error {
	if d.block.open {
		return d.stepBlock()
	}
	if !d.stream.open {
		return d.openStream()
	}
	size, err := d.in.byte()
	if err != nil {
		return err
	}
	if size == 0 {
		return d.closeStream()
	}
	return d.openBlock(size)
}

// openStream reads a stream's header, and the padding between streams.
func (d *Decoder) openStream() error {
	for d.stream.some {
		if !d.in.fill(1) {
			return d.in.err // io.EOF is the sound end
		}
		if d.in.buf[d.in.pos] != 0 {
			break
		}
		padding, err := d.in.take(alignment)
		if err != nil {
			return err
		}
		if !zero(padding) {
			return FormatError("padding between streams is not zero")
		}
	}
	header, err := d.in.take(headerSize)
	if err != nil {
		return err
	}
	flags := header[len(headerMagic):]
	switch {
	case !bytes.HasPrefix(header, []byte(headerMagic)):
		return FormatError("stream header: wrong magic")
	case !sound(flags):
		return FormatError("stream header: wrong checksum")
	case flags[0] != 0 || flags[1] > 15:
		return FormatError("stream header: flags that are not supported")
	}
	d.stream = stream{open: true, some: true, flags: [2]byte(flags), blocks: d.stream.blocks[:0], check: d.stream.check}
	if id := flags[1]; id != d.stream.check.id || d.stream.check.hash == nil {
		d.stream.check, err = newCheck(id)
	}
	return err
}

// closeStream reads the index, whose first byte was read, and the footer.
func (d *Decoder) closeStream() error {
	size, err := d.index()
	if err != nil {
		return err
	}
	footer, err := d.in.take(headerSize)
	if err != nil {
		return err
	}
	// CRC32 of the rest, the size of the index, flags, magic.
	rest := append(bytes.Clone(footer[4:10]), footer[:4]...)
	switch {
	case string(footer[10:]) != footerMagic:
		return FormatError("stream footer: wrong magic")
	case !sound(rest):
		return FormatError("stream footer: wrong checksum")
	case [2]byte(footer[8:]) != d.stream.flags:
		return FormatError("stream footer: not the flags of the header")
	case (int64(binary.LittleEndian.Uint32(footer[4:]))+1)*alignment != size:
		return FormatError("stream footer: not the size of the index")
	}
	d.stream.open = false
	return nil
}

// index reads the index behind its first byte, and returns its size in bytes.
func (d *Decoder) index() (int64, error) {
	text := []byte{0}
	next := func() (byte, error) {
		b, err := d.in.byte()
		text = append(text, b)
		return b, err
	}
	n, err := number(next)
	if err != nil {
		return 0, err
	}
	if n != int64(len(d.stream.blocks)) {
		return 0, FormatError("index: not the number of blocks")
	}
	for _, want := range d.stream.blocks {
		var got record
		if got.packed, err = number(next); err == nil {
			got.unpacked, err = number(next)
		}
		if err != nil {
			return 0, err
		}
		if got != want {
			return 0, FormatError("index: not the sizes of the blocks")
		}
	}
	for len(text)%alignment != 0 {
		if b, err := next(); err != nil {
			return 0, err
		} else if b != 0 {
			return 0, FormatError("index: padding is not zero")
		}
	}
	sum, err := d.in.take(4)
	if err != nil {
		return 0, err
	}
	if text = append(text, sum...); !sound(text) {
		return 0, FormatError("index: wrong checksum")
	}
	return int64(len(text)), nil
}

// number reads a number of up to 63 bits: 7 in each byte, the least significant
// first; the other bit is set in all bytes but the last.
func number(next func() (byte, error)) (int64, error) {
	v := int64(0)
	for shift := 0; shift < 63; shift += 7 {
		b, err := next()
		if err != nil {
			return 0, err
		}
		v |= int64(b&0x7f) << shift
		if b < 0x80 {
			if b == 0 && shift > 0 {
				break // there is a shorter way to write it
			}
			return v, nil
		}
	}
	return 0, FormatError("number is not in its shortest form")
}

func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// bytesOf reads from b as the source does.
func bytesOf(b *[]byte) func() (byte, error) {
	return func() (byte, error) {
		if len(*b) == 0 {
			return 0, io.ErrUnexpectedEOF
		}
		c := (*b)[0]
		*b = (*b)[1:]
		return c, nil
	}
}
