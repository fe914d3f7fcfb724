// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// drawn has trees and packages of few symbols, names and kernelreleases, so that all
// that one decides over another happens often.
type drawn struct {
	*rand.Rand
	t *testing.T
}

func (d drawn) symbol() string { return fmt.Sprint("s", d.IntN(8)) }

func (d drawn) trees() []Tree {
	symbols := map[string]uint32{}
	for i := range 6 {
		symbols[fmt.Sprint("s", i)] = uint32(d.IntN(3))
	}
	out := make([]Tree, 1+d.IntN(30))
	for i := range out {
		for range d.IntN(3) {
			if s := d.symbol(); d.IntN(4) == 0 {
				delete(symbols, s)
			} else {
				symbols[s] = uint32(d.IntN(3))
			}
		}
		out[i] = Tree{Release: fmt.Sprint(d.IntN(20)), Flavor: []string{"default", "default", "rt"}[d.IntN(3)], Arch: []string{"x86_64", "x86_64", "aarch64", ""}[d.IntN(4)]}
		switch d.IntN(8) {
		case 0:
		case 1:
			out[i].Symbols = part(d.t, symbols)
		default:
			out[i].Symbols = kernel.NewSymvers(maps.All(symbols))
		}
	}
	return out
}

func (d drawn) packages() []*Linkable {
	out := make([]*Linkable, 1+d.IntN(12))
	offers := d.IntN(2) == 0
	for i := range out {
		l := &Linkable{
			Name: fmt.Sprint("p", d.IntN(10)), NEVRA: fmt.Sprintf("p-%d", i), Version: fmt.Sprintf("%d-%d", d.IntN(3), d.IntN(3)),
			Flavor: []string{"", "default", "default", "rt"}[d.IntN(4)], Arch: []string{"x86_64", "x86_64", "aarch64"}[d.IntN(3)],
			Exports: map[string]uint32{},
		}
		for range d.IntN(3) {
			l.Releases = append(l.Releases, fmt.Sprint(d.IntN(25)))
		}
		for range d.IntN(3) {
			l.Modules = append(l.Modules, fmt.Sprint("m", d.IntN(15)))
		}
		for range d.IntN(4) {
			l.Needs = append(l.Needs, kernel.Import{Symbol: d.symbol(), CRC: uint32(d.IntN(3))})
		}
		if offers && d.IntN(3) == 0 {
			l.Exports[d.symbol()] = uint32(d.IntN(3))
		}
		out[i] = l
	}
	return out
}

// alike reports whether two answers are the same, reasons included.
func alike(x, y Linked) bool {
	return stateOf(x) == stateOf(y) && (x.Why == nil) == (y.Why == nil) && (x.Why == nil || x.Why() == y.Why())
}

// TestLinks compares each answer with that of Link.
func TestLinks(t *testing.T) {
	seen := map[linkState]int{}
	for seed := range uint64(1000) {
		d := drawn{rand.New(rand.NewPCG(seed, 18)), t}
		trees, packages := d.trees(), newLinkables(d.packages())
		links := NewLinks(trees, packages)
		for i, tree := range trees {
			for n, want := range packages.link(tree, func(*Linkable) bool { return true }) {
				if got := links.At(packages[n], i); !alike(got, want) {
					t.Fatalf("seed %d: %+v in tree %d, %+v: %+v, want %+v", seed, packages[n], i, tree, got, want)
				}
				seen[stateOf(want)]++
			}
		}
		if got := links.At(&Linkable{}, 0); !alike(got, Linked{}) {
			t.Fatalf("another package: %+v", got)
		}
	}
	if len(seen) != 4 || seen[linkState{is: true}] < 1000 || seen[linkState{unknown: true}] < 1000 || seen[linkState{apart: true}] < 1000 {
		t.Errorf("not all answers were tried: %v", seen)
	}
}

// TestLinksForget drops what was found, and finds the same again.
func TestLinksForget(t *testing.T) {
	d := drawn{rand.New(rand.NewPCG(1, 1)), t}
	trees, packages := d.trees(), newLinkables(d.packages())
	links := NewLinks(trees, packages)
	for n, want := range packages.link(trees[0], func(*Linkable) bool { return true }) {
		links.kept = mostRuns + 1
		if got := links.At(packages[n], 0); !alike(got, want) {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if links.kept > mostRuns {
		t.Errorf("%d runs", links.kept)
	}
}
