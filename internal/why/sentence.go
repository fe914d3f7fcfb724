// SPDX-License-Identifier: Apache-2.0

package why

import (
	"fmt"
	"slices"
	"strings"
)

// sentence says it all at once: why it was built, what is the same, what of the
// rest can have moved the base, and what is not known.
func (r *Reasons) sentence(effect string) string {
	var parts []string
	if r.Trigger != nil && r.Trigger.Kind != "" {
		parts = append(parts, r.Trigger.words())
	}
	moved := r.moved()
	known, unknowns := r.inputs(len(moved) > 0)
	if len(known) > 0 {
		parts = append(parts, strings.Join(known, ", "))
	}
	alike := r.Source == Same && r.Config == Same
	switch {
	case len(moved) > 0:
		s := few(moved, 3)
		switch { // with all else the same, the tools did it
		case alike && effect != "" && len(moved) == 1 && moved[0].From != "" && moved[0].To != "":
			s += " changed " + effect
		case alike && effect != "" && len(moved) == 1:
			s += ", which changed " + effect
		case alike && effect != "":
			s += ": one of them, or all, changed " + effect
		}
		parts = append(parts, s)
	case alike && effect != "" && (r.Trigger == nil || !r.Trigger.names()):
		at := "look at what differs in the build root, and at"
		if r.roots && len(r.Packages) == 0 {
			at = "same packages in the build root: look at"
		}
		pahole := " a pahole that does not build reproducibly"
		if r.pahole != "" {
			pahole = " pahole " + r.pahole + ", which need not write the same twice"
		}
		parts = append(parts, at+pahole)
	}
	if len(unknowns) > 0 {
		parts = append(parts, "not known of both: "+strings.Join(unknowns, ", "))
	}
	return strings.Join(parts, "; ")
}

// inputs says of source, config and tools whether they are the same, as far as is
// known. Where build roots show tools, or others are named, those that are the
// same are no matter.
func (r *Reasons) inputs(named bool) (known, unknowns []string) {
	for _, k := range []struct {
		what string
		is   State
	}{{"source", r.Source}, {"config", r.Config}} {
		switch {
		case k.is == unknown:
			unknowns = append(unknowns, k.what)
		case k.is == Same:
			known = append(known, "same "+k.what)
		case k.what == "config":
			known = append(known, "config changed ("+few(r.Options, 3)+")")
		default:
			known = append(known, k.what+" changed")
		}
	}
	if len(r.SameTools) > 0 && !named {
		known = append(known, "same "+and(r.SameTools))
	}
	if !r.roots {
		unknowns = append(unknowns, r.UnknownTools...)
	}
	return known, unknowns
}

// moved lists what can have moved the base: packages of the build root if it is
// known, else what the kernel says of its tools.
func (r *Reasons) moved() []Difference {
	out := slices.DeleteFunc(slices.Clone(r.Packages), func(p Difference) bool { return mover(p.What) == len(movers) })
	if len(out) == 0 {
		out = r.Tools
	}
	return out
}

// few lists the first few of many.
func few[T fmt.Stringer](list []T, most int) string {
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
