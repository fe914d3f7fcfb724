// SPDX-License-Identifier: Apache-2.0

package why

import (
	"fmt"
	"strings"
)

// sentence says it all at once: why it was built, what is the same, and what of
// the rest can have moved the base.
func (r *Reasons) sentence(effect string) string {
	known, unknowns := r.inputs()
	moved := r.moved()
	var parts []string
	if r.Trigger != nil && r.Trigger.Kind != "" {
		parts = append(parts, r.Trigger.words())
	}
	if len(moved) == 0 && len(r.toolsOf) > 0 {
		known = append(known, r.sameTools())
	}
	if len(known) > 0 {
		parts = append(parts, strings.Join(known, ", "))
	}
	alike := r.Source == same && r.Config == same
	switch {
	case len(moved) > 0:
		s := first(moved, 3)
		// With all else the same, the tools did it.
		if alike && effect != "" {
			s += " changed " + effect
		}
		parts = append(parts, s)
	case alike && effect != "":
		parts = append(parts, "look at what differs in the build root, and at a pahole that does not build reproducibly")
	}
	if len(parts) == 0 {
		return "neither source nor config of both is known"
	}
	if len(unknowns) > 0 {
		parts = append(parts, "the "+strings.Join(unknowns, " and the ")+" of both is not known")
	}
	return strings.Join(parts, "; ")
}

// sameTools says so, as far as is known.
func (r *Reasons) sameTools() string {
	if len(r.toolsOf) == 1 {
		return "same tools as far as " + r.toolsOf[0] + " tells"
	}
	return "same tools as far as " + and(r.toolsOf) + " tell"
}

// inputs says of source and config whether they are the same, as far as is known.
func (r *Reasons) inputs() (known, unknowns []string) {
	for _, k := range []struct{ what, is string }{{"source", r.Source}, {"config", r.Config}} {
		switch {
		case k.is == unknown:
			unknowns = append(unknowns, k.what)
		case k.is == same:
			known = append(known, "same "+k.what)
		case k.what == "config":
			known = append(known, "config changed ("+first(r.Options, 3)+")")
		default:
			known = append(known, k.what+" changed")
		}
	}
	return known, unknowns
}

// moved lists what can have moved the base: packages of the build root if it is
// known, else what the kernel says of its tools.
func (r *Reasons) moved() []Difference {
	var out []Difference
	for _, p := range r.Packages {
		if mover(p.What) < len(movers) {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		out = r.Tools
	}
	return out
}

// first lists the first few differences.
func first(list []Difference, most int) string {
	var out []string
	for _, d := range list[:min(len(list), most)] {
		out = append(out, d.String())
	}
	s := strings.Join(out, ", ")
	if n := len(list) - most; n > 0 {
		s += fmt.Sprintf(" and %d more", n)
	}
	return s
}

// and joins words as a sentence does.
func and(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}
