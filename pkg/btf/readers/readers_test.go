// SPDX-License-Identifier: Apache-2.0

package readers_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/evidence"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/readers"
)

func newBase() *btftest.Writer {
	w := btftest.New()
	w.Int("int", 4, 1, 32)
	w.FuncProto(0)
	return w
}

// refusals asks of a table on a base.
func refusals(t *testing.T, w *btftest.Writer) []readers.Refusal {
	t.Helper()
	table := w.Table(t)
	e := evidence.Examine(table, evidence.Facts{PointerSize: 8})
	return readers.NewBase(table.Base()).Refusals(table, w.Bytes(), e)
}

// TestRefusals holds who refuses what, cilium/ebpf in its own words.
func TestRefusals(t *testing.T) {
	layout := func(w *btftest.Writer) {
		w.HeaderLen, w.Layout = btf.HeaderSizeLayout, make([]byte, 4)
	}
	layoutBase := newBase()
	layout(layoutBase)
	enumBase := newBase()
	enumBase.Enum64("e", 8, btftest.Enumerator{Name: "v", Value: 1})
	tests := []struct {
		name string
		base *btftest.Writer
		add  func(m *btftest.Writer)
		want []readers.Refusal
	}{
		{"nothing wrong", newBase(), func(m *btftest.Writer) { m.Func("probe", 2, 0) }, nil},
		{"no types, no strings", newBase(), func(m *btftest.Writer) {}, []readers.Refusal{{"cilium/ebpf before 0.20", "its string section is empty"}}},
		{"no strings", newBase(), func(m *btftest.Writer) { m.Ptr(1) }, []readers.Refusal{{"cilium/ebpf before 0.20", "its string section is empty"}}},
		{"layout section", newBase(), func(m *btftest.Writer) { m.Fwd("own", false); layout(m) },
			[]readers.Refusal{{"cilium/ebpf before 0.22", "its header of 32 bytes has a layout section"}}},
		{"layout section, as the base", layoutBase, func(m *btftest.Writer) { m.Fwd("own", false); layout(m) }, nil},
		{"ENUM64", newBase(), func(m *btftest.Writer) { m.Enum64("own", 8, btftest.Enumerator{Name: "v", Value: 1}) },
			[]readers.Refusal{{"libbpf before 1.0", "it has an ENUM64, which the vmlinux has not"}}},
		{"ENUM64, as the base", enumBase, func(m *btftest.Writer) { m.Enum64("own", 8, btftest.Enumerator{Name: "v", Value: 1}) }, nil},
		{"type's name inside a string", newBase(), func(m *btftest.Writer) {
			m.NewString("x")
			m.Record(2, btftest.Info(btf.KindFwd, 0, false), 0)
		}, []readers.Refusal{{"cilium/ebpf", "lookup type name for id 3: offset 2 is not the beginning of a string"}}},
		{"type's name past the end", newBase(), func(m *btftest.Writer) {
			m.NewString("x")
			m.Record(99, btftest.Info(btf.KindFwd, 0, false), 0)
		}, []readers.Refusal{{"libbpf", "1 name past the end of the strings"},
			{"cilium/ebpf", "lookup type name for id 3: offset 94 is out of bounds of string table"}}},
		// Only the names of types are read when a table is loaded.
		{"parameter's name inside a string", newBase(), func(m *btftest.Writer) {
			m.NewString("x")
			m.Record(0, btftest.Info(btf.KindFuncProto, 1, false), 0, 2, 1)
		}, nil},
		{"no prototype", newBase(), func(m *btftest.Writer) { m.Func("probe", 1, 0) }, []readers.Refusal{{"libbpf", "1 function without a prototype"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := tt.base.Split()
			tt.add(m)
			if d := cmp.Diff(tt.want, refusals(t, m)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// TestHostile has cilium/ebpf load what would end it if it were decoded, and not load
// what would take it forever.
func TestHostile(t *testing.T) {
	deep := newBase().Split()
	deep.NewString("x")
	for range 300_000 {
		deep.Ptr(deep.NextID() + 1)
	}
	deep.Record(2, btftest.Info(btf.KindFwd, 0, false), 0)
	if got := refusals(t, deep); len(got) != 1 || got[0].Who != "cilium/ebpf" {
		t.Errorf("a chain of pointers: %+v", got)
	}
	long := newBase().Split()
	name := long.NewString(strings.Repeat("x", 1<<20))
	for range 100_000 {
		long.Record(name, btftest.Info(btf.KindInt, 0, false), 4, 32)
	}
	long.Record(2, btftest.Info(btf.KindFwd, 0, false), 0)
	if got := refusals(t, long); got != nil {
		t.Errorf("one long name for all: %+v", got)
	}
}

// TestShared has many modules ask about one base at once, as the race detector
// watches.
func TestShared(t *testing.T) {
	b := fixture.Load(t, "5.15.12-1.3")
	old := fixture.Load(t, "5.15.12-1.1")
	table, err := btf.Parse(b.BaseBTF, nil)
	if err != nil {
		t.Fatal(err)
	}
	base := readers.NewBase(table)
	var wg sync.WaitGroup
	refused := make([]bool, len(old.Modules))
	for i, m := range old.Modules {
		wg.Go(func() {
			module, _ := btf.Parse(m.BTF, table)
			e := evidence.Examine(module, evidence.Facts{PointerSize: 8})
			refused[i] = base.Refusals(module, m.BTF, e) != nil
		})
	}
	wg.Wait()
	n := 0
	for _, r := range refused {
		if r {
			n++
		}
	}
	if n == 0 {
		t.Error("no module of the other build is refused")
	}
}

// TestSentence names all who refuse.
func TestSentence(t *testing.T) {
	if s := readers.Sentence(nil); s != "" {
		t.Errorf("%q", s)
	}
	got := readers.Sentence([]readers.Refusal{{"libbpf", "a"}, {"cilium/ebpf", "b"}})
	want := "libbpf and cilium/ebpf refuse the table that the kernel took, so that unrelated programs which look through module BTF do not load"
	if got != want {
		t.Errorf("%q", got)
	}
}
