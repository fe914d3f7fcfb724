// SPDX-License-Identifier: Apache-2.0

// Package btf reads BTF tables from the bytes of a file: a base (the .BTF of a
// vmlinux) and the split tables of its modules.
//
// Parse lays a table out over the bytes it is given and copies nothing.
// [Table.Type] and [Table.String] look one thing up, [Table.Types] walks the
// types of one table, and [Type.TypeRefs] and [Type.NameRefs] visit every
// reference a type makes. A split table continues the numbering of its base:
// type ids start where the base's end, string offsets where the base's string
// section ends. Read on another base, the same bytes mean something else; that
// is what this project is about.
//
// The package decodes and does not judge: what a kernel accepts is decided by
// the verify package, what a table says about its own base by the evidence
// package.
//
// The format is described in Documentation/bpf/btf.rst and
// include/uapi/linux/btf.h of the Linux sources.
package btf

import "fmt"

// TypeID numbers a type over a base and the table split on it. 0 is void.
type TypeID uint32

// Kind is the kind of a type, numbered as on disk.
type Kind uint8

// The kinds of include/uapi/linux/btf.h.
const (
	KindVoid      Kind = 0
	KindInt       Kind = 1
	KindPtr       Kind = 2
	KindArray     Kind = 3
	KindStruct    Kind = 4
	KindUnion     Kind = 5
	KindEnum      Kind = 6
	KindFwd       Kind = 7
	KindTypedef   Kind = 8
	KindVolatile  Kind = 9
	KindConst     Kind = 10
	KindRestrict  Kind = 11
	KindFunc      Kind = 12
	KindFuncProto Kind = 13
	KindVar       Kind = 14
	KindDatasec   Kind = 15
	KindFloat     Kind = 16
	KindDeclTag   Kind = 17
	KindTypeTag   Kind = 18
	KindEnum64    Kind = 19
)

// KindMax is the highest kind known to this package.
const KindMax = KindEnum64

var kindNames = [...]string{
	"VOID", "INT", "PTR", "ARRAY", "STRUCT", "UNION", "ENUM", "FWD", "TYPEDEF",
	"VOLATILE", "CONST", "RESTRICT", "FUNC", "FUNC_PROTO", "VAR", "DATASEC",
	"FLOAT", "DECL_TAG", "TYPE_TAG", "ENUM64",
}

// String gives the kernel log's word for the kind.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("KIND_%d", uint8(k))
}

// IsModifier reports whether a type of this kind only qualifies or renames
// another one (btf_type_is_modifier in kernel/bpf/btf.c).
func (k Kind) IsModifier() bool {
	switch k {
	case KindTypedef, KindVolatile, KindConst, KindRestrict, KindTypeTag:
		return true
	}
	return false
}

// IsComposite reports whether the kind is STRUCT or UNION.
func (k Kind) IsComposite() bool { return k == KindStruct || k == KindUnion }
