// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Argument is a path that the user gave, and what for.
type Argument struct {
	Path   string
	Origin Origin
	Copies bool // it has packages that another argument has, too, where they are counted
	Found  bool // nobody named it, so that it may come to nothing
}

// idle makes problems of the arguments that came to nothing, which an all clear
// must not pass over: paths without kernel or module, a base that is none or
// several, an older build that shares no kernelrelease with what is judged.
func idle(inv *Inventory, res *Result) []Problem {
	type place struct {
		tree   string
		origin Origin
	}
	bases, modules := map[place]int{}, map[place]int{}
	for _, b := range inv.Bases {
		bases[place{tree(b.Package, b.Tree), b.Origin}]++
	}
	for _, m := range inv.Modules {
		modules[place{tree(m.Package, m.Tree), m.Origin}]++
	}
	failed := map[string]bool{}
	for _, p := range inv.Problems {
		failed[p.Path] = true
	}
	crossed := false
	for _, f := range res.Findings {
		crossed = crossed || f.Module.Origin == Against || f.Base != nil && f.Base.Origin == Against
	}
	var out []Problem
	unclear := false
	for _, a := range inv.Arguments {
		if !a.Origin.Named() {
			continue
		}
		n := bases[place{a.Path, a.Origin}]
		unclear = unclear || n != 1
		switch {
		case failed[a.Path]:
		case n == 0:
			out = append(out, Problem{Path: a.Path, Err: errors.New(noBase), Origin: a.Origin})
		case n > 1:
			out = append(out, Problem{Path: a.Path, Err: fmt.Errorf(manyBases, n), Origin: a.Origin})
		}
	}
	if unclear {
		return out // the rest was not read
	}
	for _, a := range inv.Arguments {
		at := place{a.Path, a.Origin}
		var err error
		switch n := bases[at]; {
		case failed[a.Path], a.Found:
		case a.Origin == Against && (a.Copies && n+modules[at] == 0 || slices.ContainsFunc(inv.Arguments, func(b Argument) bool {
			return b.Origin == New && filepath.Clean(b.Path) == filepath.Clean(a.Path)
		})):
			err = errors.New(oneBuild)
		case a.Origin.Named(), a.Copies:
		case n+modules[at] == 0:
			err = errors.New(nothingIn)
		case a.Origin == Against && !crossed:
			err = neverMeet(inv, a.Path)
		}
		if err != nil {
			out = append(out, Problem{Path: a.Path, Err: err, Origin: a.Origin})
		}
	}
	if len(out)+len(inv.Problems)+len(res.Findings)+len(res.Refusals) == 0 {
		out = nothingToCheck(inv)
	}
	return out
}

// neverMeet is for an older build that shares no kernelrelease with the new one, or no
// architecture.
func neverMeet(inv *Inventory, path string) error {
	var old, new []string
	releases, format := map[string]bool{}, noMatchNames
	for _, b := range inv.Bases {
		switch name := kernelName(b.Release, b.Arch); {
		case b.Release == "":
		case b.Origin == Against && tree(b.Package, b.Tree) == path:
			old = append(old, name)
			releases[b.Release] = true
		case b.Origin == New:
			new = append(new, name)
		}
	}
	if slices.ContainsFunc(inv.Bases, func(b *Base) bool { return b.Origin == New && releases[b.Release] }) {
		format = noMatchArchs
	}
	slices.Sort(old)
	slices.Sort(new)
	if old, new = slices.Compact(old), slices.Compact(new); len(old) == 0 || len(new) == 0 {
		return errors.New(noMatch)
	}
	return fmt.Errorf(format, strings.Join(few(old), ", "), strings.Join(few(new), ", "))
}

// nothingToCheck is for kernels that somebody gave without any module to check on
// them.
func nothingToCheck(inv *Inventory) []Problem {
	for _, a := range inv.Arguments {
		if a.Origin == New && !a.Found {
			return []Problem{{Path: a.Path, Origin: New, Err: errors.New(noModules)}}
		}
	}
	return nil
}

func tree(p *Package, tree string) string {
	if p != nil {
		return p.Tree
	}
	return tree
}
