// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// Row is a package of modules and the kernels of one flavor that it can meet.
type Row struct {
	Modules *Package
	Flavor  string
	Cells   []Cell                // oldest first; see maxCells
	Of      map[guard.Verdict]int // how many fit, misfit or are undecided, listed or not
}

// Pairs is how many kernels the package can meet.
func (r *Row) Pairs() int { return r.Of[guard.Fits] + r.Of[guard.Misfits] + r.Of[guard.Undecided] }

// maxCells is how many cells a matrix lists. In a larger matrix each row lists the cells
// with the package's own kernel and, of each answer, the newest few.
const maxCells = 1 << 17

// few is how many kernels of each answer are listed where there are many.
const few = 4

// add adds the cells of one package.
func (r *Result) add(cells []Cell) {
	rows := map[string]*Row{} // by flavor
	first := len(r.Rows)
	for _, c := range cells {
		row := rows[c.Kernel.Flavor]
		if row == nil {
			row = &Row{Modules: c.Modules, Flavor: c.Kernel.Flavor, Of: map[guard.Verdict]int{}}
			rows[c.Kernel.Flavor] = row
			r.Rows = append(r.Rows, row)
		}
		row.Cells = append(row.Cells, c)
		row.Of[c.Fit]++
		c.Kernel.met++
		if c.Fit == guard.Fits {
			c.Kernel.fit++
		}
	}
	whole := r.Pairs <= maxCells
	if r.Pairs += len(cells); r.Pairs <= maxCells {
		return
	}
	if whole {
		first = 0
	}
	for _, row := range r.Rows[first:] {
		row.Cells = slices.Clone(newest(row.Cells)) // lets go of the others
	}
}

// newest picks the newest few of each answer, and those with the package's own kernel.
func newest(cells []Cell) []Cell {
	var out []Cell
	kept := map[guard.Verdict]int{}
	for _, c := range slices.Backward(cells) {
		if c.Kernel.Package != c.Modules {
			if kept[c.Fit] == few {
				continue
			}
			kept[c.Fit]++
		}
		out = append(out, c)
	}
	slices.Reverse(out)
	return out
}

// maxUnlinked is how many kernels are listed that modules are not linked into.
const maxUnlinked = 8

// told is why a package is not linked into a kernel.
type told struct {
	kernel *Kernel
	guard.Linked
}

// apart adds the kernels that weak-modules does not link the modules of a package into.
func (r *Result) apart(modules *Package, from []told) {
	r.Apart += len(from)
	for _, t := range from[max(len(from)-maxUnlinked, 0):] {
		r.Unlinked = append(r.Unlinked, Unlinked{modules, t.kernel, t.Why()})
	}
}

// means says for each verdict of the cells that do not fit, of rows that are shown, what
// happens to a machine.
func (r *Result) means(shown func(*Package) bool) []string {
	type meaning struct{ word, what string }
	on := map[meaning][]string{} // kernelreleases
	words := map[string]int{}    // how many meanings one has
	for _, row := range r.Rows {
		if !shown(row.Modules) {
			continue
		}
		for _, c := range row.Cells {
			if c.Fit != guard.Misfits {
				continue
			}
			found := []meaning{{"built on " + otherBase, otherBaseMeans}}
			if len(c.Counts) > 0 {
				found = nil
			}
			for v := range c.Counts {
				found = append(found, meaning{string(v), v.Means(c.Kernel.Allow)})
			}
			for _, m := range found {
				if on[m] == nil && m.what != "" {
					words[m.word]++
				}
				if !slices.Contains(on[m], c.Kernel.Release) {
					on[m] = append(on[m], c.Kernel.Release)
				}
			}
		}
	}
	var out []string
	for m, releases := range on {
		switch {
		case m.what == "":
		case words[m.word] == 1:
			out = append(out, "a module that is "+m.word+" "+m.what)
		default:
			slices.Sort(releases)
			out = append(out, "a module that is "+m.word+" on "+prose.First(releases, few)+" "+m.what)
		}
	}
	slices.Sort(out)
	return out
}

// undecided reports whether it is unknown of some modules whether they fit.
func (r *Result) undecided() bool {
	return slices.ContainsFunc(r.Rows, func(w *Row) bool { return w.Of[guard.Undecided] > 0 })
}

// words say what the cells hold, the newest few of each answer: of those that do not fit,
// or of all.
func (r *Row) words(all bool) []string {
	var out []string
	said := map[guard.Verdict]int{}
	for _, c := range newest(r.Cells) {
		if all || c.Fit != guard.Fits {
			out = append(out, c.words())
			said[c.Fit]++
		}
	}
	for _, fit := range []guard.Verdict{guard.Fits, guard.Misfits, guard.Undecided} {
		if n := r.Of[fit] - said[fit]; n > 0 && (all || fit != guard.Fits) {
			out = append(out, fitWords[fit]+prose.Several(n, "older kernel"))
		}
	}
	return out
}
