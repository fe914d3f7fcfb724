// SPDX-License-Identifier: Apache-2.0

package ids_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/ids"
)

func words(order binary.ByteOrder, values ...uint32) []byte {
	out := make([]byte, 4*len(values))
	for i, v := range values {
		order.PutUint32(out[4*i:], v)
	}
	return out
}

// nf is a section as nf_conntrack has one: a set of kfuncs, their destructors, and a
// plain list.
func nf(order binary.ByteOrder) ([]byte, []ids.Symbol) {
	return words(order, 2, 1 /* set8 */, 20, 0x3, 21, 0x10, 10, 21 /* destructors */, 11, 12 /* plain */), []ids.Symbol{
		{Name: "conn_kfunc_ids", Off: 0}, {Name: "__BTF_ID__set8__conn_kfunc_ids", Off: 0, Size: 24},
		// In the order of the source, not of the numbers.
		{Name: "__BTF_ID__func__release__1", Off: 8, Size: 4}, {Name: "__BTF_ID__func__alloc__2", Off: 16, Size: 4},
		{Name: "conn_dtor_ids", Off: 24}, {Name: "__BTF_ID__struct__nf_conn__3", Off: 24, Size: 4}, {Name: "__BTF_ID__func__release__4", Off: 28, Size: 4},
		{Name: "btf_nf_conn_ids", Off: 32}, {Name: "__BTF_ID__struct__nf_conn__5", Off: 32, Size: 4}, {Name: "__BTF_ID__struct__nf_conn___init__6", Off: 36, Size: 4},
	}
}

func TestParse(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		data, symbols := nf(order)
		slices.Reverse(symbols) // any order will do
		s, err := ids.Parse(data, order, symbols)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, l := range s.Lists {
			got = append(got, fmt.Sprintf("%s %s at %d, %d bytes: %v", l.Use, l.Label, l.Off, l.Size, l.Entries))
		}
		want := []string{
			"kfuncs __BTF_ID__set8__conn_kfunc_ids at 0, 24 bytes: [{8 20 3 VOID } {16 21 16 VOID }]",
			"destructors conn_dtor_ids at 24, 8 bytes: [{24 10 0 STRUCT nf_conn} {28 21 0 FUNC release}]",
			"plain list btf_nf_conn_ids at 32, 8 bytes: [{32 11 0 STRUCT nf_conn} {36 12 0 STRUCT nf_conn___init}]",
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s", strings.Join(got, "\n"))
		}
		if !slices.Equal(s.Lists[0].Names, []string{"release", "alloc"}) {
			t.Errorf("the set asks for %q", s.Lists[0].Names)
		}
	}
}

func TestMap(t *testing.T) {
	data, symbols := nf(binary.LittleEndian)
	s, err := ids.Parse(data, binary.LittleEndian, symbols)
	if err != nil {
		t.Fatal(err)
	}
	// The new order of the functions is the other way round.
	renumbered := map[btf.TypeID]btf.TypeID{20: 9, 21: 5, 10: 1}
	out, err := s.Map(func(l *ids.List, e ids.Entry) (btf.TypeID, bool) {
		if !l.Use.Relocated() {
			return e.ID, true
		}
		id, ok := renumbered[e.ID]
		return id, ok
	})
	if want := words(binary.LittleEndian, 2, 1, 5, 0x10, 9, 0x3, 1, 5, 11, 12); err != nil || !slices.Equal(out, want) {
		t.Errorf("% x, %v", out, err)
	}
	if fresh, _ := nf(binary.LittleEndian); !slices.Equal(data, fresh) {
		t.Error("the section itself was changed")
	}
	delete(renumbered, 21)
	if _, err := s.Map(func(_ *ids.List, e ids.Entry) (btf.TypeID, bool) { id, ok := renumbered[e.ID]; return id, ok }); err == nil ||
		err.Error() != "__BTF_ID__set8__conn_kfunc_ids: number 21 at 16 has no counterpart in the new table" {
		t.Errorf("a number that is gone: %v", err)
	}
	after, err := s.With(out)
	if err != nil || fmt.Sprint(after.Lists[0].Entries) != "[{8 5 16 VOID } {16 9 3 VOID }]" {
		t.Errorf("read back: %v, %v", after, err)
	}
	if _, err := s.With(out[1:]); err == nil {
		t.Error("read fewer bytes")
	}
}

func TestParseRefused(t *testing.T) {
	set := func(count uint32, size uint64) ([]byte, []ids.Symbol) {
		return words(binary.LittleEndian, count, 1, 20, 3), []ids.Symbol{{Name: "__BTF_ID__set8__s", Off: 0, Size: size}}
	}
	for name, c := range map[string]struct {
		data    []byte
		symbols []ids.Symbol
		want    string
	}{
		"no symbols":         {make([]byte, 8), nil, "bytes 0 to 8 belong to no list"},
		"half a number":      {make([]byte, 6), nil, "6 bytes, not a multiple of 4"},
		"a hole":             {make([]byte, 8), []ids.Symbol{{Name: "late", Off: 4}}, "bytes 0 to 4 belong to no list"},
		"a symbol beyond":    {make([]byte, 8), []ids.Symbol{{Name: "far", Off: 12}}, "symbol far at 12, the section has 8 bytes"},
		"half way":           {make([]byte, 8), []ids.Symbol{{Name: "a", Off: 0}, {Name: "b", Off: 6}}, "a at 0: 6 bytes are not whole numbers"},
		"no room to count":   {make([]byte, 4), []ids.Symbol{{Name: "__BTF_ID__set8__s"}}, "__BTF_ID__set8__s at 0: its count lies beyond the 4 bytes of the section"},
		"inside of a set":    {words(binary.LittleEndian, 1, 1, 20, 3), []ids.Symbol{{Name: "__BTF_ID__set8__s"}, {Name: "__BTF_ID__set__t", Off: 8}}, "__BTF_ID__set__t begins at 8, inside of the list before it"},
		"behind a short set": {words(binary.LittleEndian, 0, 1, 20, 3), []ids.Symbol{{Name: "__BTF_ID__set8__s"}}, "bytes 8 to 16 belong to no list"},
	} {
		if _, err := ids.Parse(c.data, binary.LittleEndian, c.symbols); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for _, count := range []uint32{2, 1 << 29, 0xffffffff} {
		data, symbols := set(count, 16)
		if _, err := ids.Parse(data, binary.LittleEndian, symbols); err == nil || !strings.Contains(err.Error(), "of a section of 16") {
			t.Errorf("a count of %d: %v", count, err)
		}
	}
}

// TestCheck compares numbers with what their symbols say.
func TestCheck(t *testing.T) {
	w := btftest.New()
	conn := w.Struct("nf_conn", 8)
	proto := w.FuncProto(0)
	alloc, release, other := w.Func("alloc", proto, btftest.Static), w.Func("release", proto, btftest.Static), w.Func("other", proto, btftest.Static)
	table := w.Table(t)
	kfuncs := func(id btf.TypeID) ids.List {
		return ids.List{Use: ids.Kfuncs, Label: "set", Names: []string{"alloc", "release"}, Entries: []ids.Entry{{ID: id}}}
	}
	plain := func(id btf.TypeID) ids.List {
		return ids.List{Use: ids.Plain, Label: "list", Entries: []ids.Entry{{ID: id, Kind: btf.KindStruct, Name: "nf_conn"}}}
	}
	for _, c := range []struct {
		name string
		list ids.List
		want string
	}{
		{"a kfunc", kfuncs(alloc), ""},
		{"another kfunc", kfuncs(release), ""},
		{"not filled in", kfuncs(0), ""},
		{"a function of no set", kfuncs(other), "set: number 5 at 0 names FUNC other, which the set does not ask for"},
		{"no function", kfuncs(conn), "set: number 1 at 0 names STRUCT nf_conn, which the set does not ask for"},
		{"past the end", kfuncs(99), "set: number 99 at 0, the table ends at 6"},
		{"the struct", plain(conn), ""},
		{"something else", plain(alloc), "list: number 3 at 0 is to name STRUCT nf_conn and names FUNC alloc"},
	} {
		got := ""
		if err := c.list.Check(table); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// FuzzParse holds that lists lie inside of the section and cover it, whatever the
// symbols say.
func FuzzParse(f *testing.F) {
	data, symbols := nf(binary.LittleEndian)
	var text strings.Builder
	for _, s := range symbols {
		fmt.Fprintf(&text, "%s %d %d\n", s.Name, s.Off, s.Size)
	}
	f.Add(data, text.String())
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		var symbols []ids.Symbol
		for line := range strings.Lines(text) {
			var s ids.Symbol
			fmt.Sscanf(line, "%s %d %d", &s.Name, &s.Off, &s.Size)
			symbols = append(symbols, s)
		}
		s, err := ids.Parse(data, binary.LittleEndian, symbols)
		if err != nil {
			return
		}
		at := 0
		for _, l := range s.Lists {
			if l.Off != at || l.Size <= 0 {
				t.Errorf("%s at %d, %d bytes, after %d", l.Label, l.Off, l.Size, at)
			}
			at += l.Size
		}
		if at != len(data) {
			t.Errorf("%d of %d bytes", at, len(data))
		}
		out, err := s.Map(func(_ *ids.List, e ids.Entry) (btf.TypeID, bool) { return e.ID, true })
		if err != nil || len(out) != len(data) {
			t.Errorf("%d bytes, %v", len(out), err)
		}
	})
}
