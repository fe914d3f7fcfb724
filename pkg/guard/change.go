// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"bytes"
	"iter"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// Change is what became of the base of a kernelrelease from an older build to
// the one that is judged. Both have a table.
type Change struct {
	From, To *Base

	// Parted is the first id at which the tables hold different things, 0 where one
	// begins with the whole of the other.
	Parted btf.TypeID
	// Added and Removed are the named types and functions that only one has.
	Added, Removed Names
}

// Names are named types and functions, as "FUNC crc7_be" or "struct sk_buff".
type Names struct {
	Count int
	First []string // at most mostNames, by id
}

const mostNames = 20

// Same reports whether nothing changed at all.
func (c *Change) Same() bool { return c.From.Fingerprint.Base == c.To.Fingerprint.Base }

// changes finds the bases that replace each other: of one architecture and
// kernelrelease, an older build's and a new one's.
func changes(bases []*Base) []Change {
	var out []Change
	for _, to := range bases {
		for _, from := range bases {
			if to.Origin != New || from.Origin != Against || to.Table == nil || from.Table == nil ||
				to.Release != from.Release || to.Arch != from.Arch {
				continue
			}
			c := Change{From: from, To: to}
			if !c.Same() {
				c.Parted = parted(from.Table, to.Table)
				c.Added, c.Removed = missing(to.Table, from.Table), missing(from.Table, to.Table)
			}
			out = append(out, c)
		}
	}
	return out
}

// parted is the first id at which two tables hold types of another kind or name.
func parted(a, b *btf.Table) btf.TypeID {
	next, stop := iter.Pull(b.Types())
	defer stop()
	id := btf.TypeID(1)
	for ta := range a.Types() {
		tb, ok := next()
		if !ok {
			return 0
		}
		na, _ := a.Bytes(ta.NameOff)
		nb, _ := b.Bytes(tb.NameOff)
		if ta.Kind() != tb.Kind() || ta.Vlen() != tb.Vlen() || !bytes.Equal(na, nb) {
			return id
		}
		id++
	}
	return 0
}

// missing names what a has and b has not.
func missing(a, b *btf.Table) Names {
	var key []byte // reused: looking up a map by string(key) does not allocate
	there := map[string]bool{}
	for t := range b.Types() {
		if key = nameKey(key[:0], b, t); len(key) > 1 {
			there[string(key)] = true
		}
	}
	var out Names
	id := btf.TypeID(0)
	for t := range a.Types() {
		id++
		if key = nameKey(key[:0], a, t); len(key) <= 1 || there[string(key)] {
			continue
		}
		there[string(key)] = true // each once
		if out.Count++; len(out.First) < mostNames {
			out.First = append(out.First, a.Describe(id))
		}
	}
	return out
}

// nameKey is kind and name of what has a name of its own, one byte for the rest.
func nameKey(key []byte, t *btf.Table, typ btf.Type) []byte {
	kind := typ.Kind()
	key = append(key, byte(kind))
	switch kind {
	case btf.KindFunc, btf.KindStruct, btf.KindUnion, btf.KindEnum, btf.KindEnum64,
		btf.KindTypedef, btf.KindVar, btf.KindInt, btf.KindFloat:
		name, _ := t.Bytes(typ.NameOff)
		key = append(key, name...)
	}
	return key
}
