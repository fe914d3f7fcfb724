// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// large writes 100,000 types: structs that hold pointers to others, near and far,
// and functions that take them.
func large(tb testing.TB, version int) *btf.Table {
	w := btftest.New()
	num := w.Int("int", 4, 1, 32)
	first := w.NextID()
	const each, structs = 5, 20_000 // PTR, STRUCT, CONST, FUNC_PROTO, FUNC
	name := func(prefix byte, i int) uint32 {
		return w.NewString(string(prefix) + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676%26)) + string(rune('a'+i/17576)))
	}
	next, prev, value := w.String("next"), w.String("prev"), w.String("value")
	for i := range structs {
		at := func(i int) uint32 { return uint32(first) + each*uint32((i+structs)%structs) }
		size := uint32(24)
		if version == 1 && i%100 == 50 {
			size = 32
		}
		w.Record(0, btftest.Info(btf.KindPtr, 0, false), at(i)+1)
		w.Record(name('s', i), btftest.Info(btf.KindStruct, 3, false), size,
			next, at(i+1), 0, prev, at(i*7), 64, value, uint32(num), 128)
		w.Record(0, btftest.Info(btf.KindConst, 0, false), at(i)+1)
		w.Record(0, btftest.Info(btf.KindFuncProto, 1, false), uint32(num), value, at(i))
		w.Record(name('f', i), btftest.Info(btf.KindFunc, 0, false), at(i)+3)
	}
	if version == 1 {
		w.Func("one_more", w.FuncProto(num), btftest.Static)
		w.Func("two_more", w.FuncProto(0), btftest.Static)
	}
	return w.Table(tb)
}
