// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"debug/elf"
	"encoding/binary"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
)

// Kind is what a file is, by its first bytes. Its text can be used in messages.
type Kind string

const (
	KindUnknown    Kind = "unknown"
	KindModule     Kind = "module"      // a relocatable ELF file, as .ko and .o are
	KindVmlinux    Kind = "vmlinux"     // a linked ELF file, as vmlinux and every program is
	KindBzImage    Kind = "bzImage"     // x86 boot image
	KindArm64Image Kind = "arm64 Image" // flat memory image
	KindRISCVImage Kind = "riscv Image" // flat memory image
	KindS390Image  Kind = "s390 image"  // boot image around a flat one
	KindZImage     Kind = "zImage"      // 32 bit ARM boot image, not understood further
	KindZboot      Kind = "EFI zboot"   // compressed EFI application around a flat image
	KindBTF        Kind = "raw BTF"     // the bytes of a .BTF section
	KindCompressed Kind = "compressed"  // decompress.Detect names the format
	KindRPM        Kind = "RPM"
)

// IdentifyLen is the number of leading bytes [Identify] looks at.
const IdentifyLen = 1024

// Identify says what the file is that starts with prefix. Shorter prefixes
// than [IdentifyLen] are looked at as far as they go.
func Identify(prefix []byte) Kind {
	has := func(offset int, magic string) bool {
		return len(prefix) >= offset+len(magic) && string(prefix[offset:offset+len(magic)]) == magic
	}
	switch {
	case has(0, elf.ELFMAG):
		return identifyELF(prefix)
	case has(0, s390Start):
		return KindS390Image
	case has(0, "\xed\xab\xee\xdb"): // RPM lead
		return KindRPM
	case has(bootFlagAt, bootFlag) && has(headerMagicAt, headerMagic):
		return KindBzImage
	case has(0, "MZ") && has(zbootMagicAt, zbootMagic):
		return KindZboot
	case has(flatMagicAt, arm64Magic):
		return KindArm64Image
	case has(flatMagicAt, riscvMagic):
		return KindRISCVImage
	case has(0x24, "\x18\x28\x6f\x01"): // arch/arm/boot/compressed/head.S
		return KindZImage
	}
	if _, ok := btfOrder(prefix); ok {
		return KindBTF
	}
	if decompress.Detect(prefix) != decompress.None {
		return KindCompressed
	}
	return KindUnknown
}

// identifyELF goes by e_type, which is at the same offset in both classes.
func identifyELF(prefix []byte) Kind {
	if len(prefix) < 18 {
		return KindUnknown
	}
	var order binary.ByteOrder = binary.LittleEndian
	if elf.Data(prefix[elf.EI_DATA]) == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	switch elf.Type(order.Uint16(prefix[16:])) {
	case elf.ET_REL:
		return KindModule
	case elf.ET_EXEC, elf.ET_DYN:
		return KindVmlinux
	}
	return KindUnknown
}
