// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
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
// several, an older build that shares no kernelrelease with what is judged. misnamed is what
// is wrong with the base that was named as the modules' own.
func idle(inv *Inventory, res *Result, misnamed error) []Problem {
	type place struct {
		tree   string
		origin Origin
	}
	bases, modules := map[place]int{}, map[place]int{}
	for _, b := range inv.Bases {
		bases[place{argument(b.Package, b.Place), b.Origin}]++
	}
	for _, m := range inv.Modules {
		modules[place{argument(m.Package, m.Place), m.Origin}]++
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
		case a.Origin == Own && !mayBeOwn(inv):
			err = errors.New(ownOther)
		case a.Origin == Own && misnamed != nil:
			err = misnamed
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
	if len(out)+len(inv.Problems) == 0 {
		out = nothingTells(inv)
	}
	return out
}

// mayBeOwn reports whether modules can have been built on the base that was named as
// theirs: it is that of their build, or of some nothing else tells, or none has BTF.
func mayBeOwn(inv *Inventory) bool {
	var named []fingerprint.Digest
	own := map[string]fingerprint.Digest{} // by build
	for _, b := range inv.Bases {
		switch {
		case b.Table == nil:
		case b.Origin == Own:
			named = append(named, b.Fingerprint.Base)
		case b.Package != nil && !b.Origin.Named():
			own[key(b.build(), b.Arch, b.Release)] = b.Fingerprint.Base
		}
	}
	asked := false
	for _, m := range inv.Modules {
		if !m.ReadsBase() {
			continue
		}
		base, known := own[key(m.build(), m.Arch, m.Release)]
		if m.Package == nil || !known || slices.Contains(named, base) {
			return true
		}
		asked = true
	}
	return !asked
}

// neverMeet is for an older build that shares no kernelrelease with the new one, or no
// architecture.
func neverMeet(inv *Inventory, path string) error {
	var old, new []*Base
	for _, b := range inv.Bases {
		switch {
		case b.Release == "":
		case b.Origin == Against && argument(b.Package, b.Place) == path:
			old = append(old, b)
		case b.Origin == New:
			new = append(new, b)
		}
	}
	from, to := kernelNames(old), kernelNames(new)
	switch {
	case len(old) == 0 || len(new) == 0:
		return errors.New(noMatch)
	case len(inv.Modules) == 0:
		return errors.New(noModulesEither)
	}
	for _, b := range old {
		if slices.ContainsFunc(new, func(n *Base) bool { return n.Release == b.Release }) {
			return fmt.Errorf(noMatchArchs, from, to)
		}
	}
	command := fmt.Sprintf(crossCommand, "VMLINUX", "BUILT-ON", "MODULE...")
	if len(old) == 1 && len(new) == 1 {
		command = CrossCommand(inv, old[0], new[0])
	}
	return fmt.Errorf(noMatchNames, from, to, command)
}

// CrossCommand is the command that checks the modules of one build on the kernel of the
// other, whatever their kernelreleases are: the older ones, if there are any.
func CrossCommand(inv *Inventory, old, new *Base) string {
	on, built := new, old
	if !slices.ContainsFunc(inv.Modules, func(m *Module) bool { return m.Origin == Against }) {
		on, built = old, new
	}
	return fmt.Sprintf(crossCommand, prose.Argument(on.file()), prose.Argument(built.file()), prose.Argument(argument(built.Package, built.Place)))
}

// file is what names the base on the command line.
func (b *Base) file() string {
	if b.Package != nil {
		return b.Package.Path
	}
	return b.Path
}

// kernelNames are the first names of kernels, sorted.
func kernelNames(bases []*Base) string {
	var out []string
	for _, b := range bases {
		out = append(out, kernelName(b.Release, b.Arch))
	}
	slices.Sort(out)
	return strings.Join(few(slices.Compact(out)), ", ")
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

// unanswered is for a kernel that somebody named and of which no module shows whether it was
// built on it: whoever asks a question is not to take the lack of an answer for yes. A policy
// may decide otherwise.
func unanswered(res *Result) (out []Problem) {
	type count struct{ asked, open int }
	counts := map[*Base]count{}
	for _, f := range res.Findings {
		if f.Pairing == PairGiven && f.Module.ReadsBase() && !f.Base.IgnoresModules {
			c := counts[f.Base]
			c.asked++
			if f.Verdict == Unproven && f.Ruling == nil && f.Worst() == Warn {
				c.open++
			}
			counts[f.Base] = c
		}
	}
	for _, b := range res.Bases {
		if c := counts[b]; c.asked > 0 && c.open == c.asked {
			out = append(out, Problem{Path: b.Label(), Origin: Given, Err: errors.New(noAnswer)})
		}
	}
	return out
}

// nothingTells is for arguments of whose modules none has BTF, some of them of a kernel's tree,
// without a kernel of theirs that would say whether these should.
func nothingTells(inv *Inventory) (out []Problem) {
	here := map[string]bool{}
	for _, b := range inv.Bases {
		here[key(b.Arch, b.Release)] = true
	}
	open, told := map[string]bool{}, map[string]bool{}
	for _, m := range inv.Modules {
		path := argument(m.Package, m.Place)
		told[path] = told[path] || m.ReadsBase()
		open[path] = open[path] || m.InTree && !here[key(m.Arch, m.Release)]
	}
	for _, a := range inv.Arguments {
		if a.Origin == New && !a.Found && open[a.Path] && !told[a.Path] {
			out = append(out, Problem{Path: a.Path, Origin: New, Err: errors.New(noneWithBTF)})
		}
	}
	return out
}

// argument is the one that a file came from, or its package.
func argument(p *Package, at Place) string {
	if p != nil {
		return p.Tree
	}
	return at.Argument
}
