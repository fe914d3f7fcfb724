// SPDX-License-Identifier: Apache-2.0

package btf_test

import (
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// TestSize holds the size of a type of each kind, and that whatever has none
// says so.
func TestSize(t *testing.T) {
	w := all19(btftest.New())
	tests := []struct {
		name string
		id   btf.TypeID
		size uint64
		ok   bool
	}{
		{"void", 0, 0, false},
		{"INT", btf.TypeID(btf.KindInt), 4, true},
		{"PTR", btf.TypeID(btf.KindPtr), 8, true},
		{"ARRAY", btf.TypeID(btf.KindArray), 28, true},
		{"STRUCT", btf.TypeID(btf.KindStruct), 24, true},
		{"UNION", btf.TypeID(btf.KindUnion), 8, true},
		{"ENUM", btf.TypeID(btf.KindEnum), 4, true},
		{"FWD", btf.TypeID(btf.KindFwd), 0, false},
		{"TYPEDEF", btf.TypeID(btf.KindTypedef), 4, true},
		{"VOLATILE", btf.TypeID(btf.KindVolatile), 4, true},
		{"CONST VOLATILE", btf.TypeID(btf.KindConst), 4, true},
		{"RESTRICT", btf.TypeID(btf.KindRestrict), 8, true},
		{"FUNC", btf.TypeID(btf.KindFunc), 0, false},
		{"FUNC_PROTO", btf.TypeID(btf.KindFuncProto), 0, false},
		{"VAR", btf.TypeID(btf.KindVar), 0, false},
		{"DATASEC", btf.TypeID(btf.KindDatasec), 64, true},
		{"FLOAT", btf.TypeID(btf.KindFloat), 4, true},
		{"DECL_TAG", btf.TypeID(btf.KindDeclTag), 0, false},
		{"TYPE_TAG", btf.TypeID(btf.KindTypeTag), 8, true},
		{"ENUM64", btf.TypeID(btf.KindEnum64), 8, true},
		{"array of arrays of structs", w.Array(w.Array(4, 1, 3), 1, 5), 360, true},
		{"array of no elements", w.Array(4, 1, 0), 0, true},
		{"array of typedef of array", w.Array(w.Typedef("ta", w.Array(1, 1, 2)), 1, 3), 24, true},
		{"array of void", w.Array(0, 1, 3), 0, false},
		{"array of a type past the end", w.Array(0xfffff, 1, 3), 0, false},
		{"array of itself", w.Array(w.NextID(), 1, 1), 0, false},
		{"array whose size does not fit 64 bits", w.Array(w.Array(w.Array(1, 1, 1<<24), 1, 1<<20), 1, 1<<20), 0, false},
		{"array whose count does not fit 32 bits", w.Array(w.Array(1, 1, 1<<16), 1, 1<<16), 0, false},
		{"array past 4 GiB by its element", w.Array(4, 1, 0xffffffff), 0, false},
		{"array of 4 GiB less a byte", w.Array(w.Int("char", 1, 1, 8), 1, 0xffffffff), 0xffffffff, true},
		{"past the end", 0xfffff, 0, false},
		{"the last id there is", 0xffffffff, 0, false},
	}
	table := w.Table(t)
	for _, tt := range tests {
		size, ok := table.Size(tt.id, 8)
		if ok != tt.ok || ok && size != tt.size {
			t.Errorf("%s: %d %v, want %d %v", tt.name, size, ok, tt.size, tt.ok)
		}
	}
	if size, ok := table.Size(btf.TypeID(btf.KindPtr), 4); size != 4 || !ok {
		t.Errorf("PTR of a 32-bit machine: %d %v", size, ok)
	}
	if size, ok := table.Size(btf.TypeID(btf.KindPtr), 0); ok {
		t.Errorf("PTR of unknown size: %d", size)
	}
}

// TestResolve holds where chains of modifiers end, and that loops and chains of
// more than 32 do not.
func TestResolve(t *testing.T) {
	w := btftest.New()
	target := w.Int("int", 4, 1, 32)
	chain := func(n int) btf.TypeID {
		id := target
		for range n {
			id = w.Const(id)
		}
		return id
	}
	loop := w.Typedef("loop", w.NextID()+1)
	w.Const(loop)
	tests := []struct {
		name string
		id   btf.TypeID
		want btf.TypeID
		ok   bool
	}{
		{"not a modifier", target, target, true},
		{"void", 0, 0, true},
		{"const void", w.Const(0), 0, true},
		{"every modifier", w.TypeTag("tag", w.Typedef("td", w.Volatile(w.Restrict(w.Const(target))))), target, true},
		{"32 modifiers", chain(32), target, true},
		{"33 modifiers", chain(33), 0, false},
		{"itself", w.Const(w.NextID()), 0, false},
		{"loop of two", loop, 0, false},
		{"past the end", w.Const(0xfffff), 0xfffff, false},
	}
	table := w.Table(t)
	for _, tt := range tests {
		typ, ok := table.Resolve(tt.id)
		if ok != tt.ok || typ.ID != tt.want {
			t.Errorf("%s: [%d] %v, want [%d] %v", tt.name, typ.ID, ok, tt.want, tt.ok)
		}
		if size, ok := table.Size(tt.id, 8); ok != (tt.ok && tt.want == target) {
			t.Errorf("%s: size %d %v", tt.name, size, ok)
		}
	}
}

// TestPointerSize holds that the base's long says how wide a pointer is.
func TestPointerSize(t *testing.T) {
	tests := []struct {
		name string
		size uint32
		want int
	}{
		{"long unsigned int", 8, 8}, {"long unsigned int", 4, 4}, {"unsigned long", 4, 4},
		{"long int", 4, 4}, {"long", 4, 4},
		{"long long int", 4, 8}, {"int", 4, 8}, {"long int", 16, 8},
	}
	for _, tt := range tests {
		w := btftest.New()
		w.Float("long", 4) // only an INT counts
		w.Int(tt.name, tt.size, 0, 8*tt.size)
		if got := w.Table(t).PointerSize(); got != tt.want {
			t.Errorf("%s of %d bytes: %d, want %d", tt.name, tt.size, got, tt.want)
		}
	}
	equal(t, "empty table", btftest.New().Table(t).PointerSize(), 8)
}
