// SPDX-License-Identifier: Apache-2.0

// Package guard judges kernel modules on the kernels that they will meet: what a
// kernel does with the BTF of each, and whether what it then believes is true.
//
// It reads no file. Fill an [Inventory] with what is known of packages, kernels
// ([Base.Describe]) and modules ([Module.Describe]); [Judge] pairs and judges them.
package guard

import (
	"context"
	"runtime"
	"slices"
	"sync"
)

// Judge pairs every module of the inventory with the bases it can meet and gives
// a finding for each pair, in a fixed order. A module that meets no base and
// needs one becomes a Problem as well. The only error is that of ctx.
func Judge(ctx context.Context, inv *Inventory) (*Result, error) {
	j := newJudge(inv)
	met := meet(inv)
	pairs := met.pairs
	res := &Result{Bases: inv.Bases, Findings: make([]Finding, len(pairs)), Unlinked: met.unlinked, Problems: slices.Concat(inv.Problems, met.problems)}

	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				res.Findings[i] = j.decide(pairs[i])
			}
		})
	}
	for i := range pairs {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	res.Labels = labels(inv, res)
	res.Changes = changes(inv.Bases)
	res.Problems = append(res.Problems, unmet(res.Findings)...)
	return res, nil
}
