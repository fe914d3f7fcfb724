// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/repeat"
)

// Repeats are the structs of a vmlinux that a module's table has once more.
type Repeats struct {
	Structs []string // names, each once
	Copies  int      // how many structs, of which some may stand there several times
	Bytes   int      // of the module's .BTF that repeat what the vmlinux has
	Of      int      // bytes of its .BTF
	Kfuncs  []string // of the module, that take a pointer to one of them
}

// fewRepeats is how many structs may be repeated without a warning. Deduplication
// leaves one or two in every twentieth module, always did, and nobody can do anything
// about it: 1 in 171 and 2 in 10 of Debian's 4,230 modules of 6.12.115, 1 in 139 and
// 2 in 15 of the 4,023 of 6.1.0-56. Where it failed (1,018 of 1,018 modules of the
// 6.18.12 for clouds), no module has fewer than 61.
const fewRepeats = 8

// duplicated notes a module that repeats structs of the vmlinux it was built on.
func (j *judging) duplicated(f *Finding) {
	switch f.Verdict {
	case SameBase, Relocatable, Compatible, Unproven:
	default: // that the table does not belong here says more
		return
	}
	if f.table == nil || f.Pairing == PairRebuild || f.Pairing == PairWeak { // a second time
		return
	}
	base := j.repeats.get(f.Base, func() *repeat.Base { return repeat.NewBase(f.Base.Table) })
	found := base.In(f.table)
	if len(found.Structs) == 0 {
		return
	}
	r := &Repeats{Structs: found.Names, Copies: len(found.Structs), Bytes: found.Bytes, Of: len(f.Module.BTF)}
	if names := f.Module.kfuncs.names; names != nil {
		r.Kfuncs = takers(f.table, names, found.Structs)
	}
	n := Note{Rule: Duplicated, Severity: OK, Message: r.sentence(), Repeats: r}
	if r.Copies > fewRepeats || r.Kfuncs != nil {
		n.Severity = Warn
	}
	f.Notes = append(f.Notes, n)
}

// Repetition is what modules repeat in sum.
type Repetition struct{ Structs, Bytes, Of int }

// Repeated sums up what the modules of some findings repeat.
func Repeated(findings []Finding) (sum Repetition) {
	for _, f := range findings {
		for _, n := range f.Notes {
			if r := n.Repeats; r != nil {
				sum.Structs, sum.Bytes, sum.Of = sum.Structs+r.Copies, sum.Bytes+r.Bytes, sum.Of+r.Of
			}
		}
	}
	return sum
}

// takers are those of some functions that take a pointer to one of the structs, sorted.
func takers(table *btf.Table, functions []string, structs map[btf.TypeID]bool) (out []string) {
	asked := map[string]bool{}
	for _, name := range functions {
		asked[name] = true
	}
	for t := range table.Types() {
		if t.Kind() != btf.KindFunc {
			continue
		}
		name, _ := table.Prefix(t.NameOff, btf.MaxName)
		if proto, _ := table.Type(btf.TypeID(t.SizeType)); asked[string(name)] && proto.Kind() == btf.KindFuncProto &&
			slices.ContainsFunc(pointees(table, proto), func(id btf.TypeID) bool { return structs[id] }) {
			out = append(out, string(name))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// pointees are the types that parameters of a function point to.
func pointees(table *btf.Table, proto btf.Type) (out []btf.TypeID) {
	for i := range int(proto.Vlen()) {
		p, _ := table.Resolve(proto.Param(i).Type)
		if p.Kind() != btf.KindPtr {
			continue
		}
		if t, ok := table.Resolve(btf.TypeID(p.SizeType)); ok {
			out = append(out, t.ID)
		}
	}
	return out
}
