// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// Op is what became of a type or of a member.
type Op string

// What can become of a type; Moved only of a member.
const (
	Added   Op = "added"
	Removed Op = "removed"
	Changed Op = "changed"
	Moved   Op = "moved"
)

// Change is a type that was added, removed or changed by itself.
type Change struct {
	Op   Op     `json:"op"`
	Kind string `json:"kind"` // FUNC, STRUCT, FUNC_PROTO and so on
	Name string `json:"name"`
	// Of names a named type that one without a name is part of.
	Of string `json:"of,omitempty"`

	OldID btf.TypeID `json:"old_id,omitempty"`
	NewID btf.TypeID `json:"new_id,omitempty"`

	// Copy: a function that the other side has as well, of the same name and signature.
	// Pahole may record one once or several times. Namesake: the other side has a function
	// of its name, and of another signature.
	Copy     bool `json:"copy,omitempty"`
	Namesake bool `json:"namesake,omitempty"`

	// Old and New say what the type is on each side, on one line: a function's
	// signature, what a typedef or variable is, the size of others.
	Old string `json:"old,omitempty"`
	New string `json:"new,omitempty"`
	// Members are what changed inside a struct, union, enum or section.
	Members []Member `json:"members,omitempty"`

	// Drags is how many other types contain this one, directly or not.
	Drags int `json:"drags"`
	// Folds is how many types changed only through others, this one the nearest.
	Folds int `json:"folds"`
	// Exported: an exported function or variable is this type or leads to it.
	Exported bool `json:"exported"`

	word string // the kind as kindWord has it
}

// String names the type: "struct sk_buff", "FUNC crc7_be", "FUNC_PROTO of FUNC
// crc7_be".
func (c *Change) String() string {
	switch {
	case c.Of != "":
		return c.Kind + " of " + c.Of
	case c.Name == "":
		return c.Kind
	}
	return c.word + " " + c.Name
}

// Folded is a type that changed only through another one.
type Folded struct {
	Kind    string     `json:"kind"`
	Name    string     `json:"name"`
	OldID   btf.TypeID `json:"old_id"`
	NewID   btf.TypeID `json:"new_id"`
	Through string     `json:"through"` // as "struct sk_buff"
}

// list fills in the changes.
func (d *differ) list(out *Diff) {
	old, new := newWriter(d.old, d.pointers[0]), newWriter(d.new, d.pointers[1])
	folds, foldsNew := d.listFolded(out, old, new)
	d.listChanges(out, old, new, folds, foldsNew)
	d.weigh(out.Changes)
	d.weigh(out.Anonymous)
	d.copies(out.Changes, old, new)
}

// listFolded fills in what changed only through another type, and counts that for each
// cause, by its old id, or by its new one where it has no old one.
func (d *differ) listFolded(out *Diff, old, new *writer) (folds, foldsNew map[uint32]int) {
	folds, foldsNew = map[uint32]int{}, map[uint32]int{}
	called := map[[2]uint32]string{}
	for id := range uint32(d.old.n) {
		if id == 0 || !d.folded(id) {
			continue
		}
		cause := [2]uint32{d.cause[id], d.causeNew[id]}
		through, ok := called[cause]
		if cause[0] != 0 {
			folds[cause[0]]++
			if !ok {
				through = old.called(cause[0])
			}
		} else {
			foldsNew[cause[1]]++
			if !ok {
				through = new.called(cause[1])
			}
		}
		called[cause] = through
		t := d.old.typ(id)
		f := Folded{t.Kind().String(), d.old.name(t.NameOff), t.ID, btf.TypeID(d.toNew[id]), through}
		out.Folded = append(out.Folded, f)
	}
	return folds, foldsNew
}

// listChanges fills in what changed by itself.
func (d *differ) listChanges(out *Diff, old, new *writer, folds, foldsNew map[uint32]int) {
	add := func(c Change, t btf.Type, s *side, w *writer) {
		c.Kind, c.word, c.Name = t.Kind().String(), kindWord(t), s.name(t.NameOff)
		if s.named[t.ID] {
			out.Changes = append(out.Changes, c)
			return
		}
		if c.Of = w.owner(uint32(t.ID)); c.Of == "" && isEnum(t) {
			out.Changes = append(out.Changes, c) // its values are its name
			return
		}
		out.Anonymous = append(out.Anonymous, c)
	}
	for id := uint32(1); id < uint32(d.old.n); id++ {
		b := d.toNew[id]
		if b != 0 && !d.own[id] {
			continue
		}
		c := Change{Op: Removed, OldID: btf.TypeID(id), Old: old.heading(id), Folds: folds[id]}
		if b == 0 {
			add(c, d.old.typ(id), d.old, old)
			continue
		}
		c.Op, c.NewID, c.New = Changed, btf.TypeID(b), new.heading(b)
		if c.Old == c.New && (c.Old != "") {
			old.named, new.named = true, true
			c.Old, c.New = old.heading(id), new.heading(b)
			old.named, new.named = false, false
		}
		if d.old.named[id] || isEnum(d.new.typ(b)) {
			c.Members = d.compareMembers(id, b, old, new)
		}
		add(c, d.new.typ(b), d.new, new)
	}
	for id := uint32(1); id < uint32(d.new.n); id++ {
		if d.toOld[id] == 0 {
			c := Change{Op: Added, NewID: btf.TypeID(id), New: new.heading(id), Folds: foldsNew[id]}
			add(c, d.new.typ(id), d.new, new)
		}
	}
}

// copies marks functions that came or went while the other side has one of the same
// name. That of a copy may name its parameters differently.
func (d *differ) copies(changes []Change, old, new *writer) {
	is := func(c *Change) bool { return c.Op != Changed && c.sort() == aFunction && c.Old+c.New != "" }
	type function struct{ name, signature string }
	have := [2]map[function]bool{{}, {}} // of the sides, those of names that changed; with no signature, any
	names := [2]map[uint64]bool{{}, {}}  // likewise, keys of the names
	for i := range changes {
		switch c := &changes[i]; {
		case is(c) && c.Op == Added:
			names[0][d.new.keys[c.NewID]] = true
		case is(c):
			names[1][d.old.keys[c.OldID]] = true
		}
	}
	for i, w := range []*writer{old, new} {
		for id, key := range w.s.keys {
			if names[i][key] && w.s.named[id] {
				name := w.s.name(w.s.typ(uint32(id)).NameOff)
				have[i][function{name, w.heading(uint32(id))}] = true
				have[i][function{name, ""}] = true
			}
		}
	}
	for i := range changes {
		if c := &changes[i]; is(c) {
			there := have[1]
			if c.Op == Added {
				there = have[0]
			}
			c.Copy = there[function{c.Name, c.Old + c.New}]
			c.Namesake = !c.Copy && there[function{c.Name, ""}]
		}
	}
}

func isEnum(t btf.Type) bool { return t.Kind() == btf.KindEnum || t.Kind() == btf.KindEnum64 }

// rank puts first what the most types contain, of equals what modules can use, and
// last functions of which others of their name are there.
func rank(changes []Change) {
	one := func(is bool) int {
		if is {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(changes, func(a, b Change) int {
		return cmp.Or(one(a.Copy)-one(b.Copy), one(a.Namesake)-one(b.Namesake), cmp.Compare(b.Drags, a.Drags), cmp.Compare(b.Folds, a.Folds), one(b.Exported)-one(a.Exported),
			cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind))
	})
}

// weigh counts for each change the types that contain it: on the new side, for
// what is gone on the old one.
func (d *differ) weigh(changes []Change) {
	if len(changes) == 0 {
		return
	}
	old, new := newDragging(d.old, len(changes)), newDragging(d.new, len(changes))
	for i := range changes {
		c := &changes[i]
		if c.Op == Removed {
			c.Drags = old.count(uint32(c.OldID))
		} else {
			c.Drags = new.count(uint32(c.NewID))
		}
	}
}
