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
	ID    TypeID
}

// NameRef is a reference to a string.
type NameRef struct {
	Role  Role
	Index int
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

// TypeRefs visits every type id in the record, in the order of the bytes: the
// fields that btf_field_iter_init lists for BTF_FIELD_ITER_IDS in
// tools/lib/bpf/btf_iter.c. An id of 0 (void) is visited like any other.
func (t Type) TypeRefs() iter.Seq[TypeRef] {
	return func(yield func(TypeRef) bool) {
		switch t.Kind() {
		case KindPtr, KindTypedef, KindVolatile, KindConst, KindRestrict,
			KindFunc, KindVar, KindDeclTag, KindTypeTag:
			yield(TypeRef{RoleType, 0, TypeID(t.SizeType)})
		case KindArray:
			a := t.Array()
			_ = yield(TypeRef{RoleElem, 0, a.Elem}) && yield(TypeRef{RoleIndex, 0, a.Index})
		case KindStruct, KindUnion:
			for i := range int(t.Vlen()) {
				if !yield(TypeRef{RoleMember, i, t.Member(i).Type}) {
					return
				}
			}
		case KindFuncProto:
			if !yield(TypeRef{RoleReturn, 0, TypeID(t.SizeType)}) {
				return
			}
			for i := range int(t.Vlen()) {
				if !yield(TypeRef{RoleParam, i, t.Param(i).Type}) {
					return
				}
			}
		case KindDatasec:
			for i := range int(t.Vlen()) {
				if !yield(TypeRef{RoleEntry, i, t.Entry(i).Type}) {
					return
				}
			}
		}
	}
}

// NameRefs visits every string offset in the record, the type's own name first:
// the fields of BTF_FIELD_ITER_STRS. Offset 0 (no name) is visited like any
// other.
func (t Type) NameRefs() iter.Seq[NameRef] {
	return func(yield func(NameRef) bool) {
		if !yield(NameRef{RoleName, 0, t.NameOff}) {
			return
		}
		switch t.Kind() {
		case KindStruct, KindUnion:
			for i := range int(t.Vlen()) {
				if !yield(NameRef{RoleMember, i, t.Member(i).NameOff}) {
					return
				}
			}
		case KindEnum, KindEnum64:
			for i := range int(t.Vlen()) {
				if !yield(NameRef{RoleEnumerator, i, t.Enumerator(i).NameOff}) {
					return
				}
			}
		case KindFuncProto:
			for i := range int(t.Vlen()) {
				if !yield(NameRef{RoleParam, i, t.Param(i).NameOff}) {
					return
				}
			}
		}
	}
}
