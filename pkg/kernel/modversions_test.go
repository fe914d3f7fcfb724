// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// versionsOf lays out __versions as modpost does: a CRC in a word and a name of
// 64 bytes together.
func versionsOf(bits int, order binary.ByteOrder, crcs ...any) []byte {
	b := new(bytes.Buffer)
	for pair := range slices.Chunk(crcs, 2) {
		entry := make([]byte, 64)
		copy(entry[bits/8:], pair[0].(string))
		if bits == 64 {
			order.PutUint64(entry, uint64(pair[1].(int)))
		} else {
			order.PutUint32(entry, uint32(pair[1].(int)))
		}
		b.Write(entry)
	}
	return b.Bytes()
}

func words(order binary.ByteOrder, values ...uint32) []byte {
	out := make([]byte, 4*len(values))
	for i, v := range values {
		order.PutUint32(out[4*i:], v)
	}
	return out
}

func open(t *testing.T, f testELF) *kernel.Module {
	t.Helper()
	m, err := kernel.OpenModule(f.bytes(), "a.ko")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestImports(t *testing.T) {
	for _, form := range forms {
		f := testELF{bits: form.bits, order: form.order, typ: elf.ET_REL, machine: form.machine}
		f.sections = []testSection{
			{name: ".text", typ: elf.SHT_PROGBITS, data: []byte{0}},
			{name: ".modinfo", typ: elf.SHT_PROGBITS, data: []byte(testModinfo)},
			{name: "__versions", typ: elf.SHT_PROGBITS, data: versionsOf(form.bits, form.order,
				"module_layout", 0x11223344, "_printk", 0x92997ed8, ".usb_submit_urb", 7)},
		}
		f.addSymbols(
			testSymbol{"own", 0, 1, 1, false},
			testSymbol{"_printk", 0, 0, 0, false},
			testSymbol{".usb_submit_urb", 0, 0, 0, false},
			testSymbol{"unversioned", 0, 0, 0, false},
			testSymbol{"perhaps", 0, 0, 0, true},
			testSymbol{".TOC.", 0, 0, 0, false},
		)
		want := []kernel.Import{
			{Symbol: "_printk", CRC: 0x92997ed8},
			{Symbol: "module_layout", CRC: 0x11223344},
			{Symbol: "perhaps", Weak: true},
			{Symbol: "unversioned"},
			{Symbol: "usb_submit_urb", CRC: 7},
		}
		got, err := open(t, f).Imports()
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", form.name, got, err)
		}
	}
}

// Since Linux 6.14 names may be longer than 64 bytes (CONFIG_EXTENDED_MODVERSIONS).
func TestExtendedVersions(t *testing.T) {
	long := strings.Repeat("rust", 40)
	for _, form := range forms {
		f := testELF{bits: form.bits, order: form.order, typ: elf.ET_REL, machine: form.machine}
		crcs := words(form.order, 1, 0xdeadbeef)
		f.sections = []testSection{
			{name: ".modinfo", typ: elf.SHT_PROGBITS, data: []byte(testModinfo)},
			{name: "__version_ext_crcs", typ: elf.SHT_PROGBITS, data: crcs},
			{name: "__version_ext_names", typ: elf.SHT_PROGBITS, data: []byte("_printk\x00" + long + "\x00")},
		}
		f.addSymbols(testSymbol{"_printk", 0, 0, 0, false}, testSymbol{long, 0, 0, 0, false})
		got, err := open(t, f).Imports()
		want := []kernel.Import{{Symbol: "_printk", CRC: 1}, {Symbol: long, CRC: 0xdeadbeef}}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", form.name, got, err)
		}
	}
}

func TestDamagedVersions(t *testing.T) {
	for name, c := range map[string]struct {
		sections []testSection
		want     string
	}{
		"half an entry":  {[]testSection{{name: "__versions", data: make([]byte, 65)}}, "__versions: 65 bytes, not a multiple of 64"},
		"no end":         {[]testSection{{name: "__versions", data: bytes.Repeat([]byte("a"), 64)}}, "__versions: a name of 56 bytes has no end"},
		"half a CRC":     {[]testSection{{name: "__version_ext_crcs", data: []byte{1}}}, "__version_ext_crcs: 1 bytes, not a multiple of 4"},
		"names run out":  {[]testSection{{name: "__version_ext_crcs", data: make([]byte, 8)}, {name: "__version_ext_names", data: []byte("a\x00b")}}, "__version_ext_names: fewer names than the 2 of __version_ext_crcs"},
		"none, no error": {nil, ""},
	} {
		f := testELF{bits: 64, order: binary.LittleEndian, typ: elf.ET_REL, machine: elf.EM_X86_64}
		f.sections = []testSection{{name: ".modinfo", typ: elf.SHT_PROGBITS, data: []byte(testModinfo)}}
		for _, s := range c.sections {
			s.typ = elf.SHT_PROGBITS
			f.sections = append(f.sections, s)
		}
		_, err := open(t, f).Imports()
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestModuleExports(t *testing.T) {
	for _, form := range forms {
		f := testELF{bits: form.bits, order: form.order, typ: elf.ET_REL, machine: form.machine}
		f.sections = []testSection{
			{name: ".modinfo", typ: elf.SHT_PROGBITS, data: []byte(testModinfo)},
			{name: "__kcrctab_gpl", typ: elf.SHT_PROGBITS, data: words(form.order, 9, 0xcafe)},
		}
		f.addSymbols(
			testSymbol{"__crc_absolute", 0x4711, 0, elf.SHN_ABS, false},
			testSymbol{"__ksymtab_placed", 0, 0, 1, false},
			testSymbol{"__crc_placed", 4, 0, 2, false},
			testSymbol{"__ksymtab_unversioned", 0, 0, 1, false},
			testSymbol{"static", 0, 0, 1, false},
		)
		got, err := open(t, f).Exports()
		want := map[string]uint32{"absolute": 0x4711, "placed": 0xcafe, "unversioned": 0}
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("%s: %v, %v", form.name, got, err)
		}

		f.sections = f.sections[:2]
		f.addSymbols(testSymbol{"__crc_beyond", 6, 0, 2, false})
		if _, err := open(t, f).Exports(); err == nil || err.Error() != "__crc_beyond: st_value 6, its section has 8 bytes" {
			t.Errorf("%s: a version beyond its section: %v", form.name, err)
		}
		f.sections = f.sections[:2]
		f.addSymbols(testSymbol{"__crc_lost", 0, 0, 1, false})
		if _, err := open(t, f).Exports(); err == nil || err.Error() != "__crc_lost: st_shndx 1 is not a section of versions" {
			t.Errorf("%s: a version elsewhere: %v", form.name, err)
		}
	}
}
