// SPDX-License-Identifier: Apache-2.0

// Package bzip2 reads bzip2 files, several blocks at once.
//
// [NewReader] is all there is to it. The file may hold several streams, one
// behind the other, as the bzip2 command allows. The input is not trusted:
// memory is bounded by the block size of the format (900 kB, about 8 MB for each
// block in work) and every checksum is verified.
//
// # The format
//
// A stream is "BZh", a digit '1' to '9' (the block size in 100,000 bytes), any
// number of blocks, an end mark with the checksum of the stream, and padding to
// a byte. Blocks begin at any bit, most significant bit first. Each begins with
// a magic of 48 bits; nothing says where it ends but its decoding. A block went
// through five stages, which decoding undoes in reverse:
//
//   - four equal bytes are followed by a byte that counts further ones (expand.go);
//   - the Burrows-Wheeler transform sorts the bytes by what follows them (invert.go);
//   - a byte becomes its place in a list of the bytes used last (block.go);
//   - runs of place 0 become numbers in base 2 with the digits 1 and 2 (block.go);
//   - up to six Huffman tables, changed every 50 symbols, code the result (huffman.go).
package bzip2

import "errors"

// FormatError says what in the input is not as the format has it.
type FormatError string

func (e FormatError) Error() string { return "bzip2 data invalid: " + string(e) }

// errClosed is returned by a Reader behind Close.
var errClosed = errors.New("read after close")

const (
	blockMagic = 0x314159265359 // in front of a block: pi
	endMagic   = 0x177245385090 // behind the last one: the square root of pi

	magicBits    = 48
	checksumBits = 32
	headerBytes  = 4       // of a stream: "BZh" and the level
	levelBytes   = 100_000 // of a block before the transform, for each level
)
