// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"flag"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

var writeVmlinux = flag.String("vmlinux", "", "write the vmlinux of the tests to this `file`")

func openImage(data []byte) (*kernel.Image, error) {
	d := new(decompress.Decoder)
	defer d.Close()
	return kernel.OpenImage(bytes.NewReader(data), int64(len(data)), d)
}

// images are the test kernels in every wrapping that Go can write.
func images() map[string][]byte {
	vmlinux := testVmlinux().bytes()
	flat := arm64Image(false, flatContent(binary.LittleEndian))
	files := map[string][]byte{
		"vmlinux":                vmlinux,
		"arm64 Image":            flat,
		"arm64 Image big endian": arm64Image(true, flatContent(binary.BigEndian)),
		"riscv Image":            patch(flat, 56, 'R', 'S', 'C', 5),
		"raw BTF":                testBTF(binary.LittleEndian, 1200),
		"gzip zboot gzip":        gzipped(zboot("gzip", gzipped(flat))),
	}
	for format := range compressors {
		files[format] = compress(format, vmlinux)
		files["bzImage "+format] = bzImage(withSize(format, compress(format, vmlinux), len(vmlinux)))
		files["zboot "+format] = zboot(format, compress(format, flat), 0, 1, 2, 3)
		if format != "lzma" { // which begins like nothing
			files["s390 image "+format] = s390Image(format, true)
		}
	}
	return files
}

func TestOpenImage(t *testing.T) {
	for name, file := range images() {
		t.Run(name, func(t *testing.T) {
			img, err := openImage(file)
			if err != nil {
				t.Fatal(err)
			}
			// The test's name is the wrapping, but for the kernel inside.
			if len(img.Wrapping) > 0 && strings.Join(img.Wrapping, " ") != name {
				t.Errorf("wrapping %q", img.Wrapping)
			}
			if want := testBTF(img.Order, 1200); !bytes.Equal(img.BTF, want) {
				t.Errorf("BTF of %d bytes, want %d", len(img.BTF), len(want))
			}
			if img.Kind == kernel.KindBTF {
				return
			}
			if img.Release != testRelease || img.Banner != testBanner {
				t.Errorf("release %q, banner %q", img.Release, img.Banner)
			}
			if img.Vermagic != testVermagic {
				t.Errorf("vermagic %q, want %q", img.Vermagic, testVermagic)
			}
			if on, known := img.Config.Enabled("CONFIG_MODULES"); !on || !known || len(img.Config) != 3 {
				t.Errorf("config %v", img.Config)
			}
			if (img.ELF != nil) != (img.Kind == kernel.KindVmlinux) {
				t.Errorf("%s with ELF %v", img.Kind, img.ELF)
			}
		})
	}
}

func TestOpenImageForms(t *testing.T) {
	for name, want := range map[string]kernel.Image{
		"vmlinux":                {Facts: kernel.Facts{Kind: kernel.KindVmlinux, Arch: "x86_64", Bits: 64}, Order: binary.LittleEndian},
		"arm64 Image":            {Facts: kernel.Facts{Kind: kernel.KindArm64Image, Arch: "aarch64", Bits: 64}, Order: binary.LittleEndian},
		"arm64 Image big endian": {Facts: kernel.Facts{Kind: kernel.KindArm64Image, Arch: "aarch64", Bits: 64}, Order: binary.BigEndian},
		"riscv Image":            {Facts: kernel.Facts{Kind: kernel.KindRISCVImage, Arch: "riscv64", Bits: 64}, Order: binary.LittleEndian},
		"s390 image xz":          {Facts: kernel.Facts{Kind: kernel.KindS390Image, Arch: "s390x", Bits: 64}, Order: binary.BigEndian},
		"raw BTF":                {Facts: kernel.Facts{Kind: kernel.KindBTF}, Order: binary.LittleEndian},
	} {
		img, err := openImage(images()[name])
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if img.Kind != want.Kind || img.Arch != want.Arch || img.Bits != want.Bits || img.Order != want.Order {
			t.Errorf("%s: %s, %q, %d bits, %v", name, img.Kind, img.Arch, img.Bits, img.Order)
		}
	}
}

// testdata/make.sh makes these.
func TestCompressedByCommand(t *testing.T) {
	if *writeVmlinux != "" {
		if err := os.WriteFile(*writeVmlinux, testVmlinux().bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for file, format := range map[string]string{"vmlinux.bz2": "bzip2", "vmlinux.x86.xz": "xz"} {
		packed, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		unpacked, err := new(decompress.Decoder).Append(nil, decompress.Format(format), packed, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, data := range [][]byte{packed, bzImage(withSize(format, packed, len(unpacked)))} {
			img, err := openImage(data)
			if err != nil {
				t.Errorf("%s: %v", file, err)
			} else if img.Release != testRelease || !slices.Contains(img.Wrapping, format) {
				t.Errorf("%s: release %q, wrapping %q", file, img.Release, img.Wrapping)
			}
		}
	}
}

// A kernel may lack everything but what it exports. Without that, an ELF file is some
// program.
func TestOpenImageBare(t *testing.T) {
	f := testVmlinux()
	f.sections = f.sections[:1]
	if _, err := openImage(f.bytes()); !errors.Is(err, kernel.ErrNotImage) {
		t.Errorf("some program: %v", err)
	}
	f.sections = append(f.sections, testSection{name: "__ksymtab_strings", typ: elf.SHT_PROGBITS})
	file := f.bytes()
	img, err := openImage(file)
	if err != nil {
		t.Fatal(err)
	}
	if img.BTF != nil || img.BTFIDs != nil || img.Config != nil || img.Release != "" || img.Banner != "" {
		t.Errorf("%+v", img)
	}

	// The boot image around it still knows the release.
	img, err = openImage(bzImage(gzipped(file)))
	if err != nil || img.Release != "6.19.2-1-header" {
		t.Errorf("%+v, %v", img, err)
	}

	img, err = openImage(patch(bzImage(gzipped(file)), 0x20e, 0xff, 0xff))
	if err != nil || img.Release != "" {
		t.Errorf("kernel_version beyond the end: %+v, %v", img, err)
	}

	img, err = openImage(arm64Image(false, []byte("no BTF here")))
	if err != nil || img.BTF != nil {
		t.Errorf("%+v, %v", img, err)
	}
}

// The banner of the first link has no build number.
func TestOpenImageFirstLinkBanner(t *testing.T) {
	banner := strings.Replace(testBanner, "#1", "#", 1)
	img, err := openImage(arm64Image(false, []byte(banner+"\n\x00")))
	if err != nil || img.Banner != banner || img.Release != testRelease {
		t.Errorf("%q, %q, %v", img.Banner, img.Release, err)
	}
}

// A vmlinux full of debug information must not be read as a whole.
func TestOpenImageReadsLittle(t *testing.T) {
	f := testVmlinux()
	f.sections = append(f.sections, testSection{name: ".debug_info", typ: 1, data: make([]byte, 8<<20)})
	file := f.bytes()
	counter := &countingReader{r: bytes.NewReader(file)}
	img, err := kernel.OpenImage(counter, int64(len(file)), new(decompress.Decoder))
	if err != nil || img.Banner != testBanner || img.Config == nil {
		t.Fatalf("%+v, %v", img, err)
	}
	if counter.n > 1<<20 {
		t.Errorf("read %d of %d bytes", counter.n, len(file))
	}
}

type countingReader struct {
	r io.ReaderAt
	n int
}

func (c *countingReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.r.ReadAt(p, off)
	c.n += n
	return n, err
}

// What lies across the border of two reads is found, too.
func TestOpenImageBannerAcrossWindows(t *testing.T) {
	for shift := range 17 {
		f := testVmlinux()
		f.sections[2].data = append(make([]byte, 1<<20-16+shift), testBanner+"\n\x00"...)
		file := f.bytes()
		img, err := kernel.OpenImage(bytes.NewReader(file), int64(len(file)), new(decompress.Decoder))
		if err != nil || img.Banner != testBanner {
			t.Errorf("shift %d: %q, %v", shift, img.Banner, err)
		}
	}
}

func TestOpenImageHostile(t *testing.T) {
	vmlinux := testVmlinux().bytes()
	boot := bzImage(withSize("zstd", compress("zstd", vmlinux), len(vmlinux)))
	shortLZ4 := bzImage(withSize("lz4", compress("lz4", vmlinux[:len(vmlinux)-64]), len(vmlinux)))
	efi := zboot("zstd22", compress("zstd", arm64Image(false, nil)))
	nested := vmlinux
	for range 6 {
		nested = gzipped(nested)
	}

	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "not a kernel image"},
		{"text", []byte("#!/bin/sh\n"), "not a kernel image"},
		{"module", testModule(64, binary.LittleEndian, 62).bytes(), "not a kernel image: found module"},
		{"RPM", []byte("\xed\xab\xee\xdb\x03"), "not a kernel image: found RPM"},
		{"zImage", patch(make([]byte, 64), 0x24, 0x18, 0x28, 0x6f, 0x01), "not a kernel image: found zImage"},
		{"text in gzip", gzipped([]byte("hello")), "gzip: not a kernel image"},
		{"gzip cut short", gzipped(vmlinux)[:100], "gzip: "},
		{"six times gzip", nested, "gzip: gzip: gzip: gzip: wrapped more than 4 times"},
		{"vmlinux cut short", vmlinux[:len(vmlinux)-100], "section header table (e_shoff)"},

		{"bzImage: header cut short", boot[:0x210], "bzImage: setup header: cut short, 592 bytes at 0, but the file has 528 bytes"},
		{"bzImage: protocol", patch(boot, 0x206, 7, 2), "bzImage: boot protocol 2.07"},
		{"bzImage: payload_offset", patch(boot, 0x248, 0xff, 0xff, 0xff, 0xff), "bzImage: payload_offset, payload_length"},
		{"bzImage: payload_length", patch(boot, 0x24c, 0xff, 0xff, 0xff, 0xff), "bzImage: payload_offset, payload_length"},
		{"bzImage: payload_length 3", patch(boot, 0x24c, 3, 0, 0, 0), "bzImage: payload_length: 3 bytes"},
		{"bzImage: setup_sects", patch(boot, 0x1f1, 0xff), "bzImage: syssize: cut short"},
		{"bzImage: cut short behind the payload", boot[:len(boot)-50], "bzImage: syssize: cut short"},
		{"bzImage: payload", patch(boot, 0x248, 0), "bzImage: payload: unknown compression, starts with 00 00"},
		{"bzImage: payload cut short", patch(boot, 0x24c, 0x80, 0), "bzImage: zstd: "},
		{"bzImage: lz4 cut at a block", shortLZ4, "bzImage: lz4: payload: unpacks to"},

		{"zboot: header cut short", efi[:40], "zboot: zboot header: cut short, 56 bytes at 0, but the file has 40 bytes"},
		{"zboot: offset", patch(efi, 8, 0, 0, 0, 0x80), "zboot: payload offset, payload size"},
		{"zboot: size", patch(efi, 12, 0xff, 0xff, 0xff, 0xff), "zboot: payload offset, payload size"},
		{"zboot: type", zboot("lzo", []byte("\x89LZO")), `zboot: payload: unknown compression "lzo", starts with 89 4c 5a 4f`},

		{"arm64 Image: overlapping tables", arm64Image(false, overlappingTables()), "too many beginnings of BTF tables"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := openImage(c.file)
			wantError(t, err, c.want)
			if strings.Contains(c.want, "not a kernel image") && !errors.Is(err, kernel.ErrNotImage) {
				t.Errorf("error %v is not ErrNotImage", err)
			}
		})
	}
}

// overlappingTables is a row of BTF headers, each hidden in a STRUCT's members
// and followed by types that go on to the end of the file, where one of no kind
// spoils them all: work that grows with the square of the size.
func overlappingTables() []byte {
	le := binary.LittleEndian
	const units, unit = 6000, 12 + 24 + 12
	out := make([]byte, units*unit+12+1)
	for at := 0; at < units*unit; at += unit {
		le.PutUint32(out[at+4:], 4<<24|3) // STRUCT of three members

		header := out[at+12:]
		typeLen := uint32(len(out) - 1 - (at + 12 + 24))
		copy(header, "\x9f\xeb\x01\x00")
		le.PutUint32(header[4:], 24)
		le.PutUint32(header[12:], typeLen)
		le.PutUint32(header[16:], typeLen)
		le.PutUint32(header[20:], 1)

		le.PutUint32(out[at+36+4:], 2<<24) // PTR, for those who begin here
	}
	return out
}

// TestS390Size takes no part of a compressed kernel for the whole.
func TestS390Size(t *testing.T) {
	for _, format := range []string{"xz", "zstd", "gzip", "lz4"} {
		if _, err := openImage(s390Image(format, false)); err == nil || !strings.Contains(err.Error(), "no kernel that could be unpacked whole") {
			t.Errorf("%s: %v", format, err)
		}
	}
}
