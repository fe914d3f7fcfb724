// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"bytes"
	"encoding/hex"
	"io"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// compressions are those that bombs come in.
var compressions = []string{"gzip", "bzip2", "xz", "lzma", "zstd", "lz4"}

// Compress packs data; "none" leaves it as it is.
func Compress(t testing.TB, format string, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	switch format {
	case "none":
		return data
	case "gzip":
		w = gzip.NewWriter(&out)
	case "xz":
		w, err = xz.NewWriter(&out)
	case "lzma":
		w, err = lzma.NewWriter(&out)
	case "zstd":
		w, err = zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
	case "lz4":
		w = lz4.NewWriter(&out)
	default:
		t.Fatalf("no writer of %s", format)
	}
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	return out.Bytes()
}

// A bzip2 stream of 45,899,235 zeros, one full block of runs:
// head -c 45899235 /dev/zero | bzip2 -9 | xxd -p
const bzip2Zeros = "425a68393141592653590e09e2df015f8e4000c0000008200030804d4642a025a90a80971772453850900e09e2df"

// zeros packs size zeros, or a little more: one stream after the other, as the formats
// allow, but for lzma, which is one.
func zeros(t testing.TB, format string, size int) []byte {
	t.Helper()
	unit := 16 << 20
	var stream []byte
	switch format {
	case "bzip2":
		unit = 45899235
		stream, _ = hex.DecodeString(bzip2Zeros)
	case "lzma":
		return lzmaZeros(size)
	default:
		stream = Compress(t, format, make([]byte, unit))
	}
	return bytes.Repeat(stream, (size+unit-1)/unit)
}
