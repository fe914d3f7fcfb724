// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"errors"
	"fmt"
)

// argument is a path that the user gave, and what for.
type argument struct {
	path   string
	origin Origin
}

func (s Sources) arguments() []argument {
	var out []argument
	if s.Base != "" {
		out = append(out, argument{s.Base, Given})
	}
	if s.OwnBase != "" {
		out = append(out, argument{s.OwnBase, Own})
	}
	for _, p := range s.Paths {
		out = append(out, argument{p, New})
	}
	for _, p := range s.Against {
		out = append(out, argument{p, Against})
	}
	for _, k := range s.Installed {
		out = append(out, argument{k.Path, Installed})
	}
	return out
}

// Idle makes problems of the arguments that came to nothing, which an all clear
// must not pass over: paths without kernel or module, a base that is none or
// several, an older build that shares no kernelrelease with what is judged.
func (s Sources) Idle(inv *Inventory, res *Result) []Problem {
	bases, modules := map[argument]int{}, map[argument]int{}
	for _, b := range inv.Bases {
		bases[argument{tree(b.Package, b.Tree), b.Origin}]++
	}
	for _, m := range inv.Modules {
		modules[argument{tree(m.Package, m.Tree), m.Origin}]++
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
	for _, a := range s.arguments() {
		var err error
		switch n := bases[a]; {
		case failed[a.path]:
		case a.origin.named() && n == 0:
			err = errors.New("holds no kernel to judge on")
		case a.origin.named() && n > 1:
			err = fmt.Errorf("holds %d kernels; name one", n)
		case inv.copies[a]:
		case n+modules[a] == 0:
			err = errors.New("holds no kernel and no module, so nothing of it was judged")
		case a.origin == Against && !crossed:
			err = errors.New("holds no kernelrelease of what is judged, so nothing was held against it")
		}
		if err != nil {
			out = append(out, Problem{Path: a.path, Err: err, Origin: a.origin})
		}
	}
	return out
}

func tree(p *Package, tree string) string {
	if p != nil {
		return p.tree
	}
	return tree
}
