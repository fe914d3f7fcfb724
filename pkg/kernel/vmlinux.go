// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"debug/elf"
	"fmt"
	"slices"
)

// openVmlinux reads a linked kernel. The sections handed out are copies, so
// that Image.ELF can be let go of.
func (o *opener) openVmlinux(src source) error {
	f, err := newELF(src)
	if err != nil {
		return err
	}
	img := o.image
	img.ELF, img.Arch, img.Bits, img.Order = f, f.Arch(), f.Bits(), f.Order()
	if err := f.copySections(wanted{".BTF", &img.BTF}, wanted{".BTF_ids", &img.BTFIDs}); err != nil {
		return err
	}
	img.Exported, _ = f.Exported() // without it, less is known
	if err := o.readTraces(src, f.constants()); err != nil {
		return err
	}
	_, exports := f.lookup("__ksymtab_strings")
	if img.BTF == nil && img.Banner == "" && len(img.Wrapping) == 0 && !exports {
		return fmt.Errorf("%w: an ELF program that is neither a kernel nor a module", ErrNotImage)
	}
	return nil
}

// constants is where a kernel's strings may stand: the loaded sections that
// are not code, .rodata first, as that is where they do.
func (f *ELF) constants() []extent {
	var parts []extent
	for i := 1; i < f.sections(); i++ {
		s := f.section(i)
		loaded := s.flags&(elf.SHF_ALLOC|elf.SHF_EXECINSTR) == elf.SHF_ALLOC
		if s.typ == elf.SHT_PROGBITS && loaded {
			parts = append(parts, extent{s.offset, s.size})
		}
	}
	if s, ok := f.lookup(".rodata"); ok {
		first := extent{s.offset, s.size}
		if i := slices.Index(parts, first); i > 0 {
			parts = slices.Insert(slices.Delete(parts, i, i+1), 0, first)
		}
	}
	return parts
}
