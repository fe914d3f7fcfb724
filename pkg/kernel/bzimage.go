// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
)

// The x86 setup header, in bytes from the start of the file, all fields little
// endian (Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header").
const (
	setupSectsAt    = 0x1f1 // u8, sectors of 512 bytes after the first; 0 means 4
	sysSizeAt       = 0x1f4 // u32, of the protected mode code, in units of 16 bytes
	bootFlagAt      = 0x1fe
	bootFlag        = "\x55\xaa"
	headerMagicAt   = 0x202
	headerMagic     = "HdrS"
	protocolAt      = 0x206 // u16, major << 8 | minor
	kernelVersionAt = 0x20e // u16, from 0x200; 0 for none
	payloadOffsetAt = 0x248 // u32, from the start of the protected mode code
	payloadLengthAt = 0x24c // u32, in bytes
	setupHeaderEnd  = 0x250

	sector            = 512
	paragraph         = 16
	minPayloadVersion = 0x0208 // the protocol that brought payload_offset
)

// openBzImage returns the vmlinux inside an x86 boot image.
//
// Behind every payload but gzip's, the build appends the unpacked size as a
// u32 (scripts/Makefile.lib, size_append). The decoders never see it; what
// they give is compared with it, as it is the only thing that shows a legacy
// lz4 stream cut short.
func (o *opener) openBzImage(src source) (source, error) {
	header, err := src.read("setup header", 0, setupHeaderEnd)
	if err != nil {
		return source{}, err
	}
	u16, u32 := binary.LittleEndian.Uint16, binary.LittleEndian.Uint32
	if version := u16(header[protocolAt:]); version < minPayloadVersion {
		return source{}, fmt.Errorf("boot protocol %d.%02d, payload_offset came with 2.08", version>>8, version&0xff)
	}
	o.setupRelease(src, u16(header[kernelVersionAt:]))

	setupSects := uint64(header[setupSectsAt])
	if setupSects == 0 {
		setupSects = 4
	}
	code := (setupSects + 1) * sector
	// The payload may be whole where what follows it is not. A build may round up.
	if whole := uint64(u32(header[sysSizeAt:])) * paragraph; code+whole >= uint64(src.size)+paragraph {
		return source{}, src.beyond("syssize", code, whole)
	}
	start := code + uint64(u32(header[payloadOffsetAt:]))
	length := uint64(u32(header[payloadLengthAt:]))
	if start > uint64(src.size) || length > uint64(src.size)-start {
		return source{}, src.beyond("payload_offset, payload_length", start, length)
	}
	if length < 4 {
		return source{}, fmt.Errorf("payload_length: %d bytes", length)
	}
	magic, err := src.read("payload", start, min(length, decompress.DetectLen))
	if err != nil {
		return source{}, err
	}
	format := decompress.Detect(magic)
	switch format {
	case decompress.None:
		return source{}, fmt.Errorf("payload: unknown compression, starts with % x", magic)
	case decompress.Gzip: // ends with the size by itself
		return o.unpack(src, format, start, length)
	}
	trailer, err := src.read("payload", start+length-4, 4)
	if err != nil {
		return source{}, err
	}
	vmlinux, err := o.unpack(src, format, start, length-4)
	if err != nil {
		return source{}, err
	}
	if want := u32(trailer); uint32(vmlinux.size) != want {
		return source{}, fmt.Errorf("payload: unpacks to %d bytes, its last four bytes say %d", vmlinux.size, want)
	}
	return vmlinux, nil
}

// setupRelease takes the kernelrelease from the setup header's version string,
// "6.1.0-53-amd64 (builder@host) #1 SMP ...". It stays unknown if there is none.
func (o *opener) setupRelease(src source, pointer uint16) {
	if pointer == 0 {
		return
	}
	at := uint64(pointer) + 0x200
	if at >= uint64(src.size) {
		return
	}
	text, err := src.read("kernel_version", at, min(maxBanner, uint64(src.size)-at))
	if err != nil {
		return
	}
	line, _, ok := bytes.Cut(text, []byte{0})
	if ok && isPrintable(line) {
		o.image.Release, _, _ = strings.Cut(string(line), " ")
	}
}
