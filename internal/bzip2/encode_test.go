// SPDX-License-Identifier: Apache-2.0

package bzip2

import (
	"bytes"
	"slices"
)

// bitWriter appends bits to a buffer, most significant first.
type bitWriter struct {
	buf []byte
	n   int // bits
}

func (w *bitWriter) write(v uint64, n int) {
	for n--; n >= 0; n-- {
		if w.n%8 == 0 {
			w.buf = append(w.buf, 0)
		}
		w.buf[w.n/8] |= byte(v>>n&1) << (7 - w.n%8)
		w.n++
	}
}

// made is a block that the bzip2 command does not write.
type made struct {
	text      string // without four equal bytes in a row
	selectors int    // tables to choose from the list, by its first place, behind the one in use
	hidden    uint64 // a magic among the selectors behind those, 0 for none
	shift     int    // bits in front of it
	lengths   []byte // of the codes of all 258 symbols, nil for sound ones
	origin    int    // moved by
	random    bool   // has the bit set that old versions had
}

// write writes the block with all six tables, all the same, and returns its checksum.
func (m made) write(w *bitWriter) uint32 {
	text := []byte(m.text)
	rotations := make([][]byte, len(text))
	for i := range text {
		rotations[i] = slices.Concat(text[i:], text[:i])
	}
	slices.SortFunc(rotations, bytes.Compare)
	origin := slices.IndexFunc(rotations, func(r []byte) bool { return bytes.Equal(r, text) })

	crc := checksum(0, text)
	w.write(blockMagic, magicBits)
	w.write(uint64(crc), checksumBits)
	if m.random {
		w.write(1, 1)
	} else {
		w.write(0, 1)
	}
	w.write(uint64(origin+m.origin), 24)
	for range 17 {
		w.write(0xffff, 16) // all byte values are in use
	}
	w.write(maxTables, 3)
	list := bitWriter{}
	list.write(0, 1+m.selectors)
	if m.hidden != 0 {
		list.write(0, m.shift)
		list.write(m.hidden, magicBits)
		list.write(0, 1)
	}
	selectors := 0
	for i := range list.n {
		selectors += int(^list.buf[i/8] >> (7 - i%8) & 1)
	}
	w.write(uint64(selectors), 15)
	for i := range list.n {
		w.write(uint64(list.buf[i/8]>>(7-i%8)&1), 1)
	}

	lengths := m.lengths
	if lengths == nil { // 254 codes of 8 bits, 4 of 9
		lengths = slices.Concat(bytes.Repeat([]byte{8}, 254), bytes.Repeat([]byte{9}, 4))
	}
	for range maxTables {
		last := lengths[0]
		w.write(uint64(last), 5)
		for _, n := range lengths {
			for ; last < n; last++ {
				w.write(0b10, 2)
			}
			for ; last > n; last-- {
				w.write(0b11, 2)
			}
			w.write(0, 1)
		}
	}
	emit := func(symbol int) {
		if symbol < 254 {
			w.write(uint64(symbol), 8)
		} else {
			w.write(uint64(symbol+254), 9)
		}
	}
	var places [256]byte
	for i := range places {
		places[i] = byte(i)
	}
	run := 0
	endRun := func() {
		for ; run > 0; run = (run - 1) / 2 {
			emit((run + 1) % 2)
		}
	}
	for _, r := range rotations {
		c := r[len(r)-1]
		i := bytes.IndexByte(places[:], c)
		if i == 0 {
			run++
			continue
		}
		endRun()
		emit(i + 1)
		copy(places[1:i+1], places[:i])
		places[0] = c
	}
	endRun()
	emit(maxSymbols - 1)
	return crc
}

// file is a file of one stream of the block.
func (m made) file() []byte {
	w := &bitWriter{}
	w.write('B'<<24|'Z'<<16|'h'<<8|'1', 32)
	crc := m.write(w)
	w.write(endMagic, magicBits)
	w.write(uint64(crc), checksumBits)
	return w.buf
}
