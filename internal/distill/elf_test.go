// SPDX-License-Identifier: Apache-2.0

package distill

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// form is a sort of ELF files.
type form struct {
	name    string
	bits    int
	order   binary.ByteOrder
	machine elf.Machine
}

var forms = []form{
	{"64 bit little endian", 64, binary.LittleEndian, elf.EM_X86_64},
	{"64 bit big endian", 64, binary.BigEndian, elf.EM_S390},
	{"32 bit little endian", 32, binary.LittleEndian, elf.EM_ARM},
	{"32 bit big endian", 32, binary.BigEndian, elf.EM_PPC},
}

type section struct {
	name string
	data []byte
}

// symbol lies in a section of that name.
type symbol struct {
	name, section string
	value, size   uint32
}

// module writes a relocatable file: sections, .symtab, .strtab, .shstrtab.
func (f form) module(sections []section, symbols []symbol) []byte {
	index := map[string]uint16{}
	for i, s := range sections {
		index[s.name] = uint16(i + 1)
	}
	symbolNames, table := []byte{0}, new(bytes.Buffer)
	table.Write(make([]byte, f.pick(elf.Sym32Size, elf.Sym64Size)))
	for _, s := range symbols {
		name := uint32(len(symbolNames))
		symbolNames = append(append(symbolNames, s.name...), 0)
		const local = byte(elf.STT_OBJECT)
		if f.bits == 32 {
			f.put(table, name, s.value, s.size, []byte{local, 0}, index[s.section])
		} else {
			f.put(table, name, []byte{local, 0}, index[s.section], uint64(s.value), uint64(s.size))
		}
	}
	sections = append(append([]section{{}}, sections...), section{".symtab", table.Bytes()}, section{".strtab", symbolNames}, section{name: ".shstrtab"})
	last := len(sections) - 1
	names := []byte{}
	at := make([]uint32, len(sections))
	for i, s := range sections {
		at[i] = uint32(len(names))
		names = append(append(names, s.name...), 0)
	}
	sections[last].data = names

	out := bytes.NewBuffer(make([]byte, f.pick(52, 64)))
	headers := new(bytes.Buffer)
	for i, s := range sections {
		typ, link, entry := elf.SHT_PROGBITS, 0, 0
		switch s.name {
		case "":
			typ = elf.SHT_NULL
		case ".symtab":
			typ, link, entry = elf.SHT_SYMTAB, i+1, f.pick(elf.Sym32Size, elf.Sym64Size)
		case ".strtab", ".shstrtab":
			typ = elf.SHT_STRTAB
		}
		out.Write(make([]byte, -out.Len()&7))
		f.put(headers, at[i], uint32(typ), f.word(0), f.word(0), f.word(out.Len()), f.word(len(s.data)), uint32(link), uint32(0), f.word(8), f.word(entry))
		out.Write(s.data)
	}
	out.Write(make([]byte, -out.Len()&7))
	table2 := out.Len()
	out.Write(headers.Bytes())

	header := new(bytes.Buffer)
	header.WriteString(elf.ELFMAG)
	class, data := byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB)
	if f.bits == 32 {
		class = byte(elf.ELFCLASS32)
	}
	if f.order == binary.BigEndian {
		data = byte(elf.ELFDATA2MSB)
	}
	header.Write([]byte{class, data, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.put(header, uint16(elf.ET_REL), uint16(f.machine), uint32(1), f.word(0), f.word(0), f.word(table2), uint32(0),
		uint16(f.pick(52, 64)), uint16(0), uint16(0), uint16(f.pick(40, 64)), uint16(len(sections)), uint16(last))
	file := out.Bytes()
	copy(file, header.Bytes())
	return file
}

func (f form) pick(small, large int) int {
	if f.bits == 32 {
		return small
	}
	return large
}

// word is an address or a size.
func (f form) word(n int) any {
	if f.bits == 32 {
		return uint32(n)
	}
	return uint64(n)
}

func (f form) put(b *bytes.Buffer, values ...any) {
	for _, v := range values {
		binary.Write(b, f.order, v) // into memory
	}
}

// words are numbers as they stand in a section.
func (f form) words(values ...uint32) []byte {
	b := new(bytes.Buffer)
	f.put(b, values)
	return b.Bytes()
}
