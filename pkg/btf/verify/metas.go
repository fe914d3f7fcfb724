// SPDX-License-Identifier: Apache-2.0

package verify

import "github.com/obs-btf-guard/obs-btf-guard/pkg/btf"

// maxType is BTF_MAX_TYPE, the highest type id that may be written down.
const maxType = 0xfffff

// metas is btf_check_all_metas: each record on its own, what it refers to
// unseen.
func (p *parser) metas() bool {
	id := p.startID
	for rest := p.types; len(rest) > 0; id++ {
		t, next, err := btf.Cut(rest, p.order, id)
		left := len(rest)
		switch {
		case left < 12:
			return p.fail(EINVAL, "[%d] meta_left:%d meta_needed:12", id, left)
		case p.rules.InfoMask != 0 && t.Info&^p.rules.InfoMask != 0:
			return p.fail(EINVAL, "[%d] Invalid btf_info:%x", id, t.Info)
		case t.Kind() > p.rules.MaxKind || t.Kind() == btf.KindVoid:
			return p.fail(EINVAL, "[%d] Invalid kind:%d", id, t.Kind())
		case !p.validOffset(t.NameOff):
			return p.fail(EINVAL, "[%d] Invalid name_offset:%d", id, t.NameOff)
		case err != nil: // the kind is known, so its extra bytes are missing
			return p.failBasic(t, "meta_left:%d meta_needed:%d", left-12, t.ExtraSize())
		case !p.meta(t):
			return false
		}
		rest = next
	}
	// The records hold, so the table can be laid out; a hdr_len below 24, which
	// the kernel pads with zeros, leaves an empty one.
	p.table, _ = btf.Parse(p.data, p.base)
	return true
}

// meta is the check_meta of each kind, in the order of its checks.
func (p *parser) meta(t btf.Type) bool {
	switch t.Kind() {
	case btf.KindInt:
		return p.intMeta(t)
	case btf.KindPtr, btf.KindTypedef, btf.KindVolatile, btf.KindConst, btf.KindRestrict, btf.KindTypeTag:
		return p.refMeta(t)
	case btf.KindArray:
		return p.arrayMeta(t)
	case btf.KindStruct, btf.KindUnion:
		return p.structMeta(t)
	case btf.KindEnum, btf.KindEnum64:
		return p.enumMeta(t)
	case btf.KindFwd:
		return p.checks(t,
			check{t.Vlen() != 0, "vlen != 0"},
			check{t.SizeType != 0, "type != 0"},
			check{!p.named(t), "Invalid name"})
	case btf.KindFunc:
		return p.checks(t,
			check{!p.named(t), "Invalid name"},
			check{t.Vlen() > 1, "Invalid func linkage"},
			check{t.KindFlag(), flagUnknown})
	case btf.KindFuncProto:
		return p.checks(t,
			check{t.NameOff != 0, "Invalid name"},
			check{t.KindFlag(), flagUnknown})
	case btf.KindVar:
		return p.checks(t,
			check{t.Vlen() != 0, "vlen != 0"},
			check{t.KindFlag(), flagUnknown},
			check{t.NameOff == 0 || !p.validVarName(t.NameOff), "Invalid name"},
			check{!validRef(t.SizeType), "Invalid type_id"},
			check{t.Word(0) > 1, "Linkage not supported"})
	case btf.KindDatasec:
		return p.datasecMeta(t)
	case btf.KindFloat:
		size := t.SizeType
		return p.checks(t,
			check{t.Vlen() != 0, "vlen != 0"},
			check{t.KindFlag(), flagUnknown},
			check{size != 2 && size != 4 && size != 8 && size != 12 && size != 16, "Invalid type_size"})
	case btf.KindDeclTag:
		return p.checks(t,
			check{!p.hasText(t.NameOff), "Invalid value"},
			check{t.Vlen() != 0, "vlen != 0"},
			check{t.KindFlag() && !p.rules.TagFlag, flagUnknown},
			check{int32(t.Word(0)) < -1, "Invalid component_idx"})
	}
	return true
}

const flagUnknown = "Invalid btf_info kind_flag"

// check is a condition that refuses a type, and the words for it.
type check struct {
	fails bool
	msg   string
}

// checks logs the first check that fails.
func (p *parser) checks(t btf.Type, list ...check) bool {
	for _, c := range list {
		if c.fails {
			return p.failType(t, EINVAL, c.msg)
		}
	}
	return true
}

// named reports whether the type has a name and it is an identifier.
func (p *parser) named(t btf.Type) bool { return t.NameOff != 0 && p.validName(t.NameOff) }

// namedIfAny reports whether the type is anonymous or its name an identifier.
func (p *parser) namedIfAny(t btf.Type) bool { return t.NameOff == 0 || p.validName(t.NameOff) }

// hasText reports whether off names a string of at least one byte. Offset 0 is
// the base's first byte, a NUL.
func (p *parser) hasText(off uint32) bool {
	s, _ := p.bytes(off, 1)
	return len(s) > 0
}

// validRef is the test of a reference that may not be void: it is a number that
// a table could hold, not one that this table holds.
func validRef(id uint32) bool { return id != 0 && id <= maxType }

func (p *parser) intMeta(t btf.Type) bool {
	d := intData(t.Word(0))
	if !p.checks(t, check{t.Vlen() != 0, "vlen != 0"}, check{t.KindFlag(), flagUnknown}) {
		return false
	}
	if uint32(d)&0xf0000000 != 0 {
		return p.failBasic(t, "Invalid int_data:%x", uint32(d))
	}
	bits := d.bits() + d.offset()
	if !p.checks(t,
		check{bits > 128, "nr_bits exceeds 128"},
		check{(bits+7)/8 > t.SizeType, "nr_bits exceeds type_size"}) {
		return false
	}
	switch d.encoding() {
	case 0, 1, 2, 4:
		return true
	}
	return p.failType(t, ENOTSUP, "Unsupported encoding")
}

func (p *parser) refMeta(t btf.Type) bool {
	name := t.NameOff == 0
	switch t.Kind() {
	case btf.KindTypedef:
		name = p.named(t)
	case btf.KindTypeTag:
		name = p.hasText(t.NameOff)
	}
	flagged := t.KindFlag() && !(t.Kind() == btf.KindTypeTag && p.rules.TagFlag)
	return p.checks(t,
		check{t.Vlen() != 0, "vlen != 0"},
		check{flagged, flagUnknown},
		check{t.SizeType > maxType, "Invalid type_id"},
		check{!name, "Invalid name"})
}

func (p *parser) arrayMeta(t btf.Type) bool {
	a := t.Array()
	return p.checks(t,
		check{t.NameOff != 0, "Invalid name"},
		check{t.Vlen() != 0, "vlen != 0"},
		check{t.KindFlag(), flagUnknown},
		check{t.SizeType != 0, "size != 0"},
		check{!validRef(uint32(a.Elem)), "Invalid elem"},
		check{!validRef(uint32(a.Index)), "Invalid index"})
}

func (p *parser) structMeta(t btf.Type) bool {
	if !p.namedIfAny(t) {
		return p.failType(t, EINVAL, "Invalid name")
	}
	last := uint32(0)
	for i := range int(t.Vlen()) {
		m := t.Member(i)
		off := m.BitOffset()
		fail := func(format string, args ...any) bool {
			return p.failMember(m, t.KindFlag(), format, args...)
		}
		switch {
		case !p.validOffset(m.NameOff):
			return fail("Invalid member name_offset:%d", m.NameOff)
		case m.NameOff != 0 && !p.validName(m.NameOff):
			return fail("Invalid name")
		case !validRef(uint32(m.Type)):
			return fail("Invalid type_id")
		case t.Kind() == btf.KindUnion && off != 0, off < last:
			return fail("Invalid member bits_offset")
		case (uint64(off)+7)/8 > uint64(t.SizeType):
			return fail("Member bits_offset exceeds its struct size")
		}
		last = off
	}
	return true
}

func (p *parser) enumMeta(t btf.Type) bool {
	size := t.SizeType
	if !p.checks(t,
		check{t.KindFlag() && !p.rules.EnumFlag, flagUnknown},
		check{size != 1 && size != 2 && size != 4 && size != 8, "Unexpected size"},
		check{!p.namedIfAny(t), "Invalid name"}) {
		return false
	}
	for i := range int(t.Vlen()) {
		off := t.Enumerator(i).NameOff
		if !p.validOffset(off) {
			return p.fail(EINVAL, "\tInvalid name_offset:%d", off)
		}
		if off == 0 || !p.validName(off) {
			return p.failType(t, EINVAL, "Invalid name")
		}
	}
	return true
}

func (p *parser) datasecMeta(t btf.Type) bool {
	if !p.checks(t,
		check{t.Vlen() == 0 && !p.rules.EmptySection, "vlen == 0"},
		check{t.SizeType == 0, "size == 0"},
		check{t.KindFlag(), flagUnknown},
		check{t.NameOff == 0 || !p.validSectionName(t.NameOff), "Invalid name"}) {
		return false
	}
	end, sum := uint32(0), uint64(0)
	for i := range int(t.Vlen()) {
		e := t.Entry(i)
		switch {
		case !validRef(uint32(e.Type)):
			return p.failEntry(e, "Invalid type_id")
		case e.Offset < end || e.Offset >= t.SizeType:
			return p.failEntry(e, "Invalid offset")
		case e.Size == 0 || e.Size > t.SizeType:
			return p.failEntry(e, "Invalid size")
		}
		end = e.Offset + e.Size
		if end > t.SizeType {
			return p.failEntry(e, "Invalid offset+size")
		}
		sum += uint64(e.Size)
	}
	return p.checks(t, check{sum > uint64(t.SizeType), "Invalid btf_info size"})
}
