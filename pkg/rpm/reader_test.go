// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"bytes"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"
)

// TestSamples reads the packages that testdata/make.sh has rpmbuild make.
func TestSamples(t *testing.T) {
	var numbers strings.Builder
	for i := 1; i <= 300; i++ {
		fmt.Fprintln(&numbers, i)
	}
	want := []struct {
		names, content string
	}{
		{"/usr/lib/sample", ""},
		{"/usr/lib/sample/alpha", "alpha\n"},
		{"/usr/lib/sample/dir", ""},
		{"/usr/lib/sample/nothing", ""},
		{"/usr/lib/sample/numbers", numbers.String()},
		{"/usr/lib/sample/symlink", ""},
		{"/usr/lib/sample/dir/link-b /usr/lib/sample/link-a /usr/lib/sample/zlink-c", "one file, three names\n"},
		{"/usr/lib/sample/empty-a /usr/lib/sample/empty-b", ""},
	}
	for name, compressor := range map[string]string{
		"none": "", "gzip": "gzip", "bzip2": "bzip2", "xz": "xz", "lzma": "lzma", "zstd": "zstd", "v6": "zstd",
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Open(filepath.Join("testdata", name+".rpm"))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if r.Package.PayloadCompressor != compressor {
				t.Errorf("compressor %q", r.Package.PayloadCompressor)
			}
			for _, w := range want {
				e, err := r.Next()
				if err != nil {
					t.Fatal(err)
				}
				var names []string
				for _, f := range e.Files {
					names = append(names, f.Path)
				}
				content, err := io.ReadAll(r)
				if strings.Join(names, " ") != w.names || string(content) != w.content || err != nil || e.Size != int64(len(content)) {
					t.Errorf("%s: %d bytes, size %d, %v; want %s: %q", names, len(content), e.Size, err, w.names, w.content)
				}
			}
			for range 2 {
				if _, err := r.Next(); err != io.EOF {
					t.Errorf("at the end: %v", err)
				}
			}
			if read, total := r.Progress(); read != total || total == 0 {
				t.Errorf("progress %d of %d at the end", read, total)
			}
		})
	}
}

func TestFacts(t *testing.T) {
	r, err := Open(filepath.Join("testdata", "zstd.rpm"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := r.Package
	for _, f := range []struct{ what, got, want string }{
		{"NEVRA", p.NEVRA(), "sample-3:1.0-1.noarch"},
		{"SourceRPM", p.SourceRPM, "sample-1.0-1.src.rpm"},
		{"BuildHost", p.BuildHost, "localhost"},
		{"BuildTime", p.BuildTime.Format(time.RFC3339), "2023-11-14T22:13:20Z"},
		{"Cookie", p.Cookie, "localhost 1700000000"},
		{"Provides", fmt.Sprint(p.Provides), "[sample = 3:1.0-1 sample(default:abc) = 7]"},
		{"Recommends", fmt.Sprint(p.Recommends), "[sample-doc < 9]"},
		{"Format", fmt.Sprint(p.Format), "4"},
		{"IsSource", fmt.Sprint(p.IsSource), "false"},
	} {
		if f.got != f.want {
			t.Errorf("%s is %s, want %s", f.what, f.got, f.want)
		}
	}
	if last := p.Requires[len(p.Requires)-1].String(); last != "sample-tool >= 2" {
		t.Errorf("Requires end in %s", last)
	}
	raw, err := os.ReadFile(filepath.Join("testdata", "zstd.rpm"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(raw[:1024], []byte(p.HeaderDigest)) {
		t.Errorf("HeaderDigest %s is not in the signature header", p.HeaderDigest)
	}
	modes := map[string]uint32{
		"/usr/lib/sample":         modeDir | 0o755,
		"/usr/lib/sample/alpha":   modeRegular | 0o4755,
		"/usr/lib/sample/symlink": modeSymlink | 0o777,
		"/var/ghost":              modeRegular | 0o644,
	}
	for i := range p.Files {
		f := &p.Files[i]
		if mode, ok := modes[f.Path]; ok && f.Mode != mode {
			t.Errorf("%s has mode %o, want %o", f.Path, f.Mode, mode)
		}
		if f.Ghost() != (f.Path == "/var/ghost") {
			t.Errorf("%s: ghost is %v", f.Path, f.Ghost())
		}
		if f.IsSymlink() && f.LinkTo != "../sample/alpha" {
			t.Errorf("%s links to %q", f.Path, f.LinkTo)
		}
	}
}

// TestOtherPackages: a source package has bare names, and a package may have
// no files at all.
func TestOtherPackages(t *testing.T) {
	for _, tt := range []struct {
		file, nevra, paths string
		source             bool
	}{
		{"source.rpm", "sample-3:1.0-1.src", "[notes.txt sample.spec]", true},
		{"empty.rpm", "sample-empty-3:1.0-1.noarch", "[]", false},
	} {
		r, err := Open(filepath.Join("testdata", tt.file))
		if err != nil {
			t.Fatal(err)
		}
		paths := []string{}
		e, err := r.Next()
		for ; err == nil; e, err = r.Next() {
			paths = append(paths, e.Path())
		}
		if p := r.Package; err != io.EOF || p.NEVRA() != tt.nevra || fmt.Sprint(paths) != tt.paths || p.IsSource != tt.source {
			t.Errorf("%s: %s, source %v, %v, %v", tt.file, p.NEVRA(), p.IsSource, paths, err)
		}
		r.Close()
	}
}

// TestCrafted reads what the tests' own writer makes: also formats that the
// rpmbuild of the samples does not write.
func TestCrafted(t *testing.T) {
	links := []testFile{
		{path: "/a", content: "shared", inode: 5},
		{path: "/between", content: "own"},
		{path: "/ghost", content: "none", flags: flagGhost, inode: 5},
		{path: "/l", content: "a", mode: modeSymlink | 0o777},
		{path: "/z", content: "shared", inode: 5},
	}
	tests := []struct {
		name string
		pkg  testPackage
		want string // contents
	}{
		{"plain", testPackage{}, "data"},
		{"gzip", testPackage{compressor: "gzip"}, "data"},
		{"gzip without the tag", testPackage{compressor: "gzip", header: remove(tagCompressor)}, "data"},
		{"zstd", testPackage{compressor: "zstd"}, "data"},
		{"hard links", testPackage{files: links}, "own||shared"},
		{"stripped", testPackage{stripped: true, files: links}, "own||shared"},
		{"v6", testPackage{v6: true, stripped: true, compressor: "zstd", files: links}, "own||shared"},
		{"v6 with SHA-512 only", testPackage{v6: true, stripped: true, header: func(e []testEntry) []testEntry {
			sum := sha512.Sum512(testArchive(oneFile, true))
			return insert(strs(tagPayloadSHA512, hex.EncodeToString(sum[:])))(remove(tagPayloadDigest)(e))
		}}, "data"},
		{"MD5 only", testPackage{sig: remove(sigSHA256), header: remove(tagPayloadDigest, tagPayloadAlgo)}, "data"},
		{"padding behind the trailer", testPackage{archive: func(b []byte) []byte { return append(b, make([]byte, 300)...) }}, "data"},
		{"names without a dot", testPackage{archive: func([]byte) []byte {
			b := append(newcHeader("/boot/vmlinux", modeRegular|0o644, 4), "data"...)
			return append(b, newcHeader(cpioTrailer, 0, 0)...)
		}}, "data"},
		{"no files", testPackage{files: []testFile{}}, ""},
		{"no inode numbers", testPackage{header: remove(tagFileInodes)}, "data"},
		{"ghost of 1 TiB", testPackage{v6: true, stripped: true, files: append([]testFile{{path: "/a", flags: flagGhost}}, oneFile...),
			header: replace(i64(tagLongFileSizes, 1<<40, 4))}, "data"},
		{"root directory", testPackage{files: []testFile{{path: "/", mode: modeDir | 0o755}}}, ""},
		{"entries outside the signature's region", testPackage{sigRaw: func(b []byte) []byte {
			return put(len(b)-8, "\xff\xff\xff\xe0")(b) // two of four
		}}, "data"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pkg := tt.pkg.bytes(t)
			p, got, err := readAll(pkg)
			if err != nil || got != tt.want {
				t.Fatalf("contents %q, %v; want %q", got, err, tt.want)
			}
			if p.NEVRA() != "kernel-default-2:5.15.12-1.1.x86_64" {
				t.Errorf("NEVRA %s", p.NEVRA())
			}
			if err := skipAll(pkg); err != nil {
				t.Errorf("skipped: %v", err)
			}
			r, err := NewReader(iotest.OneByteReader(bytes.NewReader(pkg)))
			for err == nil {
				_, err = r.Next()
			}
			if err != io.EOF {
				t.Errorf("byte by byte: %v", err)
			}
		})
	}
}

// TestTruncated cuts a package at every byte: never a clean end.
func TestTruncated(t *testing.T) {
	for _, compressor := range []string{"", "gzip", "zstd"} {
		pkg := testPackage{compressor: compressor}.bytes(t)
		for n := range pkg {
			if err := skipAll(pkg[:n]); err == nil {
				t.Errorf("%q: cut to %d of %d bytes without an error", compressor, n, len(pkg))
			}
		}
	}
}

// TestSourceError: an error of the underlying reader is passed on.
func TestSourceError(t *testing.T) {
	broken := errors.New("disk on fire")
	pkg := testPackage{}.bytes(t)
	for _, n := range []int{10, 120, 400, len(pkg) - 50, len(pkg)} {
		r, err := NewReader(io.MultiReader(bytes.NewReader(pkg[:n]), iotest.ErrReader(broken)))
		for err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, broken) {
			t.Errorf("source fails at %d: %v", n, err)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "none.rpm")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is a directory, not a regular file") {
		t.Error(err)
	}
	// Nobody will ever write to it, which is not to be waited for.
	fifo := filepath.Join(t.TempDir(), "a.rpm")
	if err := syscall.Mkfifo(fifo, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(fifo); err == nil || !strings.Contains(err.Error(), "is a FIFO, not a regular file") {
		t.Error(err)
	}
}

func TestSourceName(t *testing.T) {
	for file, want := range map[string]string{
		"kernel-default-5.15.12-1.3.nosrc.rpm": "kernel-default",
		"sample-1.0-1.src.rpm":                 "sample",
		"a-b-1-1.src.rpm":                      "a-b",
		"1.0-1.src.rpm":                        "",
		"sample-1.0-1.x86_64.rpm":              "",
		"(none)":                               "",
		"":                                     "",
	} {
		if got := (&Package{SourceRPM: file}).SourceName(); got != want {
			t.Errorf("%q: %q, want %q", file, got, want)
		}
	}
}

func TestClose(t *testing.T) {
	r, err := Open(filepath.Join("testdata", "zstd.rpm"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.Next(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Next after Close: %v", err)
	}
}

// BenchmarkPayload reads a package of 1000 files of 64 KiB.
func BenchmarkPayload(b *testing.B) {
	var files []testFile
	for i := range 1000 {
		line := fmt.Sprintf("module %d, line of text\n", i)
		files = append(files, testFile{
			path:    fmt.Sprintf("/lib/modules/5.15.12-1-default/kernel/m%04d.ko", i),
			content: strings.Repeat(line, 64<<10/len(line)),
		})
	}
	size := 0
	for _, f := range files {
		size += len(f.content)
	}
	for _, compressor := range []string{"", "gzip", "zstd"} {
		pkg := testPackage{files: files, compressor: compressor}.bytes(b)
		for _, mode := range []string{"read", "skip"} {
			b.Run(fmt.Sprintf("%s/%s", map[string]string{"": "none"}[compressor]+compressor, mode), func(b *testing.B) {
				b.SetBytes(int64(size))
				b.ReportAllocs()
				buf := make([]byte, 64<<10)
				for b.Loop() {
					r, err := NewReader(bytes.NewReader(pkg))
					for err == nil {
						if _, err = r.Next(); err == nil && mode == "read" {
							_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, buf)
						}
					}
					if err != io.EOF {
						b.Fatal(err)
					}
					r.Close()
				}
				b.ReportMetric(float64(len(files)*b.N)/b.Elapsed().Seconds(), "files/s")
			})
		}
	}
}
