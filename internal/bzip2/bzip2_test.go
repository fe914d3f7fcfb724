// SPDX-License-Identifier: Apache-2.0

package bzip2

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// pack compresses data with the bzip2 command.
func pack(t testing.TB, level int, data io.Reader) []byte {
	t.Helper()
	path, err := exec.LookPath("bzip2")
	if err != nil {
		t.Skip("no bzip2 command")
	}
	cmd := exec.Command(path, "-c", fmt.Sprintf("-%d", level))
	cmd.Stdin = data
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func packBytes(t testing.TB, level int, data []byte) []byte {
	t.Helper()
	return pack(t, level, bytes.NewReader(data))
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

// parallel is a reader of src that guesses in the smallest input.
func parallel(src io.Reader, workers int) *Reader {
	r := NewReader(src, 1)
	r.units, r.guessing = workers, true
	return r
}

// same checks that src reads as the standard library reads it, with and without
// goroutines: the bytes, and whether there is an error. Bytes of a block that
// turns out to be wrong are compared between our own ways only: after four equal
// bytes and a count of 0 the standard library goes on counting, bzip2 does not.
func same(t testing.TB, src []byte) {
	t.Helper()
	const limit = 8 << 20
	want, wantErr := io.ReadAll(io.LimitReader(bzip2.NewReader(bytes.NewReader(src)), limit))
	if len(src) == 0 {
		wantErr = io.ErrUnexpectedEOF // of which the standard library says io.EOF
	}
	var outs [2][]byte
	var errs [2]error
	for i, r := range []*Reader{NewReader(bytes.NewReader(src), 1), parallel(bytes.NewReader(src), 2)} {
		got, err := io.ReadAll(io.LimitReader(r, limit))
		r.Close()
		outs[i], errs[i] = got, err
		switch {
		case err == errCode: // the standard library is laxer
		case (err == nil) != (wantErr == nil):
			t.Errorf("reader %d: error %v, want %v", i, err, wantErr)
		case errors.Is(err, io.ErrUnexpectedEOF) != errors.Is(wantErr, io.ErrUnexpectedEOF):
			t.Logf("reader %d: error %v, the standard library has %v", i, err, wantErr)
		}
		if err == nil && !bytes.Equal(got, want) {
			t.Errorf("reader %d: %d bytes, want %d, or not the same ones", i, len(got), len(want))
		}
	}
	if !bytes.Equal(outs[0], outs[1]) {
		t.Errorf("%d bytes, with goroutines %d, or not the same ones", len(outs[0]), len(outs[1]))
	}
	if fmt.Sprint(errs[0]) != fmt.Sprint(errs[1]) {
		t.Errorf("error %v, with goroutines %v", errs[0], errs[1])
	}
}

func TestLevels(t *testing.T) {
	data := mixed(2_500_000, 1)
	for level := 1; level <= 9; level++ {
		src := packBytes(t, level, data)
		r := parallel(iotest.DataErrReader(bytes.NewReader(src)), 3)
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("level %d: %d bytes, %v", level, len(got), err)
		}
		if !r.guessing {
			t.Errorf("level %d: a guess failed", level)
		}
		// Smaller blocks in the buffers of larger ones, read in odd pieces.
		r.units = 1
		r.Reset(iotest.HalfReader(bytes.NewReader(src)))
		if got, err := io.ReadAll(iotest.OneByteReader(r)); err != nil || !bytes.Equal(got, data) {
			t.Errorf("level %d, one after the other: %d bytes, %v", level, len(got), err)
		}
		r.Close()
	}
}

// TestPatterns has texts whose rotations are equal or nearly so, around the
// sizes where inversion goes over to several chains.
func TestPatterns(t *testing.T) {
	pattern := func(n int, p string) []byte { return bytes.Repeat([]byte(p), n/len(p)+1)[:n] }
	for _, n := range []int{1, 2, 3, 4, 5, 8, 255, 258, 259, 260, 4095, 4096, 4097, 6143, 100_000, 250_000} {
		for name, data := range map[string][]byte{
			"one byte":   pattern(n, "a"),
			"two":        pattern(n, "ab"),
			"three":      pattern(n, "abc"),
			"seven":      pattern(n, "abcabca"),
			"runs of 4":  pattern(n, "aaaabbbbcccc"),
			"runs of 5":  pattern(n, "aaaaabbbbbc"),
			"long":       pattern(n, string(mixed(997, 20))),
			"mixed":      mixed(n, 21),
			"all values": pattern(n, string(mixed(5, 22))+strings.Repeat("\xff", 300)+"\x00"),
		} {
			got, err := io.ReadAll(NewReader(bytes.NewReader(packBytes(t, 1, data)), 1))
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s, %d bytes: %d bytes, %v", name, n, len(got), err)
			}
		}
	}
}

func TestStreams(t *testing.T) {
	one, three, nine := packBytes(t, 1, mixed(250_000, 2)), packBytes(t, 3, mixed(700_000, 3)), packBytes(t, 9, mixed(1000, 4))
	empty := packBytes(t, 5, nil)
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

func TestTruncated(t *testing.T) {
	// The noise is near the end: most cuts fall into what is quick to decode.
	data := append(bytes.Repeat(mixed(600, 5), 410), mixed(6000, 6)...)
	src := packBytes(t, 1, data)
	if n := blocks(src); n < 3 {
		t.Fatalf("%d blocks", n)
	}
	for n := 0; n < len(src); n += 31 { // each byte takes minutes under the race detector
		for i, r := range []*Reader{NewReader(bytes.NewReader(src[:n]), 1), parallel(bytes.NewReader(src[:n]), 2)} {
			got, err := io.ReadAll(r)
			r.Close()
			if !bytes.HasPrefix(data, got) || err != io.ErrUnexpectedEOF {
				t.Fatalf("reader %d, %d of %d bytes: %d bytes out, error %v", i, n, len(src), len(got), err)
			}
		}
	}
}

// blocks counts the block magics of src.
func blocks(src []byte) (n int) {
	for bit := findMagic(src, 0); bit >= 0; bit = findMagic(src, bit+1) {
		if bitsAt(src, bit, magicBits) == blockMagic {
			n++
		}
	}
	return n
}

func TestBitFlips(t *testing.T) {
	src := packBytes(t, 1, append(bytes.Repeat(mixed(1000, 7), 150), mixed(10_000, 8)...))
	rng := rand.New(rand.NewPCG(9, 9))
	for i := range 200 {
		bad := slices.Clone(src)
		at := rng.IntN(8 * len(bad))
		if i < 100 { // the headers and tables of the first block
			at = rng.IntN(8 * 400)
		}
		bad[at/8] ^= 1 << (at % 8)
		same(t, bad)
		if t.Failed() {
			t.Fatalf("bit %d of byte %d", at%8, at/8)
		}
	}
}

// TestMade reads blocks that the bzip2 command does not write.
func TestMade(t *testing.T) {
	lengths := func(n byte, others ...byte) []byte {
		return append(bytes.Repeat([]byte{n}, maxSymbols-len(others)), others...)
	}
	for name, tt := range map[string]struct {
		block made
		err   string
	}{
		"sound":                   {block: made{}},
		"spare selectors":         {block: made{selectors: 1000}},
		"all selectors there are": {block: made{selectors: maxSelectors - 1}},
		"origin outside":          {block: made{origin: 8}, err: "pointer out of bounds"},
		"origin far outside":      {block: made{origin: 1<<24 - 100}, err: "pointer out of bounds"},
		"randomized":              {block: made{random: true}, err: "deprecated randomized files"},
		"too many codes":          {block: made{lengths: lengths(7)}, err: "invalid Huffman code"},
		"length 0":                {block: made{lengths: lengths(0)}, err: "Huffman length out of range"},
		"length 21":               {block: made{lengths: lengths(21)}, err: "Huffman length out of range"},
		"no such code":            {block: made{lengths: lengths(20)}, err: "invalid Huffman code"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.block.text = "bananas!"
			src := tt.block.file()
			got, err := io.ReadAll(NewReader(bytes.NewReader(src), 1))
			if tt.err == "" && (err != nil || string(got) != tt.block.text) {
				t.Errorf("%q, %v", got, err)
			}
			if tt.err != "" && (err == nil || err.Error() != "bzip2 data invalid: "+tt.err) {
				t.Errorf("error %v, want %s", err, tt.err)
			}
			same(t, src)
		})
	}
}

// TestFalseMagic puts magics where no block begins. The part of a block that a
// decoder skips over without looking is the list of selectors nobody uses: a
// magic is a legal list for six tables, as no run of ones in it is too long.
func TestFalseMagic(t *testing.T) {
	data := mixed(250_000, 10)
	src := packBytes(t, 1, data)
	for _, magic := range []uint64{blockMagic, endMagic} {
		for shift := range 8 {
			file := made{text: "bananas!", hidden: magic, shift: shift}.file()
			if end := findMagic(file, 8*headerBytes+magicBits); end > 8*len(file)-magicBits-checksumBits-8 {
				t.Fatal("no false magic in there")
			}
			same(t, file)
			// Between others, so that decoding goes on behind it.
			all := slices.Concat(src, file, src)
			r := parallel(bytes.NewReader(all), 2)
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, slices.Concat(data, []byte("bananas!"), data)) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if r.guessing {
				t.Error("the guess did not fail")
			}
		}
	}
}

// TestBomb: blocks of 46 MB each are not kept.
func TestBomb(t *testing.T) {
	const size, workers = 100 << 20, 4
	src := pack(t, 9, io.LimitReader(zeros{}, size))
	r := parallel(bytes.NewReader(src), workers)
	defer r.Close()
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var most, total uint64
	buf := make([]byte, 1<<20)
	for {
		n, err := r.Read(buf)
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
	if total != size || !r.guessing {
		t.Errorf("%d bytes, want %d, in parallel %v", total, size, r.guessing)
	}
	grown := int64(most) - int64(before.Sys-before.HeapReleased)
	if limit := int64((workers + 1) * 24 << 20); grown > limit {
		t.Errorf("%d MiB for %d blocks", grown>>20, workers+1)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestClose: no goroutine and no read outlives the reader's use.
func TestClose(t *testing.T) {
	src := packBytes(t, 1, mixed(1_000_000, 12))
	if len(src) < inline {
		t.Fatalf("sample of %d bytes is read inline", len(src))
	}
	before := runtime.NumGoroutine()
	in := &counted{r: bytes.NewReader(src)}
	r := NewReader(in, 2)
	if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	r.Close()
	reads := in.reads
	if _, err := io.Copy(io.Discard, r); err == nil || in.reads != reads {
		t.Errorf("read after the end: %v, %d reads", err, in.reads-reads)
	}
	gone(t, before)
	// To the end, and to an error, without Close.
	for _, file := range [][]byte{src, src[:len(src)-10], append(slices.Clone(src), 'x')} {
		_, err := io.Copy(io.Discard, NewReader(bytes.NewReader(file), 2))
		if (err == nil) != (len(file) == len(src)) {
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

// TestSourceError: the source's own error comes out, behind what came before it.
func TestSourceError(t *testing.T) {
	broken := errors.New("broken")
	data := mixed(600_000, 13)
	src := packBytes(t, 1, data)
	for _, workers := range []int{1, 2} {
		r := NewReader(io.MultiReader(bytes.NewReader(src[:len(src)-50]), iotest.ErrReader(broken)), workers)
		got, err := io.ReadAll(r)
		r.Close()
		if !errors.Is(err, broken) || len(got) < 500_000 || !bytes.HasPrefix(data, got) {
			t.Errorf("%d workers: %d bytes, %v", workers, len(got), err)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, name := range []string{"plain.bz2", "multi.bz2"} {
		src, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	for _, magic := range []uint64{0, blockMagic, endMagic} {
		f.Add(made{text: "bananas!", hidden: magic}.file())
	}
	f.Fuzz(func(t *testing.T, src []byte) { same(t, src) })
}

func BenchmarkReader(b *testing.B) {
	data := mixed(20_000_000, 14)
	src := packBytes(b, 9, data)
	for name, open := range map[string]func() io.Reader{
		"stdlib":      func() io.Reader { return bzip2.NewReader(bytes.NewReader(src)) },
		"one block":   func() io.Reader { return NewReader(bytes.NewReader(src), 1) },
		"two at once": func() io.Reader { return NewReader(bytes.NewReader(src), 2) },
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
