// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

const (
	testRelease  = "6.19.2-1-default"
	testBanner   = "Linux version 6.19.2-1-default (geeko@buildhost) (gcc (SUSE Linux) 15.2.1) #1 SMP PREEMPT_DYNAMIC"
	testVermagic = testRelease + " SMP preempt mod_unload modversions "
	testConfig   = "CONFIG_MODULES=y\n# CONFIG_MODULE_ALLOW_BTF_MISMATCH is not set\nCONFIG_NR_CPUS=8192\n"
)

// testBTF is a .BTF of as many INT types as said.
func testBTF(order binary.ByteOrder, types int) []byte {
	strings := "\x00int\x00"
	b := new(bytes.Buffer)
	binary.Write(b, order, uint16(0xeb9f))
	b.Write([]byte{1, 0})
	binary.Write(b, order, []uint32{24, 0, uint32(16 * types), uint32(16 * types), uint32(len(strings))})
	for range types {
		binary.Write(b, order, []uint32{1, 1 << 24, 4, 32})
	}
	b.WriteString(strings)
	return b.Bytes()
}

// testRodata is what a kernel's .rodata is searched for, and what must be
// passed over on the way.
func testRodata() []byte {
	b := new(bytes.Buffer)
	b.WriteString("Linux version %s (%s)\n\x00")
	b.WriteString(strings.Replace(testBanner, "#1", "#", 1) + "\n\x00")
	b.WriteString(testBanner + "\n\x00")
	b.WriteString(testRelease + " is not one\x00" + testVermagic + "\x00")
	b.WriteString("IKCFG_ST")
	b.Write(gzipped([]byte(testConfig)))
	b.WriteString("IKCFG_ED")
	return b.Bytes()
}

func testVmlinux() testELF {
	f := testELF{bits: 64, order: binary.LittleEndian, typ: elf.ET_EXEC, machine: elf.EM_X86_64}
	f.sections = []testSection{
		{name: ".text", typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC | elf.SHF_EXECINSTR, data: []byte{0x90, 0xc3}},
		{name: ".data", typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC | elf.SHF_WRITE, data: make([]byte, 64)},
		{name: ".rodata", typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC, data: testRodata()},
		{name: ".BTF", typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC, data: testBTF(f.order, 1200)},
		{name: ".BTF_ids", typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC, data: []byte{1, 0, 0, 0}},
	}
	f.addSymbols(testSymbol{"_stext", 0xffffffff81000000, 2, 1, false}, testSymbol{"start_kernel", 0xffffffff81000010, 300, 1, false})
	return f
}

const testModinfo = "license=GPL\x00\x00alias=usb:v05ACp1290d*\x00alias=usb:v05ACp1292d*\x00depends=usbcore,libphy\x00" +
	"intree=Y\x00name=ip_heth\x00vermagic=" + testVermagic + "\x00"

func testModule(bits int, order binary.ByteOrder, machine elf.Machine) testELF {
	f := testELF{bits: bits, order: order, typ: elf.ET_REL, machine: machine}
	f.sections = []testSection{
		{name: ".text", typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC | elf.SHF_EXECINSTR, data: []byte{0x90, 0xc3}},
		{name: ".modinfo", typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC, data: []byte(testModinfo)},
		{name: ".BTF", typ: elf.SHT_PROGBITS, data: testBTF(order, 3)},
		{name: ".BTF.base", typ: elf.SHT_PROGBITS},
		{name: ".BTF_ids", typ: elf.SHT_PROGBITS, data: []byte{7, 0, 0, 0}},
	}
	f.addSymbols(testSymbol{"ipheth_probe", 0x10, 420, 1, false}, testSymbol{"ipheth_open", 0x1c0, 7, 1, false})
	return f
}

// signed appends a signature as scripts/sign-file does.
func signed(module []byte) []byte {
	out := append(bytes.Clone(module), "a PKCS#7 signature"...)
	out = append(out, 0, 0, 2, 0, 0, 0, 0, 0)
	out = binary.BigEndian.AppendUint32(out, uint32(len("a PKCS#7 signature")))
	return append(out, "~Module signature appended~\n"...)
}

// arm64Image puts content behind the header of an arm64 Image.
func arm64Image(bigEndian bool, content []byte) []byte {
	header := make([]byte, 64)
	copy(header, "MZ")
	if bigEndian {
		header[24] = 1
	}
	copy(header[56:], "ARM\x64")
	return append(header, content...)
}

// flatContent is a kernel in memory: other people's BTF, its own, its strings.
func flatContent(order binary.ByteOrder) []byte {
	b := new(bytes.Buffer)
	b.Write(testBTF(order, 40)) // a BPF program's
	b.WriteString("\x9f\xeb\x01\x00\xeb\x9f\x01\x00odd")
	broken := testBTF(order, 2000)
	order.PutUint32(broken[24+4:], 20<<24) // a kind of the future
	b.Write(broken)
	b.Write(testBTF(order, 1200))
	b.Write(testRodata())
	return b.Bytes()
}

// bzImage wraps a payload, its unpacked size appended already, in a setup of
// two sectors.
func bzImage(payload []byte) []byte {
	const setupSects, codeSize, behind = 2, 32, 100
	out := make([]byte, (setupSects+1)*512+codeSize)
	le := binary.LittleEndian
	out[0x1f1] = setupSects
	copy(out[0x1fe:], "\x55\xaa")
	copy(out[0x202:], "HdrS")
	le.PutUint16(out[0x206:], 0x020f)
	le.PutUint16(out[0x20e:], 0x300-0x200)
	copy(out[0x300:], "6.19.2-1-header (geeko@buildhost) #1 SMP\x00")
	le.PutUint32(out[0x1f4:], uint32(codeSize+len(payload)+behind)/16)
	le.PutUint32(out[0x248:], codeSize)
	le.PutUint32(out[0x24c:], uint32(len(payload)))
	return append(append(out, payload...), make([]byte, behind)...)
}

// withSize appends the unpacked size to everything but gzip, as the kernel's
// build does.
func withSize(format string, packed []byte, unpacked int) []byte {
	if format == "gzip" {
		return packed
	}
	return binary.LittleEndian.AppendUint32(bytes.Clone(packed), uint32(unpacked))
}

func zboot(kind string, payload []byte, trailer ...byte) []byte {
	out := make([]byte, 128)
	copy(out, "MZ\x00\x00zimg")
	binary.LittleEndian.PutUint32(out[8:], uint32(len(out)))
	binary.LittleEndian.PutUint32(out[12:], uint32(len(payload)))
	copy(out[24:], kind)
	return append(append(out, payload...), trailer...)
}

// s390Image wraps a kernel in a program that unpacks it, with the beginnings of other
// compressed data in front and other things behind. One that is not whole is cut and has
// another size behind it.
func s390Image(format string, whole bool) []byte {
	content := append(flatContent(binary.BigEndian), make([]byte, 1<<20)...)
	out := make([]byte, 0x10008)
	copy(out, "\x00\x08\x00\x00\x80\x00\x02\x00\x02\x00\x00\x18\x60\x00\x00\x50")
	out = append(out, "S390EP\x00\x01 \xfd7zXZ\x00 \x1f\x8b\x08 "...)
	out = append(out, gzipped([]byte("something small"))...)
	packed, size := compress(format, content), len(content)
	if !whole {
		packed, size = packed[:len(packed)*9/10], size+1
	}
	out = binary.LittleEndian.AppendUint32(append(out, packed...), uint32(size))
	return append(out, make([]byte, 512)...)
}

// compressors are all the formats Go can write.
var compressors = map[string]func(io.Writer) io.WriteCloser{
	"gzip": func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
	"xz": func(w io.Writer) io.WriteCloser {
		return must(xz.WriterConfig{CheckSum: xz.CRC32, DictCap: 1 << 20}.NewWriter(w))
	},
	"lzma": func(w io.Writer) io.WriteCloser { return must(lzma.NewWriter(w)) },
	"zstd": func(w io.Writer) io.WriteCloser { return must(zstd.NewWriter(w)) },
	"lz4": func(w io.Writer) io.WriteCloser {
		out := lz4.NewWriter(w)
		if err := out.Apply(lz4.LegacyOption(true)); err != nil {
			panic(err)
		}
		return out
	},
}

func compress(format string, data []byte) []byte {
	b := new(bytes.Buffer)
	w := compressors[format](b)
	must(w.Write(data))
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func gzipped(data []byte) []byte { return compress("gzip", data) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// patch returns data with what replaced at offset.
func patch(data []byte, offset int, what ...byte) []byte {
	out := bytes.Clone(data)
	copy(out[offset:], what)
	return out
}

// wantError fails the test unless err says want.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", want)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("error %q, want one with %q", err, want)
	}
}
