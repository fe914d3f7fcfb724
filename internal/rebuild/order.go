// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"cmp"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// order puts the steps into waves: what a step is built with is built in a wave before
// it. needs lists the packages that one is built with; it is called once for each. Packages
// that need each other share a wave.
func (p *Plan) order(needs func(api.Target) []api.Target) {
	asked := map[api.Target][]api.Target{}
	direct := func(n api.Target) []api.Target {
		if _, ok := asked[n]; !ok {
			asked[n] = needs(n)
		}
		return asked[n]
	}
	planned := map[api.Target]int{}
	for i, s := range p.Steps {
		planned[s.target()] = i
	}
	after := make([][]int, len(p.Steps))
	for i, s := range p.Steps {
		p.Steps[i].After = nil
		for _, need := range reach(direct, s.target()) {
			if j, ok := planned[need]; ok && j != i {
				after[i] = append(after[i], j)
				p.Steps[i].After = append(p.Steps[i].After, need.String())
			}
		}
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
			for _, j := range after[i] {
				w = max(w, walk(j)+1)
			}
			wave[i] = w
		}
		return wave[i]
	}
	for i := range p.Steps {
		p.Steps[i].Wave = walk(i)
	}
	p.sort()
}

// kernelsFirst orders by names alone.
func (p *Plan) kernelsFirst() {
	for i := range p.Steps {
		p.Steps[i].Wave = 1
		if kernel.IsKernelPackage(p.Steps[i].Package) {
			p.Steps[i].Wave = 0
		}
	}
	p.sort()
}

func (p *Plan) sort() {
	slices.SortStableFunc(p.Steps, func(a, b Step) int { return cmp.Compare(a.Wave, b.Wave) })
}

// reach lists all packages of the plan that one needs, directly or through others that
// are not to be built.
func reach(needs func(api.Target) []api.Target, from api.Target) []api.Target {
	seen := map[api.Target]bool{from: true}
	var out []api.Target
	for todo := []api.Target{from}; len(todo) > 0; todo = todo[1:] {
		for _, n := range needs(todo[0]) {
			if !seen[n] {
				seen[n] = true
				out = append(out, n)
				todo = append(todo, n)
			}
		}
	}
	return out
}
