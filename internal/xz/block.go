// SPDX-License-Identifier: Apache-2.0

package xz

import "fmt"

const (
	flagFilters  = 0x03 // bits: the number of filters, less one
	flagReserved = 0x3c
	flagPacked   = 0x40 // bit: the compressed size is there
	flagUnpacked = 0x80 // bit: the uncompressed size is there

	filterLZMA2 = 0x21
	maxLZMA2    = 40 // the largest dictionary is 4 GiB - 1
)

// block is where a block stands.
type block struct {
	open     bool
	header   int64  // its size in bytes
	begins   int64  // of its data, in the input
	claims   record // sizes of its data, -1 if it does not say
	unpacked int64  // bytes so far
	from     int    // in the window, where output began
	filters  filters
}

// openBlock reads a block's header, whose first byte is given.
func (d *Decoder) openBlock(first byte) error {
	size := (int(first)+1)*alignment - 1
	text, err := d.in.take(size)
	if err != nil {
		return err
	}
	text = append([]byte{first}, text...)
	if !sound(text) {
		return FormatError("block header: wrong checksum")
	}
	flags := text[1]
	if flags&flagReserved != 0 {
		return FormatError("block header: flags that are not supported")
	}
	b := &d.block
	*b = block{open: true, header: int64(len(text)), claims: record{-1, -1}, filters: b.filters}
	rest := text[2 : len(text)-4]
	next := bytesOf(&rest)
	inHeader := func(err error) error {
		if _, ok := err.(FormatError); ok {
			return fmt.Errorf("block header: %w", err)
		}
		return FormatError("block header: too short for what it has")
	}
	if flags&flagPacked != 0 {
		if b.claims.packed, err = number(next); err != nil {
			return inHeader(err)
		}
		if b.claims.packed == 0 {
			return FormatError("block header: compressed size of 0")
		}
	}
	if flags&flagUnpacked != 0 {
		if b.claims.unpacked, err = number(next); err != nil {
			return inHeader(err)
		}
	}
	b.filters.reset()
	dict := 0
	for last := int(flags & flagFilters); last >= 0; last-- {
		id, err := number(next)
		if err != nil {
			return inHeader(err)
		}
		n, err := number(next)
		if err != nil {
			return inHeader(err)
		}
		if n > int64(len(rest)) {
			return FormatError("block header: too short for what it has")
		}
		props := rest[:n]
		rest = rest[n:]
		switch {
		case (id == filterLZMA2) != (last == 0):
			return FormatError(fmt.Sprintf("block header: filter %#x is not supported where it is", id))
		case id != filterLZMA2:
			if err := b.filters.add(id, props); err != nil {
				return fmt.Errorf("block header: %w", err)
			}
		case n != 1 || props[0] > maxLZMA2:
			return FormatError("block header: LZMA2 with properties that do not exist")
		case props[0] == maxLZMA2:
			dict = 1<<32 - 1
		default:
			dict = (2 | int(props[0]&1)) << (props[0]/2 + 11)
		}
	}
	if !zero(rest) {
		return FormatError("block header: padding is not zero")
	}
	if dict > d.maxDict {
		return dictError(dict, d.maxDict)
	}
	d.startLZMA2(dict)
	b.begins, b.from = d.in.at(), d.lzma.pos
	d.stream.check.reset()
	return nil
}

// dictError says that a dictionary is too large.
func dictError(dict, limit int) error {
	return fmt.Errorf("header asks for a dictionary of %d bytes, the limit is %d", dict, limit)
}

// stepBlock decodes a chunk, or reads what is behind the last one.
func (d *Decoder) stepBlock() error {
	b := &d.block
	n, err := d.chunk()
	if err != nil {
		return err
	}
	end := n == 0
	b.unpacked += int64(n)
	fresh := d.lzma.buf[d.lzma.pos-n : d.lzma.pos]
	if b.filters.any() {
		// The dictionary has what the filters have not seen yet.
		if d.whole == nil {
			fresh = b.filters.next(fresh, end)
		} else if fresh = nil; end {
			fresh = d.lzma.buf[b.from:d.lzma.pos]
			b.filters.run(fresh, true)
		}
	}
	d.stream.check.write(fresh)
	d.ready = fresh
	if !end {
		return nil
	}
	b.open = false

	sizes := record{packed: d.in.at() - b.begins, unpacked: b.unpacked}
	if b.claims.packed >= 0 && b.claims.packed != sizes.packed || b.claims.unpacked >= 0 && b.claims.unpacked != sizes.unpacked {
		return FormatError("block does not have the size that its header says")
	}
	padding, err := d.in.take(int(-sizes.packed & (alignment - 1)))
	if err != nil {
		return err
	}
	if !zero(padding) {
		return FormatError("block: padding is not zero")
	}
	claimed, err := d.in.take(d.stream.check.size())
	if err != nil {
		return err
	}
	if !d.stream.check.equal(claimed) {
		return FormatError("block: wrong checksum")
	}
	sizes.packed += b.header + int64(len(claimed))
	d.stream.blocks = append(d.stream.blocks, sizes)
	return nil
}
