// SPDX-License-Identifier: Apache-2.0

package xz

import "encoding/binary"

// Control bytes of LZMA2's chunks. Those from chunkLZMA on have bits 16 to 20 of
// the size, less one, in their last five bits.
const (
	chunkEnd   = 0x00 // no chunk
	chunkReset = 0x01 // bytes as they are, and the dictionary begins anew
	chunkPlain = 0x02 // bytes as they are
	chunkLZMA  = 0x80 // goes on as the LZMA chunk before
	chunkState = 0xa0 // forgets what was learnt
	chunkProps = 0xc0 // and has properties
	chunkFresh = 0xe0 // and the dictionary begins anew
)

// lzma2 is what a chunk has to bring.
type lzma2 struct {
	needDict  bool // a fresh dictionary
	needProps bool
}

// startLZMA2 begins a block, with a dictionary of dict bytes.
func (d *Decoder) startLZMA2(dict int) {
	d.lzma2 = lzma2{needDict: true, needProps: true}
	if d.whole == nil {
		d.lzma.pos = 0
	}
	d.lzma.base, d.lzma.dict = d.lzma.pos, dict
}

// chunk decodes a chunk. It returns the number of bytes that are in the window
// now; 0 is the end of the block.
func (d *Decoder) chunk() (int, error) {
	control, err := d.in.byte()
	if err != nil || control == chunkEnd {
		return 0, err
	}
	if control >= chunkFresh || control == chunkReset {
		d.lzma2 = lzma2{needProps: true}
		d.lzma.base = d.lzma.pos
	} else if d.lzma2.needDict {
		return 0, FormatError("LZMA2 does not begin with a fresh dictionary")
	}
	if control < chunkLZMA {
		return d.plainChunk(control)
	}

	header, err := d.in.take(4)
	if err != nil {
		return 0, err
	}
	size := int(control&0x1f)<<16 + int(binary.BigEndian.Uint16(header)) + 1
	packed := int(binary.BigEndian.Uint16(header[2:])) + 1
	switch {
	case control >= chunkProps:
		b, err := d.in.byte()
		if err != nil {
			return 0, err
		}
		props, ok := parseProperties(b)
		if !ok {
			return 0, FormatError("LZMA2 has properties that do not exist")
		}
		d.lzma.props, d.lzma2.needProps = props, false
		d.lzma.reset()
	case d.lzma2.needProps:
		return 0, FormatError("LZMA2 chunk lacks properties")
	case control >= chunkState:
		d.lzma.reset()
	}
	if err := d.within(size); err != nil {
		return 0, err
	}
	d.room(size)
	if !d.in.fill(packed) {
		return 0, d.in.missing()
	}
	if err := d.lzma.start(d.in.symbols(packed), packed); err != nil {
		return 0, err
	}
	last := d.lzma.pos + size
	ended, err := d.lzma.decode(last, last)
	switch {
	case err != nil:
		return 0, err
	case ended:
		return 0, FormatError("LZMA2 chunk has an end marker")
	case d.lzma.pos != last || d.lzma.coder.at > packed || !d.lzma.finish() || d.lzma.coder.at != packed:
		return 0, FormatError("LZMA2 chunk does not have the size that it says")
	}
	d.in.pos += packed
	return size, nil
}

// plainChunk takes over a chunk that is not compressed.
func (d *Decoder) plainChunk(control byte) (int, error) {
	if control > chunkPlain {
		return 0, FormatError("LZMA2 has a chunk of a kind that does not exist")
	}
	header, err := d.in.take(2)
	if err != nil {
		return 0, err
	}
	size := int(binary.BigEndian.Uint16(header)) + 1
	if err := d.within(size); err != nil {
		return 0, err
	}
	d.room(size)
	data, err := d.in.take(size)
	if err != nil {
		return 0, err
	}
	d.lzma.pos += copy(d.lzma.buf[d.lzma.pos:], data)
	return size, nil
}
