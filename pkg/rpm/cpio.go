// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
)

// The archive inside a payload (rpm lib/cpio.cc). All numbers are eight hex
// digits. An entry of the "new ASCII" format is
//
//	070701 and 13 numbers      110 bytes
//	the name, ending in a NUL  padded with the above to 4 bytes
//	the content                padded to 4 bytes
//
// and of rpm's stripped format, used where files have 4 GiB or more and always
// in v6 packages,
//
//	07070X and one number, the file's place in the header, padded to 16 bytes
//	the content, as long as the header says, padded to 4 bytes
//
// Both end with a "new ASCII" entry named TRAILER!!!.
const (
	cpioMagicSize   = 6
	newcHeaderSize  = 110
	stripHeaderSize = 14
	cpioAlign       = 4
	cpioTrailer     = "TRAILER!!!"
)

// cpioBuffer is the size in bytes of the buffer an archive is read through.
const cpioBuffer = 64 << 10

// A cpioReader reads an archive strictly forward. Anything that rpm would write in another
// way is an error, and so is an archive without a trailer.
type cpioReader struct {
	in       *bufio.Reader
	offset   int64 // bytes read so far, for messages and padding
	left     int64 // content of the entry not yet read
	unsized  bool  // the entry is a stripped one and setSize was not called
	started  bool
	stripped bool // the archive's format, as its first entry has it
}

// A cpioEntry is what an entry's header says.
type cpioEntry struct {
	// In a stripped archive, the index of the file in the package header is
	// all there is; setSize must be called before the next next or Read.
	stripped bool
	index    uint32

	// Otherwise:
	name string
	mode uint32 // as in stat(2)
	size int64  // bytes of content
}

func newCpioReader(r io.Reader) *cpioReader {
	return &cpioReader{in: bufio.NewReaderSize(r, cpioBuffer)}
}

// next skips what is left of the entry before and returns the next one. At the
// end it returns io.EOF, once the trailer and at most maxTrailingPadding zero
// bytes up to the end of the underlying stream were seen.
func (c *cpioReader) next() (cpioEntry, error) {
	if c.unsized {
		return cpioEntry{}, errors.New("cpio: size of a stripped entry not set")
	}
	if err := c.skip(); err != nil {
		return cpioEntry{}, err
	}
	start := c.offset
	e, err := c.header()
	if err != nil {
		return cpioEntry{}, fmt.Errorf("cpio: entry at %d: %w", start, err)
	}
	if e.name == cpioTrailer {
		if e.size != 0 {
			return cpioEntry{}, fmt.Errorf("cpio: trailer at %d has %d bytes of content", start, e.size)
		}
		return cpioEntry{}, c.finish()
	}
	if c.started && c.stripped != e.stripped {
		return cpioEntry{}, fmt.Errorf("cpio: entry at %d: plain and stripped entries in one archive", start)
	}
	c.started, c.stripped = true, e.stripped
	c.left, c.unsized = e.size, e.stripped
	return e, nil
}

// setSize tells the content size of the stripped entry that next returned.
func (c *cpioReader) setSize(size int64) {
	c.left, c.unsized = size, false
}

// Read reads the content of the current entry. It returns io.EOF at its end.
func (c *cpioReader) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	n, err := c.in.Read(p[:min(int64(len(p)), c.left)])
	c.offset += int64(n)
	c.left -= int64(n)
	if err != nil {
		err = c.missing(err)
	}
	return n, err
}

// skip skips the rest of the entry, content and padding.
func (c *cpioReader) skip() error {
	for c.left > 0 {
		n, err := c.in.Discard(int(min(c.left, 1<<30)))
		c.offset += int64(n)
		c.left -= int64(n)
		if err != nil {
			return c.missing(err)
		}
	}
	if err := c.align(); err != nil {
		return fmt.Errorf("cpio: content that ends at %d: %w", c.offset, err)
	}
	return nil
}

// missing is the error for content that ends too early.
func (c *cpioReader) missing(err error) error {
	if err == io.EOF {
		return fmt.Errorf("cpio: %w", regular.Short("%d bytes of content are missing", c.left))
	}
	return fmt.Errorf("cpio: %d bytes of content missing: %w", c.left, err)
}

// align reads the zero bytes up to the next multiple of cpioAlign.
func (c *cpioReader) align() error {
	var buf [cpioAlign]byte
	padding := buf[:-c.offset&(cpioAlign-1)]
	if err := c.full(padding); err != nil {
		return fmt.Errorf("padding: %w", err)
	}
	if !allZero(padding) {
		return fmt.Errorf("padding is %x, not zero", padding)
	}
	return nil
}

// header reads one entry's header and name.
func (c *cpioReader) header() (cpioEntry, error) {
	var buf [newcHeaderSize]byte
	if err := c.full(buf[:cpioMagicSize]); err != nil {
		return cpioEntry{}, fmt.Errorf("no trailer: %w", err)
	}
	switch magic := string(buf[:cpioMagicSize]); magic {
	case "070701":
		return c.newc(buf[cpioMagicSize:])
	case "07070X":
		return c.strippedHeader(buf[cpioMagicSize:stripHeaderSize])
	case "070702":
		return cpioEntry{}, errors.New("magic 070702, checksummed archives are not used by rpm")
	default:
		return cpioEntry{}, fmt.Errorf("magic %q, want 070701 or 07070X", magic)
	}
}

func (c *cpioReader) strippedHeader(buf []byte) (cpioEntry, error) {
	if err := c.full(buf); err != nil {
		return cpioEntry{}, err
	}
	index, err := cpioNumber(buf)
	if err != nil {
		return cpioEntry{}, fmt.Errorf("file index: %w", err)
	}
	return cpioEntry{stripped: true, index: index}, c.align()
}

func (c *cpioReader) newc(buf []byte) (cpioEntry, error) {
	if err := c.full(buf); err != nil {
		return cpioEntry{}, err
	}
	names := [...]string{"inode", "mode", "uid", "gid", "nlink", "mtime", "filesize",
		"device major", "device minor", "rdev major", "rdev minor", "namesize", "checksum"}
	var fields [len(names)]uint32
	for i := range fields {
		var err error
		if fields[i], err = cpioNumber(buf[8*i:][:8]); err != nil {
			return cpioEntry{}, fmt.Errorf("%s: %w", names[i], err)
		}
	}
	mode, size, nameSize := fields[1], fields[6], fields[11]
	if nameSize < 2 || nameSize > maxPathSize {
		return cpioEntry{}, fmt.Errorf("namesize %d, allowed are 2 to %d", nameSize, maxPathSize)
	}
	name := make([]byte, nameSize)
	if err := c.full(name); err != nil {
		return cpioEntry{}, fmt.Errorf("name: %w", err)
	}
	if bytes.IndexByte(name, 0) != len(name)-1 {
		return cpioEntry{}, fmt.Errorf("name %.256q is not NUL-terminated at its end", name)
	}
	return cpioEntry{name: string(name[:len(name)-1]), mode: mode, size: int64(size)}, c.align()
}

// finish reads from the trailer to the end of the stream.
func (c *cpioReader) finish() error {
	rest, err := io.ReadAll(io.LimitReader(c.in, maxTrailingPadding+1))
	if err != nil {
		return fmt.Errorf("cpio: behind the trailer: %w", err)
	}
	if len(rest) > maxTrailingPadding || !allZero(rest) {
		return fmt.Errorf("cpio: data behind the trailer at %d", c.offset)
	}
	return io.EOF
}

// full fills p.
func (c *cpioReader) full(p []byte) error {
	n, err := io.ReadFull(c.in, p)
	c.offset += int64(n)
	return regular.AsShort(err)
}

// cpioNumber reads eight hex digits; no sign, no blanks, no prefix.
func cpioNumber(digits []byte) (uint32, error) {
	var b [4]byte
	if _, err := hex.Decode(b[:], digits); err != nil {
		return 0, fmt.Errorf("%q is not a number of eight hex digits", digits)
	}
	return binary.BigEndian.Uint32(b[:]), nil
}

func allZero(p []byte) bool {
	return len(bytes.Trim(p, "\x00")) == 0
}
