// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// FuzzOpen reads whole packages. Those that a mutation made invalid only by
// their digests are tried again with the right ones, so that the fuzzer gets
// past them, as whoever makes a hostile package would.
func FuzzOpen(f *testing.F) {
	samples, err := filepath.Glob(filepath.Join("testdata", "*.rpm"))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range samples {
		pkg, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(pkg)
	}
	for _, tt := range slices.Concat(hostileHeaders, hostilePayloads) {
		if pkg := tt.pkg.bytes(f); len(pkg) < 64<<10 {
			f.Add(pkg)
		}
	}
	for _, p := range []testPackage{{}, {compressor: "gzip"}, {v6: true, stripped: true, compressor: "zstd"}} {
		f.Add(p.bytes(f))
	}
	f.Fuzz(func(t *testing.T, pkg []byte) {
		fuzzRead(t, pkg)
		if mended := mend(pkg); mended != nil {
			fuzzRead(t, mended)
		}
	})
}

// fuzzRead reads a package and checks what holds for everything that was
// accepted.
func fuzzRead(t *testing.T, pkg []byte) {
	r, err := NewReader(bytes.NewReader(pkg))
	if err != nil {
		return
	}
	defer r.Close()
	seen := 0
	for {
		e, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return
		}
		n, err := io.Copy(io.Discard, io.LimitReader(r, 1<<20))
		if err == nil && n < 1<<20 && n != e.Size {
			t.Fatalf("%s: %d bytes read, size is %d", e.Path(), n, e.Size)
		}
		seen += len(e.Files)
	}
	for i := range r.Package.Files {
		if r.Package.Files[i].Ghost() {
			seen++
		}
	}
	if seen != len(r.Package.Files) {
		t.Fatalf("%d files seen, header has %d, and no error", seen, len(r.Package.Files))
	}
}

// mend replaces the signature header by one with right digests. It returns nil
// if there is no header to make them of.
func mend(pkg []byte) []byte {
	in := bytes.NewReader(pkg)
	if _, err := readLead(in); err != nil {
		return nil
	}
	if _, err := readBlob(in, signatureKind); err != nil {
		return nil
	}
	start := len(pkg) - in.Len()
	header, err := readBlob(in, headerKind)
	if err != nil {
		return nil
	}
	sha, md := sha256.Sum256(header.raw), md5.Sum(pkg[start:])
	signature := []testEntry{bin(sigMD5, md[:])}
	if e, _ := header.find(tagPayloadDigest); e == nil {
		signature = append([]testEntry{str(sigSHA256, hex.EncodeToString(sha[:]))}, signature...)
	}
	out := append(bytes.Clone(pkg[:leadSize]), testBlob(sigRegion, signature)...)
	for len(out)%8 != 0 {
		out = append(out, 0)
	}
	return append(out, pkg[start:]...)
}

// FuzzCpio reads archives alone.
func FuzzCpio(f *testing.F) {
	files := []testFile{{path: "/a", content: "abcde"}, {path: "/d", mode: modeDir}, {path: "/l", content: "a", mode: modeSymlink}}
	f.Add(testArchive(files, false), int64(0))
	f.Add(testArchive(files[:1], true), int64(5))
	for _, tt := range hostilePayloads {
		p := tt.pkg
		if p.files == nil {
			p.files = oneFile
		}
		archive := testArchive(p.files, p.stripped)
		if p.archive != nil {
			archive = p.archive(archive)
		}
		f.Add(archive, int64(4))
	}
	f.Fuzz(func(t *testing.T, archive []byte, size int64) {
		if size < 0 {
			size = 0
		}
		c := newCpioReader(bytes.NewReader(archive))
		for {
			e, err := c.next()
			if err != nil {
				if err == io.EOF && c.offset > int64(len(archive)) {
					t.Fatalf("offset %d in an archive of %d bytes", c.offset, len(archive))
				}
				return
			}
			if e.stripped {
				c.setSize(size)
			} else if e.size < 0 || len(e.name) == 0 || len(e.name) >= maxPathSize {
				t.Fatalf("entry %+v", e)
			}
		}
	})
}
