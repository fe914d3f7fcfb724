// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"cmp"
	"debug/elf"
	"fmt"
	"slices"
	"strings"
)

// An Import is a symbol that a module takes from the kernel or another module.
type Import struct {
	Symbol string
	CRC    uint32 // 0 where the module records none
	Weak   bool   // it may be missing
}

// Imports lists what a module needs from elsewhere, ordered by name: its
// undefined symbols, and those that only its versions name (module_layout). It is
// what depmod looks at (kmod, libkmod/libkmod-elf.c,
// kmod_elf_get_dependency_symbols). Versions are read from __versions or, since
// Linux 6.14, __version_ext_crcs and __version_ext_names.
func (m *Module) Imports() ([]Import, error) {
	versions, err := m.versions()
	if err != nil {
		return nil, err
	}
	var out []Import
	for s, err := range m.Symbols() {
		if err != nil {
			return nil, err
		}
		// STT_SPARC_REGISTER: a register that the module uses, no symbol.
		if s.Section != elf.SHN_UNDEF || s.Name == "" || s.Type == elf.STT_LOPROC || givenByLoader(s.Name) {
			continue
		}
		name := strings.TrimPrefix(s.Name, ".") // ppc64: .foo is the code of foo
		out = append(out, Import{name, versions[name], s.Bind == elf.STB_WEAK})
		delete(versions, name)
	}
	for name, crc := range versions {
		out = append(out, Import{Symbol: name, CRC: crc})
	}
	slices.SortFunc(out, func(a, b Import) int { return cmp.Compare(a.Symbol, b.Symbol) })
	return slices.CompactFunc(out, func(a, b Import) bool { return a.Symbol == b.Symbol }), nil
}

// givenByLoader knows the symbols that the module loader makes itself (ppc64).
func givenByLoader(symbol string) bool { return symbol == ".TOC." || symbol == "_GLOBAL_OFFSET_TABLE_" }

// modversionSize is the size of struct modversion_info (include/linux/module.h):
// a CRC in a word and a name, 64 bytes together.
const modversionSize = 64

// Needs is the set of symbols that a module imports with a version, nil if there are
// none. It costs less than Imports.
func (m *Module) Needs() (*Symvers, error) {
	var err error
	s := NewSymvers(func(yield func(string, uint32) bool) { err = m.eachVersion(yield) })
	if s.Len() == 0 {
		s = nil
	}
	return s, err
}

// versions reads the CRCs of what a module imports.
func (m *Module) versions() (map[string]uint32, error) {
	out := map[string]uint32{}
	err := m.eachVersion(func(name string, crc uint32) bool {
		out[name] = crc
		return true
	})
	return out, err
}

// eachVersion yields the names and CRCs of what a module imports.
func (m *Module) eachVersion(yield func(name string, crc uint32) bool) error {
	if len(m.Versions)%modversionSize != 0 {
		return fmt.Errorf("__versions: %d bytes, not a multiple of %d", len(m.Versions), modversionSize)
	}
	word := m.Bits / 8
	for entry := range slices.Chunk(m.Versions, modversionSize) {
		crc := uint64(m.Order.Uint32(entry))
		if word == 8 {
			crc = m.Order.Uint64(entry)
		}
		name, _, ended := bytes.Cut(entry[word:], []byte{0})
		if !ended {
			return fmt.Errorf("__versions: a name of %d bytes has no end", len(name))
		}
		if !yield(strings.TrimPrefix(string(name), "."), uint32(crc)) {
			return nil
		}
	}
	names := m.ExtVersionNames
	if len(m.ExtVersionCRCs)%4 != 0 {
		return fmt.Errorf("__version_ext_crcs: %d bytes, not a multiple of 4", len(m.ExtVersionCRCs))
	}
	for crc := range slices.Chunk(m.ExtVersionCRCs, 4) {
		name, rest, ended := bytes.Cut(names, []byte{0})
		if !ended {
			return fmt.Errorf("__version_ext_names: fewer names than the %d of __version_ext_crcs", len(m.ExtVersionCRCs)/4)
		}
		if !yield(strings.TrimPrefix(string(name), "."), m.Order.Uint32(crc)) {
			return nil
		}
		names = rest
	}
	return nil
}

// Exports lists what a module offers to others, by its __crc_<symbol> symbols:
// an absolute value up to Linux 5.18, later the place of the value in a section
// (kmod, libkmod/libkmod-elf.c, kmod_elf_resolve_crc). Without them, as on a
// kernel without CONFIG_MODVERSIONS, it goes by __ksymtab_<symbol>.
func (m *Module) Exports() (map[string]uint32, error) {
	out := map[string]uint32{}
	for s, err := range m.Symbols() {
		if err != nil {
			return nil, err
		}
		if name, ok := strings.CutPrefix(s.Name, "__crc_"); ok {
			crc, err := m.crc(s)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.Name, err)
			}
			out[name] = crc
		} else if name, ok := strings.CutPrefix(s.Name, "__ksymtab_"); ok {
			if _, known := out[name]; !known {
				out[name] = 0
			}
		}
	}
	return out, nil
}

func (m *Module) crc(s Symbol) (uint32, error) {
	if s.Section == elf.SHN_ABS || s.Section == elf.SHN_UNDEF {
		return uint32(s.Value), nil
	}
	section, ok := m.crcSections[s.Section]
	if !ok {
		return 0, fmt.Errorf("st_shndx %d is not a section of versions", s.Section)
	}
	if s.Value > uint64(len(section)) || uint64(len(section))-s.Value < 4 {
		return 0, fmt.Errorf("st_value %d, its section has %d bytes", s.Value, len(section))
	}
	return m.Order.Uint32(section[s.Value:]), nil
}

// crcSections copies the sections that Exports reads: __kcrctab and __kcrctab_gpl, or
// one for each symbol (___kcrctab+<symbol>) in a module that the module linker script
// did not see.
func (f *ELF) crcSections() (map[elf.SectionIndex][]byte, error) {
	var out map[elf.SectionIndex][]byte
	for i := 1; i < f.sections(); i++ {
		s := f.section(i)
		if s.typ != elf.SHT_PROGBITS || !bytes.Contains(cString(f.names[s.name:]), []byte("kcrctab")) {
			continue
		}
		data, err := f.bytes(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", cString(f.names[s.name:]), err)
		}
		if out == nil {
			out = map[elf.SectionIndex][]byte{}
		}
		out[elf.SectionIndex(i)] = bytes.Clone(data)
	}
	return out, nil
}

func cString(b []byte) []byte {
	s, _, _ := bytes.Cut(b, []byte{0})
	return s
}
