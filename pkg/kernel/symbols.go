// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"iter"
	"strings"
)

// maxSymbolName bounds the search for a name's end. The kernel allows 512
// bytes (KSYM_NAME_LEN); a string table without any NUL must not be searched
// to its end once per symbol.
const maxSymbolName = 4096

// Symbol is one entry of a symbol table.
type Symbol struct {
	Name    string
	Value   uint64 // an address in vmlinux, an offset into its section in a module
	Size    uint64 // in bytes
	Type    elf.SymType
	Bind    elf.SymBind
	Section elf.SectionIndex // as written: SHN_XINDEX is not looked up
}

// Symbols yields the symbol table (.symtab) in file order, the empty entry 0
// left out. A file without one yields nothing. After an error nothing follows.
func (f *ELF) Symbols() iter.Seq2[Symbol, error] {
	return func(yield func(Symbol, error) bool) {
		table, err := f.symbolTable()
		if err != nil {
			yield(Symbol{}, err)
			return
		}
		table.all()(yield)
	}
}

// symbolTable is a symbol table as it stands in the file, with its names.
type symbolTable struct {
	order   binary.ByteOrder
	bits    int
	entries []byte
	names   string
}

// symbolTable finds the first section of type SHT_SYMTAB, as the kernel's
// module loader does, and copies the names it links to.
func (f *ELF) symbolTable() (symbolTable, error) {
	table := symbolTable{order: f.order, bits: f.bits}
	for i := 1; i < f.sections(); i++ {
		s := f.section(i)
		if s.typ != elf.SHT_SYMTAB {
			continue
		}
		if s.entrySize != table.entrySize() {
			return table, fmt.Errorf("symbol table: sh_entsize %d, should be %d", s.entrySize, table.entrySize())
		}
		if s.size%s.entrySize != 0 {
			return table, fmt.Errorf("symbol table: sh_size %d is not a multiple of %d", s.size, s.entrySize)
		}
		if s.link == 0 || uint64(s.link) >= uint64(f.sections()) {
			return table, fmt.Errorf("symbol table: sh_link %d, there are %d sections", s.link, f.sections())
		}
		names, err := f.bytes(f.section(int(s.link)))
		if err != nil {
			return table, fmt.Errorf("symbol names: %w", err)
		}
		table.names = string(names)
		if table.entries, err = f.bytes(s); err != nil {
			return table, fmt.Errorf("symbol table: %w", err)
		}
		return table, nil
	}
	return table, nil
}

func (t symbolTable) entrySize() uint64 {
	if t.bits == 32 {
		return elf.Sym32Size
	}
	return elf.Sym64Size
}

func (t symbolTable) all() iter.Seq2[Symbol, error] {
	return func(yield func(Symbol, error) bool) {
		size := int(t.entrySize())
		for i := 1; i < len(t.entries)/size; i++ {
			sym, err := t.decode(t.entries[i*size:])
			if err != nil {
				yield(Symbol{}, fmt.Errorf("symbol %d: %w", i, err))
				return
			}
			if !yield(sym, nil) {
				return
			}
		}
	}
}

// decode reads an Elf32_Sym or Elf64_Sym.
func (t symbolTable) decode(b []byte) (Symbol, error) {
	name, err := t.name(t.order.Uint32(b))
	if err != nil {
		return Symbol{}, err
	}
	sym := Symbol{Name: name}
	var info byte
	if t.bits == 32 {
		sym.Value = uint64(t.order.Uint32(b[4:]))
		sym.Size = uint64(t.order.Uint32(b[8:]))
		info = b[12]
		sym.Section = elf.SectionIndex(t.order.Uint16(b[14:]))
	} else {
		info = b[4]
		sym.Section = elf.SectionIndex(t.order.Uint16(b[6:]))
		sym.Value = t.order.Uint64(b[8:])
		sym.Size = t.order.Uint64(b[16:])
	}
	sym.Type = elf.ST_TYPE(info)
	sym.Bind = elf.ST_BIND(info)
	return sym, nil
}

func (t symbolTable) name(offset uint32) (string, error) {
	if uint64(offset) >= uint64(len(t.names)) {
		if offset == 0 {
			return "", nil
		}
		return "", fmt.Errorf("st_name %d, symbol names have %d bytes", offset, len(t.names))
	}
	rest := t.names[offset:]
	rest = rest[:min(len(rest), maxSymbolName)]
	end := strings.IndexByte(rest, 0)
	if end < 0 {
		return "", fmt.Errorf("st_name %d: no NUL within %d bytes", offset, len(rest))
	}
	return rest[:end], nil
}
