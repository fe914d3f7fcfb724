// SPDX-License-Identifier: Apache-2.0

// Package ids reads the .BTF_ids section of a module: lists of type ids, filled in
// at build time by resolve_btfids (include/linux/btf_ids.h, tools/bpf/resolve_btfids).
// Nothing in the section says where a list begins or what it is for; its symbols do.
// [Parse] reads them together, [Section.Map] renumbers what a kernel will renumber.
package ids

import (
	"cmp"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// Use is what a kernel does with a list.
type Use string

// The uses. What kernels relocate along with .BTF.base was read in kernel/bpf/btf.c
// (btf_relocate_id and its callers) of 6.12, 7.2 and 7.3.
const (
	// Kfuncs is a set of functions with flags, sorted by id: BTF_KFUNCS_START. A kernel
	// relocates it (__register_btf_kfunc_id_set) and sorts it anew.
	Kfuncs Use = "kfuncs"
	// Destructors are pairs of a struct and the function that destroys it. A kernel
	// relocates them (register_btf_id_dtor_kfuncs).
	Destructors Use = "destructors"
	// Trace is the list of a trace event, which 7.3 brought and relocates
	// (event_btf_ids_read).
	Trace Use = "trace event"
	// Plain is a list that code of the module compares with numbers of vmlinux. No
	// kernel relocates it.
	Plain Use = "plain list"
	// Set is a sorted set without flags. Which code reads it is not known, so neither
	// is whether a kernel relocates it.
	Set Use = "set"
)

// Relocated reports whether a kernel that relocates by .BTF.base counts the list's
// numbers in the distilled pair.
func (u Use) Relocated() bool { return u == Kfuncs || u == Destructors || u == Trace }

// Entry is a number in a list.
type Entry struct {
	Off   int // in bytes of the section
	ID    btf.TypeID
	Flags uint32 // of a kfunc

	// What the number is to name, by its symbol; KindVoid and "" in a set, whose
	// numbers were sorted, and where there is no symbol.
	Kind btf.Kind
	Name string
}

// List is one list of numbers.
type List struct {
	Use     Use
	Label   string // the symbol at its beginning
	Off     int    // in bytes of the section
	Size    int
	Entries []Entry

	// Names are those that a set asks for, in the order of their symbols.
	Names []string
}

// Symbol is a symbol in the section.
type Symbol struct {
	Name      string
	Off, Size uint64 // in bytes; a size of 0 is not known
}

// Marks reports whether the symbol is one of those by which resolve_btfids finds numbers
// and sets.
func (s Symbol) Marks() bool { return strings.HasPrefix(s.Name, prefix) }

// BeginsSet reports whether the symbol is at the count that a set begins with.
func (s Symbol) BeginsSet() bool {
	return strings.HasPrefix(s.Name, setPrefix) || strings.HasPrefix(s.Name, set8Prefix)
}

// Names says what the number at the symbol is to name, by its name,
// __BTF_ID__<kind>__<name>__<number>; KindVoid and "" where it says nothing of that.
func (s Symbol) Names() (btf.Kind, string) {
	word, rest, ok := strings.Cut(strings.TrimPrefix(s.Name, prefix), "__")
	kind, known := kinds[word]
	end := strings.LastIndex(rest, "__")
	if !ok || !known || end < 0 {
		return btf.KindVoid, ""
	}
	return kind, rest[:end]
}

// Symbols lists the symbols of a module that are in its .BTF_ids.
func Symbols(m *kernel.Module) ([]Symbol, error) {
	var out []Symbol
	for s, err := range m.Symbols() {
		if err != nil {
			return nil, err
		}
		if s.Section == m.BTFIDsSection && s.Type != elf.STT_SECTION {
			out = append(out, Symbol{Name: s.Name, Off: s.Value, Size: s.Size})
		}
	}
	return out, nil
}

// Section is a .BTF_ids section, cut into its lists.
type Section struct {
	Lists []List

	data  []byte
	order binary.ByteOrder
}

const (
	prefix      = "__BTF_ID__"
	setPrefix   = prefix + "set__"
	set8Prefix  = prefix + "set8__"
	tracePrefix = "__bpf_trace_btf_ids_"
)

// Kinds are the words in symbols for what a number is to name.
var kinds = map[string]btf.Kind{
	"func": btf.KindFunc, "struct": btf.KindStruct, "union": btf.KindUnion, "typedef": btf.KindTypedef,
}

// Parse cuts a section into lists by the symbols in it, which may be in any order. It is
// an error if a byte belongs to no list, or if a list does not end within the section: then
// it is not known what a kernel does with it.
func Parse(data []byte, order binary.ByteOrder, symbols []Symbol) (*Section, error) {
	s := &Section{data: data, order: order}
	if len(data)%4 != 0 {
		return nil, fmt.Errorf("%d bytes, not a multiple of 4", len(data))
	}
	var marks []Symbol  // what single numbers are to name
	var starts []Symbol // where lists begin
	for _, sym := range symbols {
		switch {
		case sym.Off > uint64(len(data)):
			return nil, fmt.Errorf("symbol %s at %d, the section has %d bytes", sym.Name, sym.Off, len(data))
		case sym.BeginsSet():
			starts = append(starts, sym)
		case sym.Marks():
			marks = append(marks, sym)
		case sym.Name != "":
			starts = append(starts, sym)
		}
	}
	// The symbol of a set comes first of those at its place: the others are its name.
	slices.SortStableFunc(starts, func(a, b Symbol) int {
		return cmp.Or(cmp.Compare(a.Off, b.Off), -cmp.Compare(setRank(a), setRank(b)), cmp.Compare(a.Name, b.Name))
	})
	slices.SortStableFunc(marks, func(a, b Symbol) int { return cmp.Compare(a.Off, b.Off) })
	at := 0
	for i, start := range starts {
		if int(start.Off) < at || i > 0 && start.Off == starts[i-1].Off {
			if int(start.Off) < at && setRank(start) > 0 {
				return nil, fmt.Errorf("%s begins at %d, inside of the list before it", start.Name, start.Off)
			}
			continue // another name of a list, or a name inside of one
		}
		if int(start.Off) != at {
			return nil, fmt.Errorf("bytes %d to %d belong to no list", at, start.Off)
		}
		end := len(data)
		for _, next := range starts[i+1:] {
			if next.Off > start.Off {
				end = int(next.Off)
				break
			}
		}
		l, err := s.list(start, end, marks)
		if err != nil {
			return nil, err
		}
		if l.Size > 0 {
			s.Lists = append(s.Lists, l)
		}
		at = l.Off + l.Size
	}
	if at != len(data) {
		return nil, fmt.Errorf("bytes %d to %d belong to no list", at, len(data))
	}
	return s, nil
}

func setRank(s Symbol) int {
	if s.BeginsSet() {
		return 1
	}
	return 0
}

// list reads the list that begins at a symbol and ends at end, unless it says itself
// where it ends.
func (s *Section) list(start Symbol, end int, marks []Symbol) (List, error) {
	l := List{Label: start.Name, Off: int(start.Off), Use: Plain}
	head, step := 0, 4
	switch {
	case strings.HasPrefix(start.Name, set8Prefix):
		l.Use, head, step = Kfuncs, 8, 8
	case strings.HasPrefix(start.Name, setPrefix):
		l.Use, head = Set, 4
	case strings.HasPrefix(start.Name, tracePrefix):
		l.Use = Trace
	}
	l.Size = end - l.Off
	if head > 0 {
		if len(s.data)-l.Off < head {
			return l, fmt.Errorf("%s at %d: its count lies beyond the %d bytes of the section", l.Label, l.Off, len(s.data))
		}
		count := uint64(s.order.Uint32(s.data[l.Off:]))
		if size := uint64(head) + count*uint64(step); size > uint64(len(s.data)-l.Off) || start.Size != 0 && size != start.Size {
			return l, fmt.Errorf("%s at %d: %d numbers need %d bytes, it has %d of a section of %d", l.Label, l.Off, count, size, start.Size, len(s.data))
		}
		l.Size = head + int(count)*step
	}
	if l.Size%4 != 0 || l.Off%4 != 0 {
		return l, fmt.Errorf("%s at %d: %d bytes are not whole numbers", l.Label, l.Off, l.Size)
	}
	first, _ := slices.BinarySearchFunc(marks, l.Off, func(m Symbol, off int) int { return cmp.Compare(int(m.Off), off) })
	named := map[int]Symbol{}
	for _, m := range marks[first:] {
		if int(m.Off) >= l.Off+l.Size {
			break
		}
		named[int(m.Off)] = m
	}
	for off := l.Off + head; off < l.Off+l.Size; off += step {
		e := Entry{Off: off, ID: btf.TypeID(s.order.Uint32(s.data[off:]))}
		if step == 8 {
			e.Flags = s.order.Uint32(s.data[off+4:])
		}
		kind, name := named[off].Names()
		if head > 0 {
			if name != "" {
				l.Names = append(l.Names, name)
			}
		} else {
			e.Kind, e.Name = kind, name
		}
		l.Entries = append(l.Entries, e)
	}
	if l.Use == Plain && pairs(l.Entries) {
		l.Use = Destructors
	}
	return l, nil
}

// pairs reports whether numbers are a struct and a function in turn, as lists of
// destructors are and no other.
func pairs(entries []Entry) bool {
	for i, e := range entries {
		want := btf.KindStruct
		if i%2 == 1 {
			want = btf.KindFunc
		}
		if e.Kind != want {
			return false
		}
	}
	return len(entries) > 0 && len(entries)%2 == 0
}

// Map returns the bytes of the section with new numbers. It calls renumber for every
// number but 0 of each list; ok = false means that there is no new number, which is an
// error. Sets are sorted anew, and flags stay with their numbers. The section itself does
// not change.
func (s *Section) Map(renumber func(l *List, e Entry) (id btf.TypeID, ok bool)) ([]byte, error) {
	out := slices.Clone(s.data)
	for i := range s.Lists {
		l := &s.Lists[i]
		entries := slices.Clone(l.Entries)
		for j, e := range entries {
			if e.ID == 0 {
				continue
			}
			id, ok := renumber(l, e)
			if !ok {
				return nil, fmt.Errorf("%s: number %d at %d has no counterpart in the new table", l.Label, e.ID, e.Off)
			}
			entries[j].ID = id
		}
		if l.Use == Kfuncs || l.Use == Set {
			slices.SortStableFunc(entries, func(a, b Entry) int { return cmp.Compare(a.ID, b.ID) })
		}
		for j, e := range entries {
			off := l.Entries[j].Off
			s.order.PutUint32(out[off:], uint32(e.ID))
			if l.Use == Kfuncs {
				s.order.PutUint32(out[off+4:], e.Flags)
			}
		}
	}
	return out, nil
}

// With is the section with other bytes and the same lists.
func (s *Section) With(data []byte) (*Section, error) {
	if len(data) != len(s.data) {
		return nil, fmt.Errorf("%d bytes, there were %d", len(data), len(s.data))
	}
	out := &Section{data: data, order: s.order}
	for _, l := range s.Lists {
		entries := slices.Clone(l.Entries)
		for i, e := range entries {
			entries[i].ID = btf.TypeID(s.order.Uint32(data[e.Off:]))
			if l.Use == Kfuncs {
				entries[i].Flags = s.order.Uint32(data[e.Off+4:])
			}
		}
		l.Entries = entries
		out.Lists = append(out.Lists, l)
	}
	return out, nil
}

// Check compares the numbers of a list with what they are to name in a table, on
// which they count. Numbers that resolve_btfids left at 0 name nothing.
func (l *List) Check(t *btf.Table) error {
	for _, e := range l.Entries {
		typ, ok := t.Type(e.ID)
		switch {
		case e.ID == 0:
		case !ok:
			return fmt.Errorf("%s: number %d at %d, the table ends at %d", l.Label, e.ID, e.Off, t.EndID())
		case e.Name != "" && (typ.Kind() != e.Kind || t.Name(typ) != e.Name):
			return fmt.Errorf("%s: number %d at %d is to name %v %s and names %v %s", l.Label, e.ID, e.Off, e.Kind, e.Name, typ.Kind(), t.Name(typ))
		case l.Use == Kfuncs && !(typ.Kind() == btf.KindFunc && slices.Contains(l.Names, t.Name(typ))):
			return fmt.Errorf("%s: number %d at %d names %v %s, which the set does not ask for", l.Label, e.ID, e.Off, typ.Kind(), t.Name(typ))
		}
	}
	return nil
}

// Meaning lists what the numbers of a list name in a table, with their flags, in an
// order that does not depend on the numbers.
func (l *List) Meaning(t *btf.Table) []string {
	var out []string
	for _, e := range l.Entries {
		s := "nothing"
		if typ, ok := t.Type(e.ID); ok && e.ID != 0 {
			s = fmt.Sprintf("%v %s", typ.Kind(), t.Name(typ))
		}
		out = append(out, fmt.Sprintf("%s %#x", s, e.Flags))
	}
	if l.Use == Kfuncs || l.Use == Set {
		slices.Sort(out)
	}
	return out
}
