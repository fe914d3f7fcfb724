// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// TestKeepsLocals tells a symbol table that strip --strip-unneeded has been over
// from a whole one, in each form that relocations have.
func TestKeepsLocals(t *testing.T) {
	machines := []struct {
		name    string
		bits    int
		order   binary.ByteOrder
		machine elf.Machine
		typ     elf.SectionType
		put     func(f testELF, b *bytes.Buffer, symbol uint32) // a relocation
	}{
		{"x86_64", 64, binary.LittleEndian, elf.EM_X86_64, elf.SHT_RELA, func(f testELF, b *bytes.Buffer, symbol uint32) {
			f.putWord(b, 0, uint64(symbol)<<32|2, 0)
		}},
		{"s390x", 64, binary.BigEndian, elf.EM_S390, elf.SHT_RELA, func(f testELF, b *bytes.Buffer, symbol uint32) {
			f.putWord(b, 0, uint64(symbol)<<32|2, 0)
		}},
		{"mips64el", 64, binary.LittleEndian, elf.EM_MIPS, elf.SHT_RELA, func(f testELF, b *bytes.Buffer, symbol uint32) {
			f.putWord(b, 0)
			f.put32(b, symbol)
			b.Write([]byte{0, 0, 0, 18})
			f.putWord(b, 0)
		}},
		{"mips64", 64, binary.BigEndian, elf.EM_MIPS, elf.SHT_REL, func(f testELF, b *bytes.Buffer, symbol uint32) {
			f.putWord(b, 0)
			f.put32(b, symbol)
			b.Write([]byte{0, 0, 0, 18})
		}},
		{"arm", 32, binary.LittleEndian, elf.EM_ARM, elf.SHT_REL, func(f testELF, b *bytes.Buffer, symbol uint32) {
			f.put32(b, 0, symbol<<8|28)
		}},
		{"ppc", 32, binary.BigEndian, elf.EM_PPC, elf.SHT_RELA, func(f testELF, b *bytes.Buffer, symbol uint32) {
			f.put32(b, 0, symbol<<8|10, 0)
		}},
	}
	global := testSymbol{name: "init_module", section: 1}
	probe, open := testSymbol{name: "probe", section: 1}, testSymbol{name: "open", section: 1} // both local
	tests := []struct {
		name    string
		symbols []testSymbol
		refers  []uint32 // numbers of symbols
		want    bool
	}{
		{"whole", []testSymbol{probe, open, global}, []uint32{3}, true},
		{"one that nothing refers to", []testSymbol{probe, open, global}, []uint32{1, 3}, true},
		{"only what relocations refer to", []testSymbol{probe, open, global}, []uint32{1, 3, 2}, false},
		{"global functions", []testSymbol{global}, nil, false},
		{"no symbols", nil, []uint32{1}, false},
		{"undefined", []testSymbol{{name: "probe"}}, nil, false},
	}
	for _, m := range machines {
		for _, tt := range tests {
			t.Run(m.name+": "+tt.name, func(t *testing.T) {
				f := testModule(m.bits, m.order, m.machine)
				f.sections = f.sections[:5] // without its symbols
				relocations := new(bytes.Buffer)
				for _, symbol := range tt.refers {
					m.put(f, relocations, symbol)
				}
				f.sections = append(f.sections, testSection{name: ".rel.text", typ: m.typ, data: relocations.Bytes()},
					testSection{name: ".gnu.linkonce.this_module", typ: elf.SHT_PROGBITS, data: make([]byte, 832)})
				f.local = []string{"probe", "open"}
				f.addSymbols(tt.symbols...)
				module, err := kernel.OpenModule(f.bytes(), "")
				if err != nil {
					t.Fatal(err)
				}
				if module.ThisModule != 832 {
					t.Errorf("struct module of %d bytes, want 832", module.ThisModule)
				}
				if module.KeepsLocals != tt.want {
					t.Errorf("%v, want %v", module.KeepsLocals, tt.want)
				}
			})
		}
	}
}
