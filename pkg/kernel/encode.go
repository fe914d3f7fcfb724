// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
)

// AppendBinary appends all that is known of the module, for [DecodeModule]. The format
// is for caches: only the same version of this package can read it.
func (m *Module) AppendBinary(b []byte) ([]byte, error) {
	text := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	number := func(n uint64) { b = binary.AppendUvarint(b, n) }
	section := func(s []byte) { // a missing one is 0, an empty one 1
		if s == nil {
			number(0)
			return
		}
		b = append(binary.AppendUvarint(b, uint64(len(s))+1), s...)
	}
	flags := uint64(0)
	for i, set := range []bool{m.Order == binary.BigEndian, m.HasBTF, m.HasBTFBase, m.KeepsLocals, m.Signed, m.crcSections != nil} {
		if set {
			flags |= 1 << i
		}
	}
	number(flags)
	for _, s := range []string{m.Name, m.Release, m.Vermagic, string(m.Modinfo), m.Arch} {
		text(s)
	}
	number(uint64(m.Bits))
	for _, s := range [][]byte{m.BTF, m.BTFBase, m.BTFIDs, m.Versions, m.ExtVersionCRCs, m.ExtVersionNames} {
		section(s)
	}
	number(uint64(m.BTFIDsSection))
	number(m.ThisModule)
	number(uint64(len(m.crcSections)))
	for _, i := range slices.Sorted(maps.Keys(m.crcSections)) {
		number(uint64(i))
		section(m.crcSections[i])
	}
	section(m.symbols.entries)
	text(m.symbols.names)
	return b, nil
}

// DecodeModule reads what AppendBinary wrote. The sections of the module are parts of
// data.
func DecodeModule(data []byte) (*Module, error) {
	d := decoding{data: data}
	flags := d.number()
	m := &Module{Order: binary.ByteOrder(binary.LittleEndian)}
	if flags&1 != 0 {
		m.Order = binary.BigEndian
	}
	m.HasBTF, m.HasBTFBase, m.KeepsLocals, m.Signed = flags&2 != 0, flags&4 != 0, flags&8 != 0, flags&16 != 0
	m.Name, m.Release, m.Vermagic, m.Modinfo, m.Arch = d.text(), d.text(), d.text(), Modinfo(d.text()), d.text()
	m.Bits = int(d.number())
	for _, s := range []*[]byte{&m.BTF, &m.BTFBase, &m.BTFIDs, &m.Versions, &m.ExtVersionCRCs, &m.ExtVersionNames} {
		*s = d.section()
	}
	m.BTFIDsSection = elf.SectionIndex(d.number())
	m.ThisModule = d.number()
	if flags&32 != 0 {
		m.crcSections = map[elf.SectionIndex][]byte{}
	}
	for n := d.number(); n > 0 && d.err == nil; n-- {
		i := elf.SectionIndex(d.number())
		if s := d.section(); m.crcSections != nil {
			m.crcSections[i] = s
		}
	}
	m.symbols = symbolTable{order: m.Order, bits: m.Bits, entries: d.section(), names: d.text()}
	if d.err == nil && (len(d.data) > 0 || m.Bits != 32 && m.Bits != 64) {
		d.err = errEncoded
	}
	if d.err != nil {
		return nil, d.err
	}
	return m, nil
}

var errEncoded = errors.New("not an encoded module")

// decoding reads from data until the first error.
type decoding struct {
	data []byte
	err  error
}

func (d *decoding) number() uint64 {
	n, size := binary.Uvarint(d.data)
	if size <= 0 {
		d.data, d.err = nil, errEncoded
		return 0
	}
	d.data = d.data[size:]
	return n
}

func (d *decoding) take(n uint64) []byte {
	if n > uint64(len(d.data)) {
		d.data, d.err = nil, errEncoded
		return nil
	}
	out := d.data[:n:n]
	d.data = d.data[n:]
	return out
}

func (d *decoding) text() string { return string(d.take(d.number())) }

func (d *decoding) section() []byte {
	n := d.number()
	if n == 0 {
		return nil
	}
	return d.take(n - 1)
}
