// SPDX-License-Identifier: Apache-2.0

package xz

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	other "github.com/ulikunitz/xz"
	otherlzma "github.com/ulikunitz/xz/lzma"
)

const maxDict = 128 << 20

// ways are those of reading a file.
var ways = map[string]func(d *Decoder, src []byte) ([]byte, error){
	"Append": func(d *Decoder, src []byte) ([]byte, error) {
		out, err := d.Append([]byte("before"), src, 1<<30)
		return bytes.TrimPrefix(out, []byte("before")), err
	},
	"Reader": func(d *Decoder, src []byte) ([]byte, error) { return all(d.Reader(bytes.NewReader(src))) },
	"in bits": func(d *Decoder, src []byte) ([]byte, error) {
		return all(d.Reader(iotest.OneByteReader(bytes.NewReader(src))))
	},
}

// all reads what a Decoder made a reader of.
func all(r io.Reader, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

var aloneWays = map[string]func(d *Decoder, src []byte) ([]byte, error){
	"Append": func(d *Decoder, src []byte) ([]byte, error) { return d.AppendAlone(nil, src, 1<<30) },
	"Reader": func(d *Decoder, src []byte) ([]byte, error) { return all(d.AloneReader(bytes.NewReader(src))) },
	"in bits": func(d *Decoder, src []byte) ([]byte, error) {
		return all(d.AloneReader(iotest.OneByteReader(bytes.NewReader(src))))
	},
}

// command compresses data with the xz command.
func command(t testing.TB, data []byte, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath("xz")
	if err != nil {
		t.Skip("no xz command")
	}
	cmd := exec.Command(path, append([]string{"-c"}, args...)...)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("this xz does not know %v: %v", args, err)
	}
	return out
}

// program returns machine code: the first bytes of the test itself.
func program(t testing.TB, n int) []byte {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Skip(err)
	}
	return data[:min(n, len(data))]
}

// TestCommand reads what the xz command writes.
func TestCommand(t *testing.T) {
	data := program(t, 600_000)
	code := func(name string) []string { return []string{"--" + name, "--lzma2=preset=1"} }
	for name, args := range map[string][]string{
		"default":         {},
		"fast":            {"-0"},
		"small":           {"-9"},
		"CRC32":           {"--check=crc32"},
		"SHA-256":         {"--check=sha256"},
		"no check":        {"--check=none"},
		"blocks":          {"--block-size=300000"},
		"sizes in blocks": {"-T2", "--block-size=300000"},
		"as the kernel":   {"--check=crc32", "--x86", "--lzma2=dict=32MiB"},
		"as its modules":  {"--check=crc32", "--lzma2=dict=2MiB"},
		"smallest window": {"--lzma2=preset=0,dict=4096"},
		"lc 0, lp 4":      {"--lzma2=preset=0,lc=0,lp=4,pb=0"},
		"lc 4":            {"--lzma2=preset=0,lc=4,lp=0,pb=4"},
		"lc 1, lp 2":      {"--lzma2=preset=0,lc=1,lp=2,pb=1"},
		"x86":             code("x86"),
		"x86 from":        code("x86=start=123456"),
		"arm":             code("arm"),
		"arm from":        code("arm=start=4096"),
		"arm thumb":       code("armthumb"),
		"arm64":           code("arm64"),
		"powerpc":         code("powerpc"),
		"ia64":            code("ia64"),
		"sparc":           code("sparc"),
		"delta 1":         code("delta=dist=1"),
		"delta 256":       code("delta=dist=256"),
		"three":           {"--delta=dist=3", "--x86", "--arm", "--lzma2=preset=1"},
		"three others":    {"--ia64", "--armthumb", "--x86", "--lzma2=preset=1"},
	} {
		t.Run(name, func(t *testing.T) {
			// Through all kinds of chunks: code, zeros, noise.
			data := slices.Concat(data, make([]byte, 100_000), noise(100_000))
			src := command(t, data, args...)
			d := NewDecoder(maxDict)
			for way, read := range ways {
				got, err := read(d, src)
				if err != nil || !bytes.Equal(got, data) {
					t.Errorf("%s: %d bytes, %v; want %d", way, len(got), err, len(data))
				}
			}
		})
	}
}

// TestWindow has the window of a stream slide often, and matches that reach
// back as far as the dictionary goes.
func TestWindow(t *testing.T) {
	unit := noise(1<<16 - 1)
	data := bytes.Repeat(unit, 160)
	src := command(t, data, "--lzma2=preset=0,dict=65535B")
	d := NewDecoder(maxDict)
	got, err := all(d.Reader(bytes.NewReader(src)))
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v; want %d", len(got), err, len(data))
	}
	if n := len(d.lzma.buf); n > 5<<20 {
		t.Errorf("a window of %d bytes", n)
	}
	// Half of the dictionary is half of the distance.
	i := bytes.IndexByte(src[headerSize:], filterLZMA2) + headerSize
	end := headerSize + (int(src[headerSize])+1)*4 - 4
	src[i+2] -= 4
	binary.LittleEndian.PutUint32(src[end:], crc32.ChecksumIEEE(src[headerSize:end]))
	for way, read := range ways {
		if _, err := read(d, src); err != errDistance {
			t.Errorf("%s: %v, want %v", way, err, errDistance)
		}
	}
}

func noise(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 1))
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(rng.Uint32())
	}
	return out
}

// text is n bytes that compress well.
func text(n int) []byte {
	rng := rand.New(rand.NewPCG(2, 2))
	var out []byte
	for len(out) < n {
		out = fmt.Appendf(out, "sym_%d = 0x%x\n", rng.IntN(100), rng.IntN(1<<16))
	}
	return out[:n]
}

// packed is data as another implementation writes it.
func packed(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := other.WriterConfig{DictCap: 1 << 20, BlockSize: 10_000}.NewWriter(&out)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func packedAlone(t testing.TB, data []byte, size int64, marker bool) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := otherlzma.WriterConfig{DictCap: 1 << 16, Size: size, SizeInHeader: size >= 0, EOSMarker: marker}.NewWriter(&out)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if size == 0 { // which that one takes for unknown
		clear(out.Bytes()[5:13])
	}
	return out.Bytes()
}

func TestAlone(t *testing.T) {
	for _, n := range []int{0, 1, 1000, aloneStep - 1, aloneStep, aloneStep + 1, 200_000} {
		data := text(n)
		for name, src := range map[string][]byte{
			"size":            packedAlone(t, data, int64(n), false),
			"marker":          packedAlone(t, data, -1, true),
			"size and marker": packedAlone(t, data, int64(n), true),
		} {
			if n == 0 && name == "size and marker" {
				continue // that one writes no marker
			}
			d := NewDecoder(maxDict)
			for way, read := range aloneWays {
				got, err := read(d, src)
				if err != nil || !bytes.Equal(got, data) {
					t.Errorf("%s, %d bytes, %s: %d bytes, %v", name, n, way, len(got), err)
				}
				if _, err := read(d, append(src[:len(src):len(src)], 0)); err == nil {
					t.Errorf("%s, %d bytes, %s: a byte behind is no error", name, n, way)
				}
				for cut := range src {
					if cut > 40 && cut < len(src)-40 {
						continue
					}
					if got, err := read(d, src[:cut]); !errors.Is(err, io.ErrUnexpectedEOF) || !bytes.HasPrefix(data, got) {
						t.Errorf("%s, %d bytes, %s, cut at %d of %d: %d bytes, %v", name, n, way, cut, len(src), len(got), err)
					}
				}
			}
		}
		if n > 0 {
			for _, size := range []int{n - 1, n + 1} {
				src := packedAlone(t, data, int64(n), true)
				binary.LittleEndian.PutUint64(src[5:], uint64(size))
				for way, read := range aloneWays {
					if _, err := read(NewDecoder(maxDict), src); err == nil {
						t.Errorf("%d bytes, %d claimed, %s: no error", n, size, way)
					}
				}
			}
		}
	}
}

// TestDamage changes and cuts everywhere: there is a check for every bit.
func TestDamage(t *testing.T) {
	data := text(21_000) // three blocks
	src := packed(t, data)
	d := NewDecoder(maxDict)
	for way, read := range ways {
		if got, err := read(d, src); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%s: %d bytes, %v", way, len(got), err)
		}
		if way == "in bits" {
			continue
		}
		for i := range src {
			if got, err := read(d, src[:i]); err != io.ErrUnexpectedEOF || !bytes.HasPrefix(data, got) {
				t.Fatalf("%s, cut at %d of %d: %d bytes, %v", way, i, len(src), len(got), err)
			}
			bad := slices.Clone(src)
			bad[i] ^= 1 << (i % 8)
			if _, err := read(d, bad); err == nil {
				t.Fatalf("%s, bit %d of byte %d: no error", way, i%8, i)
			}
		}
		if got, err := read(d, src); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s afterwards: %d bytes, %v", way, len(got), err)
		}
	}
}

// file is a file of one stream that nothing but this test writes.
type file struct {
	flags    [2]byte // of the stream
	header   []byte  // of the block, from its flags on; nil for LZMA2 only
	data     []byte  // nil for a chunk of "hello"
	padding  byte    // of the block and the index
	records  []byte  // of the index, from their number on; nil for the right one
	footer   [2]byte // flags, changed by
	backward uint32  // changed by
}

func (f file) bytes() []byte {
	sum := func(b []byte) []byte { return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b)) }
	pad := func(b []byte, c byte) []byte {
		for len(b)%4 != 0 {
			b = append(b, c)
		}
		return b
	}
	out := append([]byte(headerMagic), sum(f.flags[:])...)
	header := f.header
	if header == nil {
		header = []byte{0, filterLZMA2, 1, 0}
	}
	header = append([]byte{0}, header...)
	for len(header)%4 != 0 {
		header = append(header, 0)
	}
	header[0] = byte(len(header) / 4)
	header = sum(header)
	data := f.data
	if data == nil {
		data = []byte("\x01\x00\x04hello\x00")
	}
	out = append(out, header...)
	out = pad(append(out, data...), f.padding)
	records := f.records
	if records == nil {
		records = []byte{1, byte(len(header) + len(data)), 5}
	}
	index := sum(pad(append([]byte{0}, records...), f.padding))
	out = append(out, index...)
	rest := binary.LittleEndian.AppendUint32(nil, uint32(len(index)/4-1)+f.backward)
	rest = append(rest, f.flags[0]^f.footer[0], f.flags[1]^f.footer[1])
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(rest))
	return append(append(out, rest...), footerMagic...)
}

func TestMade(t *testing.T) {
	good := file{}.bytes()
	for name, tt := range map[string]struct {
		src []byte
		err string // part of it, "" for success
	}{
		"sound":                     {src: good},
		"padding behind":            {src: append(slices.Clone(good), 0, 0, 0, 0)},
		"odd padding behind":        {src: append(slices.Clone(good), 0, 0, 0), err: "unexpected EOF"},
		"garbage behind":            {src: append(slices.Clone(good), "garbage and more"...), err: "stream header: wrong magic"},
		"garbage in the padding":    {src: append(slices.Clone(good), 0, 0, 1, 0), err: "padding between streams is not zero"},
		"padding in front":          {src: append(make([]byte, 4), good...), err: "stream header: wrong magic"},
		"nothing":                   {src: nil, err: "unexpected EOF"},
		"stream flags":              {src: file{flags: [2]byte{1, 0}}.bytes(), err: "stream header: flags that are not supported"},
		"check 15":                  {src: file{flags: [2]byte{0, 15}}.bytes(), err: "check 15 is not supported"},
		"check 16":                  {src: file{flags: [2]byte{0, 16}}.bytes(), err: "stream header: flags that are not supported"},
		"block flags":               {src: file{header: []byte{4, filterLZMA2, 1, 0}}.bytes(), err: "block header: flags that are not supported"},
		"compressed size":           {src: file{header: []byte{flagPacked, 9, filterLZMA2, 1, 0}}.bytes()},
		"wrong compressed size":     {src: file{header: []byte{flagPacked, 8, filterLZMA2, 1, 0}}.bytes(), err: "size that its header says"},
		"compressed size of 0":      {src: file{header: []byte{flagPacked, 0, filterLZMA2, 1, 0}}.bytes(), err: "compressed size of 0"},
		"uncompressed size":         {src: file{header: []byte{flagUnpacked, 5, filterLZMA2, 1, 0}}.bytes()},
		"wrong uncompressed size":   {src: file{header: []byte{flagUnpacked, 6, filterLZMA2, 1, 0}}.bytes(), err: "size that its header says"},
		"number too long":           {src: file{header: []byte{flagUnpacked, 0x85, 0, filterLZMA2, 1, 0}}.bytes(), err: "number is not in its shortest form"},
		"number too large":          {src: file{header: append([]byte{flagUnpacked}, bytes.Repeat([]byte{0xff}, 20)...)}.bytes(), err: "number is not in its shortest form"},
		"header too short":          {src: file{header: []byte{3, filterDelta, 1, 0, filterDelta, 1, 0}}.bytes(), err: "block header: "},
		"properties too long":       {src: file{header: []byte{0, filterLZMA2, 99, 0}}.bytes(), err: "block header: too short for what it has"},
		"no LZMA2":                  {src: file{header: []byte{0, filterX86, 0}}.bytes(), err: "filter 0x4 is not supported where it is"},
		"LZMA2 first":               {src: file{header: []byte{1, filterLZMA2, 1, 0, filterLZMA2, 1, 0}}.bytes(), err: "filter 0x21 is not supported where it is"},
		"filter for RISC-V":         {src: file{header: []byte{1, 0x0b, 0, filterLZMA2, 1, 0}}.bytes(), err: "filter 0xb is not supported where it is"},
		"filter properties":         {src: file{header: []byte{1, filterX86, 1, 0, filterLZMA2, 1, 0}}.bytes(), err: "filter with properties that do not exist"},
		"filter between":            {src: file{header: []byte{1, filterARM, 4, 2, 0, 0, 0, filterLZMA2, 1, 0}}.bytes(), err: "filter begins between two instructions"},
		"delta without":             {src: file{header: []byte{1, filterDelta, 0, filterLZMA2, 1, 0}}.bytes(), err: "delta filter with properties that do not exist"},
		"four filters, short text":  {src: file{header: []byte{3, filterX86, 0, filterIA64, 0, filterARM, 0, filterLZMA2, 1, 0}}.bytes()},
		"LZMA2 properties":          {src: file{header: []byte{0, filterLZMA2, 1, 41}}.bytes(), err: "LZMA2 with properties that do not exist"},
		"dictionary of 128 MiB":     {src: file{header: []byte{0, filterLZMA2, 1, 30}}.bytes()},
		"dictionary of 192 MiB":     {src: file{header: []byte{0, filterLZMA2, 1, 31}}.bytes(), err: "dictionary of 201326592 bytes, the limit is 134217728"},
		"dictionary of 4 GiB":       {src: file{header: []byte{0, filterLZMA2, 1, 40}}.bytes(), err: "dictionary of 4294967295 bytes"},
		"header padding":            {src: file{header: []byte{0, filterLZMA2, 1, 0, 0, 1}}.bytes(), err: "block header: padding is not zero"},
		"padding":                   {src: file{padding: 1}.bytes(), err: "padding is not zero"},
		"no fresh dictionary":       {src: file{data: []byte("\x02\x00\x04hello\x00")}.bytes(), err: "does not begin with a fresh dictionary"},
		"chunk of an odd kind":      {src: file{data: []byte("\x01\x00\x04hello\x03")}.bytes(), err: "kind that does not exist"},
		"no properties":             {src: file{data: []byte("\x01\x00\x04hello\x80\x00\x00\x00\x05")}.bytes(), err: "lacks properties"},
		"properties there are not":  {src: file{data: []byte("\xe0\x00\x00\x00\x05\xe1\x00\x00\x00\x00\x00\x00")}.bytes(), err: "properties that do not exist"},
		"lc and lp":                 {src: file{data: []byte("\xe0\x00\x00\x00\x05\x0d\x00\x00\x00\x00\x00\x00")}.bytes(), err: "properties that do not exist"},
		"range coder":               {src: file{data: []byte("\xe0\x00\x00\x00\x05\x00\x01\x00\x00\x00\x00\x00")}.bytes(), err: "range coder does not begin with zero"},
		"match with nothing before": {src: file{data: []byte("\xe0\x00\x01\x00\x05\x00\x00\xff\xff\xff\xff\xff")}.bytes(), err: "match begins before the dictionary"},
		"number of records":         {src: file{records: []byte{2, 21, 5, 21, 5}}.bytes(), err: "index: not the number of blocks"},
		"huge number of records":    {src: file{records: []byte{0xff, 0xff, 0xff, 0xff, 0x7f}}.bytes(), err: "index: not the number of blocks"},
		"sizes in the index":        {src: file{records: []byte{1, 21, 6}}.bytes(), err: "index: not the sizes of the blocks"},
		"flags at the end":          {src: file{footer: [2]byte{0, 1}}.bytes(), err: "stream footer: not the flags of the header"},
		"size of the index":         {src: file{backward: 1}.bytes(), err: "stream footer: not the size of the index"},
	} {
		t.Run(name, func(t *testing.T) {
			for way, read := range ways {
				got, err := read(NewDecoder(maxDict), tt.src)
				if tt.err == "" && (err != nil || string(got) != "hello") {
					t.Errorf("%s: %q, %v", way, got, err)
				}
				if tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
					t.Errorf("%s: error %v, want one with %q", way, err, tt.err)
				}
			}
		})
	}
}

// TestMemory: a claimed size costs nothing.
func TestMemory(t *testing.T) {
	src := file{header: []byte{0, filterLZMA2, 1, 30}}.bytes() // 128 MiB
	alone := packedAlone(t, []byte("hello"), 5, false)
	binary.LittleEndian.PutUint32(alone[1:], maxDict)
	binary.LittleEndian.PutUint64(alone[5:], 1<<40)
	for name, read := range map[string]func(*Decoder){
		"xz":           func(d *Decoder) { _, _ = all(d.Reader(bytes.NewReader(src))) },
		"xz, whole":    func(d *Decoder) { _, _ = d.Append(nil, src, 1<<40) },
		"alone":        func(d *Decoder) { _, _ = all(d.AloneReader(bytes.NewReader(alone))) },
		"alone, whole": func(d *Decoder) { _, _ = d.AppendAlone(nil, alone, 1<<40) },
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		read(NewDecoder(maxDict))
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%s: %d bytes of memory", name, n)
		}
	}
}

func TestLimit(t *testing.T) {
	data := text(100_000)
	for _, limit := range []int64{0, 1, 99_999} {
		if _, err := NewDecoder(maxDict).Append(nil, packed(t, data), limit); err != ErrTooLarge {
			t.Errorf("xz with a limit of %d: %v", limit, err)
		}
		if _, err := NewDecoder(maxDict).AppendAlone(nil, packedAlone(t, data, -1, true), limit); err != ErrTooLarge {
			t.Errorf("lzma with a limit of %d: %v", limit, err)
		}
	}
	if out, err := NewDecoder(maxDict).Append(nil, packed(t, data), 100_000); err != nil || len(out) != 100_000 {
		t.Errorf("%d bytes, %v", len(out), err)
	}
	if out, err := NewDecoder(maxDict).AppendAlone(nil, packedAlone(t, data, -1, true), 100_000); err != nil || len(out) != 100_000 {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}

// TestSourceError: the source's own error comes out, behind what came before it.
func TestSourceError(t *testing.T) {
	broken := errors.New("broken")
	data := text(100_000)
	src := packed(t, data)
	got, err := all(NewDecoder(maxDict).Reader(io.MultiReader(bytes.NewReader(src[:len(src)-200]), iotest.ErrReader(broken))))
	if err != broken || len(got) == 0 || !bytes.HasPrefix(data, got) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// FuzzXz compares both ways of reading, and them with another implementation
// where that one can read the file.
func FuzzXz(f *testing.F) {
	f.Add(file{}.bytes())
	f.Add(packed(f, text(1000)))
	f.Add(packed(f, text(21_000)))
	f.Add(file{header: []byte{3, filterX86, 0, filterIA64, 0, filterARM, 0, filterLZMA2, 1, 0}}.bytes())
	d := NewDecoder(1 << 20)
	f.Fuzz(func(t *testing.T, src []byte) {
		const limit = 8 << 20
		whole, wholeErr := d.Append(nil, src, limit)
		if wholeErr == ErrTooLarge {
			return
		}
		got, err := all(d.Reader(iotest.HalfReader(bytes.NewReader(src))))
		if fmt.Sprint(err) != fmt.Sprint(wholeErr) || err == nil && !bytes.Equal(got, whole) {
			t.Errorf("%d bytes, %v; at once %d bytes, %v", len(got), err, len(whole), wholeErr)
		}
		if err != nil {
			return
		}
		r, err := other.NewReader(bytes.NewReader(src))
		if err != nil {
			return
		}
		if want, err := io.ReadAll(io.LimitReader(r, limit+1)); err == nil && !bytes.Equal(got, want) {
			t.Errorf("%d bytes, the other has %d, or not the same ones", len(got), len(want))
		}
	})
}

// FuzzAlone does so for .lzma files.
func FuzzAlone(f *testing.F) {
	f.Add(packedAlone(f, text(1000), 1000, false))
	f.Add(packedAlone(f, text(1000), -1, true))
	d := NewDecoder(1 << 20)
	f.Fuzz(func(t *testing.T, src []byte) {
		const limit = 8 << 20
		whole, wholeErr := d.AppendAlone(nil, src, limit)
		if wholeErr == ErrTooLarge {
			return
		}
		got, err := all(d.AloneReader(iotest.HalfReader(bytes.NewReader(src))))
		if fmt.Sprint(err) != fmt.Sprint(wholeErr) || err == nil && !bytes.Equal(got, whole) {
			t.Errorf("%d bytes, %v; at once %d bytes, %v", len(got), err, len(whole), wholeErr)
		}
		if err != nil {
			return
		}
		r, err := otherlzma.NewReader(bytes.NewReader(src))
		if err != nil {
			return
		}
		if want, err := io.ReadAll(io.LimitReader(r, limit+1)); err == nil && !bytes.Equal(got, want) {
			t.Errorf("%d bytes, the other has %d, or not the same ones", len(got), len(want))
		}
	})
}

func BenchmarkDecoder(b *testing.B) {
	data := program(b, 8<<20)
	src := command(b, data, "--check=crc32", "--lzma2=dict=2MiB")
	d := NewDecoder(maxDict)
	var dst []byte
	for name, read := range map[string]func() (int, error){
		"Append": func() (n int, err error) {
			dst, err = d.Append(dst[:0], src, 1<<30)
			return len(dst), err
		},
		"Reader": func() (int, error) {
			r, err := d.Reader(bytes.NewReader(src))
			if err != nil {
				return 0, err
			}
			n, err := io.Copy(io.Discard, r)
			return int(n), err
		},
		"other": func() (int, error) {
			r, err := other.NewReader(bytes.NewReader(src))
			if err != nil {
				return 0, err
			}
			n, err := io.Copy(io.Discard, r)
			return int(n), err
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if n, err := read(); err != nil || n != len(data) {
					b.Fatal(n, err)
				}
			}
		})
	}
}

// TestSize compares what the index says with what a stream unpacks to, of one block and of several.
func TestSize(t *testing.T) {
	data := bytes.Repeat([]byte("what is packed, many times over; "), 10_000)
	for name, args := range map[string][]string{"one block": {"xz"}, "many blocks": {"xz", "--block-size=65536"}} {
		packed := command(t, data, args...)
		for _, tail := range [][]byte{packed, packed[len(packed)-min(len(packed), 128):]} {
			if got := Size(tail); got != int64(len(data)) {
				t.Errorf("%s: %d bytes by the last %d, want %d", name, got, len(tail), len(data))
			}
		}
		for n := range 16 {
			Size(packed[len(packed)-n:])
		}
		for i := range packed {
			spoilt := bytes.Clone(packed)
			spoilt[i] ^= 0xff
			if got := Size(spoilt); got < 0 {
				t.Errorf("%s: %d bytes", name, got)
			}
		}
	}
	if got := Size([]byte("no xz, but it ends in YZ")); got != 0 {
		t.Errorf("%d bytes of what is no stream", got)
	}
}
