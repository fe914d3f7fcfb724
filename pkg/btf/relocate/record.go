// SPDX-License-Identifier: Apache-2.0

package relocate

import (
	"iter"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// A record is made of 32-bit words: three that all kinds have, then the kind's
// own.
const (
	recordWords = 3
	recordBytes = 4 * recordWords
	wordName    = 0
	wordType    = 2
)

// typeWords counts out the words of t's record that are type ids
// (BTF_FIELD_ITER_IDS in tools/lib/bpf/btf_iter.c).
func typeWords(t btf.Type) iter.Seq[int] {
	n := int(t.Vlen())
	switch t.Kind() {
	case btf.KindPtr, btf.KindTypedef, btf.KindVolatile, btf.KindConst, btf.KindRestrict,
		btf.KindFunc, btf.KindVar, btf.KindDeclTag, btf.KindTypeTag:
		return words(wordType, 0, 0, 0)
	case btf.KindArray:
		return words(none, recordWords, 1, 2)
	case btf.KindStruct, btf.KindUnion:
		return words(none, recordWords+1, 3, n)
	case btf.KindFuncProto:
		return words(wordType, recordWords+1, 2, n)
	case btf.KindDatasec:
		return words(none, recordWords, 3, n)
	}
	return words(none, 0, 0, 0)
}

// nameWords counts out the words that are string offsets (BTF_FIELD_ITER_STRS).
func nameWords(t btf.Type) iter.Seq[int] {
	n := int(t.Vlen())
	switch t.Kind() {
	case btf.KindStruct, btf.KindUnion, btf.KindEnum64:
		return words(wordName, recordWords, 3, n)
	case btf.KindEnum, btf.KindFuncProto:
		return words(wordName, recordWords, 2, n)
	}
	return words(wordName, 0, 0, 0)
}

// none is where words has no word to begin with.
const none = -1

// words counts head, unless it is none, and then n words, every step-th from
// first.
func words(head, first, step, n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		if head != none && !yield(head) {
			return
		}
		for i := range n {
			if !yield(first + step*i) {
				return
			}
		}
	}
}
