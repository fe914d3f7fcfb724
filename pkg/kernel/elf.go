// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrNotELF is returned for a file that does not start as an ELF file does.
var ErrNotELF = errors.New("not an ELF file")

// ErrSectionNoBits is returned for a section that has a size and no bytes in
// the file (SHT_NOBITS), as objcopy --only-keep-debug leaves them behind.
var ErrSectionNoBits = errors.New("section has no bytes in the file (SHT_NOBITS)")

// ELF is a view of an ELF file, 32 or 64 bit, in either byte order. All of its
// section headers are within bounds once it exists.
//
// debug/elf would do, but copies every section header and name of thousands of
// modules and decompresses SHF_COMPRESSED sections without a limit.
type ELF struct {
	src     source
	order   binary.ByteOrder
	bits    int
	typ     elf.Type
	machine elf.Machine
	headers []byte // the section header table as it stands in the file
	names   []byte // the section names, each ended by NUL
}

// NewELF reads the headers of the ELF file in data. Its sections are
// parts of data, not copies: data must not change while they are in use.
func NewELF(data []byte) (*ELF, error) {
	return newELF(inMemory(data))
}

func newELF(src source) (*ELF, error) {
	ident, err := src.prefix(elf.EI_NIDENT)
	if err != nil {
		return nil, err
	}
	if len(ident) < elf.EI_NIDENT || string(ident[:4]) != elf.ELFMAG {
		return nil, ErrNotELF
	}
	f := &ELF{src: src}
	switch class := elf.Class(ident[elf.EI_CLASS]); class {
	case elf.ELFCLASS32:
		f.bits = 32
	case elf.ELFCLASS64:
		f.bits = 64
	default:
		return nil, fmt.Errorf("ELF header: EI_CLASS %d is neither 32 bit (1) nor 64 bit (2)", class)
	}
	switch data := elf.Data(ident[elf.EI_DATA]); data {
	case elf.ELFDATA2LSB:
		f.order = binary.LittleEndian
	case elf.ELFDATA2MSB:
		f.order = binary.BigEndian
	default:
		return nil, fmt.Errorf("ELF header: EI_DATA %d is neither little (1) nor big endian (2)", data)
	}
	if err := f.readHeaders(); err != nil {
		return nil, err
	}
	return f, nil
}

// readHeaders reads the file header and the section header table.
func (f *ELF) readHeaders() error {
	header, err := f.src.read("ELF header", 0, f.pick(52, 64))
	if err != nil {
		return err
	}
	f.typ = elf.Type(f.order.Uint16(header[16:]))
	f.machine = elf.Machine(f.order.Uint16(header[18:]))
	offset := f.word(header[f.pick(32, 40):])
	tail := header[f.pick(46, 58):]
	entrySize := uint64(f.order.Uint16(tail))
	count := uint64(f.order.Uint16(tail[2:]))
	nameIndex := uint64(f.order.Uint16(tail[4:]))

	if offset == 0 {
		if count != 0 {
			return fmt.Errorf("ELF header: e_shnum %d, but no section header table (e_shoff 0)", count)
		}
		return nil
	}
	if entrySize != f.headerSize() {
		return fmt.Errorf("ELF header: e_shentsize %d, should be %d", entrySize, f.headerSize())
	}
	// A count or index that does not fit 16 bits is in section header 0
	// (System V ABI, chapter 4, "Sections").
	if count == 0 || nameIndex == uint64(elf.SHN_XINDEX) {
		if f.headers, err = f.src.read("section header 0 (e_shoff)", offset, entrySize); err != nil {
			return err
		}
		zero := f.section(0)
		if count == 0 {
			count = zero.size
		}
		if nameIndex == uint64(elf.SHN_XINDEX) {
			nameIndex = uint64(zero.link)
		}
	}
	if count > uint64(f.src.size)/entrySize {
		return fmt.Errorf("ELF header: e_shnum %d sections of %d bytes, file has %d bytes", count, entrySize, f.src.size)
	}
	if f.headers, err = f.src.read("section header table (e_shoff)", offset, count*entrySize); err != nil {
		return err
	}
	if nameIndex == 0 || nameIndex >= count {
		return fmt.Errorf("ELF header: e_shstrndx %d, there are %d sections", nameIndex, count)
	}
	return f.checkSections(int(nameIndex))
}

// checkSections checks every section header by the rules that the kernel has for a
// module (kernel/module/main.c, elf_validity_cache_sechdrs and _secstrings):
// the bytes lie in the file, the name lies in the name table, and the name
// table ends with a NUL.
func (f *ELF) checkSections(nameIndex int) error {
	for i := 1; i < f.sections(); i++ {
		s := f.section(i)
		if s.typ == elf.SHT_NULL || s.typ == elf.SHT_NOBITS {
			continue
		}
		if size := uint64(f.src.size); s.offset > size || s.size > size-s.offset {
			return fmt.Errorf("section %d: sh_size %d bytes at sh_offset %d, file has %d bytes", i, s.size, s.offset, size)
		}
	}
	names, err := f.bytes(f.section(nameIndex))
	if err != nil {
		return fmt.Errorf("section names (e_shstrndx %d): %w", nameIndex, err)
	}
	if len(names) == 0 || names[len(names)-1] != 0 {
		return fmt.Errorf("section names (e_shstrndx %d): %d bytes, the last is not NUL", nameIndex, len(names))
	}
	for i := 1; i < f.sections(); i++ {
		if s := f.section(i); s.typ != elf.SHT_NULL && uint64(s.name) >= uint64(len(names)) {
			return fmt.Errorf("section %d: sh_name %d, section names have %d bytes", i, s.name, len(names))
		}
	}
	f.names = names
	return nil
}

// Order is the byte order of the file.
func (f *ELF) Order() binary.ByteOrder { return f.order }

// Bits is 32 or 64.
func (f *ELF) Bits() int { return f.bits }

// Section returns the bytes of the first section with exactly this name,
// section 0 left out: the section the kernel takes (find_sec in
// kernel/module/main.c). Like the kernel it does not know SHF_COMPRESSED: the
// compressed bytes are the content. ok says that there is such a section; it is
// also true beside an error, which is [ErrSectionNoBits] or a failed read. The
// bytes belong to the ELF and must not be changed.
func (f *ELF) Section(name string) (data []byte, ok bool, err error) {
	s, ok := f.lookup(name)
	if !ok {
		return nil, false, nil
	}
	if data, err = f.bytes(s); err != nil {
		return nil, true, fmt.Errorf("%s: %w", name, err)
	}
	return data, true, nil
}

// wanted is a section and where its copy goes.
type wanted struct {
	name string
	data *[]byte
}

// copySections copies the sections, and leaves nil for those that are absent or empty.
func (f *ELF) copySections(sections ...wanted) error {
	for _, w := range sections {
		data, _, err := f.Section(w.name)
		if err != nil {
			return err
		}
		if len(data) > 0 {
			*w.data = bytes.Clone(data)
		}
	}
	return nil
}

// sectionHeader has the fields of an Elf32_Shdr or Elf64_Shdr that are used here. Offset and
// size are in bytes of the file.
type sectionHeader struct {
	name      uint32
	typ       elf.SectionType
	flags     elf.SectionFlag
	address   uint64
	offset    uint64
	size      uint64
	link      uint32
	entrySize uint64
}

// sections is the number of section headers, the unused number 0 included.
func (f *ELF) sections() int { return len(f.headers) / int(f.headerSize()) }

func (f *ELF) section(i int) sectionHeader {
	h := f.headers[i*int(f.headerSize()):]
	return sectionHeader{
		name:      f.order.Uint32(h),
		typ:       elf.SectionType(f.order.Uint32(h[4:])),
		flags:     elf.SectionFlag(f.word(h[8:])),
		address:   f.word(h[f.pick(12, 16):]),
		offset:    f.word(h[f.pick(16, 24):]),
		size:      f.word(h[f.pick(20, 32):]),
		link:      f.order.Uint32(h[f.pick(24, 40):]),
		entrySize: f.word(h[f.pick(36, 56):]),
	}
}

// sectionIndex is the number of the first section of a name.
func (f *ELF) sectionIndex(name string) (int, bool) {
	entry := []byte(name + "\x00")
	for i := 1; i < f.sections(); i++ {
		if s := f.section(i); s.typ != elf.SHT_NULL && bytes.HasPrefix(f.names[s.name:], entry) {
			return i, true
		}
	}
	return 0, false
}

func (f *ELF) lookup(name string) (sectionHeader, bool) {
	i, ok := f.sectionIndex(name)
	if !ok {
		return sectionHeader{}, false
	}
	return f.section(i), true
}

func (f *ELF) bytes(s sectionHeader) ([]byte, error) {
	if s.typ == elf.SHT_NOBITS && s.size != 0 {
		return nil, ErrSectionNoBits
	}
	return f.src.read("section", s.offset, s.size)
}

// headerSize is the size of one section header in bytes.
func (f *ELF) headerSize() uint64 { return f.pick(40, 64) }

// pick chooses by the class of the file.
func (f *ELF) pick(in32, in64 uint64) uint64 {
	if f.bits == 32 {
		return in32
	}
	return in64
}

// word decodes a field that is as wide as an address.
func (f *ELF) word(b []byte) uint64 {
	if f.bits == 32 {
		return uint64(f.order.Uint32(b))
	}
	return f.order.Uint64(b)
}
