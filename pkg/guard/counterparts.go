// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
)

// Counterparts finds the kernels to compare of an old build (Against) and a new one: those that
// replace each other, or else the only one on each side, whatever their kernelreleases are.
// The problems are those of the inventory, and what cannot be compared.
func Counterparts(inv *Inventory, res *Result) ([]Change, []Problem) {
	changes, unread := res.Changes, slices.Clone(inv.Problems)
	if len(changes) == 0 {
		only, err := inv.twoKernels()
		switch {
		case err == nil:
			changes = []Change{*only}
		case len(unread) == 0: // where an argument could not be read, that is all there is to say
			unread = append(unread, *err)
		}
	}
	if len(changes) > 0 {
		unread = append(unread, inv.alone(changes)...)
	}
	return changes, unread
}

// twoKernels makes a pair of the only kernel on each side.
func (inv *Inventory) twoKernels() (*Change, *Problem) {
	problem := func(path, format string, args ...any) (*Change, *Problem) {
		return nil, &Problem{Path: path, Err: fmt.Errorf(format, args...)}
	}
	sides := map[Origin][]*Base{}
	for _, b := range inv.Bases {
		switch {
		case b.Refused != nil:
			return problem(b.Label(), refusedSide)
		case b.Table != nil:
			sides[b.Origin] = append(sides[b.Origin], b)
		}
	}
	for _, side := range []struct {
		name   string
		origin Origin
	}{{"OLD", Against}, {"NEW", New}} {
		switch bases := sides[side.origin]; len(bases) {
		case 0:
			return problem(inv.argument(side.origin), emptySide, side.name)
		case 1:
		default:
			var labels []string
			for _, b := range bases {
				labels = append(labels, b.Label())
			}
			return problem(inv.argument(side.origin), crowdedSide, len(bases), prose.First(labels, 4))
		}
	}
	from, to := sides[Against][0], sides[New][0]
	if from.Arch != to.Arch && from.Arch != "" && to.Arch != "" {
		return problem(inv.argument(Against)+" "+inv.argument(New), archsDiffer, from.Arch, to.Arch)
	}
	return &Change{From: from, To: to}, nil
}

// argument is the path of one side, of which there is one.
func (inv *Inventory) argument(of Origin) string {
	i := slices.IndexFunc(inv.Arguments, func(a Argument) bool { return a.Origin == of })
	return inv.Arguments[i].Path
}

// alone makes problems of the kernels that have no counterpart on the other side.
func (inv *Inventory) alone(changes []Change) []Problem {
	met := map[*Base]bool{}
	for _, c := range changes {
		met[c.From], met[c.To] = true, true
	}
	var out []Problem
	for _, b := range inv.Bases {
		if !met[b] {
			out = append(out, Problem{Path: b.Label(), Err: fmt.Errorf(aloneOnSide, b.Release, b.Arch)})
		}
	}
	return out
}
