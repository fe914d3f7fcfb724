// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"bytes"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// layout says where a sound table has its sections.
type layout struct{ types, strings, end int }

// Mutate returns a copy of a sound table that is changed in one to three places.
func (m *Maker) Mutate(sound []byte) []byte {
	data := bytes.Clone(sound)
	at := layout{types: btf.HeaderSize, end: len(data)}
	at.strings = at.types + int(m.Order.Uint32(data[12:]))
	for range pick(m, 1, 1, 1, 2, 3) {
		switch n := m.rand.IntN(100); {
		case n < 8:
			m.headerField(data)
		case n < 18:
			m.oneByte(data, at.types, at.strings)
		case n < 30:
			m.oneByte(data, at.strings, at.end)
		case n < 68:
			m.recordWord(data, at)
		default:
			m.infoWord(data, at)
		}
	}
	// Changes of size come last: the layout no longer holds behind them.
	switch n := m.rand.IntN(100); {
	case n < 4:
		data = m.resize(data)
	case n < 8:
		data = m.headerLength(data)
	case n < 11:
		data = m.stringsFirst(data, at)
	case n < 14:
		data = m.trimTypes(data, at)
	}
	return data
}

// headerField changes a field of the header.
func (m *Maker) headerField(data []byte) {
	if m.chance(25) {
		data[m.rand.IntN(4)] ^= 1 << m.rand.IntN(8) // magic, version, flags
		return
	}
	m.word(data, 4+4*m.rand.IntN(5), uint32(len(data)))
}

// oneByte changes one byte of a part of the table.
func (m *Maker) oneByte(data []byte, from, to int) {
	if from >= to || to > len(data) {
		return
	}
	i := from + m.rand.IntN(to-from)
	data[i] = pick(m, data[i]^1<<m.rand.IntN(8), byte(m.rand.IntN(256)),
		0, '.', '0', ' ', '_', '\t', '\n', '\\', 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xc0, 0xd7, 0xf7, 0xff)
}

// recordWord changes a word of the type section.
func (m *Maker) recordWord(data []byte, at layout) {
	words := (at.strings - at.types) / 4
	if words <= 0 || at.strings > len(data) {
		return
	}
	m.word(data, at.types+4*m.rand.IntN(words), uint32(at.end-at.strings))
}

// word writes a number that some check may care about.
func (m *Maker) word(data []byte, i int, size uint32) {
	old := m.Order.Uint32(data[i:])
	end := m.StartString + size
	m.Order.PutUint32(data[i:], pick(m,
		0, 1, old+1, old-1, old+4, old-4, old^1<<m.rand.IntN(32), m.rand.Uint32(),
		m.StartID+uint32(m.rand.IntN(64)), m.StartID-1, m.StartID,
		end, end-1, end-2, m.StartString, m.StartString+uint32(m.rand.IntN(int(size)+1)),
		0xfffff, 0x100000, 0xffffff, 0x1000000, 0x7fffffff, 0x80000000, 0xffffffff))
}

// infoWord changes kind, vlen or flag of one type.
func (m *Maker) infoWord(data []byte, at layout) {
	if at.strings > len(data) {
		return
	}
	var places []int
	for rest := data[at.types:at.strings]; len(rest) > 0; {
		i := at.strings - len(rest)
		_, next, err := btf.Cut(rest, m.Order, 0)
		if err != nil {
			break
		}
		places = append(places, i+4)
		rest = next
	}
	if len(places) == 0 {
		return
	}
	i := pick(m, places...)
	info := m.Order.Uint32(data[i:])
	switch m.rand.IntN(6) {
	case 0:
		info ^= 1 << 31
	case 1:
		info = info&^(0x1f<<24) | uint32(m.rand.IntN(32))<<24
	case 2:
		info = info&^(0x1f<<24) | uint32(1+m.rand.IntN(19))<<24
	case 3:
		info = info&^0xffff | uint32(m.rand.IntN(5))
	case 4:
		info += pick[uint32](m, 1, 0xffffffff)
	case 5:
		info ^= 1 << m.rand.IntN(32)
	}
	m.Order.PutUint32(data[i:], info)
}

// resize cuts the end off or adds to it.
func (m *Maker) resize(data []byte) []byte {
	if m.chance(50) {
		return data[:m.rand.IntN(len(data))]
	}
	return append(data, make([]byte, 1+m.rand.IntN(8))...)
}

// headerLength makes the header longer or shorter, and hdr_len with it.
func (m *Maker) headerLength(data []byte) []byte {
	n := pick(m, 0, 4, 7, 8, 12, 16, 20, 23, 25, 28, 32, 32, 40, 64)
	out := bytes.Clone(data[:min(n, btf.HeaderSize)])
	for len(out) < n {
		out = append(out, 0)
	}
	if n > btf.HeaderSize && m.chance(50) {
		out[btf.HeaderSize+m.rand.IntN(n-btf.HeaderSize)] = byte(m.rand.IntN(3))
	}
	out = append(out, data[btf.HeaderSize:]...)
	if len(out) >= 8 {
		m.Order.PutUint32(out[4:], uint32(n))
	}
	return out
}

// stringsFirst swaps the sections.
func (m *Maker) stringsFirst(data []byte, at layout) []byte {
	types, strings := data[at.types:at.strings], data[at.strings:at.end]
	out := append(bytes.Clone(data[:btf.HeaderSize]), strings...)
	out = append(out, types...)
	m.Order.PutUint32(out[8:], uint32(len(strings)))
	m.Order.PutUint32(out[16:], 0)
	return out
}

// trimTypes cuts the type section and keeps the header right.
func (m *Maker) trimTypes(data []byte, at layout) []byte {
	if at.types == at.strings {
		return data
	}
	keep := m.rand.IntN(at.strings - at.types)
	if m.chance(70) {
		keep &^= 3
	}
	if m.chance(10) {
		keep = 0
	}
	out := append(bytes.Clone(data[:at.types+keep]), data[at.strings:]...)
	m.Order.PutUint32(out[12:], uint32(keep))
	m.Order.PutUint32(out[16:], uint32(keep))
	return out
}
