// SPDX-License-Identifier: Apache-2.0

package xz

import (
	"encoding/binary"
	"fmt"
	"math"
)

const (
	aloneHeader = 13 // bytes: properties, size of the dictionary (4), of the output (8)
	aloneStep   = 64 << 10
)

// stepAloneHeader reads the header of a .lzma file.
func (d *Decoder) stepAloneHeader() error {
	header, err := d.in.take(aloneHeader)
	if err != nil {
		return err
	}
	props, ok := parseProperties(header[0])
	if !ok {
		return FormatError("header has properties that do not exist")
	}
	dict, size := binary.LittleEndian.Uint32(header[1:]), binary.LittleEndian.Uint64(header[5:])
	if int64(dict) > int64(d.maxDict) {
		return dictError(int(dict), d.maxDict)
	}
	if size != math.MaxUint64 && size > math.MaxInt64 {
		return FormatError(fmt.Sprintf("header has a size of %d bytes", size))
	}
	d.startLZMA2(max(int(dict), 4<<10)) // as liblzma does
	d.lzma.props = props
	d.lzma.reset()
	if !d.in.fill(rangeInit) {
		return d.in.missing()
	}
	if err := d.lzma.start(d.in.symbols(rangeInit), rangeInit); err != nil {
		return err
	}
	d.in.pos += rangeInit
	d.block.claims.unpacked, d.block.unpacked = int64(size), 0 // -1 if it is not known
	d.step = d.stepAlone
	return nil
}

// stepAlone decodes a part of a .lzma file.
func (d *Decoder) stepAlone() error {
	b := &d.block
	d.room(aloneStep + maxMatch)
	from := d.lzma.pos
	soft, hard := from+aloneStep, math.MaxInt
	if left := b.claims.unpacked - b.unpacked; b.claims.unpacked >= 0 && left <= aloneStep {
		hard = from + int(left)
		// Behind the last byte there is an end marker or nothing.
		if soft = hard; left == 0 {
			soft++
			done, err := d.settle()
			if err != nil {
				return err
			}
			if done {
				return d.endAlone()
			}
		}
	}
	ended, err := d.decodeAlone(soft, hard)
	if err != nil {
		return err
	}
	if d.lzma.pos > hard {
		return FormatError("data behind the size that the header says")
	}
	n := d.lzma.pos - from
	b.unpacked += int64(n)
	if err := d.within(0); err != nil {
		return err
	}
	d.ready = d.lzma.buf[from:d.lzma.pos]
	if !ended {
		return nil
	}
	if b.claims.unpacked >= 0 && b.unpacked != b.claims.unpacked {
		return FormatError("end marker in front of the size that the header says")
	}
	return d.endAlone()
}

// decodeAlone is lzma.decode on the input as it comes.
func (d *Decoder) decodeAlone(soft, hard int) (ended bool, err error) {
	z := &d.lzma
	for {
		more := d.in.fill(2 * symbolBytes)
		n := len(d.in.buf) - d.in.pos // bytes there are
		if more {
			z.in, z.stop = d.in.buf[d.in.pos:], n-symbolBytes
		} else {
			z.in, z.stop = d.in.symbols(n), n
		}
		z.coder.at = 0
		ended, err = z.decode(soft, hard)
		if z.coder.at > n {
			return false, d.in.missing()
		}
		d.in.pos += z.coder.at
		z.in, z.coder.at = z.in[z.coder.at:], 0
		if err != nil || ended || z.pos >= soft {
			return ended, err
		}
	}
}

// settle says whether the range coder is at its end.
func (d *Decoder) settle() (bool, error) {
	z := &d.lzma
	at := z.coder.at
	done := z.finish()
	d.in.pos += z.coder.at - at
	if d.in.pos > len(d.in.buf) {
		d.in.pos = len(d.in.buf)
		return false, d.in.missing()
	}
	return done, nil
}

// endAlone checks the end, and what is behind it.
func (d *Decoder) endAlone() error {
	done, err := d.settle()
	switch {
	case err != nil:
		return err
	case !done:
		return FormatError("range coder does not end with its input")
	case d.in.fill(1):
		return FormatError("data behind the end of the stream")
	}
	return d.in.err // io.EOF is the sound end
}
