// SPDX-License-Identifier: Apache-2.0

package decompress

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
)

// samples are the files of testdata/make.sh that unpack to plain.txt.
var samples = []struct {
	file   string
	format Format
}{
	{"plain.txt", None},
	{"plain.gz", Gzip}, {"multi.gz", Gzip},
	{"plain.bz2", Bzip2}, {"multi.bz2", Bzip2},
	{"plain.xz", Xz}, {"multi.xz", Xz}, {"module.xz", Xz},
	{"plain.lzma", Lzma},
	{"plain.zst", Zstd}, {"multi.zst", Zstd},
	{"plain.lz4", Lz4}, {"multi.lz4", Lz4}, {"legacy.lz4", Lz4}, {"image.lz4", Lz4},
}

func load(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// zstdWindow is a zstd frame that declares a window of 2^log bytes, log >= 10,
// and holds one raw block "hello".
func zstdWindow(log int) []byte {
	block := make([]byte, 4)
	binary.LittleEndian.PutUint32(block, 1|5<<3) // last block, raw, 5 bytes
	return append(append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, byte(log-10) << 3}, block[:3]...), "hello"...)
}

// lzmaHeader is an lzma-alone header with the given dictionary size and an
// unknown unpacked size, and the first byte of the range coder.
func lzmaHeader(dict uint32) []byte {
	h := binary.LittleEndian.AppendUint32([]byte{0x5d}, dict)
	h = binary.LittleEndian.AppendUint64(h, 1<<64-1)
	return append(h, 0)
}

func TestSamples(t *testing.T) {
	want := load(t, "plain.txt")
	var d Decoder // one for all: state must not leak from one input to the next
	defer d.Close()
	for range 2 {
		for _, s := range samples {
			t.Run(s.file, func(t *testing.T) {
				src := load(t, s.file)
				if got := Detect(src[:DetectLen]); got != s.format {
					t.Errorf("Detect = %s, want %s", got, s.format)
				}
				got, err := d.Append([]byte("before "), s.format, src, int64(len(want)))
				if err != nil || string(got) != "before "+string(want) {
					t.Errorf("Append: %d bytes, %v; want %d bytes", len(got), err, len(want))
				}
				r, err := d.Reader(s.format, iotest.OneByteReader(bytes.NewReader(src)))
				if err != nil {
					t.Fatal(err)
				}
				if got, err = io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
					t.Errorf("Reader: %d bytes, %v; want %d bytes", len(got), err, len(want))
				}
			})
		}
	}
}

func TestLimit(t *testing.T) {
	var d Decoder
	defer d.Close()
	limit := int64(len(load(t, "plain.txt"))) - 1
	for _, s := range samples {
		got, err := d.Append([]byte("x"), s.format, load(t, s.file), limit)
		if !errors.Is(err, ErrTooLarge) || string(got) != "x" {
			t.Errorf("%s with a limit of %d: %d bytes, %v", s.file, limit, len(got), err)
		}
		// Else each bomb takes memory of its own. xz files that give their size take none.
		if s.format != None && s.format != Xz && int64(cap(got)) < limit {
			t.Errorf("%s with a limit of %d: room for %d bytes is left", s.file, limit, cap(got))
		}
	}
}

// TestTruncated cuts every sample at every length: never a clean end.
func TestTruncated(t *testing.T) {
	var d Decoder
	defer d.Close()
	for _, s := range samples {
		if s.format == None {
			continue
		}
		src, good := load(t, s.file), map[int]bool{}
		switch s.file {
		case "legacy.lz4": // no end mark: the magic alone is an empty image
			good[4] = true
		case "image.lz4": // and without its last four bytes it is legacy.lz4
			good[4], good[len(src)-4] = true, true
		case "multi.gz", "multi.bz2", "multi.xz", "multi.zst", "multi.lz4":
			first := bytes.LastIndex(src, src[:4])
			good[first] = true // the first stream alone is whole
		}
		step := max(1, len(src)/200)
		for n := 0; n < len(src); n++ {
			if n > 64 && n < len(src)-64 && n%step != 0 {
				continue
			}
			if _, err := d.Append(nil, s.format, src[:n], 1<<20); (err == nil) != good[n] || err != nil && !errors.Is(err, regular.ErrShort) {
				t.Errorf("%s cut to %d of %d bytes: %v", s.file, n, len(src), err)
			}
		}
	}
}

func TestHostile(t *testing.T) {
	withTail := func(name, tail string) []byte { return append(load(t, name), tail...) }
	xzDict := load(t, "plain.xz")
	tests := []struct {
		name   string
		format Format
		src    []byte
		err    string // part of the error, "" for success
	}{
		{"empty gzip", Gzip, nil, "gzip: cut short; download or build the file again"},
		{"empty zstd", Zstd, nil, "zstd: cut short; "},
		{"empty lz4", Lz4, nil, "lz4: cut short; "},
		{"wrong format", Gzip, load(t, "plain.xz"), "gzip: "},
		{"unknown format", "snappy", []byte("x"), "snappy: unsupported compression"},

		{"gzip and garbage", Gzip, withTail("plain.gz", "garbage"), "gzip: "},
		{"gzip and zeros", Gzip, withTail("plain.gz", "\x00\x00\x00\x00"), "gzip: "},
		{"bzip2 and garbage", Bzip2, withTail("plain.bz2", "garbage"), "bzip2"},
		{"xz and garbage", Xz, withTail("plain.xz", "garbage!"), "xz: "},
		{"xz and padding", Xz, withTail("plain.xz", "\x00\x00\x00\x00"), ""},
		{"xz and bad padding", Xz, withTail("plain.xz", "\x00\x00\x00"), "xz: "},
		{"lzma and garbage", Lzma, withTail("plain.lzma", "garbage"), "lzma: data behind the end"},
		{"zstd and garbage", Zstd, withTail("plain.zst", "garbage"), "zstd: "},
		{"zstd and a skippable frame", Zstd, withTail("plain.zst", "\x50\x2a\x4d\x18\x02\x00\x00\x00ab"), ""},
		{"lz4 and garbage", Lz4, withTail("plain.lz4", "garbage"), "lz4: "},
		{"lz4 image with wrong size", Lz4, withTail("legacy.lz4", "\xff\xff\xff\x7f"), "lz4: "},

		{"zstd window 128 MiB", Zstd, zstdWindow(27), ""},
		{"zstd window 256 MiB", Zstd, zstdWindow(28), "zstd: window size exceeded"},
		{"zstd window 2 TiB", Zstd, zstdWindow(41), "zstd: window size exceeded"},
		{"lzma dictionary 256 MiB", Lzma, lzmaHeader(256 << 20), "lzma: header asks for a dictionary of 268435456 bytes"},
		{"lzma dictionary 4 GiB", Lzma, lzmaHeader(1<<32 - 1), "lzma: header asks for a dictionary"},
		{"lzma, nothing behind the header", Lzma, lzmaHeader(1 << 20), "lzma: "},
		{"xz dictionary byte changed", Xz, func() []byte { xzDict[16] = 40; return xzDict }(), "xz: "},
	}
	var d Decoder
	defer d.Close()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := d.Append(nil, tt.format, tt.src, 1<<20)
			if tt.err == "" && err != nil {
				t.Error(err)
			}
			if tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("error %v, want one with %q", err, tt.err)
			}
			// The decoder must be good for the next input, whatever happened.
			if _, err := d.Append(nil, Zstd, load(t, "plain.zst"), 1<<20); err != nil {
				t.Errorf("zstd afterwards: %v", err)
			}
		})
	}
}

func TestDetect(t *testing.T) {
	tests := map[Format][]string{
		None: {"", "\x7fELF", "BZh0", "BZ", "\x1f\x8b", "\x1f\x8b\x01", "07070100000000",
			string(lzmaHeader(12345)), string(lzmaHeader(1 << 20)[:13]), "\x5d\x00\x00\x80\x00\xff\xff\xff\xff\xff\xff\xff\xff\x01"},
		Lzma: {string(lzmaHeader(8 << 20)), string(lzmaHeader(3 << 20)), string(lzmaHeader(1 << 16))},
		Lz4:  {"\x02\x21\x4c\x18", "\x04\x22\x4d\x18"},
	}
	for want, prefixes := range tests {
		for _, p := range prefixes {
			if got := Detect([]byte(p)); got != want {
				t.Errorf("Detect(%q) = %s, want %s", p, got, want)
			}
		}
	}
}

// TestAppendMemory: a small input must not cost memory out of proportion.
func TestAppendMemory(t *testing.T) {
	var d Decoder
	defer d.Close()
	src := load(t, "plain.gz")
	if _, err := d.Append(nil, Gzip, src, 1<<20); err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, 0, 1<<20)
	if n := testing.AllocsPerRun(100, func() { _, _ = d.Append(dst, Gzip, src, 1<<20) }); n > 8 {
		t.Errorf("%v allocations for a reused decoder and a big enough dst", n)
	}
}

func FuzzAppend(f *testing.F) {
	formats := []Format{None, Gzip, Bzip2, Xz, Lzma, Zstd, Lz4}
	for _, s := range samples {
		src := load(f, s.file)
		for i, format := range formats {
			if format == s.format {
				f.Add(byte(i), src)
				f.Add(byte(i), src[:len(src)/2])
			}
		}
	}
	f.Add(byte(4), lzmaHeader(1<<20))
	f.Add(byte(5), zstdWindow(20))
	const limit = 1 << 20
	var d Decoder
	f.Fuzz(func(t *testing.T, format byte, src []byte) {
		got, err := d.Append(nil, formats[int(format)%len(formats)], src, limit)
		if err == nil && len(got) > limit {
			t.Errorf("%d bytes without an error, limit %d", len(got), limit)
		}
		if err != nil && len(got) != 0 {
			t.Errorf("%d bytes with error %v", len(got), err)
		}
	})
}

// BenchmarkAppend unpacks many small files with one decoder, the way modules
// are read.
func BenchmarkAppend(b *testing.B) {
	size := int64(len(load(b, "plain.txt")))
	for _, s := range samples {
		b.Run(fmt.Sprint(s.format, "/", s.file), func(b *testing.B) {
			src := load(b, s.file)
			var d Decoder
			defer d.Close()
			var dst []byte
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if dst, err = d.Append(dst[:0], s.format, src, size); err != nil {
					b.Fatal(err)
				}
			}
			runtime.KeepAlive(dst)
		})
	}
}

// TestBound lets small files unpack to what modules of zeros have, and all others to
// what is in proportion.
func TestBound(t *testing.T) {
	const most = 1 << 30
	for packed, want := range map[int64]int64{0: 16 << 20, 4 << 10: 16<<20 + 64<<10, 10 << 20: 176 << 20, 64 << 20: most, 1 << 62: most} {
		if got := Bound(packed, most); got != want {
			t.Errorf("%d: %d, want %d", packed, got, want)
		}
	}
}

func TestAppendFrom(t *testing.T) {
	want := bytes.Repeat([]byte("0123456789abcdef"), 1<<10)
	size := int64(len(want))
	for _, room := range []int64{0, 1, size - 1, size, size + 1} {
		for _, most := range []int64{0, 1, size - 1, size, size + 1, 4 * size} {
			for name, r := range map[string]io.Reader{
				"whole":         bytes.NewReader(want),
				"byte by byte":  iotest.OneByteReader(bytes.NewReader(want)),
				"data with EOF": iotest.DataErrReader(bytes.NewReader(want)),
			} {
				old := want[:min(room, 3)]
				got, err := AppendFrom(append(make([]byte, 0, room), old...), r, most)
				if err != nil || !bytes.Equal(got, slices.Concat(old, want[:min(most, size)])) {
					t.Errorf("%s, room for %d, at most %d: %d bytes, error %v", name, room, most, len(got), err)
				}
				if n := int64(cap(got) - len(old)); n > max(room, 2*most, 4*size) {
					t.Errorf("%s, room for %d, at most %d: grew to %d", name, room, most, n)
				}
			}
		}
	}
	cut := errors.New("cut")
	got, err := AppendFrom(nil, io.MultiReader(bytes.NewReader(want), iotest.ErrReader(cut)), 2*size)
	if !errors.Is(err, cut) || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, error %v; want %d before the error", len(got), err, size)
	}
}
