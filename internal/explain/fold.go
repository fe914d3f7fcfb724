// SPDX-License-Identifier: Apache-2.0

package explain

import "github.com/obs-btf-guard/obs-btf-guard/pkg/btf"

// fold tells the types that changed by themselves from those that changed only
// through others, and finds for each of these the nearest such other.
func (d *differ) fold() {
	d.own = make([]bool, d.old.n)
	d.verdicts = make([]follow, d.old.n)
	d.cause, d.causeNew = make([]uint32, d.old.n), make([]uint32, d.old.n)

	var queue, follows []uint32
	for a := range uint32(d.old.n) {
		switch {
		case d.differs[a] && d.follows(a):
			follows = append(follows, a)
		case d.differs[a]:
			d.own[a] = true
			queue = append(queue, a)
		}
	}
	// A type whose definition is the same may have come to refer to another type of
	// the same name. Where that one looks the same too, they may lead to the same
	// change; only if they do not, it is the cause.
	var lookAlike []uint32
	for a := range uint32(d.old.n) {
		if d.toNew[a] == 0 || d.differs[a] {
			continue
		}
		if x, y, alike := d.other(a); alike {
			lookAlike = append(lookAlike, a)
		} else if x != 0 {
			d.blame(a, x, y)
			queue = append(queue, a)
		}
	}
	d.spread(queue)
	// What only seemed to follow from something else changed by itself.
	for _, a := range follows {
		if !d.folded(a) {
			d.own[a] = true
			d.spread([]uint32{a})
		}
	}
	for _, a := range lookAlike {
		if x, y, _ := d.other(a); !d.own[a] && !d.folded(a) {
			d.blame(a, x, y)
			d.spread([]uint32{a})
		}
	}
}

// other finds a reference of a pair that leads to a type of the same name which is
// not the partner, 0 for none: one that looks different, or else the first that looks
// alike and leads to something else.
func (d *differ) other(a uint32) (x, y uint32, alike bool) {
	refs := d.new.to.of(d.toNew[a])
	for i, to := range d.old.to.of(a) {
		if i >= len(refs) {
			break // of equal hash only
		}
		now := refs[i]
		switch {
		case to == missing || now == missing || to == 0 || d.toNew[to] == now || d.agree(to, now):
		case d.old.levels[0][to] != d.new.levels[0][now]:
			return to, now, false
		case x == 0:
			x, y, alike = to, now, true
		}
	}
	return x, y, alike
}

// blame takes for the cause of a pair's change the type that it referred to if that
// is gone or changed by itself, or else the one that it refers to now.
func (d *differ) blame(a, x, y uint32) {
	if d.toNew[x] == 0 || d.own[x] {
		d.cause[a] = x
	} else {
		d.causeNew[a] = y
	}
}

// agree reports whether two types have all in common within the reach of their
// hashes.
func (d *differ) agree(x, y uint32) bool {
	last := len(rounds) - 1
	return d.old.levels[last][x] == d.new.levels[last][y]
}

// folded reports whether the pair of an old type changed through another one.
func (d *differ) folded(a uint32) bool {
	return !d.own[a] && d.cause[a]|d.causeNew[a] != 0
}

// spread hands on what changed to the types that refer to it, nearest first.
func (d *differ) spread(queue []uint32) {
	for len(queue) > 0 {
		x := queue[0]
		queue = queue[1:]
		for _, a := range d.old.from.of(x) {
			if d.toNew[a] == 0 || d.own[a] || d.folded(a) {
				continue
			}
			if d.own[x] {
				d.cause[a] = x
			} else {
				d.cause[a], d.causeNew[a] = d.cause[x], d.causeNew[x]
			}
			queue = append(queue, a)
		}
	}
}

// follow is whether a pair's difference only follows from another one.
type follow uint8

const (
	unknown follow = iota
	asking         // or in the middle of a cycle: no
	doesFollow
	doesNot
)

// follows reports whether two types differ only because a type inside them
// does: members and what they are called are the same, and offsets and sizes
// differ from where a member got another size.
func (d *differ) follows(a uint32) bool {
	switch d.verdicts[a] {
	case doesFollow:
		return true
	case asking, doesNot:
		return false
	}
	if d.depth > maxChain {
		return false
	}
	d.verdicts[a] = asking
	d.depth++
	yes := d.sameShape(a, d.toNew[a])
	d.depth--
	d.verdicts[a] = doesNot
	if yes {
		d.verdicts[a] = doesFollow
	}
	return yes
}

func (d *differ) sameShape(a, b uint32) bool {
	ta, tb := d.old.typ(a), d.new.typ(b)
	if ta.Info != tb.Info || d.old.name(ta.NameOff) != d.new.name(tb.NameOff) {
		return false
	}
	refsA, refsB := d.old.to.of(a), d.new.to.of(b)
	for i := range refsA {
		if !d.sameType(refsA[i], refsB[i], 0) {
			return false
		}
	}
	switch ta.Kind() {
	case btf.KindStruct, btf.KindUnion, btf.KindDatasec:
		return d.sameLayout(ta, tb, refsA, refsB)
	case btf.KindFuncProto:
		for i := range int(ta.Vlen()) {
			if d.old.name(ta.Param(i).NameOff) != d.new.name(tb.Param(i).NameOff) {
				return false
			}
		}
		return true
	case btf.KindArray:
		return ta.Array().Len == tb.Array().Len
	case btf.KindVar, btf.KindDeclTag:
		return ta.Word(0) == tb.Word(0)
	}
	return len(refsA) > 0
}

// sameLayout compares members of the same types: where the first one moved, one
// before it or itself must have got another size.
func (d *differ) sameLayout(ta, tb btf.Type, refsA, refsB []uint32) bool {
	resized, moved := false, false
	for i := range refsA {
		grew := d.resized(refsA[i], refsB[i])
		resized = resized || grew
		if ta.Kind() == btf.KindDatasec {
			x, y := ta.Entry(i), tb.Entry(i)
			moved = moved || x.Offset != y.Offset
			if x.Size != y.Size && !grew {
				return false
			}
		} else {
			x, y := ta.Member(i), tb.Member(i)
			if x.BitfieldSize() != y.BitfieldSize() || d.old.name(x.NameOff) != d.new.name(y.NameOff) {
				return false
			}
			moved = moved || x.BitOffset() != y.BitOffset()
		}
		if moved && !resized {
			return false
		}
	}
	return resized || !moved && ta.SizeType == tb.SizeType
}

// sameType reports whether two members' types are the same to a reader: of the
// same kind and name, or without a name and the same, or different only as
// follows from something else.
func (d *differ) sameType(x, y uint32, depth int) bool {
	if x == missing || y == missing || x == 0 || y == 0 {
		return x == y
	}
	if d.old.named[x] || d.new.named[y] {
		return d.old.keys[x] == d.new.keys[y]
	}
	if d.old.levels[0][x] == d.new.levels[0][y] {
		return true
	}
	if depth > maxChain {
		return false
	}
	tx, ty := d.old.typ(x), d.new.typ(y)
	if tx.Info != ty.Info {
		return false
	}
	next := func() bool { return d.sameType(d.old.to.of(x)[0], d.new.to.of(y)[0], depth+1) }
	switch tx.Kind() {
	case btf.KindPtr, btf.KindConst, btf.KindVolatile, btf.KindRestrict:
		return next()
	case btf.KindTypeTag:
		return d.old.name(tx.NameOff) == d.new.name(ty.NameOff) && next()
	case btf.KindArray:
		return tx.Array().Len == ty.Array().Len && next()
	}
	return d.toNew[x] == y && d.follows(x)
}

// resized reports whether a member's type has another size on the new side.
func (d *differ) resized(x, y uint32) bool {
	if x == missing || y == missing {
		return false
	}
	if d.old.typ(x).Kind() == btf.KindVar {
		x, y = d.old.typ(x).SizeType, d.new.typ(y).SizeType
	}
	n, ok := d.old.t.Size(btf.TypeID(x), d.pointers[0])
	m, ok2 := d.new.t.Size(btf.TypeID(y), d.pointers[1])
	return ok && ok2 && n != m
}
