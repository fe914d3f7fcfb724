// SPDX-License-Identifier: Apache-2.0

// Package mutant makes BTF tables that no toolchain would write, to be given to
// real kernels and to the rules that predict them.
//
// [Maker.Mutate] changes a table in a few places, [Maker.Random] writes one of
// types of all kinds, [Maker.Chains] one of modifiers that follow each other.
// The same seed gives the same tables.
package mutant

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// Maker makes tables. For a base StartID is 1 and StartString 0, for a module
// they are where its base ends.
type Maker struct {
	Order       binary.ByteOrder
	StartID     uint32
	StartString uint32

	rand *rand.Rand
}

// New begins a series of bases.
func New(seed uint64, order binary.ByteOrder) *Maker {
	return &Maker{Order: order, StartID: 1, rand: rand.New(rand.NewPCG(seed, 0))}
}

// NewSplit begins a series of modules on a base.
func NewSplit(seed uint64, base *btf.Table) *Maker {
	m := New(seed, base.Order)
	m.StartID, m.StartString = uint32(base.EndID()), base.EndString()
	return m
}

// Intn is a number in [0, n) from the maker's series.
func (m *Maker) Intn(n int) int { return m.rand.IntN(n) }

// chance is true in percent of 100 cases.
func (m *Maker) chance(percent int) bool { return m.rand.IntN(100) < percent }

func pick[T any](m *Maker, list ...T) T { return list[m.rand.IntN(len(list))] }

// assemble puts a header before the sections.
func (m *Maker) assemble(types, strings []byte) []byte {
	out := make([]byte, btf.HeaderSize, btf.HeaderSize+len(types)+len(strings))
	m.Order.PutUint16(out, btf.Magic)
	out[2] = 1
	for i, word := range []int{btf.HeaderSize, 0, len(types), len(types), len(strings)} {
		m.Order.PutUint32(out[4+4*i:], uint32(word))
	}
	return append(append(out, types...), strings...)
}
