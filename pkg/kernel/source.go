// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
)

// maxRead is the most bytes one section may ask for from a file that is not in
// memory. A .BTF has some 5 MB, a symbol table 30; a sparse file may claim any size.
const maxRead = 128 << 20

// source is the file being read: bytes in memory, or a reader of known size.
type source struct {
	r    io.ReaderAt
	data []byte // the whole file where it is in memory; nil otherwise
	size int64
}

func inMemory(data []byte) source {
	return source{r: bytes.NewReader(data), data: data, size: int64(len(data))}
}

// fromReader trusts size only after it has seen the last byte.
func fromReader(r io.ReaderAt, size int64) (source, error) {
	if size < 0 {
		return source{}, fmt.Errorf("file size %d is negative", size)
	}
	s := source{r: r, size: size}
	if size > 0 {
		if _, err := s.read("last byte", uint64(size)-1, 1); err != nil {
			return source{}, err
		}
	}
	return s, nil
}

// read returns the n bytes at off. They are the file's own where it is in
// memory, so they must not be changed. what names the field in errors.
func (s source) read(what string, off, n uint64) ([]byte, error) {
	if off > uint64(s.size) || n > uint64(s.size)-off {
		return nil, s.beyond(what, off, n)
	}
	if s.data != nil {
		return s.data[off : off+n : off+n], nil
	}
	if n > maxRead {
		return nil, fmt.Errorf("%s: %d bytes, limit is %d", what, n, int64(maxRead))
	}
	buf := make([]byte, n)
	switch got, err := s.r.ReadAt(buf, int64(off)); {
	case uint64(got) == n:
		return buf, nil
	case err == nil || errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s: %w", what, regular.Short("%d of %d bytes are at %d", got, n, off))
	default:
		return nil, fmt.Errorf("%s: %w", what, err)
	}
}

// beyond is the error for bytes that are not in the file: it was cut short, or says so falsely.
func (s source) beyond(what string, off, n uint64) error {
	return fmt.Errorf("%s: %w", what, regular.Short("%d bytes at %d, but the file has %d bytes", n, off, s.size))
}

// prefix returns the first n bytes, or the whole file if it is shorter.
func (s source) prefix(n int64) ([]byte, error) {
	return s.read("start of file", 0, uint64(min(n, s.size)))
}

// cut is the file up to size.
func (s source) cut(size int64) source {
	if s.data != nil {
		return inMemory(s.data[:size:size])
	}
	return source{r: s.r, size: size}
}

// stream reads the n bytes at off, one after the other.
func (s source) stream(what string, off, n uint64) (io.Reader, error) {
	if off > uint64(s.size) || n > uint64(s.size)-off {
		return nil, s.beyond(what, off, n)
	}
	return io.NewSectionReader(s.r, int64(off), int64(n)), nil
}

// window is how much of a file that is not in memory find looks at in one go.
const window = 1 << 20

// find looks for pattern in a part of the file and yields for each match, ascending, up to
// most bytes from where it begins. Matches do not overlap.
func (s source) find(what, pattern string, in extent, most uint64) iter.Seq2[[]byte, error] {
	step := uint64(window)
	if s.data != nil {
		step = in.size
	}
	return func(yield func([]byte, error) bool) {
		for off, end := in.offset, in.offset+in.size; off+uint64(len(pattern)) <= end; {
			part, err := s.read(what, off, min(step, end-off))
			if err != nil {
				yield(nil, err)
				return
			}
			at := bytes.Index(part, []byte(pattern))
			if at < 0 {
				// A match may begin in the last bytes of this window.
				off += uint64(len(part) - len(pattern) + 1)
				continue
			}
			off += uint64(at)
			text, err := s.read(what, off, min(most, end-off))
			if !yield(text, err) || err != nil {
				return
			}
			off += uint64(len(pattern))
		}
	}
}
