// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"slices"
)

// testELF is an ELF file to be written. The section name table is added.
type testELF struct {
	bits     int
	order    binary.ByteOrder
	typ      elf.Type
	machine  elf.Machine
	sections []testSection // numbered from 1
	local    []string      // names of symbols that are local
}

type testSection struct {
	name      string
	typ       elf.SectionType
	flags     elf.SectionFlag
	address   uint64
	link      uint32
	entrySize uint64
	data      []byte
}

// bytes lays the file out as ld does: header, sections, section headers.
func (f testELF) bytes() []byte {
	names := []byte{0}
	all := append([]testSection{{typ: elf.SHT_NULL}}, f.sections...)
	all = append(all, testSection{name: ".shstrtab", typ: elf.SHT_STRTAB})
	nameOffsets := make([]uint32, len(all))
	for i, s := range all[1:] {
		nameOffsets[i+1] = uint32(len(names))
		names = append(append(names, s.name...), 0)
	}
	all[len(all)-1].data = names

	headerSize, entrySize := 64, 64
	if f.bits == 32 {
		headerSize, entrySize = 52, 40
	}
	body := new(bytes.Buffer)
	body.Write(make([]byte, headerSize))
	offsets := make([]uint64, len(all))
	for i, s := range all {
		offsets[i] = uint64(body.Len())
		body.Write(s.data)
	}
	table := uint64(body.Len())
	for i, s := range all {
		f.put32(body, nameOffsets[i], uint32(s.typ))
		f.putWord(body, uint64(s.flags), s.address, offsets[i], uint64(len(s.data)))
		f.put32(body, s.link, 0)
		f.putWord(body, 0, s.entrySize)
	}

	out := body.Bytes()
	header := new(bytes.Buffer)
	header.WriteString(elf.ELFMAG)
	class, data := elf.ELFCLASS64, elf.ELFDATA2LSB
	if f.bits == 32 {
		class = elf.ELFCLASS32
	}
	if f.order == binary.BigEndian {
		data = elf.ELFDATA2MSB
	}
	header.Write([]byte{byte(class), byte(data), 1, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.put16(header, uint16(f.typ), uint16(f.machine))
	f.put32(header, 1)
	f.putWord(header, 0, 0, table)
	f.put32(header, 0)
	f.put16(header, uint16(headerSize), 0, 0, uint16(entrySize), uint16(len(all)), uint16(len(all)-1))
	copy(out, header.Bytes())
	return out
}

func (f testELF) put16(b *bytes.Buffer, values ...uint16) { binary.Write(b, f.order, values) }
func (f testELF) put32(b *bytes.Buffer, values ...uint32) { binary.Write(b, f.order, values) }

func (f testELF) putWord(b *bytes.Buffer, values ...uint64) {
	for _, v := range values {
		if f.bits == 32 {
			f.put32(b, uint32(v))
		} else {
			binary.Write(b, f.order, v)
		}
	}
}

// testSymbol is a function symbol, global unless it is weak or its file says local.
type testSymbol struct {
	name        string
	value, size uint64
	section     elf.SectionIndex
	weak        bool
}

// addSymbols appends .symtab and .strtab.
func (f *testELF) addSymbols(symbols ...testSymbol) {
	names, table := []byte{0}, new(bytes.Buffer)
	entrySize := elf.Sym64Size
	if f.bits == 32 {
		entrySize = elf.Sym32Size
	}
	table.Write(make([]byte, entrySize))
	for _, s := range symbols {
		info := elf.ST_INFO(elf.STB_GLOBAL, elf.STT_FUNC)
		if s.weak {
			info = elf.ST_INFO(elf.STB_WEAK, elf.STT_FUNC)
		}
		if slices.Contains(f.local, s.name) {
			info = elf.ST_INFO(elf.STB_LOCAL, elf.STT_FUNC)
		}
		f.put32(table, uint32(len(names)))
		names = append(append(names, s.name...), 0)
		if f.bits == 32 {
			f.put32(table, uint32(s.value), uint32(s.size))
			table.Write([]byte{info, 0})
			f.put16(table, uint16(s.section))
		} else {
			table.Write([]byte{info, 0})
			f.put16(table, uint16(s.section))
			f.putWord(table, s.value, s.size)
		}
	}
	f.sections = append(f.sections,
		testSection{name: ".symtab", typ: elf.SHT_SYMTAB, link: uint32(len(f.sections) + 2), entrySize: uint64(entrySize), data: table.Bytes()},
		testSection{name: ".strtab", typ: elf.SHT_STRTAB, data: names})
}
