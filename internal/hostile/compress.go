// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"bytes"
	"encoding/hex"
	"io"
	"slices"
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

// An lzma-alone file of 2,390,000 zeros. Its bytes 171 to 294 stand for 871,962 of them and
// leave the coder as it was, so that they may come again and again:
// head -c 2390000 /dev/zero | xz --format=lzma -0 | xxd -p
const lzmaZeros = "5d00000400ffffffffffffffff00006ffdffffa3b7ff473e481572396151b89228e6a38607f9eee41e82d32fc53a3c014bb17ec98a8a" +
	"4d2fa30dd97fa6e38c231153e05918c5758ae277f8b6947f0c6ac0de744964e2e95c53b204d8f7440cab5f0d6d46e9e5c37688b79657" +
	"acb64de1691d6ffb4b88106c42cb883f5c008fd04eaf262894711f3d8f24e1709ea7235fec28cb85d195988a7e2a91f22775f719c006" +
	"984d98fdd8afd5900fc42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b" +
	"0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bd2e5faa0f3e4b664290130eff1093f8717859f8" +
	"0bcdff9528460fa9fc7cdefb9a302e56c08f85f38381c065c42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb12718" +
	"5c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bd2e5faa0f" +
	"3e4b664290130eff1093f8717859f80bcdff9528460fa9fc7cdefb9a302e56c08f85f383819d4c1fb69efffff7448000"

// zeros packs about size zeros: one stream after the other, as the formats allow, but for
// lzma, which is one.
func zeros(t testing.TB, format string, size int) []byte {
	t.Helper()
	unit := 16 << 20
	var stream []byte
	switch format {
	case "bzip2":
		unit = 45899235
		stream, _ = hex.DecodeString(bzip2Zeros)
	case "lzma":
		stream, _ = hex.DecodeString(lzmaZeros)
		return slices.Concat(stream[:171], bytes.Repeat(stream[171:294], size/871962-1), stream[294:])
	default:
		stream = Compress(t, format, make([]byte, unit))
	}
	return bytes.Repeat(stream, (size+unit-1)/unit)
}
