// SPDX-License-Identifier: Apache-2.0

// Package deb reads Debian's binary packages, deb(5): an ar archive of a text of
// fields and a tar archive of files. Nothing is written to disk, and memory does not
// grow with what a package claims.
package deb

import (
	"archive/tar"
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
)

// Magic is how such a package begins.
const Magic = "!<arch>\ndebian-binary"

const (
	maxControl = 16 << 20 // bytes of control.tar, unpacked
	maxFields  = 1 << 20  // bytes of the text of fields
)

// Package is what the fields say. Absent ones are "".
type Package struct {
	Name    string
	Version string // [epoch:]upstream[-revision]
	Arch    string // in Debian's words: amd64, arm64, all
	Source  string // the source package, by its name alone
	// Digest is the SHA-256 of control.tar as it is packed, in hex. It has the digests
	// of all files, so that packages with one are equal.
	Digest string
	// Paths are those of its files by its list of sums, absolute; nil if it has none,
	// which policy allows.
	Paths []string
}

// String is the package's name as that of its file: name_version_arch.
func (p *Package) String() string { return p.Name + "_" + p.Version + "_" + p.Arch }

// A Reader reads one package, strictly forward, and must not be used by several
// goroutines at once.
type Reader struct {
	Package *Package // what the fields say

	file    *os.File
	in      counter
	left    int64 // bytes of the current member of the ar archive
	pad     int64 // and behind it
	decoder decompress.Decoder
	tar     *tar.Reader
}

// Open opens the package at path and reads its fields. Errors of the file system are
// fs.PathErrors and name the path; all others say what is wrong inside.
func Open(path string) (*Reader, error) {
	f, err := regular.Open(path)
	if err != nil {
		return nil, err
	}
	r := &Reader{file: f, in: counter{r: bufio.NewReaderSize(f, 256<<10)}}
	if err := r.open(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// Close closes the file.
func (r *Reader) Close() error {
	r.decoder.Close()
	return r.file.Close()
}

// Progress is how many bytes of the file were read.
func (r *Reader) Progress() int64 { return r.in.n.Load() }

// counter counts what was read.
type counter struct {
	r io.Reader
	n atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func (r *Reader) open() error {
	magic := make([]byte, 8)
	if n, err := io.ReadFull(&r.in, magic); err != nil || string(magic) != Magic[:8] {
		if err != nil && strings.HasPrefix(Magic, string(magic[:n])) {
			return fmt.Errorf("ar archive: %w", regular.AsShort(err))
		}
		return errors.New("not a Debian package: no ar archive")
	}
	name, err := r.member()
	if err != nil {
		return err
	}
	version := make([]byte, min(r.left, 16))
	if _, err := io.ReadFull(r.body(), version); err != nil && name == "debian-binary" {
		return fmt.Errorf("debian-binary: %w", regular.AsShort(err))
	}
	if name != "debian-binary" || !strings.HasPrefix(string(version), "2.") {
		return fmt.Errorf("not a Debian package of format 2: member %q", name)
	}
	if name, err = r.member(); err != nil {
		return err
	}
	if name != "control.tar" && !strings.HasPrefix(name, "control.tar.") {
		return fmt.Errorf("member %q, control.tar is to follow debian-binary", name)
	}
	if err := r.control(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if name, err = r.member(); err != nil {
		return err
	}
	if name != "data.tar" && !strings.HasPrefix(name, "data.tar.") {
		return fmt.Errorf("member %q, data.tar is to follow control.tar", name)
	}
	files, err := r.unpack()
	if err != nil {
		return fmt.Errorf("data.tar: %w", err)
	}
	r.tar = tar.NewReader(files)
	return nil
}

// member goes to the next member of the ar archive, whose header has 60 bytes of
// text: the name in 16, at 48 the size in 10, decimal.
func (r *Reader) member() (name string, err error) {
	if _, err := io.CopyN(io.Discard, &r.in, r.left+r.pad); err != nil {
		return "", fmt.Errorf("ar archive: %w", regular.AsShort(err))
	}
	r.left, r.pad = 0, 0
	header := make([]byte, 60)
	if _, err := io.ReadFull(&r.in, header); err != nil {
		return "", fmt.Errorf("ar archive: %w", regular.AsShort(err))
	}
	size, err := strconv.ParseInt(strings.TrimRight(string(header[48:58]), " "), 10, 64)
	if err != nil || size < 0 || string(header[58:]) != "`\n" {
		return "", errors.New("ar archive: not a member's header")
	}
	r.left, r.pad = size, size&1
	return strings.TrimSuffix(strings.TrimRight(string(header[:16]), " "), "/"), nil
}

// body is what is left of the current member.
func (r *Reader) body() io.Reader { return (*body)(r) }

type body Reader

func (b *body) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err := b.in.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if err == io.EOF && b.left > 0 {
		err = regular.ErrShort
	}
	return n, err
}

// unpack undoes the compression of the current member, by its first bytes.
func (r *Reader) unpack() (io.Reader, error) {
	in := bufio.NewReader(r.body())
	prefix, err := in.Peek(decompress.DetectLen)
	if err != nil && err != io.EOF {
		return nil, err
	}
	return r.decoder.Reader(decompress.Detect(prefix), in)
}

// control reads the fields.
func (r *Reader) control() error {
	if r.left > maxControl {
		return fmt.Errorf("%d bytes, at most %d are read", r.left, maxControl)
	}
	packed, err := io.ReadAll(r.body())
	if err != nil {
		return err
	}
	text, err := r.decoder.Append(nil, decompress.Detect(packed), packed, maxControl)
	if err != nil {
		return err
	}
	files := tar.NewReader(strings.NewReader(string(text)))
	var paths []string
	for {
		h, err := files.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return regular.AsShort(err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		switch path.Clean("/" + h.Name) {
		case "/control":
			fields, err := io.ReadAll(io.LimitReader(files, maxFields+1))
			if err != nil {
				return regular.AsShort(err)
			}
			if len(fields) > maxFields {
				return fmt.Errorf("control has more than %d bytes", maxFields)
			}
			if r.Package, err = parse(string(fields)); err != nil {
				return err
			}
		case "/md5sums":
			sums, err := io.ReadAll(files)
			if err != nil {
				return regular.AsShort(err)
			}
			paths = listed(string(sums))
		}
	}
	if r.Package == nil {
		return errors.New("has no file control")
	}
	sum := sha256.Sum256(packed)
	r.Package.Digest, r.Package.Paths = hex.EncodeToString(sum[:]), paths
	return nil
}

// listed reads the paths of a list of sums: a sum in hex, two blanks, a path without a
// leading slash.
func listed(sums string) []string {
	var out []string
	for line := range strings.Lines(sums) {
		if _, name, ok := strings.Cut(strings.TrimRight(line, "\n"), "  "); ok {
			out = append(out, path.Clean("/"+name))
		}
	}
	return out
}

// parse reads the fields, each a line that may go on in lines that begin with a blank.
func parse(text string) (*Package, error) {
	p := &Package{}
	fields := map[string]*string{"package": &p.Name, "version": &p.Version, "architecture": &p.Arch, "source": &p.Source}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(line, ":")
		if field := fields[strings.ToLower(name)]; ok && field != nil {
			*field = strings.TrimSpace(value)
		}
	}
	if p.Name == "" || p.Version == "" || p.Arch == "" {
		return nil, errors.New("control names no package, version or architecture")
	}
	p.Source, _, _ = strings.Cut(p.Source, " ") // "linux (6.1.1-1)"
	if p.Source == "" {
		p.Source = p.Name
	}
	return p, nil
}

// File is a file of the package.
type File struct {
	Path string // absolute
	Size int64  // bytes
	Link string // what a hard link is one of, "" for a file of its own
}

// Next goes to the next file or hard link; what was not read of the one before is
// skipped. It returns io.EOF at the end.
func (r *Reader) Next() (File, error) {
	for {
		h, err := r.tar.Next()
		if err == io.EOF {
			return File{}, r.end()
		}
		if err != nil {
			return File{}, fmt.Errorf("data.tar: %w", regular.AsShort(err))
		}
		switch h.Typeflag {
		case tar.TypeReg:
			return File{Path: path.Clean("/" + h.Name), Size: h.Size}, nil
		case tar.TypeLink:
			return File{Path: path.Clean("/" + h.Name), Link: path.Clean("/" + h.Linkname)}, nil
		}
	}
}

// end reads what follows the archive, so that a package that was cut short is one.
func (r *Reader) end() error {
	if _, err := io.Copy(io.Discard, r.body()); err != nil {
		return fmt.Errorf("data.tar: %w", regular.AsShort(err))
	}
	return io.EOF
}

// Read reads the content of the file that Next returned last.
func (r *Reader) Read(p []byte) (int, error) {
	n, err := r.tar.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("data.tar: %w", regular.AsShort(err))
	}
	return n, err
}
