// SPDX-License-Identifier: Apache-2.0

package relocate

import (
	"errors"
	"fmt"
	"iter"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// Distill makes a .BTF.base section and the .BTF section that goes with it out
// of a module's table, which must be parsed on the very base it was built on.
// The sections are in the module's byte order. Types and strings are byte by byte
// what libbpf's btf__distill_base makes (tools/lib/bpf/btf.c); the header is the
// one of 24 bytes that every kernel knows, where libbpf 1.8 writes 32 with zeros
// at the end. The same table always gives the same bytes.
//
// A type of the base that the module needs goes where relocation can find it:
//
//   - INT, FLOAT and FWD into the distilled base, as they are;
//   - a named STRUCT or UNION into the distilled base, with its size and no members;
//   - a named ENUM or ENUM64 into the distilled base, as an ENUM with its size
//     and no values;
//   - all others (PTR, CONST, ARRAY, TYPEDEF, FUNC_PROTO, anonymous structs, ...)
//     into the module, before its own types, and what they refer to is needed too.
//
// In one case the result is not libbpf's: a module that needs nothing of its base
// still gets one type in its distilled base. On an empty one, a kernel would number the
// module's types from 0.
//
// A kernel may still fail to relocate the result: it cannot choose between two structs
// of one name and one size in its base. [Target.Module] predicts that.
//
// Errors name the type and the reference: an id or a string offset past the end,
// or a reference to a type of the base that may not be distilled (VAR, DATASEC,
// FUNC, DECL_TAG).
//
// The module keeps the types of its base that keep names, even those that no type of
// its own refers to: numbers in .BTF_ids do.
func Distill(module *btf.Table, keep ...btf.TypeID) (*Distilled, error) {
	if module.Base() == nil {
		return nil, errors.New("not a module's table: it has no base")
	}
	if module.Base().Len() == 0 {
		return nil, errors.New("the base has no types")
	}
	d := distillation{module: module, needed: make([]bool, module.StartID())}
	if err := d.findNeeded(keep); err != nil {
		return nil, err
	}
	if err := d.ensureBase(); err != nil {
		return nil, err
	}
	distilled, own := d.divide()
	base := newWriter(module.Order)
	if err := d.write(base, distilled); err != nil {
		return nil, err
	}
	split := base.split()
	if err := d.write(split, own); err != nil {
		return nil, err
	}
	return &Distilled{BTF: split.bytes(), Base: base.bytes(), module: module, ids: d.ids, start: btf.TypeID(len(distilled)) + 1}, nil
}

// distillation is one module on its way to a distilled base.
type distillation struct {
	module *btf.Table
	needed []bool       // by id of the base
	ids    []btf.TypeID // by id of base and module: the new id
}

// findNeeded marks the types of the base that the module needs.
func (d *distillation) findNeeded(keep []btf.TypeID) error {
	var queue []btf.Type
	for _, id := range keep {
		t, ok := d.module.Type(id)
		switch {
		case !ok:
			return fmt.Errorf("type id %d, the table ends at %d", id, d.module.EndID())
		case id == 0, id >= d.module.StartID(), d.needed[id]:
			continue
		case !distillable(t.Kind()):
			return fmt.Errorf("a %v of the base, [%d], cannot be distilled", t.Kind(), id)
		}
		d.needed[id] = true
		queue = append(queue, t)
	}
	need := func(t btf.Type) error {
		for ref := range t.TypeRefs() {
			to, ok := d.module.Type(ref.ID)
			switch {
			case !ok:
				return fmt.Errorf("type [%d] %v: type id %d, the table ends at %d", t.ID, ref, ref.ID, d.module.EndID())
			case ref.ID == 0, ref.ID >= d.module.StartID(), d.needed[ref.ID]:
				continue
			case !distillable(to.Kind()):
				return fmt.Errorf("type [%d] %v: a %v of the base, [%d], cannot be distilled", t.ID, ref, to.Kind(), ref.ID)
			}
			d.needed[ref.ID] = true
			queue = append(queue, to)
		}
		return nil
	}
	for t := range d.module.Types() {
		if err := need(t); err != nil {
			return err
		}
	}
	for len(queue) > 0 {
		t := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if t.Kind().IsComposite() && t.NameOff != 0 {
			continue // stays without members
		}
		if err := need(t); err != nil {
			return err
		}
	}
	return nil
}

func distillable(k btf.Kind) bool {
	switch k {
	case btf.KindFunc, btf.KindVar, btf.KindDatasec, btf.KindDeclTag:
		return false
	}
	return true
}

// inBase reports whether a needed type goes into the distilled base.
func inBase(t btf.Type) bool {
	switch t.Kind() {
	case btf.KindInt, btf.KindFloat, btf.KindFwd:
		return true
	case btf.KindStruct, btf.KindUnion, btf.KindEnum, btf.KindEnum64:
		return t.NameOff != 0
	}
	return false
}

// neededTypes walks the types of the base that are needed, by ascending id.
func (d *distillation) neededTypes() iter.Seq[btf.Type] {
	return func(yield func(btf.Type) bool) {
		for id, needed := range d.needed {
			if !needed {
				continue
			}
			if t, _ := d.module.Type(btf.TypeID(id)); !yield(t) {
				return
			}
		}
	}
}

// ensureBase makes sure that the distilled base has a type: if there is none, it takes an
// INT, as the names of these are unique.
func (d *distillation) ensureBase() error {
	for t := range d.neededTypes() {
		if inBase(t) {
			return nil
		}
	}
	for t := range d.module.Base().Types() {
		if t.Kind() == btf.KindInt && t.NameOff != 0 {
			d.needed[t.ID] = true
			return nil
		}
	}
	return errors.New("nothing of the base is needed, and it has no INT to put there instead")
}

// divide lists what goes into the distilled base and what into the module, by
// ascending id, and numbers it.
func (d *distillation) divide() (distilled, own []btf.Type) {
	for t := range d.neededTypes() {
		if inBase(t) {
			distilled = append(distilled, t)
		} else {
			own = append(own, t)
		}
	}
	for t := range d.module.Types() {
		own = append(own, t)
	}
	d.ids = make([]btf.TypeID, d.module.EndID())
	next := btf.TypeID(1)
	for _, list := range [][]btf.Type{distilled, own} {
		for _, t := range list {
			d.ids[t.ID] = next
			next++
		}
	}
	return distilled, own
}

// write adds the types to w under their new ids and with w's string offsets.
func (d *distillation) write(w *writer, types []btf.Type) error {
	for _, t := range types {
		rec := d.record(t)
		// A record that lost its members has lost their references too.
		for ref := range t.TypeRefs() {
			if ref.Word < len(rec) {
				rec[ref.Word] = uint32(d.ids[ref.ID])
			}
		}
		for ref := range t.NameRefs() {
			if ref.Word >= len(rec) || ref.Off == 0 {
				continue
			}
			name, ok := d.module.Bytes(ref.Off)
			if !ok {
				return fmt.Errorf("type [%d]: string offset %d, the strings end at %d", t.ID, ref.Off, d.module.EndString())
			}
			rec[ref.Word] = w.str(name)
		}
		w.add(rec)
	}
	return nil
}

// record gives the words of the type's record as they will be written, with ids
// and string offsets still the old ones.
func (d *distillation) record(t btf.Type) []uint32 {
	if t.ID < d.module.StartID() && inBase(t) {
		switch t.Kind() {
		case btf.KindStruct, btf.KindUnion:
			return []uint32{t.NameOff, uint32(t.Kind()) << 24, t.SizeType}
		case btf.KindEnum, btf.KindEnum64:
			return []uint32{t.NameOff, uint32(btf.KindEnum) << 24, t.SizeType}
		}
	}
	return t.AppendWords(nil)
}
