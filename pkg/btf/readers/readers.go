// SPDX-License-Identifier: Apache-2.0

// Package readers says which readers in user space refuse a module's table that the
// kernel has accepted. A single such table keeps BPF programs that look for a type in any
// module from loading: libbpf and cilium/ebpf go through the tables of all modules.
//
// cilium/ebpf itself is called to see what it does. It only loads the table, which counts
// the types and reads their names. Types are not decoded: that recurses as deep as they are
// nested, and a chain of some 100,000 would end the program. libbpf, which is not written in
// Go, and older versions of both are described by rules.
package readers

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"

	cilium "github.com/cilium/ebpf/btf"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/evidence"
)

// Base is the table of a vmlinux for many modules. It is safe for concurrent use.
type Base struct {
	table *btf.Table
	spec  func() (*cilium.Spec, error)
	enums func() bool // it has an ENUM64
}

// NewBase prepares a base. Nothing is read before a module asks for it.
func NewBase(table *btf.Table) *Base {
	return &Base{
		table: table,
		spec: sync.OnceValues(func() (*cilium.Spec, error) {
			return load(table, plain(table), nil)
		}),
		enums: sync.OnceValue(func() bool { return hasEnum64(table) }),
	}
}

// Refusals lists the readers that refuse the table of a module that the kernel took. raw
// are the bytes of its .BTF, nil for a table that the kernel has relocated; e is what it
// says for and against the base. A reason for which a reader refuses the base as well is
// left out: it is not about the module.
func (b *Base) Refusals(table *btf.Table, raw []byte, e *evidence.Evidence) []Refusal {
	var out []Refusal
	// tools/lib/bpf/btf.c, btf_sanity_check.
	for _, p := range []evidence.Proof{evidence.NamePastEnd, evidence.TypePastEnd, evidence.FuncNoProto, evidence.EntryNoVar} {
		if n := e.Against[p]; n > 0 {
			out = append(out, Refusal{"libbpf", p.Count(n)})
			break
		}
	}
	layout := table.Header.LayoutLen != 0 && b.table.Header.LayoutLen == 0
	noStrings := len(table.StringSection()) == 0
	asked := false
	// The answer is known for a table with whole names and a plain header.
	if e.Contradicted() || layout || noStrings {
		if why := b.cilium(table, raw); why != "" {
			out, asked = append(out, Refusal{"cilium/ebpf", why}), true
		}
	}
	switch {
	case asked:
	case noStrings:
		out = append(out, Refusal{noEmptyStrings, "its string section is empty"})
	case layout:
		out = append(out, Refusal{"cilium/ebpf before 0.22", "its header of 32 bytes has a layout section"})
	}
	if !b.enums() && hasEnum64(table) {
		out = append(out, Refusal{"libbpf before 1.0", "it has an ENUM64, which the vmlinux has not"})
	}
	return out
}

const noEmptyStrings = "cilium/ebpf before 0.20"

// Common reports whether only older readers refuse, and for a table that is correct:
// kernels have a module or two without strings, since all their names are in the vmlinux
// (cast_common of Debian's 6.1).
func Common(table *btf.Table, refusals []Refusal) bool {
	return table.Len() > 0 && !slices.ContainsFunc(refusals, func(r Refusal) bool { return r.Who != noEmptyStrings })
}

// Refusal is a reader that refuses a table.
type Refusal struct {
	Who string
	Why string // in its own words, or in ours
}

func (r Refusal) String() string { return r.Who + ": " + r.Why }

// Sentence says which readers refuse and what follows from it, "" for none.
func Sentence(refusals []Refusal) string {
	if len(refusals) == 0 {
		return ""
	}
	var who []string
	for _, r := range refusals {
		who = append(who, r.Who)
	}
	refuse := "refuses"
	if len(who) > 1 {
		refuse = "refuse"
	}
	return fmt.Sprintf("%s %s the table that the kernel took, so that unrelated programs which look through module BTF do not load",
		strings.Join(who, " and "), refuse)
}

// cilium asks cilium/ebpf and returns its error, "" for none and where the base is
// already too much for it.
func (b *Base) cilium(table *btf.Table, raw []byte) string {
	base, err := b.spec()
	if err != nil {
		return ""
	}
	if raw == nil {
		raw = plain(table)
	}
	if _, err = load(table, raw, base); err != nil && err != errTooLong {
		return err.Error()
	}
	return ""
}

// errTooLong is a table whose names take too long to read for its size: all its types may
// have the same long name.
var errTooLong = fmt.Errorf("a name of %d bytes or more", btf.MaxName)

// load has cilium/ebpf load a table. A panic of it is an error.
func load(table *btf.Table, raw []byte, base *cilium.Spec) (spec *cilium.Spec, err error) {
	for t := range table.Types() {
		if name, _ := table.Prefix(t.NameOff, btf.MaxName); len(name) == btf.MaxName {
			return nil, errTooLong
		}
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return cilium.LoadSplitSpecFromReader(bytes.NewReader(raw), base)
}

// plain writes a table with a header of 24 bytes.
func plain(t *btf.Table) []byte { return btf.Encode(t.Order, t.TypeSection(), t.StringSection()) }

func hasEnum64(t *btf.Table) bool {
	for typ := range t.Types() {
		if typ.Kind() == btf.KindEnum64 {
			return true
		}
	}
	return false
}
