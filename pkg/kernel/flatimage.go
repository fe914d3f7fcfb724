// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"encoding/binary"
)

// The header of the flat memory images of arm64 and riscv, in bytes from the
// start, all fields little endian (Documentation/arch/arm64/booting.rst,
// Documentation/arch/riscv/boot-image-header.rst). The offsets are the same.
const (
	flatFlagsAt = 24 // u64; arm64 and riscv: bit 0 set for a big endian kernel
	flatMagicAt = 56

	arm64Magic = "ARM\x64"
	riscvMagic = "RSC\x05"
)

// openFlat reads an arm64 or riscv Image.
func (o *opener) openFlat(src source, arch string) error {
	flags, err := src.read("flags", flatFlagsAt, 8)
	if err != nil {
		return err
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if flags[0]&1 != 0 {
		order = binary.BigEndian
	}
	return o.openFlatAs(src, arch, order)
}

// openFlatAs reads the memory image of a kernel. It has no section table, so .BTF is
// found by its content, and .BTF_ids, which has no header, is not found.
func (o *opener) openFlatAs(src source, arch string, order binary.ByteOrder) error {
	data, err := src.read("image", 0, uint64(src.size))
	if err != nil {
		return err
	}
	img := o.image
	img.Arch, img.Bits, img.Order = arch, 64, order
	found, err := findBTF(data, img.Order)
	if err != nil {
		return err
	}
	img.BTF = bytes.Clone(found) // lets go of the image around it
	return o.readTraces(inMemory(data), []extent{{0, uint64(len(data))}})
}
