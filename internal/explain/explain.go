// SPDX-License-Identifier: Apache-2.0

// Package explain says what changed between two bases.
//
// [Bases] compares two tables and gives a [Diff]: what was added, removed,
// changed and moved, where the numbering parts, and which changes touch what
// modules can use. [Diff.Text] writes it for people; its fields are JSON.
//
// Types are matched by name and structure, not by id. A type's own definition is
// its record with the types it refers to by kind and name, those without a name
// by their own definition. Two types of equal definition are the same type; if
// something that they lead to changed, they changed through it, and are folded
// under it. What is left over is matched by kind and name, and what has no name
// by the place it has in those that were matched: these changed. The rest was
// added or removed. docs/decisions/explain.md says why pkg/btf/compare, which finds
// what is equal, does not do for that.
package explain

import (
	"hash/maphash"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// Options says what is known of the two bases beside their tables.
type Options struct {
	// OldExports and NewExports are the symbols that modules can use, in any order.
	// Unless both are given, nothing is said of the exported part.
	OldExports, NewExports []string
}

// Diff is what changed from an old base to a new one. Void is not counted.
type Diff struct {
	Types   TypeCounts `json:"types"`
	Strings Counts     `json:"strings"`

	// Where the numbering of types and of string bytes parts.
	IDs     Parting `json:"ids"`
	Offsets Parting `json:"offsets"`

	// Reordered: the same types and strings, in another order.
	Reordered bool `json:"reordered"`

	// Changes are the named types that were added, removed or changed by
	// themselves, those first that the most other types contain. Enums without a name
	// that nothing refers to are among them: their values are what they are known by.
	Changes []Change `json:"changes"`
	// Anonymous are the same for types without a name, by id. A named type whose
	// members or parameters they are stands in Changes or is new or gone itself.
	Anonymous []Change `json:"anonymous"`
	// Folded are the types that changed only through another one, by old id.
	Folded []Folded `json:"folded"`

	Exported *Exported `json:"exported,omitempty"`
}

// Counts says what became of the types or strings of two tables.
type Counts struct {
	Old     int `json:"old"`
	New     int `json:"new"`
	Added   int `json:"added"`
	Removed int `json:"removed"`
	Moved   int `json:"moved"` // in both, at another id or offset
	// OutOfOrder is how many of those in both would have to be taken out for the
	// rest to stand in one order.
	OutOfOrder int `json:"out_of_order"`
}

// TypeCounts is Counts for types. What changed, by itself or through others, is
// neither added nor removed, and may have moved too.
type TypeCounts struct {
	Counts
	Changed int `json:"changed"` // by themselves
	Folded  int `json:"folded"`  // only through others
}

// Same reports whether nothing at all tells the tables apart.
func (d *Diff) Same() bool {
	return !d.Reordered && d.alike()
}

// alike reports whether both hold the same types and strings.
func (d *Diff) alike() bool {
	t, s := d.Types, d.Strings
	return t.Added+t.Removed+t.Changed+t.Folded+s.Added+s.Removed == 0
}

// Bases compares two bases; neither is a table split on another. References that lead nowhere are
// references to nothing, and cycles that no compiler writes are matched less
// exactly. Time and memory are in proportion to the tables, under a second and
// 200 MB for those of a distribution's kernels.
func Bases(old, new *btf.Table, o Options) *Diff {
	return (&differ{}).explain(old, new, o)
}

// differ is one comparison. Types are nodes numbered by their ids; what is asked
// about a pair is kept by the old one's id.
type differ struct {
	seed     maphash.Seed
	old, new *side
	pointers [2]uint64 // pointer sizes

	toNew, toOld []uint32 // the partner of each type, 0 for none
	differs      []bool   // the pair's own definitions differ
	own          []bool   // and do not only follow from another change
	verdicts     []follow // what follows has found
	depth        int      // of types without names that follows is inside of
	cause        []uint32 // the pair or gone type through which the pair changed, 0 for none
	causeNew     []uint32 // or the new type
}

func (d *differ) explain(old, new *btf.Table, o Options) *Diff {
	d.seed = maphash.MakeSeed()
	d.old, d.new = newSide(old), newSide(new)
	d.pointers = [2]uint64{uint64(old.PointerSize()), uint64(new.PointerSize())}
	d.old.hash(d.seed)
	d.new.hash(d.seed)
	d.match()
	d.fold()
	out := &Diff{Changes: []Change{}, Anonymous: []Change{}, Folded: []Folded{}}
	d.list(out)
	d.count(out)
	if len(o.OldExports) > 0 && len(o.NewExports) > 0 {
		d.exported(out, o)
	}
	rank(out.Changes)
	return out
}

// count fills in the counts and where the tables part.
func (d *differ) count(out *Diff) {
	t := &out.Types
	t.Old, t.New = d.old.n-1, d.new.n-1
	for id := 1; id < d.old.n; id++ {
		switch {
		case d.toNew[id] == 0:
			t.Removed++
		case d.own[id]:
			t.Changed++
		case d.folded(uint32(id)):
			t.Folded++
		}
	}
	for id := 1; id < d.new.n; id++ {
		if d.toOld[id] == 0 {
			t.Added++
		}
	}
	ids := positions{to: d.toNew[1:], end: [2]uint32{uint32(d.old.n), uint32(d.new.n)}}
	ids.at = func(i int) uint32 { return uint32(i + 1) }
	out.IDs, t.Moved, t.OutOfOrder = ids.part()

	d.countStrings(out)
	out.Reordered = out.alike() && t.Moved+out.Strings.Moved > 0
}
