// SPDX-License-Identifier: Apache-2.0

package kernel

import "debug/elf"

// keepsLocals reports whether the symbol table has a local function that no
// relocation refers to. strip --strip-unneeded, strip -x and objcopy's likes
// remove exactly such symbols and keep the others, which the module loader needs.
// So one such symbol shows that none was removed.
func (f *ELF) keepsLocals(table symbolTable) (bool, error) {
	unneeded := make([]bool, 1, 1+uint64(len(table.entries))/table.entrySize()) // by symbol number
	left := 0
	for s, err := range table.all() {
		if err != nil {
			return false, err
		}
		local := s.Bind == elf.STB_LOCAL && s.Type == elf.STT_FUNC && s.Section != elf.SHN_UNDEF
		if unneeded = append(unneeded, local); local {
			left++
		}
	}
	read := uint64(0)
	for i := 1; i < f.sections() && left > 0; i++ {
		s := f.section(i)
		if s.typ != elf.SHT_RELA && s.typ != elf.SHT_REL {
			continue
		}
		// Headers that all point at the same bytes must not cost more than the file.
		if read += s.size; read > uint64(f.src.size) {
			return false, nil
		}
		data, err := f.bytes(s)
		if err != nil {
			return false, err
		}
		for size := f.relocationSize(s.typ); uint64(len(data)) >= size; data = data[size:] {
			if n := f.relocatedSymbol(data); uint64(n) < uint64(len(unneeded)) && unneeded[n] {
				unneeded[n] = false
				left--
			}
		}
	}
	return left > 0, nil
}

// relocationSize is the size in bytes of an Elf32_Rel, Elf64_Rel or one with an
// addend.
func (f *ELF) relocationSize(typ elf.SectionType) uint64 {
	if typ == elf.SHT_RELA {
		return f.pick(12, 24)
	}
	return f.pick(8, 16)
}

// relocatedSymbol is the number of the symbol that a relocation refers to, the
// upper part of r_info.
func (f *ELF) relocatedSymbol(relocation []byte) uint32 {
	switch {
	case f.bits == 32:
		return f.order.Uint32(relocation[4:]) >> 8
	case f.machine == elf.EM_MIPS:
		return f.order.Uint32(relocation[8:]) // MIPS has fields instead, the symbol first in either byte order
	}
	return uint32(f.order.Uint64(relocation[8:]) >> 32)
}
