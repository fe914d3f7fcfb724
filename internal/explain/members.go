// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"strconv"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// Member is a member of a struct or union, a value of an enum or a variable of a
// section that was added, removed or changed.
type Member struct {
	Op Op `json:"op"`
	// Name, with those of the members it is inside of where these have a type
	// without a name: "u.raw".
	Name string `json:"name"`
	Old  *Place `json:"old,omitempty"`
	New  *Place `json:"new,omitempty"`
}

// Place is where a member stands on one side.
type Place struct {
	// Text is the declaration "u8 pad[3]", or what an enumerator stands for.
	Text string `json:"text"`
	// Offset in bits from the start of the whole, and the size in bits, 0 if
	// unknown. Of an enumerator, neither.
	Offset uint64 `json:"offset"`
	Size   uint64 `json:"size"`
}

// part is a Member of one side before anything is written about it.
type part struct {
	name   string // its whole name
	last   string // its own
	ref    uint32
	offset uint64 // in bits, for an enumerator its value
	bits   uint32 // of a bitfield
	size   uint64 // in bits, of a DATASEC's variable
}

// Bounds on what is listed: a small table can hold structs in structs, each many
// times.
const (
	mostParts    = 1 << 12 // behind so many of one type, members are not looked into
	mostNested   = 16
	mostAllParts = 1 << 18 // of all types of a side; no more are listed behind that
)

// members lists a type's members, those of members without a named type instead of
// these.
func (s *side) members(id uint32) []part {
	t := s.typ(id)
	n := int(t.Vlen())
	refs := s.to.of(id)
	var out []part
	switch t.Kind() {
	case btf.KindStruct, btf.KindUnion:
		return s.flat(nil, id, "", 0, 0)
	case btf.KindEnum, btf.KindEnum64:
		for i := range n {
			e := t.Enumerator(i)
			name := s.name(e.NameOff)
			out = append(out, part{name: name, last: name, offset: e.Value})
		}
	case btf.KindDatasec:
		for i := range n {
			e := t.Entry(i)
			name := ""
			if refs[i] != missing {
				name = s.name(s.typ(refs[i]).NameOff)
			}
			out = append(out, part{name: name, last: name, ref: refs[i], offset: 8 * uint64(e.Offset), size: 8 * uint64(e.Size)})
		}
	}
	return out
}

func (s *side) flat(out []part, id uint32, prefix string, base uint64, depth int) []part {
	t := s.typ(id)
	for i, ref := range s.to.of(id) {
		m := t.Member(i)
		last := s.name(m.NameOff)
		name, at := prefix+last, base+uint64(m.BitOffset())
		if s.anonymous(ref) && s.typ(ref).Kind().IsComposite() && depth < mostNested && len(out) < mostParts {
			inner := prefix
			if last != "" {
				inner = name + "."
			}
			out = s.flat(out, ref, inner, at, depth+1)
			continue
		}
		out = append(out, part{name: name, last: last, ref: ref, offset: at, bits: m.BitfieldSize()})
	}
	return out
}

// content is the type whose members a reader takes for a type's own: behind a
// typedef of a type without a name, that one.
func (s *side) content(id uint32) uint32 {
	if t := s.typ(id); t.Kind() == btf.KindTypedef {
		if to := s.to.of(id)[0]; s.anonymous(to) {
			return to
		}
	}
	return id
}

// compareMembers lists what changed inside a pair of types, in the order of the
// new side, with what is gone where it was.
func (d *differ) compareMembers(a, b uint32, old, new *writer) []Member {
	if d.old.listed > mostAllParts || d.new.listed > mostAllParts {
		return nil
	}
	a, b = d.old.content(a), d.new.content(b)
	was, is := d.old.members(a), d.new.members(b)

	d.old.listed += len(was)
	d.new.listed += len(is)

	partner, stays := partners(was, is)
	enum := isEnum(d.new.typ(b))
	var out []Member
	next := 0 // of was
	gone := func(until int) {
		for ; next < until; next++ {
			if !stays[next] {
				out = append(out, Member{Removed, was[next].name, old.place(was[next], enum), nil})
			}
		}
	}
	for i, p := range is {
		if partner[i] < 0 {
			until := next // what is gone from here stands first
			for until < len(was) && !stays[until] {
				until++
			}
			gone(until)
			out = append(out, Member{Added, p.name, nil, new.place(p, enum)})
			continue
		}
		gone(partner[i] + 1)
		q := was[partner[i]]
		if op := d.became(q, p, enum); op != "" {
			out = append(out, Member{op, p.name, old.place(q, enum), new.place(p, enum)})
		}
	}
	gone(len(was))
	return out
}

// partners pairs members by name, of several with one name the first with the first. It
// returns for each of those that are the index of what it was, -1 for none, and which of
// those that were stay.
func partners(was, is []part) (partner []int, stays []bool) {
	type key struct {
		name string
		nth  int
	}
	at := map[key]int{}
	nth := map[string]int{}
	for i, p := range was {
		at[key{p.name, nth[p.name]}] = i
		nth[p.name]++
	}
	partner, stays = make([]int, len(is)), make([]bool, len(was))
	clear(nth)
	for i, p := range is {
		j, ok := at[key{p.name, nth[p.name]}]
		nth[p.name]++
		if partner[i] = -1; ok {
			partner[i], stays[j] = j, true
		}
	}
	return partner, stays
}

// became is what happened to a member, "" for nothing. The offset of an enum's value is
// its number.
func (d *differ) became(was, is part, enum bool) Op {
	switch {
	case enum && was.offset == is.offset:
		return ""
	case enum, was.bits != is.bits || was.size != is.size || !d.sameRef(was.ref, is.ref):
		return Changed
	case was.offset != is.offset:
		return Moved
	}
	return ""
}

// sameRef reports whether two references read the same.
func (d *differ) sameRef(x, y uint32) bool {
	if x == missing || y == missing || x == 0 || y == 0 {
		return x == y
	}
	if d.old.named[x] || d.new.named[y] {
		return d.old.keys[x] == d.new.keys[y]
	}
	return d.old.levels[0][x] == d.new.levels[0][y]
}

func (w *writer) place(p part, enum bool) *Place {
	if enum {
		return &Place{Text: p.last + " = " + strconv.FormatInt(int64(p.offset), 10)}
	}
	out := &Place{Offset: p.offset, Size: p.size}
	if out.Size == 0 {
		out.Size = uint64(p.bits)
	}
	if p.ref == missing || p.size == 0 {
		out.Text = w.declare(p.ref, p.last)
	} else {
		out.Text = w.called(p.ref)
	}
	if p.bits != 0 {
		out.Text += ":" + strconv.FormatUint(uint64(p.bits), 10)
	} else if out.Size == 0 && p.ref != missing {
		out.Size = 8 * w.size(p.ref)
	}
	return out
}
