// SPDX-License-Identifier: Apache-2.0

// Package rpm reads a package without trusting it: its facts, and its payload
// as a stream. Nothing is written to disk.
//
// [Open] reads and verifies the headers; [Reader.Package] then has the facts.
// [Reader.Next] and [Reader.Read] go through the payload as archive/tar does:
//
//	for {
//		entry, err := r.Next()
//		if err == io.EOF {
//			break
//		}
//		// err, or entry with its content in r
//	}
//
// Only that io.EOF says that the payload was all there: every file of the
// header once, each as long as the header says, and the digest right. Until
// then everything read is what the package claims.
//
// Signatures are not looked at: the digests find damage and cut-off files, they
// do not say who made the package.
package rpm

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sync/atomic"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
)

// A Reader reads one package, strictly forward. Except for Progress, it must not
// be used by several goroutines at once.
type Reader struct {
	// Package is what the header says. It stays valid after Close.
	Package *Package

	in    *countingReader
	total int64
	file  *os.File // nil unless from Open

	links   []*linkGroup // by place in Package.Files; nil if not hard-linked
	check   *payloadCheck
	decoder decompress.Decoder
	payload *payload // nil until the first Next
	err     error    // what Next returned last, if not nil
}

// Open opens the package at path and reads its headers. Errors of the file
// system, and of a path that is no regular file's, are fs.PathErrors and name the
// path; all others say only what is wrong inside.
func Open(path string) (*Reader, error) {
	f, err := regular.Open(path)
	if err != nil {
		return nil, err
	}
	r, err := openFile(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return r, nil
}

func openFile(f *os.File) (*Reader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	r, err := NewReader(f)
	if err != nil {
		return nil, err
	}
	r.file, r.total = f, info.Size()
	return r, nil
}

// NewReader reads the headers of a package from r, which stands at the lead.
// r is read no further than to the payload until Next is called, and then to
// its end. A file that is shorter or longer than the headers say is an error, even if
// its payload will never be read.
func NewReader(r io.Reader) (*Reader, error) {
	in := &countingReader{r: r}
	h, err := readHeader(in)
	if err != nil {
		return nil, err
	}
	p, err := newPackage(h)
	if err != nil {
		return nil, err
	}
	check, err := newPayloadCheck(h)
	if err != nil {
		return nil, err
	}
	if rest := left(r); rest >= 0 {
		if err := check.fits(rest); err != nil {
			return nil, fmt.Errorf("payload: %w", err)
		}
	}
	links, err := linkGroups(p.Files)
	if err != nil {
		return nil, err
	}
	return &Reader{Package: p, in: in, check: check, links: links}, nil
}

// Pinned reports whether the header has a digest of the payload. Then two packages of one
// [Package.HeaderDigest] are the same, whoever made them.
func (r *Reader) Pinned() bool { return r.check.pinned }

// Verify reads the payload of a package that Open opened, without unpacking it, and
// compares it with its digest, as Next does at the end. It serves callers that have kept
// what a payload of this digest contains. It has to be called before Next, and the payload
// can be read afterwards.
func (r *Reader) Verify() error {
	if r.file == nil || r.payload != nil || r.err != nil {
		return errors.New("payload: not at its beginning, or not in a file")
	}
	fresh := *r.check
	defer func() { *r.check = fresh; r.check.sum.Reset() }()
	if !r.check.pinned {
		return errors.New("payload: no digest of it in the header")
	}
	at := r.in.n.Load()
	if _, err := io.Copy(r.check, io.NewSectionReader(r.file, at, math.MaxInt64-at)); err != nil {
		return fmt.Errorf("payload: %w", err)
	}
	if err := r.check.verify(); err != nil {
		return fmt.Errorf("payload: %w", err)
	}
	return nil
}

// Progress returns how many bytes of the package file were read and how many
// there are, 0 if that is not known. It may be called from any goroutine.
func (r *Reader) Progress() (read, total int64) {
	return r.in.n.Load(), r.total
}

// Close ends reading and closes the file if Open opened it.
func (r *Reader) Close() error {
	r.decoder.Close()
	r.payload = nil
	if r.err == nil {
		r.err = os.ErrClosed
	}
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// A countingReader counts the bytes read through it.
type countingReader struct {
	r io.Reader
	n atomic.Int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}
