// SPDX-License-Identifier: Apache-2.0

package btf_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// TestSplit holds how a module continues its base: what each id and each string
// offset gives on either side of the border and past the end.
func TestSplit(t *testing.T) {
	base := btftest.New()
	base.Int("int", 4, 1, 32) // [1], "int" at 1
	base.Float("float", 4)    // [2], "float" at 5, strings end at 11
	mod := base.Split()
	mod.Struct("own", 4, btftest.Member{Name: "int", Type: 1}) // [3], "own" at 11
	mod.Ptr(3)                                                 // [4], strings end at 15
	table := mod.Table(t)

	equal(t, "StartID", table.StartID(), 3)
	equal(t, "EndID", table.EndID(), 5)
	equal(t, "Len", table.Len(), 2)
	equal(t, "StartString", table.StartString(), 11)
	equal(t, "EndString", table.EndString(), 15)
	equal(t, "strings", string(table.StringSection()), "own\x00")
	equal(t, "types", len(table.TypeSection()), 36)
	if table.Base() == nil || table.Base().Base() != nil || table.Base().EndID() != 3 {
		t.Error("the base is not the base")
	}

	for _, tt := range []struct {
		id   btf.TypeID
		kind btf.Kind
		name string
		ok   bool
	}{
		{0, btf.KindVoid, "", true},
		{1, btf.KindInt, "int", true},
		{2, btf.KindFloat, "float", true},
		{3, btf.KindStruct, "own", true},
		{4, btf.KindPtr, "", true},
		{5, btf.KindVoid, "", false},
		{0x7fffffff, btf.KindVoid, "", false},
		{0x80000000, btf.KindVoid, "", false},
		{0xffffffff, btf.KindVoid, "", false},
	} {
		typ, ok := table.Type(tt.id)
		if ok != tt.ok || typ.ID != tt.id || typ.Kind() != tt.kind || table.Name(typ) != tt.name {
			t.Errorf("type %d: [%d] %v %q %v, want %v %q %v", tt.id, typ.ID, typ.Kind(), table.Name(typ), ok, tt.kind, tt.name, tt.ok)
		}
	}

	for _, tt := range []struct {
		off   uint32
		s     string
		ok    bool
		start bool
	}{
		{0, "", true, true},
		{1, "int", true, true},
		{2, "nt", true, false},
		{4, "", true, false},
		{5, "float", true, true},
		{9, "t", true, false},
		{10, "", true, false},
		{11, "own", true, true},
		{12, "wn", true, false},
		{14, "", true, false},
		{15, "", false, false},
		{0x80000000, "", false, false},
		{0xffffffff, "", false, false},
	} {
		b, ok := table.Bytes(tt.off)
		if string(b) != tt.s || ok != tt.ok || table.String(tt.off) != tt.s || table.IsStringStart(tt.off) != tt.start {
			t.Errorf("string %d: %q %v start %v, want %q %v %v", tt.off, b, ok, table.IsStringStart(tt.off), tt.s, tt.ok, tt.start)
		}
	}

	// The base of the module must not see what the module adds.
	if _, ok := table.Base().Type(3); ok {
		t.Error("the base has type 3")
	}
	if _, ok := table.Base().Bytes(11); ok {
		t.Error("the base has string 11")
	}
	var ids []btf.TypeID
	for typ := range table.Types() {
		ids = append(ids, typ.ID)
	}
	equal(t, "own ids", ids, []btf.TypeID{3, 4})
}

// TestEmptyBase holds that a base without types has not even void to count, as
// for the kernel, so that a module on it starts at 0.
func TestEmptyBase(t *testing.T) {
	base := btftest.New().Table(t)
	equal(t, "EndID", base.EndID(), 0)
	equal(t, "EndString", base.EndString(), 1)
	if typ, ok := base.Type(0); !ok || typ.Kind() != btf.KindVoid {
		t.Error("no void in the base")
	}

	w := btftest.New()
	w.Float("float", 4)
	table, err := btf.Parse(w.Bytes(), base)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "StartID", table.StartID(), 0)
	equal(t, "EndID", table.EndID(), 1)
	if typ, ok := table.Type(0); !ok || typ.Kind() != btf.KindFloat {
		t.Errorf("type 0 is %v %v", typ.Kind(), ok)
	}

	empty, err := btf.Parse(btftest.New().Bytes(), base)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "EndID of an empty split table", empty.EndID(), 0)
}

// TestTruncated holds that a break in the type section keeps the types before
// it, and the error has id and figures.
func TestTruncated(t *testing.T) {
	tests := []struct {
		name string
		add  func(w *btftest.Writer)
		want string
	}{
		{"record cut short", func(w *btftest.Writer) { w.Raw(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11) },
			"type [3]: 11 bytes left, a type needs 12"},
		{"members missing", func(w *btftest.Writer) { w.Record(0, btftest.Info(btf.KindStruct, 2, false), 8, 0, 1, 0, 0, 1) },
			"type [3]: 20 bytes left, STRUCT with vlen 2 needs 24"},
		{"most members missing", func(w *btftest.Writer) { w.Record(0, btftest.Info(btf.KindDatasec, 0xffffff, true), 8) },
			"type [3]: 0 bytes left, DATASEC with vlen 16777215 needs 201326580"},
		{"kind 0", func(w *btftest.Writer) { w.Record(0, 0, 0) }, "type [3]: unknown kind 0"},
		{"kind 20", func(w *btftest.Writer) { w.Record(0, btftest.Info(20, 0, false), 0); w.Ptr(0) }, "type [3]: unknown kind 20"},
		{"kind of 7 bits", func(w *btftest.Writer) { w.Record(0, btftest.Info(0x7f, 0, true), 0) }, "type [3]: unknown kind 127"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := btftest.New()
			w.Int("int", 4, 1, 32)
			w.Ptr(1)
			tt.add(w)
			table, err := btf.Parse(w.Bytes(), nil)
			var fe *btf.FormatError
			if !errors.As(err, &fe) || fe.Field != "type [3]" || err.Error() != tt.want {
				t.Fatalf("got %v, want %s", err, tt.want)
			}
			if table == nil || table.Len() != 2 || table.EndID() != 3 {
				t.Fatalf("table %+v", table)
			}
			var kinds []btf.Kind
			for typ := range table.Types() {
				kinds = append(kinds, typ.Kind())
			}
			if !slices.Equal(kinds, []btf.Kind{btf.KindInt, btf.KindPtr}) {
				t.Errorf("types before the break: %v", kinds)
			}
			if _, ok := table.Type(3); ok {
				t.Error("the broken type is there")
			}
			equal(t, "string", table.String(1), "int")
		})
	}
}
