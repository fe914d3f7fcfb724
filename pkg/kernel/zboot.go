// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
)

// The header of an EFI zboot image, in bytes from the start, all fields little
// endian (drivers/firmware/efi/libstub/zboot-header.S).
const (
	zbootMagicAt   = 4
	zbootMagic     = "zimg"
	zbootOffsetAt  = 8  // u32, of the payload, from the start of the file
	zbootSizeAt    = 12 // u32, of the payload, without an appended unpacked size
	zbootTypeAt    = 24 // text: gzip, lz4, lzma, lzo, xzkern, zstd22
	zbootHeaderEnd = 56
)

// openZboot returns the flat image inside an EFI zboot image. Its bytes say
// how it is compressed; the type in the header is only for the error text.
func (o *opener) openZboot(src source) (source, error) {
	header, err := src.read("zboot header", 0, zbootHeaderEnd)
	if err != nil {
		return source{}, err
	}
	offset := uint64(binary.LittleEndian.Uint32(header[zbootOffsetAt:]))
	size := uint64(binary.LittleEndian.Uint32(header[zbootSizeAt:]))
	if offset > uint64(src.size) || size > uint64(src.size)-offset {
		return source{}, src.beyond("payload offset, payload size", offset, size)
	}
	magic, err := src.read("payload", offset, min(size, decompress.DetectLen))
	if err != nil {
		return source{}, err
	}
	format := decompress.Detect(magic)
	if format == decompress.None {
		kind, _, _ := strings.Cut(string(header[zbootTypeAt:zbootHeaderEnd]), "\x00")
		return source{}, fmt.Errorf("payload: unknown compression %q, starts with % x", kind, magic)
	}
	return o.unpack(src, format, offset, size)
}
