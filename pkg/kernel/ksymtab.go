// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"debug/elf"
	"fmt"
	"strings"
)

// Exported reads what a linked kernel exports to modules, with CRCs, from the tables
// that its module loader looks symbols up in: __ksymtab... and, with
// CONFIG_MODVERSIONS, __kcrctab.... They are loaded data, which strip keeps. Exports of
// the kernel's modules are not among them, so the set is partial. It is nil without
// such tables.
//
// An entry of a symbol table is struct kernel_symbol (kernel/module/internal.h,
// include/linux/export.h before): three offsets of 32 bits, each from its own place
// (CONFIG_HAVE_ARCH_PREL32_RELOCATIONS), or three addresses, of the symbol, its name
// and its namespace; up to Linux 5.3 without the last. In a kernel that was linked as
// a position independent program, the addresses stand in its relocations. An entry of
// a CRC table has 32 bits: the CRC, or with CONFIG_MODULE_REL_CRCS (up to Linux 5.18)
// how far from there it stands.
func (f *ELF) Exported() (*Symvers, error) {
	names, ok := f.lookup("__ksymtab_strings")
	if !ok {
		return nil, nil
	}
	text, err := f.bytes(names)
	if err != nil {
		return nil, fmt.Errorf("__ksymtab_strings: %w", err)
	}
	var symbols []string
	var crcs []uint32
	found := false
	for i := 1; i < f.sections(); i++ {
		s := f.section(i)
		section := string(cString(f.names[s.name:]))
		kind, ok := strings.CutPrefix(section, "__ksymtab")
		if !ok || s.typ != elf.SHT_PROGBITS || section == "__ksymtab_strings" {
			continue
		}
		found = true
		if s.size == 0 {
			continue
		}
		these, err := f.exportedNames(s, names.address, string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", section, err)
		}
		versions, err := f.exportedCRCs("__kcrctab"+kind, len(these))
		if err != nil {
			return nil, err
		}
		symbols, crcs = append(symbols, these...), append(crcs, versions...)
		if len(symbols) > maxExports {
			return nil, fmt.Errorf("%s: more than %d symbols", section, maxExports)
		}
	}
	if !found {
		return nil, nil
	}
	out := NewSymvers(func(yield func(string, uint32) bool) {
		for i, symbol := range symbols {
			if !yield(symbol, crcs[i]) {
				return
			}
		}
	})
	out.partial = true
	return out, nil
}

// symbolLayout is a layout of struct kernel_symbol.
type symbolLayout struct {
	fields   int
	relative bool
}

// exportedNames reads the names of a symbol table in the first layout in which all are
// valid.
func (f *ELF) exportedNames(s sectionHeader, textAt uint64, text string) ([]string, error) {
	table, err := f.bytes(s)
	if err != nil {
		return nil, err
	}
	pointers, err := f.relocated(s)
	if err != nil {
		return nil, err
	}
	for _, layout := range []symbolLayout{{3, true}, {2, true}, {3, false}, {2, false}} {
		width := f.bits / 8
		if layout.relative {
			width = 4
		}
		size := layout.fields * width
		if len(table)%size != 0 {
			continue
		}
		var out []string
		for at := 0; at < len(table); at += size {
			place := s.address + uint64(at+width) // of the second field, the name
			var address uint64
			if layout.relative {
				address = place + uint64(int64(int32(f.order.Uint32(table[at+width:]))))
			} else if address = f.word(table[at+width:]); address == 0 {
				address = pointers[place]
			}
			if f.bits == 32 {
				address = uint64(uint32(address))
			}
			name, ok := exportedName(text, address-textAt)
			if !ok {
				out = nil
				break
			}
			out = append(out, name)
		}
		if out != nil {
			return out, nil
		}
	}
	return nil, fmt.Errorf("%d bytes, which are no symbols in a layout that is known", len(table))
}

// exportedName reads a name from the strings, which may be the end of another one.
func exportedName(text string, at uint64) (string, bool) {
	if at >= uint64(len(text)) {
		return "", false
	}
	name, _, ended := strings.Cut(text[at:min(uint64(len(text)), at+maxSymbolName)], "\x00")
	ok := ended && name != "" && strings.IndexFunc(name, func(r rune) bool {
		return r != '_' && r != '.' && r != '$' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
	}) < 0
	return name, ok
}

// exportedCRCs reads a table of CRCs; all are 0 where there is none.
func (f *ELF) exportedCRCs(section string, want int) ([]uint32, error) {
	out := make([]uint32, want)
	s, ok := f.lookup(section)
	if !ok || s.size == 0 {
		return out, nil
	}
	table, err := f.bytes(s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", section, err)
	}
	if len(table) != 4*want {
		return nil, fmt.Errorf("%s: %d bytes, for %d symbols it has 4 each", section, len(table), want)
	}
	for i := range out {
		out[i] = f.order.Uint32(table[4*i:])
	}
	if far := f.farCRCs(s.address, out); far != nil {
		return far, nil
	}
	return out, nil
}

// farCRCs reads CRCs that are elsewhere, nil where the values are no distances: it does
// not happen that each of many CRCs is by chance the distance to loaded data.
func (f *ELF) farCRCs(tableAt uint64, distances []uint32) []uint32 {
	var home sectionHeader // of the last one
	var data []byte
	out := make([]uint32, len(distances))
	for i, d := range distances {
		at := tableAt + uint64(4*i) + uint64(int64(int32(d)))
		if f.bits == 32 {
			at = uint64(uint32(at))
		}
		if data == nil || at < home.address || at-home.address > home.size-4 {
			if home, data = f.loadedAt(at); data == nil {
				return nil
			}
		}
		out[i] = f.order.Uint32(data[at-home.address:])
	}
	return out
}

// loadedAt finds the loaded section with the four bytes at an address.
func (f *ELF) loadedAt(address uint64) (sectionHeader, []byte) {
	for i := 1; i < f.sections(); i++ {
		s := f.section(i)
		if s.typ != elf.SHT_PROGBITS || s.flags&elf.SHF_ALLOC == 0 || s.flags&elf.SHF_EXECINSTR != 0 ||
			address < s.address || s.size < 4 || address-s.address > s.size-4 {
			continue
		}
		if data, err := f.bytes(s); err == nil {
			return s, data
		}
	}
	return sectionHeader{}, nil
}

// relocated lists the addresses that relocations put into a section when the kernel
// starts, by place: those of .rela.dyn that add only the load address
// (R_..._RELATIVE).
func (f *ELF) relocated(into sectionHeader) (map[uint64]uint64, error) {
	s, ok := f.lookup(".rela.dyn")
	if !ok || s.typ != elf.SHT_RELA {
		return nil, nil
	}
	table, err := f.bytes(s)
	if err != nil {
		return nil, fmt.Errorf(".rela.dyn: %w", err)
	}
	out := map[uint64]uint64{}
	word := f.bits / 8
	for ; len(table) >= 3*word; table = table[3*word:] {
		// Most places are outside of the section.
		if place := f.word(table); place-into.address < into.size {
			out[place] = f.word(table[2*word:])
		}
	}
	return out, nil
}
