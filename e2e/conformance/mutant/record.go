// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// record adds a type that holds by itself, but for a name or an id now and then.
func (w *writer) record(kind btf.Kind) {
	info := func(vlen int, flag bool) uint32 { return btftest.Info(kind, vlen, flag) }
	vlen := w.rand.IntN(5)
	switch kind {
	case btf.KindInt:
		size := pick[uint32](w.Maker, 1, 2, 4, 8, 16)
		w.put(w.name(), info(0, false), size, pick[uint32](w.Maker, 0, 1, 2, 4)<<24|8*size)
	case btf.KindPtr, btf.KindConst, btf.KindVolatile, btf.KindRestrict:
		w.put(0, info(0, false), w.id())
	case btf.KindTypedef, btf.KindTypeTag:
		w.put(w.name(), info(0, false), w.id())
	case btf.KindArray:
		w.put(0, info(0, false), 0, w.id(), w.id(), uint32(w.rand.IntN(9)))
	case btf.KindStruct, btf.KindUnion:
		w.composite(kind, vlen)
	case btf.KindEnum, btf.KindEnum64:
		w.enum(kind, vlen)
	case btf.KindFwd:
		w.put(w.name(), info(0, w.chance(50)), 0)
	case btf.KindFunc:
		w.put(w.name(), info(w.rand.IntN(2), false), w.id())
	case btf.KindFuncProto:
		w.put(0, info(vlen, false), pick(w.Maker, 0, w.id()))
		for i := range vlen {
			if i == vlen-1 && w.chance(20) {
				w.put(0, 0)
				continue
			}
			w.put(w.maybeName(), w.id())
		}
	case btf.KindVar:
		w.put(w.name(), info(0, false), w.id(), uint32(w.rand.IntN(2)))
	case btf.KindDatasec:
		w.datasec(vlen)
	case btf.KindFloat:
		w.put(w.name(), info(0, false), pick[uint32](w.Maker, 2, 4, 8, 12, 16))
	case btf.KindDeclTag:
		w.put(w.name(), info(0, false), w.id(), uint32(w.rand.IntN(4))-1)
	}
}

func (w *writer) composite(kind btf.Kind, vlen int) {
	packed := w.chance(30)
	w.put(w.maybeName(), btftest.Info(kind, vlen, packed), uint32(8*vlen))
	for i := range vlen {
		off := uint32(64 * i)
		if kind == btf.KindUnion {
			off = 0
		}
		if packed && w.chance(50) {
			off |= uint32(1+w.rand.IntN(32)) << 24
		}
		w.put(w.maybeName(), w.id(), off)
	}
}

func (w *writer) enum(kind btf.Kind, vlen int) {
	w.put(w.maybeName(), btftest.Info(kind, vlen, w.chance(30)), pick[uint32](w.Maker, 1, 2, 4, 8))
	for range vlen {
		w.put(w.name(), w.rand.Uint32())
		if kind == btf.KindEnum64 {
			w.put(w.rand.Uint32())
		}
	}
}

func (w *writer) datasec(vlen int) {
	name := w.string(".data")
	if w.chance(10) {
		name = w.name()
	}
	w.put(name, btftest.Info(btf.KindDatasec, vlen, false), uint32(8*vlen+1))
	for i := range vlen {
		w.put(w.id(), uint32(8*i), uint32(1+w.rand.IntN(8)))
	}
}
