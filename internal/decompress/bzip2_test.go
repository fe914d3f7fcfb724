// SPDX-License-Identifier: Apache-2.0

package decompress

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// pack compresses data with the bzip2 command.
func pack(t testing.TB, level int, data []byte) []byte {
	t.Helper()
	path, err := exec.LookPath("bzip2")
	if err != nil {
		t.Skip("no bzip2 command")
	}
	cmd := exec.Command(path, "-c", fmt.Sprintf("-%d", level))
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// mixed makes n bytes that are part text, part noise, part runs.
func mixed(n int, seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 1))
	out := make([]byte, 0, n+4096)
	for len(out) < n {
		switch rng.IntN(4) {
		case 0:
			out = append(out, bytes.Repeat([]byte{byte(rng.Uint32())}, rng.IntN(4096))...)
		case 1:
			for range rng.IntN(512) {
				out = append(out, byte(rng.Uint32()))
			}
		default:
			for range rng.IntN(100) {
				out = fmt.Appendf(out, "sym_%d = 0x%x\n", rng.IntN(1000), rng.IntN(1<<16))
			}
		}
	}
	return out[:n]
}

// parallel is a reader of src that cuts even the smallest input.
func parallel(src io.Reader, workers int) *bzip2Reader {
	b := newBzip2Reader(src, workers)
	b.in.inline = 0
	return b
}

// same checks that src reads as the standard library reads it: the bytes, and
// the error's text.
func same(t testing.TB, src []byte) {
	t.Helper()
	want, wantErr := io.ReadAll(bzip2.NewReader(bytes.NewReader(src)))
	b := parallel(bytes.NewReader(src), 2)
	defer b.close()
	got, err := io.ReadAll(b)
	if fmt.Sprint(err) != fmt.Sprint(wantErr) {
		t.Errorf("error %v, want %v", err, wantErr)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes, want %d, or not the same ones", len(got), len(want))
	}
}

func TestBzip2Levels(t *testing.T) {
	data := mixed(2_500_000, 1)
	for level := 1; level <= 9; level++ {
		src := pack(t, level, data)
		b := parallel(iotest.DataErrReader(bytes.NewReader(src)), 3)
		got, err := io.ReadAll(b)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("level %d: %d bytes, %v", level, len(got), err)
		}
		if b.rest != nil {
			t.Errorf("level %d: the standard library had to step in", level)
		}
		b.close()
	}
}

func TestBzip2Streams(t *testing.T) {
	one, three, nine := pack(t, 1, mixed(250_000, 2)), pack(t, 3, mixed(700_000, 3)), pack(t, 9, mixed(1000, 4))
	empty := pack(t, 5, nil)
	cut := func(b []byte) []byte { return b[:len(b)-1] }
	badCRC := slices.Clone(one) // of the stream; the padding is in the last byte
	badCRC[len(badCRC)-2] ^= 0x40
	badBlock := slices.Clone(one)
	badBlock[4+6] ^= 1
	for name, parts := range map[string][][]byte{
		"no input":               {},
		"one stream":             {one},
		"three levels":           {one, three, nine},
		"large block size first": {nine, three, one},
		"empty":                  {empty},
		"empty first":            {empty, one},
		"empty between":          {one, empty, three},
		"empty last":             {three, empty, empty},
		"cut in the second":      {three, cut(one)},
		"cut at a header":        {one, []byte("BZh")},
		"cut behind a header":    {one, []byte("BZh9")},
		"no level 0":             {one, []byte("BZh0"), three[4:]},
		"zeros behind":           {one, make([]byte, 20)},
		"one byte behind":        {one, []byte("B")},
		"garbage behind":         {one, []byte("garbage garbage")},
		"garbage in a stream":    {one, []byte("BZh9garbage garbage")},
		"stream checksum":        {three, badCRC, nine},
		"block checksum":         {three, badBlock, nine},
		"level too low":          {[]byte("BZh1"), three[4:]},
	} {
		t.Run(name, func(t *testing.T) { same(t, bytes.Join(parts, nil)) })
	}
}

func TestBzip2Truncated(t *testing.T) {
	// The noise is near the end: most cuts fall into what is quick to decode.
	data := append(bytes.Repeat(mixed(600, 5), 410), mixed(6000, 6)...)
	src := pack(t, 1, data)
	if n := blocks(src); n < 3 {
		t.Fatalf("%d blocks", n)
	}
	for n := 0; n < len(src); n += 31 { // each byte takes minutes under the race detector
		b := parallel(bytes.NewReader(src[:n]), 2)
		got, err := io.ReadAll(b)
		b.close()
		if !bytes.HasPrefix(data, got) || n > 0 && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("%d of %d bytes: %d bytes out, error %v", n, len(src), len(got), err)
		}
	}
	for n := 0; n < len(src); n += 509 {
		same(t, src[:n])
	}
}

// blocks counts the block magics of src.
func blocks(src []byte) (n int) {
	for pos := 0; ; pos++ {
		var magic uint64
		if pos, magic = findMagic(src, pos); pos < 0 {
			return n
		}
		if magic == bzip2BlockMagic {
			n++
		}
	}
}

func TestBzip2BitFlips(t *testing.T) {
	src := pack(t, 1, append(bytes.Repeat(mixed(1000, 7), 150), mixed(10_000, 8)...))
	rng := rand.New(rand.NewPCG(9, 9))
	for range 100 {
		bad := slices.Clone(src)
		at := rng.IntN(8 * len(bad))
		bad[at/8] ^= 1 << (at % 8)
		same(t, bad)
		if t.Failed() {
			t.Fatalf("bit %d of byte %d", at%8, at/8)
		}
	}
}

// TestBzip2FalseMagic puts magics where no block begins. The part of a block
// that a decoder skips over without looking is the list of selectors nobody
// uses: a magic is a legal list for six tables if no run of ones is too long.
func TestBzip2FalseMagic(t *testing.T) {
	data := mixed(250_000, 10)
	src := pack(t, 1, data)
	for _, magic := range []uint64{bzip2BlockMagic, bzip2EndMagic} {
		for bit := range 8 {
			head := falseMagic(magic, bit)
			if pos, _ := findMagic(head, 4*8+48); pos < 0 {
				t.Fatal("no false magic in there")
			}
			same(t, head)
			// Between others, so that decoding goes on behind it.
			file := slices.Concat(src, head, src)
			same(t, file)
			if got, err := io.ReadAll(bzip2.NewReader(bytes.NewReader(file))); err != nil || len(got) != 2*len(data)+4 {
				t.Fatalf("%d bytes, %v: the sample is no sound file", len(got), err)
			}
		}
	}
}

// falseMagic is a file of one block of four bytes with a magic among its
// selectors, which it begins after bit bits.
func falseMagic(magic uint64, bit int) []byte {
	const crc = 0x12345678
	head, _ := bzip2Resume(bzip2Place{level: '1', crc: crc})
	// Up to the number of tables.
	prefix := (4+6+4)*8 + 25 + 17*16
	w := bitWriter{}
	for pos := 0; pos < prefix; pos++ {
		w.write(bitsAt(head, pos, 1), 1)
	}
	selectors := int(bitsAt(head, prefix+3, 15))
	body := prefix + 3 + 15 + selectors

	list := bitWriter{}
	list.write(0, 1+bit)
	list.write(magic, 48)
	list.write(0, 1)
	zeros := 0
	for _, c := range append(list.buf, byte(list.cur<<(8-list.n))) {
		for i := range 8 {
			if c>>(7-i)&1 == 0 {
				zeros++
			}
		}
	}
	zeros -= (8 - list.n) & 7
	if list.n == 0 {
		zeros -= 8
	}
	w.write(6, 3)
	w.write(uint64(zeros), 15)
	w.write(0, 1+bit)
	w.write(magic, 48)
	w.write(0, 1)
	// Two tables are there; the same four times more.
	const table = 5 + 258 + 2
	copyBits := func(from, to int) {
		for pos := from; pos < to; pos++ {
			w.write(bitsAt(head, pos, 1), 1)
		}
	}
	copyBits(body, body+2*table)
	copyBits(body, body+2*table)
	copyBits(body, 8*len(head))
	w.write(bzip2EndMagic, 48)
	w.write(crc, 32)
	return w.flush()
}

// TestBzip2Resume: the made-up beginning must bring any decoder to any
// checksum and any bit.
func TestBzip2Resume(t *testing.T) {
	crcs := []uint32{0, 1, 1<<32 - 1, 0xdeadbeef}
	rng := rand.New(rand.NewPCG(11, 11))
	for range 200 {
		crcs = append(crcs, rng.Uint32())
	}
	// Equal bytes and pairs: the checksums of such texts.
	for _, text := range []string{"\x00\x00\x00\x00", "aaaa", "\xff\xff\xff\xff", "abab", "aabb", "\x00\x00\x00a", "aaab"} {
		file := pack(t, 1, []byte(text))
		crcs = append(crcs, uint32(bitsAt(file, 80, 32)))
	}
	for i, crc := range crcs {
		bit := i % 8
		head, seam := bzip2Resume(bzip2Place{'1', bit, crc})
		w := bitWriter{buf: head, cur: uint64(seam >> (8 - bit)), n: bit}
		w.write(bzip2EndMagic, 48)
		w.write(uint64(crc), 32)
		if got, err := io.ReadAll(bzip2.NewReader(bytes.NewReader(w.flush()))); len(got) != 4 || err != nil {
			t.Fatalf("checksum %#x, bit %d: %q, %v", crc, bit, got, err)
		}
	}
}

// TestBzip2Bomb: blocks of 46 MB each are not kept.
func TestBzip2Bomb(t *testing.T) {
	const size = 100 << 20
	path, err := exec.LookPath("bzip2")
	if err != nil {
		t.Skip("no bzip2 command")
	}
	cmd := exec.Command(path, "-c")
	cmd.Stdin = io.LimitReader(zeros{}, size)
	src, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	const workers = 4
	b := parallel(bytes.NewReader(src), workers)
	defer b.close()
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var most, total uint64
	buf := make([]byte, 1<<20)
	for {
		n, err := b.Read(buf)
		total += uint64(n)
		if total%(16<<20) < uint64(n) {
			runtime.ReadMemStats(&during)
			most = max(most, during.Sys-during.HeapReleased)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if total != size || b.rest != nil {
		t.Errorf("%d bytes, want %d, sequential %v", total, size, b.rest != nil)
	}
	grown := int64(most) - int64(before.Sys-before.HeapReleased)
	if limit := int64((workers + 1) * 24 << 20); grown > limit {
		t.Errorf("%d MiB for %d blocks", grown>>20, workers+1)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestBzip2Join: no goroutine and no read outlives the reader's use.
func TestBzip2Join(t *testing.T) {
	if runtime.GOMAXPROCS(0) == 1 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	}
	src := pack(t, 1, mixed(1_000_000, 12))
	if len(src) < bzip2Inline {
		t.Fatalf("sample of %d bytes is read inline", len(src))
	}
	before := runtime.NumGoroutine()
	for name, end := range map[string]func(*Decoder){
		"close":  (*Decoder).Close,
		"reader": func(d *Decoder) { _, _ = d.Reader(None, nil) },
		"append": func(d *Decoder) { _, _ = d.Append(nil, None, nil, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			in := &counted{r: bytes.NewReader(src)}
			var d Decoder
			defer d.Close()
			r, err := d.Reader(Bzip2, in)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
			end(&d)
			reads := in.reads
			if _, err := io.Copy(io.Discard, r); err == nil || in.reads != reads {
				t.Errorf("read after the end: %v, %d reads", err, in.reads-reads)
			}
			gone(t, before+1) // the subtest's own
		})
	}
	// To the end, and to an error, without Close.
	for _, file := range [][]byte{src, src[:len(src)-10], append(slices.Clone(src), 'x')} {
		var d Decoder
		r, err := d.Reader(Bzip2, bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, r)
		if (err == nil) != (len(file) == len(src)) || err != nil && !strings.HasPrefix(err.Error(), "bzip2: ") {
			t.Errorf("error %v", err)
		}
		gone(t, before)
	}
}

// gone checks that there are no more than n goroutines. One that has closed
// its last channel may need a moment to be gone.
func gone(t *testing.T, n int) {
	t.Helper()
	for range 100 {
		if runtime.NumGoroutine() <= n {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines, want %d", runtime.NumGoroutine(), n)
}

type counted struct {
	r     io.Reader
	reads int
}

func (c *counted) Read(p []byte) (int, error) { c.reads++; return c.r.Read(p) }

// TestBzip2SourceError: the source's own error comes out, behind what came
// before it.
func TestBzip2SourceError(t *testing.T) {
	broken := errors.New("broken")
	data := mixed(600_000, 13)
	src := pack(t, 1, data)
	b := parallel(io.MultiReader(bytes.NewReader(src[:len(src)-50]), iotest.ErrReader(broken)), 2)
	defer b.close()
	got, err := io.ReadAll(b)
	if !errors.Is(err, broken) || len(got) < 500_000 || !bytes.HasPrefix(data, got) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func FuzzBzip2(f *testing.F) {
	for _, name := range []string{"plain.bz2", "multi.bz2"} {
		f.Add(load(f, name))
	}
	f.Add(falseMagic(bzip2BlockMagic, 3))
	f.Add(falseMagic(bzip2EndMagic, 0))
	f.Fuzz(func(t *testing.T, src []byte) {
		const limit = 8 << 20
		want, wantErr := io.ReadAll(io.LimitReader(bzip2.NewReader(bytes.NewReader(src)), limit))
		b := parallel(bytes.NewReader(src), 2)
		defer b.close()
		got, err := io.ReadAll(io.LimitReader(b, limit))
		if fmt.Sprint(err) != fmt.Sprint(wantErr) || !bytes.Equal(got, want) {
			t.Errorf("%d bytes, %v; want %d bytes, %v", len(got), err, len(want), wantErr)
		}
	})
}

func BenchmarkBzip2(b *testing.B) {
	data := mixed(50_000_000, 14)
	src := pack(b, 9, data)
	for name, open := range map[string]func() io.Reader{
		"stdlib":   func() io.Reader { return bzip2.NewReader(bytes.NewReader(src)) },
		"parallel": func() io.Reader { r, _ := openBzip2(bytes.NewReader(src)); return r },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if n, err := io.Copy(io.Discard, open()); err != nil || n != int64(len(data)) {
					b.Fatal(n, err)
				}
			}
		})
	}
}
