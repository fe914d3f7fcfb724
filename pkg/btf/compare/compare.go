// SPDX-License-Identifier: Apache-2.0

// Package compare tells whether a module's table means the same on two bases.
//
// A table refers to its base by type ids and string offsets. Read on another
// base the same numbers find other types and other strings, or the same ones, or
// ones of the same name whose definition changed. [New] compares two bases once,
// however many modules there are, and [Bases.Module] then tells for one module
// which of its references kept their meaning.
package compare

import (
	"bytes"
	"iter"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// Bases is the comparison of two bases: the one that modules were built on and
// the one they are read on. It is safe for concurrent use.
type Bases struct {
	built, read *btf.Table

	deep classes // equal in all that can be reached
	name classes // equal up to named types, which count by kind and name
}

// New compares two bases. It takes time and memory in proportion to the number
// of types, some hundred milliseconds for a distribution's kernels.
func New(built, read *btf.Table) *Bases {
	g := newGraph(built, read)
	return &Bases{built: built, read: read, deep: g.refine(deepView), name: g.refine(nameView)}
}

// Equal reports whether type a of the base that modules were built on and type b
// of the base they are read on are deeply equal: same kind, name, size and
// members, and so for everything that can be reached from them.
func (c *Bases) Equal(a, b btf.TypeID) bool { return c.same(c.deep, a, b) }

// SameName reports whether a person would take the two types for the same: named
// ones have the same kind and name, others lead to such by the same way.
func (c *Bases) SameName(a, b btf.TypeID) bool { return c.same(c.name, a, b) }

func (c *Bases) same(cl classes, a, b btf.TypeID) bool {
	if a >= c.built.EndID() || b >= c.read.EndID() {
		return false
	}
	return cl.built[a] == cl.read[b]
}

// Outcome is what became of a module's references.
type Outcome struct {
	Names   int // strings that read differently
	Types   int // references that find another type
	Drifted int // references to a type of the same kind and name whose definition changed
	Same    int // references of either sort that kept their meaning

	// First holds the first few differences: types that were lost, names, changed
	// definitions.
	First []Difference
}

// Difference is one reference that changed its meaning, in words.
type Difference struct {
	Where string // "param 2 of ipheth_rx_submit"
	Was   string // "struct usb_device *"
	Reads string // "FUNC b_mas_cp"
}

func (d Difference) String() string { return d.Where + ": " + d.Was + " → " + d.Reads }

// keep is how many differences of each sort an Outcome puts into words.
const keep = 2

// Misread reports whether a reference lost its meaning.
func (o *Outcome) Misread() bool { return o.Names+o.Types > 0 }

// Module compares what a module's table means on both bases: built is the table
// parsed on the base it was built on, read the same bytes parsed on the other.
func (c *Bases) Module(built, read *btf.Table) *Outcome {
	o := &Outcome{}
	w := &words{built: built, read: read}
	var types, names, drifted []Difference
	for t := range built.Types() {
		for ref := range t.NameRefs() {
			was, _ := built.Prefix(ref.Off, btf.MaxName)
			reads, ok := read.Prefix(ref.Off, btf.MaxName)
			if ok && bytes.Equal(was, reads) {
				o.Same++
				continue
			}
			if o.Names++; len(names) < keep {
				names = append(names, w.name(t, ref, was, reads, ok))
			}
		}
		for ref := range t.TypeRefs() {
			switch c.reference(built, read, ref.ID) {
			case kept:
				o.Same++
			case changed:
				if o.Drifted++; len(drifted) < keep {
					drifted = append(drifted, w.definition(t, ref))
				}
			case lost:
				if o.Types++; len(types) < keep {
					types = append(types, w.typ(t, ref))
				}
			}
		}
	}
	o.First = slices.Concat(types, names, drifted)
	return o
}

// Relocated compares what a table means that a kernel relocated onto both bases: the
// same types in the same order, with the numbers of each. Only types of the bases
// count, which were found by their names. Definitions that changed are in First.
func (c *Bases) Relocated(built, read *btf.Table) *Outcome {
	o := &Outcome{}
	w := &words{built: built, read: read}
	next, stop := iter.Pull(read.Types())
	defer stop()
	for t := range built.Types() {
		other, ok := next()
		if !ok || t.Info != other.Info {
			break // nothing that was relocated
		}
		refs := slices.Collect(other.TypeRefs())
		i := 0
		for ref := range t.TypeRefs() {
			id := refs[i].ID
			i++
			switch {
			case ref.ID == 0 || ref.ID >= built.StartID() || id >= read.StartID():
			case c.Equal(ref.ID, id):
				o.Same++
			default:
				if o.Drifted++; len(o.First) < keep {
					o.First = append(o.First, w.definition(t, ref))
				}
			}
		}
	}
	return o
}

type fate uint8

const (
	kept    fate = iota
	changed      // same kind and name, other definition
	lost
)

// reference tells what became of one type id of the module.
func (c *Bases) reference(built, read *btf.Table, id btf.TypeID) fate {
	ownBuilt, ownRead := id >= built.StartID(), id >= read.StartID()
	switch {
	case ownBuilt && ownRead:
		// Own types stand in the same order on both bases.
		if id-built.StartID() == id-read.StartID() && id < read.EndID() {
			return kept
		}
	case !ownBuilt && !ownRead:
		if c.Equal(id, id) {
			return kept
		}
		if c.SameName(id, id) {
			return changed
		}
	}
	return lost
}
