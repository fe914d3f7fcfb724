// SPDX-License-Identifier: Apache-2.0

package relocate

import (
	"cmp"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// maxComparisons bounds the work on tables made to cost time. The kernel has no such
// bound. Only types of one name are compared; real tables have few of those.
const maxComparisons = 1 << 24

// matchDistilled looks for each distilled type among the types of vmlinux, by
// ascending id there (btf_relocate_map_distilled_base).
func (r *relocation) matchDistilled() bool {
	byName := r.distilledByName()
	candidates, composites := r.candidates(byName)
	r.names = map[uint32]uint32{}
	budget := maxComparisons
	for _, c := range candidates {
		name, _ := r.vmlinux.Bytes(c.NameOff)
		sized := needsSize(c, composites)
		list := byName[string(name)]
		if budget -= len(list); budget < 0 {
			return r.leave("types named '%s': the kernel compares more than %d pairs", name, maxComparisons)
		}
		for _, id := range list {
			d, _ := r.distilled.Type(id)
			if sized && keySize(c) != keySize(d) {
				continue
			}
			if d.ID == 0 {
				return r.warn(verify.EINVAL, "base BTF id [%d] maps to invalid distilled base BTF id [0]", c.ID)
			}
			if !r.compatible(d, c) {
				continue
			}
			if old := r.ids[d.ID]; old != 0 {
				return r.warn(verify.EINVAL,
					"distilled base BTF type '%s' [%d], size %d has multiple candidates of the same size (ids [%d, %d]) in base BTF",
					name, d.ID, r.printedSize(c), c.ID, old)
			}
			r.ids[d.ID] = c.ID
			r.names[d.NameOff] = c.NameOff
		}
	}
	return true
}

// distilledByName lists the distilled types of each name, the largest first. The
// kernel sorts with an unstable heap sort. Here types of the same name and size are
// sorted by ascending id; the difference can show only in the id that a message names.
func (r *relocation) distilledByName() map[string][]btf.TypeID {
	byName := map[string][]btf.TypeID{}
	for id := range r.distilled.EndID() { // void too: it has the empty name
		t, _ := r.distilled.Type(id)
		name, _ := r.distilled.Bytes(t.NameOff)
		byName[string(name)] = append(byName[string(name)], id)
	}
	for _, list := range byName {
		slices.SortStableFunc(list, func(a, b btf.TypeID) int {
			x, _ := r.distilled.Type(a)
			y, _ := r.distilled.Type(b)
			return cmp.Compare(keySize(y), keySize(x))
		})
	}
	return byName
}

// candidates lists the types of vmlinux that have the name of a distilled one
// and a kind that could match, by ascending id, and counts the structs and unions
// among them by string offset.
func (r *relocation) candidates(byName map[string][]btf.TypeID) (list []btf.Type, composites map[uint32]int) {
	composites = map[uint32]int{}
	for name := range byName {
		for _, t := range r.target.named(name) {
			list = append(list, t)
			if t.Kind().IsComposite() {
				composites[t.NameOff]++
			}
		}
	}
	slices.SortFunc(list, func(a, b btf.Type) int { return cmp.Compare(a.ID, b.ID) })
	return list, composites
}

func matchable(k btf.Kind) bool {
	switch k {
	case btf.KindInt, btf.KindFloat, btf.KindEnum, btf.KindEnum64, btf.KindFwd, btf.KindStruct, btf.KindUnion:
		return true
	}
	return false
}

// needsSize reports whether a type of vmlinux is found by name and size, not by
// name alone. Structs and unions need the size only where their name is not
// unique.
func needsSize(c btf.Type, composites map[uint32]int) bool {
	switch c.Kind() {
	case btf.KindFwd:
		return false
	case btf.KindStruct, btf.KindUnion:
		return composites[c.NameOff] > 1
	}
	return true
}

// keySize is the size as it is compared: the kernel keeps 31 bits of it.
func keySize(t btf.Type) uint32 { return t.SizeType & 0x7fffffff }

// compatible reports whether the candidate c of vmlinux, found by its name and
// maybe by its size, will do for the distilled type d.
//
// The kernel has two oddities. It compares a FWD's kind flag, which distinguishes union
// and struct, with that of a STRUCT or UNION, which marks bitfields. And a distilled
// STRUCT or UNION matches any kind.
func (r *relocation) compatible(d, c btf.Type) bool {
	switch d.Kind() {
	case btf.KindFwd:
		switch c.Kind() {
		case btf.KindFwd:
			return c.KindFlag() == d.KindFlag()
		case btf.KindStruct:
			return !c.KindFlag()
		case btf.KindUnion:
			return c.KindFlag()
		}
		return false
	case btf.KindInt:
		return c.Kind() == btf.KindInt && intEncoding(c) == intEncoding(d)
	case btf.KindFloat:
		return c.Kind() == btf.KindFloat
	case btf.KindEnum: // distilled from an ENUM or an ENUM64
		return c.Kind() == btf.KindEnum || c.Kind() == btf.KindEnum64
	}
	return !r.embedded[d.ID] || c.SizeType == d.SizeType
}

func intEncoding(t btf.Type) uint32 { return t.Word(0) >> 24 & 0x0f }

// printedSize is a size as the log shows it, signed before 7.3.
func (r *relocation) printedSize(t btf.Type) int64 {
	if r.rules.Version.AtLeast(7, 3) {
		return int64(t.SizeType)
	}
	return int64(int32(t.SizeType))
}

// Unmatched is a type that a module uses of its own base and another vmlinux does not
// have.
type Unmatched struct {
	Kind  btf.Kind
	Name  string
	Size  uint32   // bytes that the module's own base says, 0 of a forward declaration
	Holds bool     // a struct of the module holds it by value
	Sizes []uint32 // of the types of that name and a kind like it in the vmlinux, none where it has none
}

// allMatched names the first distilled type that vmlinux does not have.
func (r *relocation) allMatched() bool {
	for t := range r.distilled.Types() {
		if r.ids[t.ID] != 0 {
			continue
		}
		if r.errno == 0 {
			r.warn(verify.EINVAL, "distilled base BTF type '%s' [%d] is not mapped to base BTF id", r.distilled.Name(t), t.ID)
		}
		name, _ := r.distilled.Prefix(t.NameOff, btf.MaxName)
		u := Unmatched{Kind: t.Kind(), Name: string(name), Size: t.SizeType, Holds: r.embedded[t.ID]}
		for _, c := range r.target.named(u.Name) {
			if alike(c.Kind(), t.Kind()) && len(u.Sizes) < maxSizes {
				u.Sizes = append(u.Sizes, c.SizeType)
			}
		}
		if r.unmatched = append(r.unmatched, u); len(r.unmatched) == maxUnmatched {
			break
		}
	}
	return r.errno == 0
}

// maxUnmatched and maxSizes bound what is said of a module.
const (
	maxUnmatched = 64
	maxSizes     = 16
)

// alike reports whether types of the two kinds can stand for each other.
func alike(a, b btf.Kind) bool {
	enum := func(k btf.Kind) bool { return k == btf.KindEnum || k == btf.KindEnum64 }
	return a == b || enum(a) && enum(b)
}
