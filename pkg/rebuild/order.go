// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"cmp"
	"slices"
)

// node is a package at a place.
type node struct {
	at  Where
	pkg string
}

// order puts the steps into waves: what a step needs to be built is built in a
// wave before it. needs says for a package which others it is built with. Those
// that need each other share a wave.
func (p *Plan) order(needs func(at Where, pkg string) []node) {
	planned := map[node]int{}
	for i, s := range p.Steps {
		planned[node{s.Where(), s.Package}] = i
	}
	const unknown, walking = -1, -2
	wave := make([]int, len(p.Steps))
	for i := range wave {
		wave[i] = unknown
	}
	var walk func(i int) int
	walk = func(i int) int {
		if wave[i] == walking {
			return -1 // a cycle: as if this one needed nothing
		}
		if wave[i] == unknown {
			wave[i] = walking
			w := 0
			for _, need := range reach(needs, node{p.Steps[i].Where(), p.Steps[i].Package}) {
				if j, ok := planned[need]; ok && j != i {
					w = max(w, walk(j)+1)
				}
			}
			wave[i] = w
		}
		return wave[i]
	}
	for i := range p.Steps {
		p.Steps[i].Wave = walk(i)
	}
	slices.SortStableFunc(p.Steps, func(a, b Step) int { return cmp.Compare(a.Wave, b.Wave) })
}

// reach lists all packages that one needs, through others that are not to be
// built themselves as well.
func reach(needs func(Where, string) []node, from node) []node {
	seen := map[node]bool{from: true}
	var out []node
	for todo := []node{from}; len(todo) > 0; todo = todo[1:] {
		for _, n := range needs(todo[0].at, todo[0].pkg) {
			if !seen[n] {
				seen[n] = true
				out = append(out, n)
				todo = append(todo, n)
			}
		}
	}
	return out
}
