// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"slices"
)

// NewSection is a section that [ELF.Rewrite] adds.
type NewSection struct {
	Name  string
	Data  []byte
	Align uint64 // of its place in the file and address, in bytes; 0 is 1
}

// Rewrite returns a relocatable file (a module, ET_REL) in which some sections have other
// content and new ones follow all others. No section changes its number, so symbols,
// relocations and links stay valid. Sections that are not named keep their bytes, and the
// same input gives the same output.
//
// The file is laid out anew: header, sections in their old order and with their
// alignment, then the section headers. Bytes between sections and behind the last of them
// are dropped: a signature would no longer be valid.
//
// An error names the field that keeps a file from being rewritten: program headers,
// sections that overlap, a section to replace that is not there, or a name that is
// taken.
func (f *ELF) Rewrite(replace map[string][]byte, add ...NewSection) ([]byte, error) {
	w := rewriter{ELF: f, contents: map[int][]byte{}}
	if err := w.check(); err != nil {
		return nil, err
	}
	for name, data := range replace {
		i, ok := f.sectionIndex(name)
		if !ok {
			return nil, fmt.Errorf("%s: no such section", name)
		}
		w.contents[i] = data
	}
	names := bytes.Clone(f.names)
	for _, s := range add {
		if _, taken := f.sectionIndex(s.Name); taken {
			return nil, fmt.Errorf("%s: there is such a section", s.Name)
		}
		w.headers = w.append(w.headers, uint32(len(names)), s)
		w.contents[w.count()-1] = s.Data
		names = append(append(names, s.Name...), 0)
	}
	w.contents[w.nameIndex] = names
	return w.layout()
}

// rewriter lays out a copy of a file.
type rewriter struct {
	*ELF
	headers   []byte // the new section header table
	contents  map[int][]byte
	nameIndex int
	header    []byte // the file header
}

// check refuses files that cannot be laid out anew without changing what they mean.
func (w *rewriter) check() error {
	var err error
	if w.header, err = w.src.read("ELF header", 0, w.pick(52, 64)); err != nil {
		return err
	}
	w.header = bytes.Clone(w.header)
	tail := w.header[w.pick(44, 56):] // e_phnum and what follows
	switch {
	case w.typ != elf.ET_REL:
		return fmt.Errorf("ELF header: e_type %v, only relocatable files are rewritten", w.typ)
	case w.order.Uint16(tail) != 0:
		return fmt.Errorf("ELF header: %d program headers, a module has none", w.order.Uint16(tail))
	case w.order.Uint16(tail[4:]) == 0 || w.sections() >= int(elf.SHN_LORESERVE)-256:
		return fmt.Errorf("ELF header: %d sections are too many", w.sections())
	}
	if w.nameIndex = int(w.order.Uint16(tail[6:])); w.nameIndex >= w.sections() {
		return fmt.Errorf("ELF header: e_shstrndx %d, there are %d sections", w.nameIndex, w.sections())
	}
	if typ := w.section(w.nameIndex).typ; typ != elf.SHT_STRTAB {
		return fmt.Errorf("section names (e_shstrndx %d): a section of type %v, not SHT_STRTAB", w.nameIndex, typ)
	}
	w.headers = bytes.Clone(w.ELF.headers)
	return w.checkOverlap()
}

// checkOverlap refuses sections that share bytes: laid out one after the other they
// would grow to more than the file has.
func (w *rewriter) checkOverlap() error {
	order := w.inFile()
	for i := 1; i < len(order); i++ {
		a, b := w.section(order[i-1]), w.section(order[i])
		if a.offset+a.size > b.offset && b.size > 0 {
			return fmt.Errorf("sections %d and %d overlap at byte %d", order[i-1], order[i], b.offset)
		}
	}
	return nil
}

// inFile lists the sections that have bytes in the file, in the order of the file.
func (w *rewriter) inFile() []int {
	var out []int
	for i := 1; i < w.sections(); i++ {
		if s := w.section(i); s.typ != elf.SHT_NULL && s.typ != elf.SHT_NOBITS {
			out = append(out, i)
		}
	}
	slices.SortStableFunc(out, func(a, b int) int { return cmp.Compare(w.section(a).offset, w.section(b).offset) })
	return out
}

// count is the number of section headers so far.
func (w *rewriter) count() int { return len(w.headers) / int(w.headerSize()) }

// append adds a section header without its place.
func (w *rewriter) append(headers []byte, name uint32, s NewSection) []byte {
	h := make([]byte, w.headerSize())
	w.order.PutUint32(h, name)
	w.order.PutUint32(h[4:], uint32(elf.SHT_PROGBITS))
	w.putWord(h[w.pick(32, 48):], max(s.Align, 1))
	return append(headers, h...)
}

func (w *rewriter) putWord(b []byte, value uint64) {
	if w.bits == 32 {
		w.order.PutUint32(b, uint32(value))
	} else {
		w.order.PutUint64(b, value)
	}
}

// maxAlign is the most bytes of alignment that is kept to: those of a page are the
// most that a module's section asks for.
const maxAlign = 1 << 16

// layout writes header, sections and section headers.
func (w *rewriter) layout() ([]byte, error) {
	out := bytes.Clone(w.header)
	order := w.inFile()
	for i := w.sections(); i < w.count(); i++ {
		order = append(order, i)
	}
	for _, i := range order {
		data, changed := w.contents[i]
		if !changed {
			var err error
			if data, err = w.bytes(w.section(i)); err != nil {
				return nil, fmt.Errorf("section %d: %w", i, err)
			}
		}
		h := w.headers[i*int(w.headerSize()):]
		align := max(w.word(h[w.pick(32, 48):]), 1)
		if align > maxAlign || align&(align-1) != 0 {
			return nil, fmt.Errorf("section %d: sh_addralign %d is no power of two up to %d", i, align, maxAlign)
		}
		out = pad(out, align)
		w.putWord(h[w.pick(16, 24):], uint64(len(out)))
		w.putWord(h[w.pick(20, 32):], uint64(len(data)))
		out = append(out, data...)
	}
	out = pad(out, w.pick(4, 8))
	if uint64(len(out)) > 1<<31 {
		return nil, errors.New("the file would have more than 2 GiB")
	}
	w.putWord(out[w.pick(32, 40):], uint64(len(out)))          // e_shoff
	w.order.PutUint16(out[w.pick(48, 60):], uint16(w.count())) // e_shnum
	return append(out, w.headers...), nil
}

func pad(b []byte, align uint64) []byte {
	return append(b, make([]byte, -uint64(len(b))&(align-1))...)
}

// Same checks that another file has the sections of this one, with the same numbers,
// headers and bytes. The sections named by but may differ in size and content, and may be
// new. The error names the first section that differs.
func (f *ELF) Same(o *ELF, but ...string) error {
	if o.sections() < f.sections() {
		return fmt.Errorf("%d sections, there were %d", o.sections(), f.sections())
	}
	if f.bits != o.bits || f.order != o.order || f.typ != o.typ || f.machine != o.machine {
		return errors.New("the file header differs")
	}
	place, end := f.pick(16, 24), f.pick(24, 40) // sh_offset and sh_size
	for i := range o.sections() {
		name := o.sectionName(i)
		if slices.Contains(but, name) && i > 0 {
			continue
		}
		if i >= f.sections() {
			return fmt.Errorf("section %d (%s) is new", i, name)
		}
		a, b := f.section(i), o.section(i)
		x, y := f.headers[i*int(f.headerSize()):][:f.headerSize()], o.headers[i*int(o.headerSize()):][:o.headerSize()]
		if was := f.sectionName(i); was != name || !bytes.Equal(x[:place], y[:place]) || !bytes.Equal(x[end:], y[end:]) {
			return fmt.Errorf("the header of section %d (%s) differs", i, name)
		}
		if i == 0 || a.typ == elf.SHT_NULL || a.typ == elf.SHT_NOBITS || bytes.Equal(f.names, o.names[:min(len(o.names), len(f.names))]) && f.isNames(i) {
			continue
		}
		was, err := f.bytes(a)
		if err != nil {
			return fmt.Errorf("section %d (%s): %w", i, name, err)
		}
		is, err := o.bytes(b)
		if err != nil {
			return fmt.Errorf("section %d (%s): %w", i, name, err)
		}
		if !bytes.Equal(was, is) {
			return fmt.Errorf("section %d (%s) differs", i, name)
		}
	}
	return nil
}

// sectionName is a section's name, "" for sections that need none: number 0, and those of
// type SHT_NULL.
func (f *ELF) sectionName(i int) string {
	s := f.section(i)
	if i == 0 || s.typ == elf.SHT_NULL {
		return ""
	}
	return string(cString(f.names[s.name:]))
}

// isNames reports whether a section holds the section names, which grow.
func (f *ELF) isNames(i int) bool {
	header, err := f.src.read("ELF header", 0, f.pick(52, 64))
	return err == nil && int(f.order.Uint16(header[f.pick(50, 62):])) == i
}
