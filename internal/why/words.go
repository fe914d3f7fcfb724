// SPDX-License-Identifier: Apache-2.0

package why

// Why a kernel came out differently, in words. The rules for these texts:
//
//   - The reader wants one culprit. What is the same comes first, then what differs and can
//     move the base, then what is not known of both builds.
//   - One line, parts behind semicolons, no full stop: "Why: " stands in front.
//   - A tool "changed" something only where source and config are the same; else it is named
//     and nothing is claimed.
//   - Packages are built again; a base is the .BTF of a vmlinux.
//   - Kinds of triggers are in JSON and stay.

import (
	"fmt"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
)

// sentence says in one line why it was built, what is the same, what of the rest can have
// moved the base, and what is not known.
func (r *Reasons) sentence(effect, cause string) string {
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
	case cause != "":
	case alike && effect != "" && (r.Trigger == nil || !r.Trigger.names()):
		parts = append(parts, r.look())
	}
	if cause != "" && !(alike && len(moved) > 0) {
		parts = append(parts, cause)
	}
	if len(unknowns) > 0 {
		parts = append(parts, "not known of both: "+strings.Join(unknowns, ", "))
	}
	return strings.Join(parts, "; ")
}

// look says where to look where nothing that is known explains a change.
func (r *Reasons) look() string {
	rootsSame := r.roots && len(r.Packages) == 0
	switch version := r.made.Toolchain().Pahole; {
	case r.made.Pahole() >= 129 && rootsSame: // reproducible by itself
		return "same packages in the build root: look at names, numbers and dates in the build, and at the order of objects in the link"
	case r.made.Pahole() >= 129:
		return "look at what differs in the build root"
	case rootsSame && version != "":
		return "same packages in the build root: look at pahole " + version + ", which may write another order each time"
	case rootsSame:
		return "same packages in the build root: look at a pahole that does not build reproducibly"
	case version != "":
		return "look at what differs in the build root, and at pahole " + version + ", which may write another order each time"
	}
	return "look at what differs in the build root, and at a pahole that does not build reproducibly"
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
	for _, d := range list {
		out = append(out, d.String())
	}
	return prose.First(out, most)
}

// and joins words as a sentence does.
func and(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}

// words say it in a sentence.
func (t *Trigger) words() string {
	switch t.Kind {
	case ByHand:
		return "built again by hand"
	case FirstBuild:
		return "the first build there"
	case "meta change":
		if len(t.Changed) > 0 {
			return "built again because " + few(t.Changed, 3) + " changed"
		}
		return "built again because packages changed that it is built with"
	case "source change":
		return "built again because its source changed"
	case NoReason:
		return "built again, and OBS gives no reason"
	}
	return fmt.Sprintf("built again by OBS (%s)", t.Kind)
}

// Notes on what OBS does not know.
const (
	noteNoBuildenv    = "OBS has no _buildenv of %v"
	noteOtherBuildenv = "what was in the build root of %s is not known: OBS keeps the _buildenv of the last build only, which is %s"
	noteNotInHistory  = "the history of %v does not have %s"
)

func (d Difference) String() string {
	switch {
	case d.From == "":
		return d.What + " " + d.To + " is new"
	case d.To == "":
		return d.What + " " + d.From + " is gone"
	}
	return d.What + " " + d.From + " → " + d.To
}
