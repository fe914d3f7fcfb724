// SPDX-License-Identifier: Apache-2.0

package btf_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/evidence"
)

// FuzzTable holds that any bytes, as a base or as a module, can be walked in
// every way without a panic, and that the walk agrees with a second count made
// of the raw words.
func FuzzTable(f *testing.F) {
	for _, name := range []string{"le64.base", "le64.module", "be64.base", "be64.module", "le32.base"} {
		f.Add(fixture.RawTable(f, name))
	}
	for _, w := range []*btftest.Writer{btftest.New(), btftest.NewBigEndian()} {
		f.Add(all19(w).Bytes())
		f.Add(all19(w.Split()).Bytes())
		w.HeaderLen = 32
		f.Add(w.Bytes())
		w.Raw(1, 2, 3)
		f.Add(w.Bytes())
	}
	bases := map[binary.ByteOrder]*btf.Table{
		binary.LittleEndian: all19(btftest.New()).Table(f),
		binary.BigEndian:    all19(btftest.NewBigEndian()).Table(f),
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		order, _ := btf.ByteOrder(data)
		for _, base := range []*btf.Table{nil, bases[order]} {
			walk(t, data, base)
		}
		if !bytes.Equal(data, before) {
			t.Error("the bytes were written to")
		}
	})
}

func walk(t *testing.T, data []byte, base *btf.Table) {
	table, err := btf.Parse(data, base)
	var fe *btf.FormatError
	if err != nil && !errors.As(err, &fe) {
		t.Fatalf("an error that is no FormatError: %v", err)
	}
	if table == nil {
		if err == nil {
			t.Fatal("neither table nor error")
		}
		return
	}
	evidence.Examine(table, evidence.Facts{PointerSize: 8})
	table.PointerSize()
	next, types, names := table.StartID(), 0, 0
	for typ := range table.Types() {
		if typ.ID != next {
			t.Fatalf("type [%d] where [%d] was due", typ.ID, next)
		}
		next++
		again, ok := table.Type(typ.ID)
		if !ok || again.Info != typ.Info || again.SizeType != typ.SizeType || again.NameOff != typ.NameOff {
			t.Fatalf("[%d]: walk and lookup differ", typ.ID)
		}
		for r := range typ.TypeRefs() {
			types++
			target, ok := table.Type(r.ID)
			if ok != (r.ID < table.EndID() || r.ID == 0) || ok && target.ID != r.ID {
				t.Fatalf("[%d] %v: lookup of [%d] of %d gives [%d] %v", typ.ID, r, r.ID, table.EndID(), target.ID, ok)
			}
			table.Resolve(r.ID)
		}
		for r := range typ.NameRefs() {
			names++
			_, ok := table.Bytes(r.Off)
			if ok != (r.Off < table.EndString()) {
				t.Fatalf("[%d] %v: string %d of %d: %v", typ.ID, r, r.Off, table.EndString(), ok)
			}
			if table.IsStringStart(r.Off) && !ok {
				t.Fatalf("[%d] %v: string %d begins past the end", typ.ID, r, r.Off)
			}
		}
		table.Size(typ.ID, 8)
	}
	if int(next-table.StartID()) != table.Len() {
		t.Fatalf("%d types walked, Len %d", next-table.StartID(), table.Len())
	}
	wantTypes, wantNames, size := count(table.TypeSection(), table.Order, table.Len())
	if types != wantTypes || names != wantNames {
		t.Fatalf("%d type and %d name references, counted %d and %d", types, names, wantTypes, wantNames)
	}
	if whole := size == len(table.TypeSection()); whole != (err == nil) {
		t.Fatalf("%d of %d bytes are whole types, error %v", size, len(table.TypeSection()), err)
	}
	again, err2 := btf.Parse(data, base)
	if again == nil || again.Len() != table.Len() || again.Header != table.Header || (err == nil) != (err2 == nil) ||
		!bytes.Equal(again.TypeSection(), table.TypeSection()) || !bytes.Equal(again.StringSection(), table.StringSection()) {
		t.Fatal("parsed again, it is another table")
	}
}

// count reads n records by a table of figures per kind and nothing of the
// package under test: the references that must be found, and the bytes of the
// records.
func count(b []byte, order binary.ByteOrder, n int) (types, names, size int) {
	figures := [20]struct{ bytes, perItem, types, typesPerItem, namesPerItem int }{
		1: {4, 0, 0, 0, 0}, 2: {0, 0, 1, 0, 0}, 3: {12, 0, 2, 0, 0}, 4: {0, 12, 0, 1, 1}, 5: {0, 12, 0, 1, 1},
		6: {0, 8, 0, 0, 1}, 7: {}, 8: {0, 0, 1, 0, 0}, 9: {0, 0, 1, 0, 0}, 10: {0, 0, 1, 0, 0}, 11: {0, 0, 1, 0, 0},
		12: {0, 0, 1, 0, 0}, 13: {0, 8, 1, 1, 1}, 14: {4, 0, 1, 0, 0}, 15: {0, 12, 0, 1, 0}, 16: {},
		17: {4, 0, 1, 0, 0}, 18: {0, 0, 1, 0, 0}, 19: {0, 12, 0, 0, 1},
	}
	for range n {
		info := order.Uint32(b[size+4:])
		items, f := int(info&0xffffff), figures[info>>24&0x7f]
		types += f.types + items*f.typesPerItem
		names += 1 + items*f.namesPerItem
		size += 12 + f.bytes + items*f.perItem
	}
	return types, names, size
}
