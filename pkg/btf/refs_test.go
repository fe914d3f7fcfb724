// SPDX-License-Identifier: Apache-2.0

package btf_test

import (
	"slices"
	"strconv"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// TestRefs holds, kind by kind, every reference that a type makes and no other:
// type ids as "role id", names as "role: name".
func TestRefs(t *testing.T) {
	want := map[btf.Kind]struct{ types, names []string }{
		btf.KindInt:       {nil, []string{"name: int"}},
		btf.KindPtr:       {[]string{"type 4"}, []string{"name: "}},
		btf.KindArray:     {[]string{"element 1", "index 16"}, []string{"name: "}},
		btf.KindStruct:    {[]string{"member 0 1", "member 1 2"}, []string{"name: s", "member 0: a", "member 1: b"}},
		btf.KindUnion:     {[]string{"member 0 3", "member 1 4"}, []string{"name: u", "member 0: c", "member 1: "}},
		btf.KindEnum:      {nil, []string{"name: e", "enumerator 0: E_A", "enumerator 1: E_B"}},
		btf.KindFwd:       {nil, []string{"name: f"}},
		btf.KindTypedef:   {[]string{"type 1"}, []string{"name: t"}},
		btf.KindVolatile:  {[]string{"type 1"}, []string{"name: "}},
		btf.KindConst:     {[]string{"type 9"}, []string{"name: "}},
		btf.KindRestrict:  {[]string{"type 2"}, []string{"name: "}},
		btf.KindFunc:      {[]string{"type 13"}, []string{"name: fn"}},
		btf.KindFuncProto: {[]string{"return 1", "param 0 2", "param 1 0"}, []string{"name: ", "param 0: p", "param 1: "}},
		btf.KindVar:       {[]string{"type 5"}, []string{"name: v"}},
		btf.KindDatasec:   {[]string{"entry 0 14", "entry 1 14"}, []string{"name: .data"}},
		btf.KindFloat:     {nil, []string{"name: float"}},
		btf.KindDeclTag:   {[]string{"type 4"}, []string{"name: dt"}},
		btf.KindTypeTag:   {[]string{"type 2"}, []string{"name: tt"}},
		btf.KindEnum64:    {nil, []string{"name: e64", "enumerator 0: E_C", "enumerator 1: E_D"}},
	}
	for name, w := range map[string]*btftest.Writer{"le": btftest.New(), "be": btftest.NewBigEndian()} {
		table := all19(w).Table(t)
		for typ := range table.Types() {
			types, names := refs(table, typ)
			if w := want[typ.Kind()]; !slices.Equal(types, w.types) || !slices.Equal(names, w.names) {
				t.Errorf("%s %v:\n got %q %q\nwant %q %q", name, typ.Kind(), types, names, w.types, w.names)
			}
		}
		if table.Len() != len(want) {
			t.Errorf("%s: %d types, want %d", name, table.Len(), len(want))
		}
	}
}

// TestWords holds that each reference stands in the word that it names, and what is
// left of the record without references.
func TestWords(t *testing.T) {
	for name, w := range map[string]*btftest.Writer{"le": btftest.New(), "be": btftest.NewBigEndian()} {
		for typ := range all19(w).Table(t).Types() {
			words := typ.AppendWords(nil)
			if len(words)*4 != typ.RecordSize() {
				t.Errorf("%s %v: %d words, the record has %d bytes", name, typ.Kind(), len(words), typ.RecordSize())
			}
			for r := range typ.TypeRefs() {
				equal(t, name+" "+typ.Kind().String()+" "+r.String(), btf.TypeID(words[r.Word]), r.ID)
				words[r.Word] = 0
			}
			for r := range typ.NameRefs() {
				equal(t, name+" "+typ.Kind().String()+" "+r.String(), words[r.Word], r.Off)
				words[r.Word] = 0
			}
			equal(t, name+" values", typ.AppendValues([]uint32{7}), append([]uint32{7}, words...))
		}
	}
}

func refs(table *btf.Table, typ btf.Type) (types, names []string) {
	for r := range typ.TypeRefs() {
		types = append(types, r.String()+" "+strconv.Itoa(int(r.ID)))
	}
	for r := range typ.NameRefs() {
		names = append(names, r.String()+": "+table.String(r.Off))
	}
	return types, names
}

// TestRefsStop holds that a walk of references, or of types, can end at any of
// them.
func TestRefsStop(t *testing.T) {
	table := all19(btftest.New()).Table(t)
	for typ := range table.Types() {
		types, names := refs(table, typ)
		for stop := 1; stop <= len(types); stop++ {
			n := 0
			for range typ.TypeRefs() {
				if n++; n == stop {
					break
				}
			}
			if n != stop {
				t.Errorf("%v: %d types seen, stopped at %d", typ.Kind(), n, stop)
			}
		}
		for stop := 1; stop <= len(names); stop++ {
			n := 0
			for range typ.NameRefs() {
				if n++; n == stop {
					break
				}
			}
			if n != stop {
				t.Errorf("%v: %d names seen, stopped at %d", typ.Kind(), n, stop)
			}
		}
	}
	var seen []btf.TypeID
	for typ := range table.Types() {
		if seen = append(seen, typ.ID); len(seen) == 3 {
			break
		}
	}
	equal(t, "types seen", seen, []btf.TypeID{1, 2, 3})
}
