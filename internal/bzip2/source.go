// SPDX-License-Identifier: Apache-2.0

package bzip2

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

// errGuess is returned where no block's end is in sight.
var errGuess = errors.New("no magic found")

// readSize is how many bytes the source is asked for.
const readSize = 64 << 10

// source cuts an input into blocks.
type source struct {
	src    io.Reader
	err    error  // of src, io.EOF included
	buf    []byte // read, not yet cut off
	place         // where buf begins
	passed []byte // cut off since the last block
}

// fill reads until buf has n bytes; it says whether that was possible.
func (s *source) fill(n int) bool {
	for idle := 0; len(s.buf) < n && s.err == nil; {
		s.buf = slices.Grow(s.buf, readSize)
		k, err := s.src.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+k]
		s.err = err
		if k > 0 {
			idle = 0
		} else if idle++; idle == 100 && err == nil { // as bufio does
			s.err = io.ErrNoProgress
		}
	}
	return len(s.buf) >= n
}

// missing is the error for an input that ends where it must not.
func (s *source) missing() error {
	if s.err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return s.err
}

// pass cuts off what belongs to no block, everything in front of a bit.
func (s *source) pass(bit int) {
	s.passed = append(s.passed, s.buf[:bit/8]...)
	s.advance(bit)
}

// advance cuts off everything in front of a bit.
func (s *source) advance(bit int) {
	s.buf = s.buf[:copy(s.buf, s.buf[bit/8:])]
	s.place.bit = bit % 8
}

// next goes to the next block. Guessing where it ends, it leaves the decoding
// to others; a guess that fails gives errGuess. Otherwise u is decoded. At the
// end of the input it returns io.EOF.
func (s *source) next(u *unit, guess bool) error {
	for {
		if s.level == 0 {
			if err := s.header(); err != nil {
				return err
			}
		}
		if !s.fill((s.bit + magicBits + checksumBits + 7) / 8) {
			return s.missing()
		}
		checksum := uint32(bitsAt(s.buf, s.bit+magicBits, checksumBits))
		switch bitsAt(s.buf, s.bit, magicBits) {
		case blockMagic:
			u.place = s.place
			end, err := 0, error(nil)
			if guess {
				end, err = s.find(s.bit + magicBits + checksumBits)
			} else {
				end, err = s.decode(u)
			}
			if err != nil {
				return err
			}
			if guess {
				u.ends, u.advance = end, end/8
				u.raw = append(u.raw[:0], s.buf[:(end+7)/8]...)
			}
			u.passed = append(u.passed[:0], s.passed...)
			s.passed = s.passed[:0]
			s.sum = combine(s.sum, checksum)
			s.advance(end)
			return nil
		case endMagic:
			if checksum != s.sum {
				return FormatError("stream checksum mismatch")
			}
			s.pass((s.bit + magicBits + checksumBits + 7) &^ 7)
			s.place = place{some: true}
		default:
			return FormatError("bad magic value found")
		}
	}
}

// header reads a stream's header.
func (s *source) header() error {
	if !s.fill(headerBytes) {
		if s.some && len(s.buf) == 0 {
			return s.err // io.EOF is the sound end
		}
		return s.missing()
	}
	switch level := s.buf[3]; {
	case string(s.buf[:2]) != "BZ":
		return FormatError("bad magic value")
	case s.buf[2] != 'h':
		return FormatError("non-Huffman entropy encoding")
	case level < '1' || level > '9':
		return FormatError("invalid compression level")
	default:
		s.level, s.sum = level, 0
	}
	s.pass(8 * headerBytes)
	return nil
}

// decode decodes the block that buf begins with and returns its end.
func (s *source) decode(u *unit) (int, error) {
	// What cannot be compressed is hardly larger in a block.
	for want := s.size() + s.size()/32 + readSize; ; want = 2 * len(s.buf) {
		more := s.fill(want)
		end, err := u.decode(s.buf, s.bit, s.size())
		if err != errShort {
			return end, err
		}
		if !more {
			return 0, s.missing()
		}
	}
}

// find returns the place, in bits, of the first magic at or behind bit from.
func (s *source) find(from int) (int, error) {
	limit := s.size() + s.size()/3 + readSize
	for {
		if bit := findMagic(s.buf, from); bit >= 0 {
			return bit, nil
		}
		from = max(from, 8*len(s.buf)-magicBits+1)
		if len(s.buf) > limit || !s.fill(len(s.buf)+1) {
			return 0, errGuess
		}
	}
}

// magicBytes says for each value of the third and of the fourth byte counted
// from the one a magic begins in, at which bits one can begin there: bit n of
// the mask stands for a magic that begins at bit n.
var magicBytes = func() (masks [2][256]uint8) {
	for bit := range 8 {
		for _, magic := range []uint64{blockMagic, endMagic} {
			var b [8]byte
			binary.BigEndian.PutUint64(b[:], magic<<(64-magicBits-bit))
			masks[0][b[2]] |= 1 << bit
			masks[1][b[3]] |= 1 << bit
		}
	}
	return masks
}()

// findMagic returns the place, in bits, of the first magic that lies in buf at
// or behind bit from, or -1.
func findMagic(buf []byte, from int) int {
	third, fourth := &magicBytes[0], &magicBytes[1]
	for i := from / 8; i+6 <= len(buf); i++ {
		if third[buf[i+2]]&fourth[buf[i+3]] == 0 {
			continue
		}
		for bit := max(from, 8*i); bit < 8*i+8 && bit+magicBits <= 8*len(buf); bit++ {
			if m := bitsAt(buf, bit, magicBits); m == blockMagic || m == endMagic {
				return bit
			}
		}
	}
	return -1
}
