// SPDX-License-Identifier: Apache-2.0

package relocate_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/internal/corpus"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/relocate"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// TestDistillCorpus distills modules of a distribution kernel and relocates them
// onto the base they came from.
func TestDistillCorpus(t *testing.T) {
	k := corpus.LoadKernels(t)
	n, module, distilled := 0, 0, 0
	for _, tr := range k.Trials {
		if !tr.Checked || tr.From != tr.Kernel {
			continue
		}
		table, err := btf.Parse(tr.Data, k.Bases[tr.Kernel])
		if err != nil {
			t.Fatal(err)
		}
		btfData, baseData := roundTrip(t, tr.File, table)
		n++
		module += len(btfData) - len(tr.Data)
		distilled += len(baseData)
	}
	if n < 50 {
		t.Fatalf("only %d modules compared", n)
	}
	t.Logf("%d modules: .BTF grew by %d bytes on average, .BTF.base has %d", n, module/n, distilled/n)
}

// TestDistillTables is the same for small tables of both byte orders.
func TestDistillTables(t *testing.T) {
	for _, name := range []string{"le64", "be64"} {
		t.Run(name, func(t *testing.T) { roundTrip(t, name, fixture(t, name)) })
	}
}

// TestDistillAsLibbpf undoes what libbpf distilled, by relocation, and distills
// it anew: the bytes must be libbpf's, but for the length of the header.
func TestDistillAsLibbpf(t *testing.T) {
	r := corpus.LoadRelocations(t)
	n := 0
	for _, tr := range r.Trials {
		// The base of the cloud flavour has other sizes and another order.
		if !tr.Accepted || strings.HasPrefix(tr.From, "mutant:") || strings.Contains(tr.From, "cloud") {
			continue
		}
		n++
		res := relocate.Onto(r.Bases[tr.Kernel], rulesOf(t, tr.Kernel)).Module(tr.Data, tr.BaseData)
		d, err := relocate.Distill(res.Table)
		if err != nil {
			t.Errorf("%s: %v", tr.DataFile, err)
			continue
		}
		if !bytes.Equal(d.Base, shortHeader(tr.BaseData)) {
			t.Errorf("%s: .BTF.base is not libbpf's", tr.DataFile)
		}
		if !bytes.Equal(d.BTF, shortHeader(tr.Data)) {
			t.Errorf("%s: .BTF is not libbpf's", tr.DataFile)
		}
	}
	if n < 20 {
		t.Errorf("only %d modules compared", n)
	}
}

// TestDistill holds what becomes of each kind of type that a module refers to.
func TestDistill(t *testing.T) {
	for _, start := range []func() *btftest.Writer{btftest.New, btftest.NewBigEndian} {
		w := start()
		w.Int("unused", 4, 0, 32)
		i := w.Int("int", 4, 1, 32)
		s := w.Struct("device", 8, member("a", 1), btftest.Member{Name: "b", Type: i, Bits: 3, Offset: 32})
		u := w.Union("any", 4, member("a", i))
		e := w.Enum("state", 4, btftest.Enumerator{Name: "DOWN", Value: -1})
		e64 := w.Enum64("wide", 8, btftest.Enumerator{Name: "W", Value: 1})
		fwd := w.Fwd("opaque", true)
		f := w.Float("double", 8)
		anon := w.Struct("", 4, member("device", w.Const(f)))
		proto := w.FuncProto(i, btftest.Param{Name: "dev", Type: w.Ptr(w.Typedef("device_t", s))})
		values := w.Enum("", 4, btftest.Enumerator{Name: "V", Value: 7})

		m := w.Split()
		m.Struct("own", 64, member("a", u), member("b", e), member("c", e64),
			member("d", m.Ptr(fwd)), member("e", anon), member("f", values))
		m.Func("probe", proto, btftest.Static)
		btfData, baseData := roundTrip(t, "kinds", m.Table(t))

		base, err := btf.Parse(baseData, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			`INT ["int"] [1000000 4 1000020]`, `STRUCT ["device"] [4000000 8]`, `UNION ["any"] [5000000 4]`,
			`ENUM ["state"] [6000000 4]`, `ENUM ["wide"] [6000000 8]`, `FWD ["opaque"] [87000000 0]`, `FLOAT ["double"] [10000000 8]`,
		}
		if got := outlines(base); !slices.Equal(got, want) {
			t.Errorf("distilled base:\n got %q\nwant %q", got, want)
		}
		split, err := btf.Parse(btfData, base)
		if err != nil {
			t.Fatal(err)
		}
		var kinds []string
		for typ := range split.Types() {
			kinds = append(kinds, typ.Kind().String())
		}
		wantKinds := []string{"CONST", "STRUCT", "TYPEDEF", "PTR", "FUNC_PROTO", "ENUM", "PTR", "STRUCT", "FUNC"}
		if !slices.Equal(kinds, wantKinds) {
			t.Errorf("split part: %v, want %v", kinds, wantKinds)
		}
	}
}

// TestDistillNothing holds that a module on its own gets a base all the same.
func TestDistillNothing(t *testing.T) {
	w := btftest.New()
	w.Struct("device", 8)
	w.Int("int", 4, 1, 32)
	m := w.Split()
	m.Ptr(m.Struct("own", 8))
	_, baseData := roundTrip(t, "nothing", m.Table(t))
	base, err := btf.Parse(baseData, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := outlines(base); len(got) != 1 || !strings.HasPrefix(got[0], `INT ["int"]`) {
		t.Errorf("distilled base: %q", got)
	}
}

// TestDistillErrors holds what cannot be distilled, and in which words.
func TestDistillErrors(t *testing.T) {
	split := func(add func(m *btftest.Writer)) *btf.Table {
		w := btftest.New()
		w.Int("int", 4, 1, 32)
		w.Var("v", 1, btftest.Static)
		m := w.Split()
		add(m)
		return m.Table(t)
	}
	alone := btftest.New()
	alone.Struct("device", 8)
	lonely := alone.Split()
	lonely.Struct("own", 8)
	tests := []struct {
		name   string
		module *btf.Table
		want   string
	}{
		{"base", split(func(*btftest.Writer) {}).Base(), "not a module's table: it has no base"},
		{"empty base", btftest.New().Split().Table(t), "the base has no types"},
		{"base without INT", lonely.Table(t), "nothing of the base is needed, and it has no INT to put there instead"},
		{"id past the end", split(func(m *btftest.Writer) { m.Struct("s", 8, member("a", 1), member("b", 9)) }),
			"type [3] member 1: type id 9, the table ends at 4"},
		{"string past the end", split(func(m *btftest.Writer) {
			m.Ptr(1)
			m.Record(999, btftest.Info(btf.KindFwd, 0, false), 0)
		}), "type [4]: string offset 999, the strings end at 7"},
		{"variable of the base", split(func(m *btftest.Writer) { m.DeclTag("tag", 2, -1) }),
			"type [3] type: a VAR of the base, [2], cannot be distilled"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := relocate.Distill(tt.module); err == nil || err.Error() != tt.want {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// TestDistillDeep holds that a long chain of types costs no stack.
func TestDistillDeep(t *testing.T) {
	const depth = 200_000
	w := btftest.New()
	id := w.Int("int", 4, 1, 32)
	for range depth {
		id = w.Ptr(id)
	}
	m := w.Split()
	m.Ptr(id)
	d, err := relocate.Distill(m.Table(t))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(d.BTF); n < 12*depth {
		t.Errorf("%d bytes", n)
	}
}

// outlines lists the table's own types.
func outlines(table *btf.Table) (list []string) {
	for t := range table.Types() {
		list = append(list, outline(table, t))
	}
	return list
}

// shortHeader cuts the layout fields, all zero, out of a little-endian header.
func shortHeader(data []byte) []byte {
	out := append(bytes.Clone(data[:btf.HeaderSize]), data[btf.HeaderSizeLayout:]...)
	out[4] = btf.HeaderSize
	return out
}

// fixture reads a module's table of testdata/tables.
func fixture(t testing.TB, name string) *btf.Table {
	t.Helper()
	var table *btf.Table
	for _, part := range []string{"base", "module"} {
		data, err := os.ReadFile(filepath.Join("../../../testdata/tables", name+"."+part+".btf"))
		if err != nil {
			t.Fatal(err)
		}
		if table, err = btf.Parse(data, table); err != nil {
			t.Fatal(err)
		}
	}
	return table
}

// roundTrip distills the module, relocates the result onto the module's own base
// and holds that the module's types are the same as before.
func roundTrip(t *testing.T, name string, module *btf.Table) (btfData, baseData []byte) {
	t.Helper()
	d, err := relocate.Distill(module)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	btfData, baseData = d.BTF, d.Base
	own := relocate.Onto(module.Base(), verify.RulesFor(verify.Version{}))
	if err := d.Check(own); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	res := own.Module(btfData, baseData)
	if !res.Accepted() {
		t.Errorf("%s: relocated onto its own base: errno %d, %v %s", name, res.Errno, res.Lines, res.Fault)
		return btfData, baseData
	}
	if err := sameTypes(module, res.Table); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return btfData, baseData
}

// sameTypes compares the own types of a module with the last types of another
// table on the same base, through every reference to where both lead to one type
// of the base.
func sameTypes(a, b *btf.Table) error {
	type pair struct{ a, b btf.TypeID }
	extra := b.EndID() - a.EndID()
	var queue []pair
	seen := map[pair]bool{}
	for id := a.StartID(); id < a.EndID(); id++ {
		queue = append(queue, pair{id, id + extra})
	}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		if seen[p] || p.a == p.b && p.a < a.StartID() {
			continue
		}
		seen[p] = true
		x, okX := a.Type(p.a)
		y, okY := b.Type(p.b)
		if !okX || !okY {
			return fmt.Errorf("[%d] and [%d]: past the end", p.a, p.b)
		}
		if got, want := outline(b, y), outline(a, x); got != want {
			return fmt.Errorf("[%d] is %s, was [%d] %s", p.b, got, p.a, want)
		}
		var ids []btf.TypeID
		for ref := range x.TypeRefs() {
			ids = append(ids, ref.ID)
		}
		i := 0
		for ref := range y.TypeRefs() {
			queue = append(queue, pair{ids[i], ref.ID})
			i++
		}
	}
	return nil
}

// outline writes out all that a type says itself: everything but where its
// references lead.
func outline(table *btf.Table, t btf.Type) string {
	words := []uint32{t.Info, t.SizeType}
	for i := range int(t.ExtraSize() / 4) {
		words = append(words, t.Word(i))
	}
	// Blank out what is compared in other ways. NameOff is not among the words.
	blank := func(i int) { words[i] = 0 }
	var names []string
	for ref := range t.NameRefs() {
		names = append(names, table.String(ref.Off))
	}
	n := int(t.Vlen())
	switch t.Kind() {
	case btf.KindArray:
		blank(2)
		blank(3)
	case btf.KindStruct, btf.KindUnion:
		for i := range n {
			blank(2 + 3*i)
			blank(3 + 3*i)
		}
	case btf.KindEnum:
		for i := range n {
			blank(2 + 2*i)
		}
	case btf.KindEnum64:
		for i := range n {
			blank(2 + 3*i)
		}
	case btf.KindFuncProto:
		blank(1)
		for i := range 2 * n {
			blank(2 + i)
		}
	case btf.KindDatasec:
		for i := range n {
			blank(2 + 3*i)
		}
	case btf.KindInt, btf.KindFloat, btf.KindFwd:
	default:
		blank(1)
	}
	return fmt.Sprintf("%v %q %x", t.Kind(), names, words)
}
