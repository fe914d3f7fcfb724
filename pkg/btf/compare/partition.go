// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"cmp"
	"slices"
)

// incoming holds the edges of a graph by the node they lead to.
type incoming struct {
	edges []edge
	first []int32 // where each node's edges begin; one more than there are nodes
}

// edge comes from a node and is the place-th of those that leave it.
type edge struct{ place, from int32 }

// partition divides nodes into classes. The members of a class stand side by
// side in members, so that splitting one moves only what it touches.
type partition struct {
	members []int32 // nodes, class by class
	at      []int32 // where each node stands in members
	class   []int32 // of each node

	first, end []int32 // of each class in members
	marked     []int32 // how many members of each class are marked; they stand first

	waiting []int32 // classes that others have yet to be split by
	waits   []bool
}

// newPartition puts nodes of equal value into one class.
func newPartition(values []uint64) *partition {
	n := len(values)
	p := &partition{members: make([]int32, n), at: make([]int32, n), class: make([]int32, n)}
	for i := range p.members {
		p.members[i] = int32(i)
	}
	slices.SortFunc(p.members, func(a, b int32) int { return cmp.Compare(values[a], values[b]) })
	for i, node := range p.members {
		if i == 0 || values[node] != values[p.members[i-1]] {
			p.add(int32(i), int32(i))
		}
		c := int32(len(p.first) - 1)
		p.at[node], p.class[node] = int32(i), c
		p.end[c]++
	}
	for c := range p.first {
		p.wait(int32(c))
	}
	return p
}

// add makes a class of members[first:end].
func (p *partition) add(first, end int32) int32 {
	p.first = append(p.first, first)
	p.end = append(p.end, end)
	p.marked = append(p.marked, 0)
	p.waits = append(p.waits, false)
	return int32(len(p.first) - 1)
}

func (p *partition) wait(c int32) {
	if !p.waits[c] {
		p.waits[c] = true
		p.waiting = append(p.waiting, c)
	}
}

// refine splits classes until all members of a class have their edges, place by
// place, into the same classes. This is Hopcroft's algorithm ("An n log n
// algorithm for minimizing states in a finite automaton", 1971): of a class that
// was split, only the smaller part need be looked at again, so that even a chain
// as long as the table takes no more than n log n steps.
func (p *partition) refine(in *incoming) {
	var edges []edge
	var touched []int32
	for len(p.waiting) > 0 {
		c := p.waiting[len(p.waiting)-1]
		p.waiting = p.waiting[:len(p.waiting)-1]
		p.waits[c] = false

		edges = edges[:0]
		for _, node := range p.members[p.first[c]:p.end[c]] {
			edges = append(edges, in.edges[in.first[node]:in.first[node+1]]...)
		}
		slices.SortFunc(edges, func(a, b edge) int { return cmp.Compare(a.place, b.place) })
		for len(edges) > 0 {
			place := edges[0].place
			touched = touched[:0]
			i := 0
			for ; i < len(edges) && edges[i].place == place; i++ {
				touched = p.mark(edges[i].from, touched)
			}
			edges = edges[i:]
			for _, t := range touched {
				p.divide(t)
			}
		}
	}
}

// mark moves a node to the front of its class and notes the class.
func (p *partition) mark(node int32, touched []int32) []int32 {
	c := p.class[node]
	if p.marked[c] == 0 {
		touched = append(touched, c)
	}
	to := p.first[c] + p.marked[c]
	from := p.at[node]
	other := p.members[to]
	p.members[to], p.members[from] = node, other
	p.at[node], p.at[other] = to, from
	p.marked[c]++
	return touched
}

// divide splits the marked members off a class, unless all are. The smaller part
// becomes a new class.
func (p *partition) divide(c int32) {
	n := p.marked[c]
	p.marked[c] = 0
	size := p.end[c] - p.first[c]
	if n == size {
		return
	}
	var part int32
	if n <= size/2 {
		part = p.add(p.first[c], p.first[c]+n)
		p.first[c] += n
	} else {
		part = p.add(p.first[c]+n, p.end[c])
		p.end[c] = p.first[c] + n
	}
	for _, node := range p.members[p.first[part]:p.end[part]] {
		p.class[node] = part
	}
	p.wait(part)
}
