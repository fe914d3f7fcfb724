// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

// Exported says what of two bases modules can use through exported symbols: the
// FUNCs and VARs of these names and all types that can be reached from them.
type Exported struct {
	Old ExportedPart `json:"old"`
	New ExportedPart `json:"new"`

	// Inside counts the changes, named or not, to types that modules can use;
	// Outside the others.
	Inside  int `json:"inside"`
	Outside int `json:"outside"`

	// Survives reports whether the fingerprints are equal: a base of exported types
	// only, in an order of its own, would not have changed.
	Survives bool `json:"survives"`
}

// ExportedPart is what one side exports.
type ExportedPart struct {
	Symbols int `json:"symbols"` // names that were given, each once
	Found   int `json:"found"`   // those of them with a FUNC or VAR
	Types   int `json:"types"`   // all types that can be reached, functions and variables included

	// Fingerprint is made of the definitions of these types. It does not depend on
	// ids, on their order, or on what else the base holds:
	//
	// Each type has a line, as the package writes definitions: fields separated by a
	// blank, numbers in decimal (see define in definition.go). A name that consists
	// of letters, digits, "_", "." and "$" stands as it is, any other as a Go string
	// literal, "" for none. A reference to void is "void", one past the end of the
	// table "missing". One to a named type is its word (struct, union, enum, typedef,
	// INT, FLOAT, FUNC, VAR, DATASEC; a forward declaration is a struct or union),
	// ":" and its name. One to a type without a name is "#" and the SHA-256 of that
	// type's line in hexadecimal, or "cycle" where types without names refer to each
	// other in a circle, which no compiler writes.
	//
	// Where types of one word and name have several lines, references to them go on
	// with "#" and the SHA-256 of the line, and all lines are written again with
	// these references in them.
	//
	// The SHA-256 of every line in hexadecimal, sorted, each once and followed by a
	// newline, are what the fingerprint is the SHA-256 of.
	Fingerprint fingerprint.Digest `json:"fingerprint"`
}

// exported compares the exported parts and marks the changes inside them.
func (d *differ) exported(out *Diff, o Options) {
	e := &Exported{}
	reachOld, reachNew := d.old.reach(o.OldExports, &e.Old), d.new.reach(o.NewExports, &e.New)
	e.Old.Fingerprint, e.New.Fingerprint = d.old.fingerprint(reachOld), d.new.fingerprint(reachNew)
	e.Survives = e.Old.Fingerprint == e.New.Fingerprint
	for _, changes := range [][]Change{out.Changes, out.Anonymous} {
		for i := range changes {
			c := &changes[i]
			c.Exported = c.OldID != 0 && reachOld[c.OldID] || c.NewID != 0 && reachNew[c.NewID]
			if c.Exported {
				e.Inside++
			} else {
				e.Outside++
			}
		}
	}
	out.Exported = e
}

// reach marks the types that symbols lead to.
func (s *side) reach(symbols []string, p *ExportedPart) []bool {
	wanted := map[string]bool{} // by symbol: it was found
	for _, name := range symbols {
		wanted[name] = false
	}
	p.Symbols = len(wanted)
	marked := make([]bool, s.n)
	var queue []uint32
	mark := func(id uint32) {
		if id != 0 && id != missing && !marked[id] {
			marked[id] = true
			queue = append(queue, id)
		}
	}
	for id := range uint32(s.n) {
		if t := s.typ(id); t.Kind() == btf.KindFunc || t.Kind() == btf.KindVar {
			name := s.name(t.NameOff)
			if found, ok := wanted[name]; ok && s.named[id] {
				if !found {
					wanted[name] = true
					p.Found++
				}
				mark(id)
			}
		}
	}
	for len(queue) > 0 {
		id := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		p.Types++
		for _, to := range s.to.of(id) {
			mark(to)
		}
	}
	return marked
}

// fingerprint digests the definitions of types as ExportedPart says.
func (s *side) fingerprint(types []bool) fingerprint.Digest {
	l := &lines{side: s, digests: make([][sha256.Size]byte, s.n), done: make([]bool, s.n)}
	l.write(types)

	// Types of one name with several definitions.
	type known struct {
		digest  [sha256.Size]byte
		several bool
	}
	names := map[uint64]*known{}
	again := false
	for id := range uint32(s.n) {
		if !types[id] || !s.named[id] {
			continue
		}
		switch k := names[s.keys[id]]; {
		case k == nil:
			names[s.keys[id]] = &known{digest: l.digests[id]}
		case k.digest != l.digests[id]:
			k.several, again = true, true
		}
	}
	if again {
		l.several = map[uint32][sha256.Size]byte{}
		for id := range uint32(s.n) {
			if types[id] && s.named[id] && names[s.keys[id]].several {
				l.several[id] = l.digests[id]
			}
		}
		clear(l.done)
		l.write(types)
	}

	var all [][sha256.Size]byte
	for id, in := range types {
		if in {
			all = append(all, l.digests[id])
		}
	}
	slices.SortFunc(all, func(a, b [sha256.Size]byte) int { return bytes.Compare(a[:], b[:]) })
	h := sha256.New()
	var line []byte
	for _, digest := range slices.Compact(all) {
		h.Write(append(hex.AppendEncode(line[:0], digest[:]), '\n'))
	}
	return fingerprint.Digest(h.Sum(nil))
}

// lines writes definitions in the words of the exported part's fingerprint.
type lines struct {
	*side
	digests [][sha256.Size]byte
	done    []bool
	several map[uint32][sha256.Size]byte // those whose name is not enough
}

func (l *lines) write(types []bool) {
	var b []byte
	digest := func(id uint32) [sha256.Size]byte {
		b = l.define(b[:0], l.typ(id), l)
		return sha256.Sum256(b)
	}
	for _, id := range l.unnamed {
		if types[id] {
			l.digests[id], l.done[id] = digest(id), true
		}
	}
	// None that leads to a cycle sees the digest of another.
	for _, id := range l.cyclic {
		if types[id] {
			l.digests[id] = digest(id)
		}
	}
	for _, id := range l.cyclic {
		l.done[id] = true
	}
	for id, in := range types {
		if in && l.named[id] {
			l.digests[id] = digest(uint32(id))
		}
	}
}

func (l *lines) name(b []byte, off uint32) []byte { return quoted(b, l.side.name(off)) }

func quoted(b []byte, name string) []byte {
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '.', c == '$':
		default:
			return strconv.AppendQuote(b, name)
		}
	}
	if name == "" {
		return append(b, `""`...)
	}
	return append(b, name...)
}

func (l *lines) ref(b []byte, id uint32) []byte {
	switch {
	case id == 0:
		return append(b, "void"...)
	case id == missing:
		return append(b, "missing"...)
	case l.named[id]:
		t := l.typ(id)
		b = quoted(append(append(b, kindWord(t)...), ':'), l.side.name(t.NameOff))
		if digest, ok := l.several[id]; ok {
			b = hex.AppendEncode(append(b, '#'), digest[:])
		}
		return b
	case !l.done[id]:
		return append(b, "cycle"...)
	}
	return hex.AppendEncode(append(b, '#'), l.digests[id][:])
}
