// SPDX-License-Identifier: Apache-2.0

package relocate

import "github.com/obs-btf-guard/obs-btf-guard/pkg/btf"

// markEmbedded finds the distilled structs and unions that a struct or union of
// the module holds by value, which must therefore keep their size
// (btf_mark_embedded_composite_type_ids).
func (r *relocation) markEmbedded() bool {
	r.embedded = make([]bool, r.distilled.EndID())
	// The kernel walks each member's chain anew; where one walk has been, the
	// next finds nothing else, so seen ends it. It holds the walk's number.
	seen := make([]uint32, r.module.EndID())
	walk := uint32(0)
	for t := range r.module.Types() {
		if t.ID >= r.embeddedEnd() {
			break
		}
		if !t.Kind().IsComposite() {
			continue
		}
		for ref := range t.TypeRefs() {
			walk++
			if !r.embed(t, ref, seen, walk) {
				return false
			}
		}
	}
	return true
}

// embeddedEnd is the id behind the last type whose members are looked at. Before
// the fix the kernel took the number of the module's types for it.
func (r *relocation) embeddedEnd() btf.TypeID {
	if r.rules.EmbeddedFix {
		return r.module.EndID()
	}
	return btf.TypeID(r.module.Len())
}

// embed follows one member to the struct that it has by value, if any. Nothing has
// checked where a member's id leads, and only chains of modifiers are known to end:
// the kernel follows a missing type to address 0, and an array of itself for ever.
func (r *relocation) embed(owner btf.Type, member btf.TypeRef, seen []uint32, walk uint32) bool {
	for id := member.ID; id != 0; {
		t, ok := r.module.Type(id)
		if !ok {
			return r.leave("type [%d] %v: the kernel follows type id %d, the table ends at %d",
				owner.ID, member, id, r.module.EndID())
		}
		switch seen[id] {
		case 0:
			seen[id] = walk
		case walk:
			return r.leave("type [%d] %v: the kernel goes in circles at type [%d]", owner.ID, member, id)
		default:
			return true
		}
		switch t.Kind() {
		case btf.KindConst, btf.KindRestrict, btf.KindVolatile, btf.KindTypedef, btf.KindTypeTag:
			id = btf.TypeID(t.SizeType)
		case btf.KindArray:
			id = t.Array().Elem
		case btf.KindStruct, btf.KindUnion:
			if id < r.distilled.EndID() {
				r.embedded[id] = true
			}
			return true
		default:
			return true
		}
	}
	return true
}
