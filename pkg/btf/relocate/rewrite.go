// SPDX-License-Identifier: Apache-2.0

package relocate

import (
	"iter"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// rewriteIDs is btf_relocate_rewrite_type_id for every type of the module. The
// kernel takes each id for an index into its map without a look at its size.
func (r *relocation) rewriteIDs() bool {
	for t, rec := range r.records() {
		for ref := range t.TypeRefs() {
			if uint64(ref.ID) >= uint64(len(r.ids)) {
				return r.leave("type [%d]: the kernel looks up type id %d in a map of %d", t.ID, ref.ID, len(r.ids))
			}
			r.module.Order.PutUint32(rec[4*ref.Word:], uint32(r.ids[ref.ID]))
		}
	}
	return true
}

// rewriteNames is btf_relocate_rewrite_strs for every type of the module. A
// string of the distilled base is known only by the offset at which a matched
// type is named.
func (r *relocation) rewriteNames() bool {
	end := r.distilled.EndString()
	for t, rec := range r.records() {
		for ref := range t.NameRefs() {
			off := ref.Off
			switch {
			case off == 0:
				continue
			case off >= end:
				off += r.vmlinux.EndString() - end
			default:
				mapped := r.names[off]
				if mapped == 0 {
					return r.warn(verify.ENOENT, "string '' [offset %d] is not mapped to base BTF", off)
				}
				off = mapped
			}
			r.module.Order.PutUint32(rec[4*ref.Word:], off)
		}
	}
	return true
}

// records walks the module's types, each with the bytes of its record in the
// copy that is rewritten.
func (r *relocation) records() iter.Seq2[btf.Type, []byte] {
	return func(yield func(btf.Type, []byte) bool) {
		h := r.module.Header
		rest := r.data[uint64(h.Len)+uint64(h.TypeOff):]
		for t := range r.module.Types() {
			n := t.RecordSize()
			if !yield(t, rest[:n]) {
				return
			}
			rest = rest[n:]
		}
	}
}
