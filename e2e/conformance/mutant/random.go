// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// names are what types are called: most are identifiers of every kernel, some of
// a few kernels, some of none.
var names = []string{
	"a", "_", "port", "usb_device", "x86_64_start", "Name9", "__data", "last_one",
	"a.b", ".data", ".rodata.str1.1", "9a", "a-b", "a b", " ", "a\tb", "a\nb", `a\b`,
	"\xc4\xd6\xfc", "\xd7", "a\xf7", "a\x80", "\xa0", "a\x9f", "\x7f",
	strings.Repeat("n", 127), strings.Repeat("n", 128), strings.Repeat("n", 129),
	strings.Repeat("n", 511), strings.Repeat("n", 512), strings.Repeat("n", 513),
	strings.Repeat("long ", 240),
}

// soundNames is how many of names are identifiers of every kernel.
const soundNames = 8

// writer is a table that is being written.
type writer struct {
	*Maker
	count   int // types that the table will have
	types   []byte
	strings []byte
	known   map[string]uint32
}

func (m *Maker) writer(count int) *writer {
	w := &writer{Maker: m, count: count, known: map[string]uint32{}}
	if m.StartString == 0 {
		w.strings = []byte{0}
	}
	for _, n := range names[:soundNames] {
		w.string(n)
	}
	return w
}

func (w *writer) string(s string) uint32 {
	off, ok := w.known[s]
	if !ok {
		off = w.StartString + uint32(len(w.strings))
		w.strings = append(append(w.strings, s...), 0)
		w.known[s] = off
	}
	return off
}

// name is a string offset, nearly always that of an identifier.
func (w *writer) name() uint32 {
	switch n := w.rand.IntN(1000); {
	case n < 980:
		return w.string(names[w.rand.IntN(soundNames)])
	case n < 990:
		return w.string(pick(w.Maker, names...))
	case n < 993:
		return 0
	}
	return uint32(w.rand.IntN(int(w.StartString) + len(w.strings) + 2))
}

func (w *writer) maybeName() uint32 {
	if w.chance(30) {
		return 0
	}
	return w.name()
}

// id refers to a type of the table or its base; few go past the end.
func (w *writer) id() uint32 {
	if w.chance(1) && w.chance(30) {
		return pick[uint32](w.Maker, 0, 0xfffff, 0x100000)
	}
	if w.StartID > 1 && w.chance(50) {
		return 1 + uint32(w.rand.IntN(int(w.StartID)-1))
	}
	return w.StartID + uint32(w.rand.IntN(w.count))
}

func (w *writer) put(words ...uint32) {
	for _, word := range words {
		w.types = append(w.types, 0, 0, 0, 0)
		w.Order.PutUint32(w.types[len(w.types)-4:], word)
	}
}

func (w *writer) bytes() []byte { return w.assemble(w.types, w.strings) }

// Random writes a table of up to n types of all kinds. Most of its records are
// sound by themselves; where references lead is left to luck.
func (m *Maker) Random(n int) []byte {
	w := m.writer(1 + m.rand.IntN(n))
	for range w.count {
		w.record(btf.Kind(1 + m.rand.IntN(int(btf.KindMax))))
	}
	return w.bytes()
}

// Chains writes a table of an INT and up to n modifiers about each other, many
// of them type tags.
func (m *Maker) Chains(n int) []byte {
	w := m.writer(2 + m.rand.IntN(n))
	w.record(btf.KindInt)
	forward := m.rand.IntN(100)
	for i := 1; i < w.count; i++ {
		kind := pick(m, btf.KindConst, btf.KindVolatile, btf.KindRestrict, btf.KindTypedef,
			btf.KindTypeTag, btf.KindTypeTag, btf.KindTypeTag, btf.KindTypeTag)
		name := uint32(0)
		if kind == btf.KindTypedef || kind == btf.KindTypeTag {
			name = w.string("a")
		}
		// Towards the end, where i+1 may be past it, or back.
		to := i + 1
		if !m.chance(forward) {
			to = m.rand.IntN(i)
		}
		if to >= w.count && m.chance(90) {
			to = 0
		}
		w.put(name, btftest.Info(kind, 0, false), w.StartID+uint32(to))
	}
	return w.bytes()
}
