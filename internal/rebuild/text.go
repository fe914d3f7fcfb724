// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"io"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
)

// Text writes the plan for people: what is built, in which order, and why. dry means
// that the plan will not be carried out.
func (p *Plan) Text(w io.Writer, dry bool) error {
	out := prose.NewWriter(w, false)
	for _, n := range p.Notes {
		out.Item("", 2, "not known: "+n)
	}
	switch {
	case len(p.Steps) == 0 && p.Packages == 0 && len(p.Notes) > 0:
		out.Line("nothing was checked")
		p.skipped(out)
	case len(p.Steps) == 0 && p.Packages == 0:
		out.Line("nothing has to be built again: no package of modules was found beside %s", prose.Several(p.Kernels, "kernel"))
		p.skipped(out)
	case len(p.Steps) == 0 && len(p.Notes) == 0:
		out.Line("nothing has to be built again: %s looked at, and %s that they can meet",
			prose.Several(p.Packages, "package"), prose.Several(p.Kernels, "kernel"))
	case len(p.Steps) == 0:
		out.Line("of the rest, nothing has to be built again")
	case dry:
		out.Line("has to be built again:")
	default:
		out.Line("to be built again:")
	}
	for i, s := range p.Steps {
		after := ""
		if i > 0 && s.Wave > p.Steps[i-1].Wave {
			after = ", after those above"
		}
		out.Line("%3d. %s%s", i+1, s.String(), after)
		for _, why := range s.Why {
			out.Item("     ", 7, why)
		}
		switch {
		case s.InVain != "":
			out.Item("     ", 7, "not asked for again: "+s.InVain)
		case s.Seen != nil:
			out.Line("     last built: %s", s.Seen.String())
		}
	}
	return out.Flush()
}

// skipped says which packages were not searched for modules: that may be why none were
// found.
func (p *Plan) skipped(out *prose.Writer) {
	const most = 20
	if len(p.Skipped) == 0 {
		return
	}
	out.Item("", 2, "not looked into, since they are neither built with the devel package of a kernel nor named as modules:")
	for _, s := range p.Skipped[:min(most, len(p.Skipped))] {
		out.Line("     %s", s)
	}
	if n := len(p.Skipped) - most; n > 0 {
		out.Line("     and %s", prose.Several(n, "other"))
	}
}
