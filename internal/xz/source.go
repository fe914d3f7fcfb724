// SPDX-License-Identifier: Apache-2.0

package xz

import (
	"io"
	"slices"
)

// readSize is how many bytes the source is asked for at least.
const readSize = 64 << 10

// source is the input.
type source struct {
	src  io.Reader // nil if buf is all
	err  error     // of src, io.EOF included
	buf  []byte
	pos  int    // in buf, of the next byte
	past int64  // bytes in front of buf
	own  []byte // buf's memory, if it is not the caller's
	edge []byte // the last bytes of the input, with room behind
}

// reset has s read r, or buf if r is nil.
func (s *source) reset(r io.Reader, buf []byte) {
	if r != nil {
		buf = s.own[:0]
	}
	*s = source{src: r, buf: buf, own: s.own, edge: s.edge}
	if r == nil {
		s.err = io.EOF
	}
}

// at is the place in the input.
func (s *source) at() int64 { return s.past + int64(s.pos) }

// fill reads until n bytes are there; it says whether that was possible.
func (s *source) fill(n int) bool {
	if len(s.buf)-s.pos >= n {
		return true
	}
	if s.err != nil {
		return false
	}
	s.buf = s.buf[:copy(s.buf, s.buf[s.pos:])]
	s.past += int64(s.pos)
	s.pos = 0
	for idle := 0; len(s.buf) < n && s.err == nil; {
		if cap(s.buf)-len(s.buf) < readSize/2 {
			s.buf = slices.Grow(s.buf, readSize)
		}
		k, err := s.src.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+k]
		s.err = err
		if k > 0 {
			idle = 0
		} else if idle++; idle == 100 && err == nil { // as bufio does
			s.err = io.ErrNoProgress
		}
	}
	s.own = s.buf
	return len(s.buf) >= n
}

// take returns the next n bytes, valid until the next call.
func (s *source) take(n int) ([]byte, error) {
	if !s.fill(n) {
		return nil, s.missing()
	}
	s.pos += n
	return s.buf[s.pos-n : s.pos], nil
}

// byte returns the next byte.
func (s *source) byte() (byte, error) {
	b, err := s.take(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// missing is the error for an input that ends where it must not.
func (s *source) missing() error {
	if s.err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return s.err
}

// symbols returns the next n bytes, which must be there, and at least
// symbolBytes of anything behind them. It does not move on.
func (s *source) symbols(n int) []byte {
	if s.fill(n + symbolBytes) {
		return s.buf[s.pos : s.pos+n+symbolBytes]
	}
	s.edge = append(s.edge[:0], s.buf[s.pos:s.pos+n]...)
	s.edge = append(s.edge, make([]byte, symbolBytes)...)
	return s.edge
}
