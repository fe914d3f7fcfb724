// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// exporting is a vmlinux in which tables say what it exports.
type exporting struct {
	bits     int
	order    binary.ByteOrder
	fields   int  // of struct kernel_symbol
	relative bool // CONFIG_HAVE_ARCH_PREL32_RELOCATIONS
	pie      bool // addresses stand in .rela.dyn
	crcs     string
}

const (
	stringsAt = 0x81a00000
	rodataAt  = 0x81800000
)

// exported are symbols in the sections of the tables. The name of the last is the end
// of another's, as ld merges them.
var exported = map[string][]string{"": {"_printk", "usb_submit_urb"}, "_gpl": {"klp_enable_patch", "patch"}}

func crcOf(symbol string) uint32 {
	return 0x9e3779b9 * uint32(len(symbol)+int(symbol[0]))
}

func (e exporting) elf() testELF {
	f := testELF{bits: e.bits, order: e.order, typ: elf.ET_EXEC, machine: elf.EM_X86_64}
	const text = "\x00_printk\x00usb_submit_urb\x00klp_enable_patch\x00NAMESPACE\x00"
	alloc := elf.SHF_ALLOC
	rodata := new(bytes.Buffer)
	rela := new(bytes.Buffer)
	word := func(b *bytes.Buffer, v uint64) { f.putWord(b, v) }
	at := uint64(stringsAt + 0x100000)
	for _, kind := range []string{"", "_gpl"} {
		table, crcs := new(bytes.Buffer), new(bytes.Buffer)
		for i, symbol := range exported[kind] {
			name := uint64(stringsAt + strings.Index(text, symbol+"\x00"))
			for _, to := range []uint64{0x81000000, name, stringsAt}[:e.fields] {
				place := at + uint64(table.Len())
				switch {
				case e.relative:
					f.put32(table, uint32(to-place))
				case e.pie:
					word(table, 0)
					word(rela, place)
					word(rela, 8)
					word(rela, to)
				default:
					word(table, to)
				}
			}
			crcAt := at + 0x10000 + uint64(4*i)
			if e.crcs == "far" {
				f.put32(crcs, uint32(rodataAt+uint64(rodata.Len())-crcAt))
				f.put32(rodata, crcOf(symbol))
			} else {
				f.put32(crcs, crcOf(symbol))
			}
		}
		f.sections = append(f.sections, testSection{name: "__ksymtab" + kind, typ: elf.SHT_PROGBITS, flags: alloc, address: at, data: table.Bytes()})
		if e.crcs != "" {
			f.sections = append(f.sections, testSection{name: "__kcrctab" + kind, typ: elf.SHT_PROGBITS, flags: alloc, address: at + 0x10000, data: crcs.Bytes()})
		}
		at += 0x100000
	}
	f.sections = append(f.sections,
		testSection{name: "__ksymtab_strings", typ: elf.SHT_PROGBITS, flags: alloc, address: stringsAt, data: []byte(text)},
		testSection{name: ".rodata", typ: elf.SHT_PROGBITS, flags: alloc, address: rodataAt, data: rodata.Bytes()})
	if e.pie {
		f.sections = append(f.sections, testSection{name: ".rela.dyn", typ: elf.SHT_RELA, flags: alloc, data: rela.Bytes()})
	}
	return f
}

func TestExported(t *testing.T) {
	for _, bits := range []int{32, 64} {
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			for _, fields := range []int{2, 3} {
				for _, layout := range []string{"relative", "addresses", "pie"} {
					for _, crcs := range []string{"", "near", "far"} {
						e := exporting{bits, order, fields, layout == "relative", layout == "pie", crcs}
						t.Run(fmt.Sprint(bits, " ", order, " ", fields, " ", layout, " ", crcs), func(t *testing.T) {
							f, err := kernel.NewELF(e.elf().bytes())
							if err != nil {
								t.Fatal(err)
							}
							s, err := f.Exported()
							if err != nil {
								t.Fatal(err)
							}
							for _, symbols := range exported {
								for _, symbol := range symbols {
									want := crcOf(symbol)
									if crcs == "" {
										want = 0
									}
									if got, ok := s.Lookup(kernel.Import{Symbol: symbol, CRC: want}); !ok || got != want {
										t.Errorf("%s: %x, %v, want %x", symbol, got, ok, want)
									}
								}
							}
							if s.Len() != 4 || !s.Partial() {
								t.Errorf("%d symbols, partial %v", s.Len(), s.Partial())
							}
						})
					}
				}
			}
		}
	}
}

func TestExportedDamaged(t *testing.T) {
	section := func(f *testELF, name string) *testSection {
		i := slices.IndexFunc(f.sections, func(s testSection) bool { return s.name == name })
		return &f.sections[i]
	}
	for name, c := range map[string]struct {
		damage func(f *testELF)
		want   string // a part of the error, "" for nothing known
	}{
		"no tables":              {func(f *testELF) { f.sections = nil }, ""},
		"strings alone":          {func(f *testELF) { f.sections = f.sections[4:] }, ""},
		"a table cut short":      {func(f *testELF) { s := section(f, "__ksymtab"); s.data = s.data[:7] }, "__ksymtab: 7 bytes"},
		"names elsewhere":        {func(f *testELF) { section(f, "__ksymtab_strings").address += 1 << 20 }, "no symbols in a layout"},
		"strings without an end": {func(f *testELF) { section(f, "__ksymtab_strings").data = bytes.Repeat([]byte("x"), 60) }, "no symbols in a layout"},
		"no names":               {func(f *testELF) { section(f, "__ksymtab_strings").data = bytes.Repeat([]byte{1, 0}, 60) }, "no symbols in a layout"},
		"too few CRCs":           {func(f *testELF) { s := section(f, "__kcrctab_gpl"); s.data = s.data[:4] }, "__kcrctab_gpl: 4 bytes"},
		"no bytes":               {func(f *testELF) { section(f, "__ksymtab_strings").typ = elf.SHT_NOBITS }, "__ksymtab_strings: section has no bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			e := exporting{64, binary.LittleEndian, 3, true, false, "near"}.elf()
			c.damage(&e)
			f, err := kernel.NewELF(e.bytes())
			if err != nil {
				t.Fatal(err)
			}
			s, err := f.Exported()
			if s != nil || c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, %v, want %q", s, err, c.want)
			}
		})
	}
}

// TestPartialText keeps of a part that it is one.
func TestPartialText(t *testing.T) {
	f, err := kernel.NewELF(exporting{64, binary.LittleEndian, 3, true, false, "near"}.elf().bytes())
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Exported()
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.MarshalText()
	var again kernel.Symvers
	if err != nil || again.UnmarshalText(text) != nil || !again.Partial() || again.Len() != s.Len() || !s.With(&again).Partial() {
		t.Errorf("%s, %v", text, err)
	}
}
