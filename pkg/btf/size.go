// SPDX-License-Identifier: Apache-2.0

package btf

import "math"

// maxDepth bounds how many types stand between a reference and a size: the
// kernel gives up at 32 (MAX_RESOLVE_DEPTH in kernel/bpf/btf.c).
const maxDepth = 32

// Resolve follows typedefs, qualifiers and type tags to what they are about.
// ok is false where the chain leaves the table or does not end.
func (t *Table) Resolve(id TypeID) (typ Type, ok bool) {
	for range maxDepth + 1 {
		typ, ok = t.Type(id)
		if !ok || !typ.Kind().IsModifier() {
			return typ, ok
		}
		id = TypeID(typ.SizeType)
	}
	return Type{}, false
}

// Size is the number of bytes that a value of the type takes. ok is false for
// void, a function, a forward declaration and whatever else has no size, and for
// a pointer unless pointerSize says how large one is. Arrays of arrays are
// multiplied out; like the kernel's (__btf_resolve_size in kernel/bpf/btf.c), a
// size has 32 bits or is none.
func (t *Table) Size(id TypeID, pointerSize uint64) (n uint64, ok bool) {
	n = 1
	for range maxDepth {
		typ, ok := t.Resolve(id)
		if !ok {
			return 0, false
		}
		switch typ.Kind() {
		case KindArray:
			a := typ.Array()
			if n *= uint64(a.Len); n > math.MaxUint32 {
				return 0, false
			}
			id = a.Elem
			continue
		case KindPtr:
			n *= pointerSize
			return n, pointerSize > 0 && n <= math.MaxUint32
		case KindInt, KindEnum, KindEnum64, KindStruct, KindUnion, KindFloat, KindDatasec:
			n *= uint64(typ.SizeType)
			return n, n <= math.MaxUint32
		}
		return 0, false
	}
	return 0, false
}

// PointerSize is the size of a pointer in bytes on the machine the base is for,
// told by its "unsigned long", which Linux has as wide as a pointer on every
// architecture. 8 where the table does not have that type.
func (t *Table) PointerSize() int {
	for typ := range t.Types() {
		if typ.Kind() != KindInt {
			continue
		}
		switch name, _ := t.Bytes(typ.NameOff); string(name) {
		case "long unsigned int", "unsigned long", "long int", "long":
			if typ.SizeType == 4 || typ.SizeType == 8 {
				return int(typ.SizeType)
			}
		}
	}
	return 8
}
