// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// Fingerprints is a list of fingerprints as the fingerprint command prints it.
type Fingerprints struct {
	Schema  int      `json:"schema"`
	Tool    Tool     `json:"tool"`
	Bases   []Base   `json:"bases"`
	Modules []Module `json:"modules"`
	Errors  []Error  `json:"errors"`

	Problems []guard.Problem `json:"-"` // what Errors says, for the exit status
}

// Module is a module's own tables; its fingerprint covers what the module adds
// to its base.
type Module struct {
	Module        string             `json:"module"`
	Raw           bool               `json:"raw,omitempty"` // the file is the bytes of a .BTF: of a module or a base
	Package       string             `json:"package,omitempty"`
	Path          string             `json:"path"`
	Arch          string             `json:"arch,omitempty"`
	KernelRelease string             `json:"kernelrelease,omitempty"`
	Fingerprint   fingerprint.Digest `json:"fingerprint"`
	Types         fingerprint.Digest `json:"types"`
	Strings       fingerprint.Digest `json:"strings"`
	TypeCount     uint32             `json:"type_count"`
	StringBytes   uint32             `json:"string_bytes"`
	// Distilled is the fingerprint of .BTF.base where there is one.
	Distilled *fingerprint.Digest `json:"distilled,omitempty"`
	// Rules, of a raw table that is a base, is how its kernel reads BTF.
	Rules []verify.Decision `json:"rules,omitempty"`

	argument int // the number of the one that it was found under
}

// NewFingerprints lists the bases and the modules with BTF of an inventory, in the order
// of its arguments, and what could not be read. Tables that cannot be laid out are among
// that. rules adds how the kernels read BTF.
func NewFingerprints(inv *guard.Inventory, version string, rules bool) *Fingerprints {
	list := &Fingerprints{
		Schema: Schema, Tool: Tool{"obs-btf-guard", version},
		Bases: []Base{}, Modules: []Module{}, Errors: []Error{},
		Problems: slices.Clone(inv.Problems),
	}
	given := map[string]int{}
	for i, a := range slices.Backward(inv.Arguments) {
		given[a.Path] = i
	}
	argument := func(p *guard.Package, path string) int {
		if p != nil {
			path = p.Tree
		}
		return given[path]
	}
	ofBase := func(b *guard.Base) int { return argument(b.Package, b.Argument) }
	ofModule := func(m *guard.Module) int { return argument(m.Package, m.Argument) }
	for _, b := range inOrder(inv.Bases, ofBase) {
		base := newBase(b)
		if !rules {
			base.Rules, base.RulesConflict = nil, ""
		}
		base.argument = ofBase(b)
		list.Bases = append(list.Bases, base)
	}
	for _, m := range inOrder(inv.Modules, ofModule) {
		err := m.Err
		switch {
		case err != nil:
		case len(m.BTF) > 0:
			err = list.add(m, ofModule(m), rules)
		case m.Package == nil:
			err = errors.New("the module has no .BTF")
		}
		if err != nil {
			if m.Package != nil {
				err = fmt.Errorf("%s: %w", m.Path, err)
			}
			list.Problems = append(list.Problems, guard.Problem{Path: m.Label(), Err: err})
		}
	}
	if len(list.Bases)+len(list.Modules)+len(list.Problems) == 0 {
		for _, a := range inv.Arguments {
			list.Problems = append(list.Problems, guard.Problem{Path: a.Path, Err: errors.New("no kernel or module with BTF was found")})
			break
		}
	}
	for _, p := range list.Problems {
		list.Errors = append(list.Errors, Error{p.Path, p.Err.Error()})
	}
	return list
}

// inOrder sorts by a number, and leaves those of one number as they are.
func inOrder[T any](list []T, number func(T) int) []T {
	return slices.SortedStableFunc(slices.Values(list), func(a, b T) int { return number(a) - number(b) })
}

// add adds a module that was found under an argument.
func (l *Fingerprints) add(m *guard.Module, argument int, rules bool) error {
	t, err := btf.Parse(m.BTF, nil)
	if err != nil {
		return fmt.Errorf(".BTF: %w", err)
	}
	f := fingerprint.Of(t)
	out := Module{
		Module: m.Name, Raw: m.Raw, Package: nevra(m.Package), Path: m.Path, Arch: m.Arch, KernelRelease: m.Release,
		Fingerprint: f.Base, Types: f.Types, Strings: f.Strings,
		TypeCount: uint32(t.Len()), StringBytes: uint32(len(t.StringSection())),
		argument: argument,
	}
	// Only the strings of a base have to begin with an empty one.
	if strings := t.StringSection(); rules && m.Raw && len(strings) > 0 && strings[0] == 0 {
		out.Rules = verify.Witnesses{Base: t}.Read().Decisions
	}
	if len(m.BTFBase) > 0 {
		t, err := btf.Parse(m.BTFBase, nil)
		if err != nil {
			return fmt.Errorf(".BTF.base: %w", err)
		}
		d := fingerprint.Of(t).Base
		out.Distilled = &d
	}
	l.Modules = append(l.Modules, out)
	return nil
}

// Text writes the list for people: a fingerprint and what it is of, a line
// each, in the manner of sha256sum, and below it its rules.
func (l *Fingerprints) Text(w io.Writer) error {
	b := bufio.NewWriter(w)
	bases := 0
	writeBases := func(upTo int) {
		for ; bases < len(l.Bases) && l.Bases[bases].argument <= upTo; bases++ {
			writeBase(b, &l.Bases[bases])
		}
	}
	for _, m := range l.Modules {
		writeBases(m.argument)
		what := "module " + prose.Printable(m.Module)
		if m.Raw {
			what = "raw table"
		}
		fmt.Fprintf(b, "%s  %s  (%s, %s types, %s string bytes)\n", m.Fingerprint, where(m.Package, m.Path),
			what, prose.Number(int(m.TypeCount)), prose.Number(int(m.StringBytes)))
		writeRules(b, m.Rules, "")
	}
	writeBases(math.MaxInt)
	return b.Flush()
}

func writeBase(w *bufio.Writer, base *Base) {
	what := prose.Printable(base.KernelRelease)
	if base.Arch != "" {
		what += " " + base.Arch
	}
	switch {
	case base.Fingerprint == nil && base.Refused == nil:
		fmt.Fprintf(w, "%-71s  %s  (%s)\n", "no .BTF", where(base.Package, base.Path), what)
	case base.Refused != nil:
		print := "no fingerprint, since it cannot be laid out"
		if base.Fingerprint != nil {
			print = base.Fingerprint.String()
		}
		fmt.Fprintf(w, "%-71s  %s  (%s, its own kernel refuses it: \"obs-btf-guard check\" says why)\n", print, where(base.Package, base.Path), strings.TrimSpace(what))
	default:
		fmt.Fprintf(w, "%s  %s  (%s, %s types, %s string bytes)\n", base.Fingerprint, where(base.Package, base.Path),
			what, prose.Number(int(base.TypeCount)), prose.Number(int(base.StringBytes)))
	}
	writeRules(w, base.Rules, base.RulesConflict)
}

func where(pkg, path string) string {
	if pkg == "" {
		return prose.Printable(path)
	}
	return prose.Printable(pkg + ":" + path)
}
