// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"slices"
)

// dragging counts how many types contain a type, directly or not.
//
// Most types of a kernel contain one another in one large cycle, which some other
// types contain and which contains others. One type in that cycle is the hub: what
// it contains is contained in all that contains the hub, and that is counted once.
type dragging struct {
	s     *side
	seen  []uint32 // the count in which a node was last seen
	round uint32
	queue []uint32
	steps int

	big      []bool // nodes that contain the hub, itself among them
	bigCount int
	inside   []bool // nodes that the hub contains
}

// maxSteps is after how many steps only direct references are counted. Kernels
// take some millions.
const maxSteps = 100_000_000

// newDragging prepares to count for so many types.
func newDragging(s *side, types int) *dragging {
	g := &dragging{s: s, seen: make([]uint32, s.n)}
	if types > 30 {
		g.findHub()
	}
	return g
}

// count is how many types contain the type.
func (g *dragging) count(id uint32) int {
	if g.steps > maxSteps {
		return len(g.s.from.of(id))
	}
	if g.inside != nil && g.inside[id] {
		if g.big[id] {
			return g.bigCount - 1 // both: it is in the cycle
		}
		return g.bigCount + len(g.walk(g.s.from, id, g.big)) - 1
	}
	return len(g.walk(g.s.from, id, nil)) - 1
}

// findHub takes for the hub one of the types that refer to the most others: that
// which contains and is contained in the most.
func (g *dragging) findHub() {
	const tries = 8
	var most []uint32 // descending by what they refer to
	size := func(id uint32) int { return len(g.s.to.of(id)) }
	for id := range uint32(g.s.n) {
		if !g.s.typ(id).Kind().IsComposite() || len(most) == tries && size(id) <= size(most[tries-1]) {
			continue
		}
		i, _ := slices.BinarySearchFunc(most, size(id), func(m uint32, n int) int { return cmp.Compare(n, size(m)) })
		most = slices.Insert(most, i, id)[:min(len(most)+1, tries)]
	}
	best := 0
	for _, id := range most {
		in := slices.Clone(g.walk(g.s.to, id, nil))
		around := g.walk(g.s.from, id, nil)
		if len(in)*len(around) <= best {
			continue
		}
		best = len(in) * len(around)
		g.big, g.inside, g.bigCount = make([]bool, g.s.n), make([]bool, g.s.n), len(around)
		for _, node := range around {
			g.big[node] = true
		}
		for _, node := range in {
			g.inside[node] = true
		}
	}
}

// walk finds the nodes that the links lead to from a node, the node itself first,
// without going through those of skip.
func (g *dragging) walk(l links, from uint32, skip []bool) []uint32 {
	g.round++
	g.queue = append(g.queue[:0], from)
	g.seen[from] = g.round
	for i := 0; i < len(g.queue); i++ {
		ends := l.of(g.queue[i])
		g.steps += len(ends) + 1
		for _, to := range ends {
			if to == 0 || to == missing || g.seen[to] == g.round || skip != nil && skip[to] {
				continue
			}
			g.seen[to] = g.round
			g.queue = append(g.queue, to)
		}
	}
	return g.queue
}
