// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// forms are the four shapes of ELF.
var forms = []struct {
	name    string
	bits    int
	order   binary.ByteOrder
	machine elf.Machine
	arch    string
}{
	{"64 bit little endian", 64, binary.LittleEndian, elf.EM_X86_64, "x86_64"},
	{"64 bit big endian", 64, binary.BigEndian, elf.EM_S390, "s390x"},
	{"32 bit little endian", 32, binary.LittleEndian, elf.EM_ARM, "armv7hl"},
	{"32 bit big endian", 32, binary.BigEndian, elf.EM_PPC, "ppc"},
}

func TestELF(t *testing.T) {
	for _, form := range forms {
		t.Run(form.name, func(t *testing.T) {
			file := testModule(form.bits, form.order, form.machine).bytes()
			inMemory, err := kernel.NewELF(file)
			if err != nil {
				t.Fatal(err)
			}
			onDisk, err := kernel.NewELFReader(bytes.NewReader(file), int64(len(file)))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range []*kernel.ELF{inMemory, onDisk} {
				if f.Bits() != form.bits || f.Order() != form.order || f.Arch() != form.arch {
					t.Errorf("%d bits, %v, %s", f.Bits(), f.Order(), f.Arch())
				}
				data, ok, err := f.Section(".BTF")
				if !ok || err != nil || !bytes.Equal(data, testBTF(form.order, 3)) {
					t.Errorf(".BTF: %d bytes, %v, %v", len(data), ok, err)
				}
				// The name of .BTF ends other names, and begins them.
				for _, name := range []string{"BTF", ".BT", ".BTF.bas", "", "x"} {
					if _, ok, err := f.Section(name); ok || err != nil {
						t.Errorf("section %q: %v, %v", name, ok, err)
					}
				}
				checkSymbols(t, f)
			}
		})
	}
}

func checkSymbols(t *testing.T, f *kernel.ELF) {
	t.Helper()
	var got []kernel.Symbol
	for s, err := range f.Symbols() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s)
	}
	want := []kernel.Symbol{
		{Name: "ipheth_probe", Value: 0x10, Size: 420, Type: elf.STT_FUNC, Bind: elf.STB_GLOBAL, Section: 1},
		{Name: "ipheth_open", Value: 0x1c0, Size: 7, Type: elf.STT_FUNC, Bind: elf.STB_GLOBAL, Section: 1},
	}
	if !slices.Equal(got, want) {
		t.Errorf("symbols %v, want %v", got, want)
	}
}

func TestArch(t *testing.T) {
	little, big := binary.LittleEndian, binary.BigEndian
	for _, c := range []struct {
		machine elf.Machine
		bits    int
		order   binary.ByteOrder
		want    string
	}{
		{elf.EM_X86_64, 64, little, "x86_64"},
		{elf.EM_386, 32, little, "i686"},
		{elf.EM_AARCH64, 64, little, "aarch64"},
		{elf.EM_ARM, 32, little, "armv7hl"},
		{elf.EM_S390, 64, big, "s390x"},
		{elf.EM_PPC64, 64, little, "ppc64le"},
		{elf.EM_PPC64, 64, big, "ppc64"},
		{elf.EM_RISCV, 64, little, "riscv64"},
		{elf.EM_RISCV, 32, little, "riscv32"},
		{elf.EM_LOONGARCH, 64, little, "loongarch64"},
		{elf.EM_MIPS, 64, little, "mips64el"},
		{elf.EM_MIPS, 32, big, "mips"},
		{elf.EM_SPARCV9, 64, big, "sparc64"},
		{elf.EM_AVR, 32, little, ""},
	} {
		file := testELF{bits: c.bits, order: c.order, typ: elf.ET_REL, machine: c.machine}.bytes()
		if got := must(kernel.NewELF(file)).Arch(); got != c.want {
			t.Errorf("%v, %d bits, %v: %q, want %q", c.machine, c.bits, c.order, got, c.want)
		}
	}
}

// The kernel takes the first section of a name.
func TestELFFirstSection(t *testing.T) {
	f := testELF{bits: 64, order: binary.LittleEndian, typ: elf.ET_REL, sections: []testSection{
		{name: ".BTF", typ: elf.SHT_PROGBITS, data: []byte("first")},
		{name: ".BTF", typ: elf.SHT_PROGBITS, data: []byte("second")},
	}}
	data, _, err := must(kernel.NewELF(f.bytes())).Section(".BTF")
	if err != nil || string(data) != "first" {
		t.Errorf("%q, %v", data, err)
	}
}

// More than 65,279 sections do not fit e_shnum (System V ABI, chapter 4).
func TestELFExtendedNumbering(t *testing.T) {
	file := testModule(64, binary.LittleEndian, elf.EM_X86_64).bytes()
	le := binary.LittleEndian
	table := int(le.Uint64(file[40:]))
	count, names := le.Uint16(file[60:]), le.Uint16(file[62:])
	le.PutUint64(file[table+32:], uint64(count))
	le.PutUint32(file[table+40:], uint32(names))
	le.PutUint16(file[60:], 0)
	le.PutUint16(file[62:], 0xffff)
	if _, ok, err := must(kernel.NewELF(file)).Section(".BTF"); !ok || err != nil {
		t.Errorf(".BTF: %v, %v", ok, err)
	}
}

func TestELFOddSections(t *testing.T) {
	f := testELF{bits: 64, order: binary.LittleEndian, typ: elf.ET_REL, sections: []testSection{
		{name: ".packed", typ: elf.SHT_PROGBITS, flags: elf.SHF_COMPRESSED, data: []byte("zlib")},
		{name: ".bss", typ: elf.SHT_NOBITS, data: []byte("none")},
		{name: ".empty", typ: elf.SHT_NOBITS},
	}}
	file := must(kernel.NewELF(f.bytes()))
	if data, ok, err := file.Section(".packed"); !ok || err != nil || string(data) != "zlib" {
		t.Errorf(".packed: %q, %v, %v, want the bytes as they stand", data, ok, err)
	}
	if _, ok, err := file.Section(".bss"); !ok || !errors.Is(err, kernel.ErrSectionNoBits) {
		t.Errorf(".bss: %v, %v", ok, err)
	}
	if data, ok, err := file.Section(".empty"); !ok || err != nil || len(data) != 0 {
		t.Errorf(".empty: %q, %v, %v", data, ok, err)
	}
}

// A size that the reader behind it cannot hold is noticed before memory is
// asked for.
func TestELFSizeLies(t *testing.T) {
	file := testModule(64, binary.LittleEndian, elf.EM_X86_64).bytes()
	_, err := kernel.NewELFReader(bytes.NewReader(file), 1<<50)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v", err)
	}
	_, err = kernel.NewELFReader(bytes.NewReader(file), -1)
	wantError(t, err, "file size -1")
}

// hostile are damages to a module of 64 bit, little endian. Section header 3
// is .BTF, 6 .symtab, 7 .strtab and 8 the section names.
var hostile = []struct {
	name   string
	damage func(file []byte, table int) []byte
	want   string
}{
	{"empty", func(f []byte, _ int) []byte { return nil }, "not an ELF file"},
	{"magic only", func(f []byte, _ int) []byte { return f[:4] }, "not an ELF file"},
	{"ident only", func(f []byte, _ int) []byte { return f[:16] }, "ELF header: cut short, 64 bytes at 0, but the file has 16 bytes"},
	{"class", func(f []byte, _ int) []byte { return patch(f, 4, 3) }, "EI_CLASS 3"},
	{"byte order", func(f []byte, _ int) []byte { return patch(f, 5, 0) }, "EI_DATA 0"},
	{"cut before the section headers", func(f []byte, table int) []byte { return f[:table] }, "e_shnum 9 sections of 64 bytes, file has 477 bytes"},
	{"cut within the section headers", func(f []byte, table int) []byte { return f[:table+100] }, "(e_shoff): cut short, 576 bytes at 477, but the file has 577 bytes"},
	{"e_shoff beyond the end", func(f []byte, _ int) []byte { return patch(f, 40, 0, 0, 0, 0, 0, 0, 0, 1) }, "e_shoff"},
	{"e_shoff wraps around", func(f []byte, _ int) []byte {
		return patch(f, 40, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	}, "e_shoff"},
	{"no e_shoff, but sections", func(f []byte, _ int) []byte { return patch(f, 40, make([]byte, 8)...) }, "e_shoff 0"},
	{"e_shentsize", func(f []byte, _ int) []byte { return patch(f, 58, 63, 0) }, "e_shentsize 63, should be 64"},
	{"e_shnum", func(f []byte, _ int) []byte { return patch(f, 60, 0xff, 0xfe) }, "e_shnum 65279"},
	{"e_shnum in section 0", func(f []byte, table int) []byte {
		return patch(patch(f, 60, 0, 0), table+32, 1, 0, 0, 0, 0, 0, 0, 4)
	}, "e_shnum 288230376151711745"},
	{"e_shstrndx 0", func(f []byte, _ int) []byte { return patch(f, 62, 0, 0) }, "e_shstrndx 0"},
	{"e_shstrndx", func(f []byte, _ int) []byte { return patch(f, 62, 200, 0) }, "e_shstrndx 200"},
	{"e_shstrndx of another section", func(f []byte, _ int) []byte { return patch(f, 62, 1, 0) }, "section names (e_shstrndx 1)"},
	{"sh_offset", func(f []byte, table int) []byte { return patch(f, table+3*64+24, 0, 0, 0, 1) }, "section 3: sh_size 77 bytes at sh_offset 16777216"},
	{"sh_size", func(f []byte, table int) []byte { return patch(f, table+3*64+32, 0, 0, 0, 0, 1) }, "section 3: sh_size 4294967296"},
	{"sh_offset and sh_size wrap around", func(f []byte, table int) []byte {
		return patch(f, table+3*64+32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	}, "section 3: sh_size 18446744073709551615"},
	{"sh_name", func(f []byte, table int) []byte { return patch(f, table+3*64, 0, 0, 1) }, "section 3: sh_name 65536"},
	{"symbols: sh_entsize", func(f []byte, table int) []byte { return patch(f, table+6*64+56, 0) }, "sh_entsize 0"},
	{"symbols: sh_size", func(f []byte, table int) []byte { return patch(f, table+6*64+32, 71) }, "sh_size 71"},
	{"symbols: sh_link", func(f []byte, table int) []byte { return patch(f, table+6*64+40, 99) }, "sh_link 99"},
	{"symbols: st_name", func(f []byte, table int) []byte {
		return patch(f, int(binary.LittleEndian.Uint64(f[table+6*64+24:]))+24, 0xff)
	}, "symbol 1: st_name 255"},
	{"symbols: no NUL", func(f []byte, table int) []byte {
		return patch(f, table+7*64+32, 10)
	}, "symbol 1: st_name 1: no NUL within 9 bytes"},
}

func TestELFHostile(t *testing.T) {
	good := testModule(64, binary.LittleEndian, elf.EM_X86_64).bytes()
	table := int(binary.LittleEndian.Uint64(good[40:]))
	for _, c := range hostile {
		t.Run(c.name, func(t *testing.T) {
			wantError(t, readAll(c.damage(good, table)), c.want)
		})
	}
}

// readAll uses everything an ELF offers and returns the first error.
func readAll(file []byte) error {
	f, err := kernel.NewELF(file)
	if err != nil {
		return err
	}
	for _, name := range []string{".BTF", ".BTF.base", ".BTF_ids", ".modinfo"} {
		if _, _, err := f.Section(name); err != nil {
			return err
		}
	}
	for _, err := range f.Symbols() {
		if err != nil {
			return err
		}
	}
	return nil
}

func FuzzELF(f *testing.F) {
	for _, form := range forms {
		f.Add(testModule(form.bits, form.order, form.machine).bytes())
	}
	good := testModule(64, binary.LittleEndian, elf.EM_X86_64).bytes()
	table := int(binary.LittleEndian.Uint64(good[40:]))
	for _, c := range hostile {
		f.Add(c.damage(good, table))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		err := readAll(file)
		onDisk, errOnDisk := kernel.NewELFReader(bytes.NewReader(file), int64(len(file)))
		if err == nil && errOnDisk != nil {
			t.Fatalf("in memory fine, from a reader %v", errOnDisk)
		}
		if err == nil {
			onDisk.Section(".BTF")
		}
	})
}
