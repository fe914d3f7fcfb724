// SPDX-License-Identifier: Apache-2.0

// Package decompress reads the compressions that RPM payloads, kernel images
// and kernel modules come in. It knows nothing of those containers: bytes go
// in, bytes come out.
//
// [Detect] names the format of a buffer, a [Decoder] undoes it, either as a
// stream ([Decoder.Reader]) or as a whole buffer ([Decoder.Append]). The input
// is not trusted: windows and dictionaries above [MaxWindow] are refused before
// they are allocated, and output memory grows only as bytes really arrive.
//
// Streams that follow each other in one input are read as one, as gzip, bzip2,
// xz, zstd and lz4 do on the command line. Bytes behind the last stream are an
// error, with three exceptions that belong to the formats: the zero padding of
// xz (a multiple of four bytes), skippable frames of zstd and lz4, and the
// four bytes with the unpacked size that a Linux build appends to an lz4 image.
package decompress

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
)

// Format names a compression, in the words of rpm's PAYLOADCOMPRESSOR tag.
type Format string

const (
	None  Format = "none"
	Gzip  Format = "gzip"
	Bzip2 Format = "bzip2"
	Xz    Format = "xz"
	Lzma  Format = "lzma" // the header-less predecessor of xz ("lzma alone")
	Zstd  Format = "zstd"
	Lz4   Format = "lz4" // frames, and the legacy frames of Linux images
)

// MaxWindow is the largest window (zstd) or dictionary (xz, lzma) in bytes
// that a stream may ask for. zstd --ultra -22 and xz -9 stay within it; it is
// the zstd command's own limit too.
const MaxWindow = 128 << 20

var (
	// ErrTooLarge is returned when the output passes the caller's limit.
	ErrTooLarge = errors.New("output is larger than the limit")

	// ErrUnsupported is returned for a Format that this package does not know.
	ErrUnsupported = errors.New("unsupported compression")
)

// Bound is how many bytes a file of so many packed bytes may unpack to, at most most:
// memory stays in proportion to what was really there, however often it is packed.
// Kernels and modules unpack to 3 to 8 times their size, a bomb to a thousand times.
// Small files may have anything: of zeros, there are many in a module.
func Bound(packed, most int64) int64 {
	const (
		ratio = 16
		small = 16 << 20
	)
	if packed >= most/ratio {
		return most
	}
	return min(small+ratio*packed, most)
}

// AppendFrom appends at most most bytes of r to buf and returns the whole; with an error,
// what came before it. The end of r is no error. A full buf grows to the double, but never
// to more than may be read, and to that at once where it is not far: each step takes its
// own memory once more.
//
// It makes its memory itself. That of a growing bytes.Buffer is cleared by append in one
// piece, which the garbage collector waits for with all else at a halt.
func AppendFrom(buf []byte, r io.Reader, most int64) ([]byte, error) {
	old := int64(len(buf))
	for {
		read := int64(len(buf)) - old
		if read >= most {
			return buf, nil
		}
		if len(buf) == cap(buf) {
			room := max(read, 4<<10)
			if most-read <= 3*room {
				room = most - read
			}
			buf = withRoom(buf, room)
		}
		n, err := r.Read(buf[len(buf):min(int64(cap(buf)), old+most)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

// withRoom is buf with room for so many bytes more.
func withRoom(buf []byte, room int64) []byte {
	if int64(cap(buf)-len(buf)) >= room {
		return buf
	}
	return append(make([]byte, 0, int64(len(buf))+room), buf...)
}

// DetectLen is the number of leading bytes Detect looks at. With fewer it
// still recognises every format but lzma.
const DetectLen = 14

// Detect names the format that prefix, the first bytes of the data, belongs
// to. It returns None if nothing matches.
func Detect(prefix []byte) Format {
	switch {
	case bytes.HasPrefix(prefix, []byte{0x1f, 0x8b, 8}): // RFC 1952, method deflate
		return Gzip
	case bytes.HasPrefix(prefix, []byte{0xfd, '7', 'z', 'X', 'Z', 0}):
		return Xz
	case bytes.HasPrefix(prefix, []byte{0x28, 0xb5, 0x2f, 0xfd}): // RFC 8878
		return Zstd
	case bytes.HasPrefix(prefix, []byte{0x04, 0x22, 0x4d, 0x18}),
		bytes.HasPrefix(prefix, []byte{0x02, 0x21, 0x4c, 0x18}): // legacy: linux scripts/Makefile.lib, "lz4 -l"
		return Lz4
	case len(prefix) >= 4 && bytes.HasPrefix(prefix, []byte("BZh")) && '1' <= prefix[3] && prefix[3] <= '9':
		return Bzip2
	case looksLikeLzma(prefix):
		return Lzma
	}
	return None
}

// looksLikeLzma judges an lzma-alone header, which has no magic number:
// properties (one byte), dictionary size (uint32, little endian), unpacked
// size (uint64, little endian, all ones if unknown), and the range coder's
// first byte, which is always zero. As xz --decompress does, only the
// dictionary sizes that encoders write (2^n and 2^n + 2^(n-1)) and unpacked
// sizes below 256 GiB are believed.
func looksLikeLzma(prefix []byte) bool {
	if len(prefix) < DetectLen || !bytes.HasPrefix(prefix, []byte{0x5d, 0, 0}) || prefix[13] != 0 {
		return false
	}
	dict := binary.LittleEndian.Uint32(prefix[1:])
	size := binary.LittleEndian.Uint64(prefix[5:])
	top := uint32(1) << (31 - bits.LeadingZeros32(dict|1))
	plainDict := dict != 0 && (dict == top || dict == top|top>>1 || dict == 1<<32-1)
	return plainDict && (size == 1<<64-1 || size < 256<<30)
}
