// SPDX-License-Identifier: Apache-2.0

//go:build e2eqemu

package qemu

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/qemu/wire"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

const carrierBTF, carrierBase = ".BTF", ".BTF.base"

// newCarrier makes a carrier of a real module: the signature goes, and behind
// the file stand a longer string table and section headers with one more. Its
// name is that of no section until a trial wants a .BTF.base.
func newCarrier(ko []byte) ([]byte, wire.Carrier, error) {
	var info wire.Carrier
	ko = unsigned(ko)
	m, err := kernel.OpenModule(ko, "carrier.ko")
	if err != nil {
		return nil, info, err
	}
	info.Module = m.Name
	var order binary.ByteOrder = binary.LittleEndian
	if ko[elf.EI_DATA] == byte(elf.ELFDATA2MSB) {
		order = binary.BigEndian
	}
	var h elf.Header64
	if _, err := binary.Decode(ko, order, &h); err != nil {
		return nil, info, err
	}
	sections := make([]elf.Section64, h.Shnum)
	if h.Shoff > uint64(len(ko)) || int(h.Shstrndx) >= len(sections) {
		return nil, info, errors.New("carrier: section headers past the end")
	}
	if _, err := binary.Decode(ko[h.Shoff:], order, sections); err != nil {
		return nil, info, fmt.Errorf("carrier: section headers: %w", err)
	}
	table := &sections[h.Shstrndx]
	names := bytes.Clone(ko[table.Off:][:table.Size])
	info.BaseName = uint32(len(names))
	names = append(append(names, carrierBase...), 0)

	found := -1
	for i, s := range sections {
		if name, _, _ := bytes.Cut(names[s.Name:], []byte{0}); string(name) == carrierBTF {
			found = i
		}
	}
	if found < 0 {
		return nil, info, errors.New("carrier: no " + carrierBTF)
	}
	sections = append(sections, elf.Section64{Type: uint32(elf.SHT_PROGBITS), Addralign: 1})

	file := bytes.Clone(ko)
	table = &sections[h.Shstrndx]
	table.Off, table.Size = uint64(len(file)), uint64(len(names))
	file = append(file, names...)
	for len(file)%8 != 0 {
		file = append(file, 0)
	}
	const sectionSize = 64
	h.Shoff, h.Shnum = uint64(len(file)), uint16(len(sections))
	info.BTFHeader = h.Shoff + sectionSize*uint64(found)
	info.BaseHeader = h.Shoff + sectionSize*uint64(len(sections)-1)
	if file, err = binary.Append(file, order, sections); err != nil {
		return nil, info, err
	}
	_, err = binary.Encode(file, order, &h)
	return file, info, err
}

// unsigned cuts off the signature, whose length stands before the marker at the
// end (struct module_signature, include/linux/module_signature.h).
func unsigned(ko []byte) []byte {
	const marker, trailer = "~Module signature appended~\n", 12
	body, ok := bytes.CutSuffix(ko, []byte(marker))
	if !ok || len(body) < trailer {
		return ko
	}
	n := int(binary.BigEndian.Uint32(body[len(body)-4:]))
	return body[:max(0, len(body)-trailer-n)]
}
