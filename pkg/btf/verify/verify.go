// SPDX-License-Identifier: Apache-2.0

// Package verify predicts what a kernel does with a BTF table: whether it
// accepts it, with which error, and in which words.
//
// [Module] answers for a module's .BTF on a running kernel's base, [Base] for
// the base itself. They take the bytes of the section and repeat the in-kernel
// path of kernel/bpf/btf.c (btf_parse_module, btf_parse_vmlinux) check by check
// in the kernel's order; the first failure wins. That path is shorter than the
// one of BPF_BTF_LOAD: it never resolves types, so most references to a wrong
// or missing type pass. [Rules.Notice] adds the line with which the module loader
// ends.
package verify

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// Errno is a negative error number as the kernel logs it, 0 for none.
type Errno int

// The errors that reading a table can end in.
const (
	ENOENT  Errno = -2
	E2BIG   Errno = -7
	EINVAL  Errno = -22
	ELOOP   Errno = -40
	ENOTSUP Errno = -524 // the kernel's own ENOTSUPP, unknown to libc
)

// Line is one line of the kernel log.
type Line struct {
	Text string

	// Typed marks the lines that describe a type or a member. Since 6.3 a kernel
	// that allows mismatches keeps them to itself when it reads a module.
	Typed bool
}

// Result is what the kernel makes of a table.
type Result struct {
	Errno Errno
	Lines []Line     // what the verifier logs, without the module loader's last line
	Table *btf.Table // the parsed table if it is accepted
}

// Accepted reports whether the kernel takes the table.
func (r Result) Accepted() bool { return r.Errno == 0 }

// Module predicts what a kernel with these rules and this base answers to a
// module whose .BTF section holds data. An empty section is never looked at: ask
// only about one that has bytes.
func Module(data []byte, base *btf.Table, rules Rules) Result {
	return run(data, base, base.Order, rules)
}

// Base predicts what a kernel of the given byte order answers to its own .BTF,
// or to a module's .BTF.base.
func Base(data []byte, order binary.ByteOrder, rules Rules) Result {
	return run(data, nil, order, rules)
}

func run(data []byte, base *btf.Table, order binary.ByteOrder, rules Rules) Result {
	p := &parser{rules: rules, base: base, order: order, data: data, startID: 1}
	if base != nil {
		p.startID = base.EndID()
		p.startStr = base.EndString()
	}
	for _, stage := range []func() bool{p.header, p.sections, p.stringSection, p.metas, p.chains} {
		if !stage() {
			return Result{Errno: p.errno, Lines: p.log.lines}
		}
	}
	return Result{Table: p.table}
}

// parser holds one table on its way through the stages. A stage that fails logs
// why, sets errno and returns false.
type parser struct {
	rules Rules
	base  *btf.Table
	order binary.ByteOrder
	data  []byte

	startID  btf.TypeID
	startStr uint32

	hdr     btf.Header
	hdrLen  uint32 // as in the file; hdr.Len is what the kernel copied of it
	types   []byte
	strings []byte
	table   *btf.Table

	log   log
	errno Errno
}

// fail ends a stage with one plain line.
func (p *parser) fail(errno Errno, format string, args ...any) bool {
	p.errno = errno
	p.log.add(p.rules, false, fmt.Sprintf(format, args...))
	return false
}

// header is btf_parse_hdr as far as the section table.
func (p *parser) header() bool {
	n := uint32(len(p.data))
	if n < 8 {
		return p.fail(EINVAL, "hdr_len not found")
	}
	p.hdrLen = p.order.Uint32(p.data[4:])
	if n < p.hdrLen {
		return p.fail(EINVAL, "btf_header not found")
	}
	if p.hdrLen > p.rules.HeaderSize {
		for _, b := range p.data[p.rules.HeaderSize:p.hdrLen] {
			if b != 0 {
				return p.fail(E2BIG, "Unsupported btf_header")
			}
		}
	}
	p.hdr = btf.DecodeHeader(p.data, p.order, p.rules.HeaderSize)
	switch {
	case p.hdr.Magic != btf.Magic:
		return p.fail(EINVAL, "Invalid magic")
	case p.hdr.Version != 1:
		return p.fail(ENOTSUP, "Unsupported version")
	case p.hdr.Flags != 0:
		return p.fail(ENOTSUP, "Unsupported flags")
	case p.base == nil && n == p.hdr.Len:
		return p.fail(EINVAL, "No data")
	}
	return true
}

// hasLayout reports whether the kernel looks at the header's layout fields.
func (p *parser) hasLayout() bool {
	return p.rules.HeaderSize >= btf.HeaderSizeLayout && p.hdr.Len >= btf.HeaderSizeLayout
}

// sections is btf_check_sec_info: the sections tile what follows the header.
func (p *parser) sections() bool {
	type section struct{ off, length uint32 }
	secs := []section{{p.hdr.TypeOff, p.hdr.TypeLen}, {p.hdr.StrOff, p.hdr.StrLen}}
	if p.hasLayout() && p.hdr.LayoutLen != 0 {
		secs = append(secs, section{p.hdr.LayoutOff, p.hdr.LayoutLen})
	}
	// btf_sec_info_cmp returns the difference as an int, so it wraps, and two
	// offsets 1<<31 apart are each smaller than the other. Which stays first is then
	// up to the sort: of two, the kernel asks about the earlier one first.
	order := func(a, b section) int { return cmp.Or(int(int32(a.off-b.off)), int(int32(a.length-b.length))) }
	for i := range secs {
		for k := i; k > 0 && order(secs[k-1], secs[k]) > 0; k-- {
			secs[k-1], secs[k] = secs[k], secs[k-1]
		}
	}
	space := uint32(len(p.data)) - p.hdr.Len
	total := uint32(0)
	for _, s := range secs {
		switch {
		case space < s.off:
			return p.fail(EINVAL, "Invalid section offset")
		case total < s.off:
			return p.fail(EINVAL, "Unsupported section found")
		case total > s.off:
			return p.fail(EINVAL, "Section overlap found")
		case space-total < s.length:
			return p.fail(EINVAL, "Total section length too long")
		}
		total += s.length
	}
	if space != total {
		return p.fail(EINVAL, "Unsupported section found")
	}
	body := p.data[p.hdr.Len:]
	p.types = body[p.hdr.TypeOff:][:p.hdr.TypeLen]
	p.strings = body[p.hdr.StrOff:][:p.hdr.StrLen]
	return true
}

// maxNameOffset is BTF_MAX_NAME_OFFSET; it bounds offsets over base and module
// together, and the length of one string section.
const maxNameOffset = 0xffffff

// stringSection is btf_parse_str_sec.
func (p *parser) stringSection() bool {
	n := p.hdr.StrLen
	if !p.hasLayout() && uint64(p.hdr.Len)+uint64(p.hdr.StrOff)+uint64(n) != uint64(len(p.data)) {
		return p.fail(EINVAL, "String section is not at the end")
	}
	if p.base != nil && n == 0 {
		return true
	}
	if n == 0 || n-1 > maxNameOffset || p.strings[n-1] != 0 || p.base == nil && p.strings[0] != 0 {
		return p.fail(EINVAL, "Invalid string section")
	}
	return true
}

// bytes is btf_name_by_offset for the first limit bytes of the name; the strings
// of the base stand before the module's own.
func (p *parser) bytes(off uint32, limit int) ([]byte, bool) {
	if p.base != nil && off < p.startStr {
		return p.base.Prefix(off, limit)
	}
	i := off - p.startStr
	if uint64(i) >= uint64(len(p.strings)) {
		return nil, false
	}
	s := p.strings[i:]
	s = s[:min(len(s), limit)]
	if end := bytes.IndexByte(s, 0); end >= 0 {
		s = s[:end]
	}
	return s, true
}

// validOffset is btf_name_offset_valid.
func (p *parser) validOffset(off uint32) bool {
	if off > maxNameOffset {
		return false
	}
	if p.base != nil && off < p.startStr {
		return true
	}
	return uint64(off-p.startStr) < uint64(len(p.strings))
}
