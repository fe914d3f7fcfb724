// SPDX-License-Identifier: Apache-2.0

package btf

import (
	"fmt"
	"iter"
)

// Role tells what a reference is to the type that makes it.
type Role uint8

// The roles of references to types and to strings.
const (
	RoleName       Role = iota // the type's own name
	RoleType                   // what a pointer, modifier, FUNC, VAR or DECL_TAG is about
	RoleElem                   // an ARRAY's element type
	RoleIndex                  // an ARRAY's index type
	RoleMember                 // a STRUCT's or UNION's member
	RoleReturn                 // what a FUNC_PROTO returns
	RoleParam                  // a FUNC_PROTO's parameter
	RoleEntry                  // a DATASEC's variable
	RoleEnumerator             // an ENUM's value
)

var roleNames = [...]string{"name", "type", "element", "index", "member", "return", "param", "entry", "enumerator"}

// String gives the word for the role in findings.
func (r Role) String() string { return roleNames[r] }

// numbered reports whether a type can hold more than one reference of the role.
func (r Role) numbered() bool { return r == RoleMember || r >= RoleParam }

// TypeRef is a reference to a type.
type TypeRef struct {
	Role  Role
	Index int // counts members, parameters and entries from 0
	Word  int // where it stands: index in what AppendWords gives
	ID    TypeID
}

// NameRef is a reference to a string.
type NameRef struct {
	Role  Role
	Index int
	Word  int
	Off   uint32
}

func (r TypeRef) String() string { return place(r.Role, r.Index) }
func (r NameRef) String() string { return place(r.Role, r.Index) }

func place(r Role, i int) string {
	if r.numbered() {
		return fmt.Sprintf("%v %d", r, i)
	}
	return r.String()
}

// spots are the words of a record that hold references of one role.
type spots struct {
	role  Role
	first int
	step  int // words from one to the next, vlen times; 0 where there is only one
}

func (s spots) count(t Type) int {
	if s.step == 0 {
		return 1
	}
	return int(t.Vlen())
}

const (
	wordName = 0 // of every record
	wordType = 2 // of those that refer to one type
	wordOwn  = 3 // the first that is the kind's own
	kinds    = 1 << 7
)

var aboutType = []spots{{RoleType, wordType, 0}}

// typeSpots are the fields that btf_field_iter_init lists for BTF_FIELD_ITER_IDS in
// tools/lib/bpf/btf_iter.c.
var typeSpots = [kinds][]spots{
	KindPtr: aboutType, KindTypedef: aboutType, KindVolatile: aboutType, KindConst: aboutType, KindRestrict: aboutType,
	KindFunc: aboutType, KindVar: aboutType, KindDeclTag: aboutType, KindTypeTag: aboutType,
	KindArray:  {{RoleElem, wordOwn, 0}, {RoleIndex, wordOwn + 1, 0}},
	KindStruct: {{RoleMember, wordOwn + 1, 3}}, KindUnion: {{RoleMember, wordOwn + 1, 3}},
	KindFuncProto: {{RoleReturn, wordType, 0}, {RoleParam, wordOwn + 1, 2}},
	KindDatasec:   {{RoleEntry, wordOwn, 3}},
}

// nameSpots are those of BTF_FIELD_ITER_STRS, but for the type's own name.
var nameSpots = [kinds][]spots{
	KindStruct: {{RoleMember, wordOwn, 3}}, KindUnion: {{RoleMember, wordOwn, 3}},
	KindEnum: {{RoleEnumerator, wordOwn, 2}}, KindEnum64: {{RoleEnumerator, wordOwn, 3}},
	KindFuncProto: {{RoleParam, wordOwn, 2}},
}

// TypeRefs visits every type id in the record, in the order of the bytes. An id of 0
// (void) is visited like any other.
func (t Type) TypeRefs() iter.Seq[TypeRef] {
	return func(yield func(TypeRef) bool) {
		for _, s := range typeSpots[t.Kind()] {
			for i := range s.count(t) {
				word := s.first + i*s.step
				if !yield(TypeRef{s.role, i, word, TypeID(t.word(word))}) {
					return
				}
			}
		}
	}
}

// NameRefs visits every string offset in the record, the type's own name first.
// Offset 0 (no name) is visited like any other.
func (t Type) NameRefs() iter.Seq[NameRef] {
	return func(yield func(NameRef) bool) {
		if !yield(NameRef{RoleName, 0, wordName, t.NameOff}) {
			return
		}
		for _, s := range nameSpots[t.Kind()] {
			for i := range s.count(t) {
				word := s.first + i*s.step
				if !yield(NameRef{s.role, i, word, t.word(word)}) {
					return
				}
			}
		}
	}
}

func (t Type) word(i int) uint32 {
	if i == wordType {
		return t.SizeType
	}
	return t.Word(i - wordOwn)
}

// AppendWords appends the 32-bit words of the record: name_off, info, size or type,
// and then the kind's own.
func (t Type) AppendWords(dst []uint32) []uint32 {
	dst = append(dst, t.NameOff, t.Info, t.SizeType)
	for b := t.extra[:t.ExtraSize()]; len(b) > 0; b = b[4:] {
		dst = append(dst, u32(b, t.big))
	}
	return dst
}

// AppendValues appends the words of the record with 0 for each type id and each
// string offset: what it says by itself.
func (t Type) AppendValues(dst []uint32) []uint32 {
	n := len(dst)
	dst = t.AppendWords(dst)
	for ref := range t.TypeRefs() {
		dst[n+ref.Word] = 0
	}
	for ref := range t.NameRefs() {
		dst[n+ref.Word] = 0
	}
	return dst
}
