// SPDX-License-Identifier: Apache-2.0

package btftest

import "github.com/obs-btf-guard/obs-btf-guard/pkg/btf"

// Info packs an info word: bit 31 is the kind flag, kind takes 7 bits and vlen
// 24 as since Linux 7.2.
func Info(kind btf.Kind, vlen int, flag bool) uint32 {
	info := uint32(kind)&0x7f<<24 | uint32(vlen)&0xffffff
	if flag {
		info |= 1 << 31
	}
	return info
}

// Record adds a type of any content: the three words that all kinds have and
// what follows them.
func (w *Writer) Record(nameOff, info, sizeType uint32, extra ...uint32) btf.TypeID {
	w.types = w.append(w.types, nameOff, info, sizeType)
	w.types = w.append(w.types, extra...)
	w.count++
	return w.NextID() - 1
}

// Raw adds bytes to the type section that are no type, such as a record cut
// short.
func (w *Writer) Raw(b ...byte) { w.types = append(w.types, b...) }

func (w *Writer) named(name string, info, sizeType uint32, extra ...uint32) btf.TypeID {
	return w.Record(w.String(name), info, sizeType, extra...)
}

// Int adds an INT. encoding is 0, 1 (signed), 2 (char) or 4 (bool).
func (w *Writer) Int(name string, size, encoding, bits uint32) btf.TypeID {
	return w.named(name, Info(btf.KindInt, 0, false), size, encoding<<24|bits)
}

// Float adds a FLOAT.
func (w *Writer) Float(name string, size uint32) btf.TypeID {
	return w.named(name, Info(btf.KindFloat, 0, false), size)
}

// Ptr adds a PTR.
func (w *Writer) Ptr(to btf.TypeID) btf.TypeID { return w.about(btf.KindPtr, to) }

// Const adds a CONST.
func (w *Writer) Const(of btf.TypeID) btf.TypeID { return w.about(btf.KindConst, of) }

// Volatile adds a VOLATILE.
func (w *Writer) Volatile(of btf.TypeID) btf.TypeID { return w.about(btf.KindVolatile, of) }

// Restrict adds a RESTRICT.
func (w *Writer) Restrict(of btf.TypeID) btf.TypeID { return w.about(btf.KindRestrict, of) }

func (w *Writer) about(kind btf.Kind, id btf.TypeID) btf.TypeID {
	return w.Record(0, Info(kind, 0, false), uint32(id))
}

// Typedef adds a TYPEDEF.
func (w *Writer) Typedef(name string, of btf.TypeID) btf.TypeID {
	return w.named(name, Info(btf.KindTypedef, 0, false), uint32(of))
}

// TypeTag adds a TYPE_TAG.
func (w *Writer) TypeTag(value string, of btf.TypeID) btf.TypeID {
	return w.named(value, Info(btf.KindTypeTag, 0, false), uint32(of))
}

// DeclTag adds a DECL_TAG. component counts members or parameters, -1 is the
// type itself.
func (w *Writer) DeclTag(value string, of btf.TypeID, component int32) btf.TypeID {
	return w.named(value, Info(btf.KindDeclTag, 0, false), uint32(of), uint32(component))
}

// Fwd adds a FWD, of a union if union is set.
func (w *Writer) Fwd(name string, union bool) btf.TypeID {
	return w.named(name, Info(btf.KindFwd, 0, union), 0)
}

// Array adds an ARRAY.
func (w *Writer) Array(elem, index btf.TypeID, n uint32) btf.TypeID {
	return w.Record(0, Info(btf.KindArray, 0, false), 0, uint32(elem), uint32(index), n)
}

// Member is a member of a struct or union. Offset and Bits count bits; Bits is 0
// for a member that is no bitfield.
type Member struct {
	Name         string
	Type         btf.TypeID
	Offset, Bits uint32
}

// Struct adds a STRUCT. It sets the kind flag if a member is a bitfield.
func (w *Writer) Struct(name string, size uint32, members ...Member) btf.TypeID {
	return w.composite(btf.KindStruct, name, size, members)
}

// Union adds a UNION, as Struct does.
func (w *Writer) Union(name string, size uint32, members ...Member) btf.TypeID {
	return w.composite(btf.KindUnion, name, size, members)
}

func (w *Writer) composite(kind btf.Kind, name string, size uint32, members []Member) btf.TypeID {
	off := w.String(name)
	packed := false
	extra := make([]uint32, 0, 3*len(members))
	for _, m := range members {
		packed = packed || m.Bits != 0
		extra = append(extra, w.String(m.Name), uint32(m.Type), m.Offset|m.Bits<<24)
	}
	return w.Record(off, Info(kind, len(members), packed), size, extra...)
}

// Enumerator is a value of an enum.
type Enumerator struct {
	Name  string
	Value int64
}

// Enum adds an ENUM. It sets the kind flag (signed) if a value is negative.
func (w *Writer) Enum(name string, size uint32, values ...Enumerator) btf.TypeID {
	return w.enum(btf.KindEnum, name, size, values)
}

// Enum64 adds an ENUM64, as Enum does.
func (w *Writer) Enum64(name string, size uint32, values ...Enumerator) btf.TypeID {
	return w.enum(btf.KindEnum64, name, size, values)
}

func (w *Writer) enum(kind btf.Kind, name string, size uint32, values []Enumerator) btf.TypeID {
	off := w.String(name)
	signed := false
	var extra []uint32
	for _, v := range values {
		signed = signed || v.Value < 0
		extra = append(extra, w.String(v.Name), uint32(v.Value))
		if kind == btf.KindEnum64 {
			extra = append(extra, uint32(uint64(v.Value)>>32))
		}
	}
	return w.Record(off, Info(kind, len(values), signed), size, extra...)
}

// Param is a parameter of a function. The zero Param at the end stands for
// "...".
type Param struct {
	Name string
	Type btf.TypeID
}

// FuncProto adds a FUNC_PROTO.
func (w *Writer) FuncProto(ret btf.TypeID, params ...Param) btf.TypeID {
	var extra []uint32
	for _, p := range params {
		extra = append(extra, w.String(p.Name), uint32(p.Type))
	}
	return w.Record(0, Info(btf.KindFuncProto, len(params), false), uint32(ret), extra...)
}

// Linkages of a FUNC or VAR.
const (
	Static = 0
	Global = 1
	Extern = 2
)

// Func adds a FUNC.
func (w *Writer) Func(name string, proto btf.TypeID, linkage int) btf.TypeID {
	return w.named(name, Info(btf.KindFunc, linkage, false), uint32(proto))
}

// Var adds a VAR.
func (w *Writer) Var(name string, of btf.TypeID, linkage uint32) btf.TypeID {
	return w.named(name, Info(btf.KindVar, 0, false), uint32(of), linkage)
}

// Entry is a variable in a section; Offset and Size count bytes.
type Entry struct {
	Type         btf.TypeID
	Offset, Size uint32
}

// Datasec adds a DATASEC.
func (w *Writer) Datasec(name string, size uint32, entries ...Entry) btf.TypeID {
	off := w.String(name)
	var extra []uint32
	for _, e := range entries {
		extra = append(extra, uint32(e.Type), e.Offset, e.Size)
	}
	return w.Record(off, Info(btf.KindDatasec, len(entries), false), size, extra...)
}
