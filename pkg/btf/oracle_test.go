// SPDX-License-Identifier: Apache-2.0

package btf_test

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	cilium "github.com/cilium/ebpf/btf"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
	"github.com/obs-btf-guard/obs-btf-guard/internal/corpus"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// TestOracle holds that cilium/ebpf, written by others, reads the same out of
// the same tables: every type, name, size, reference, member, value, parameter,
// linkage and section entry. One goroutine only: its bases are not to be shared.
func TestOracle(t *testing.T) {
	t.Run("btftest", func(t *testing.T) {
		for _, w := range []*btftest.Writer{btftest.New(), btftest.NewBigEndian()} {
			all19(w)
			o := newOracle(t, w.Bytes())
			o.module(t, "module", all19(w.Split()).Bytes())
		}
	})
	for _, name := range []string{"le64", "be64", "le32"} {
		t.Run(name, func(t *testing.T) {
			o := newOracle(t, fixture.RawTable(t, name+".base"))
			if name != "le32" {
				o.module(t, name, fixture.RawTable(t, name+".module"))
			}
		})
	}
	for _, build := range []string{"5.15.12-1.1", "5.15.12-1.3"} {
		t.Run(build, func(t *testing.T) {
			b := fixture.Load(t, build)
			o := newOracle(t, b.BaseBTF)
			for _, m := range b.Modules {
				o.module(t, m.Name, m.BTF)
			}
			if len(b.Modules) < 7 {
				t.Errorf("only %d modules", len(b.Modules))
			}
		})
	}
}

// TestOracleCorpus is TestOracle over a distribution's kernels and a sample of
// their modules.
func TestOracleCorpus(t *testing.T) {
	k := corpus.LoadKernels(t)
	for kernel, base := range k.Bases {
		t.Run(kernel, func(t *testing.T) {
			o := newOracle(t, tableBytes(base))
			seen := map[string]bool{}
			for _, tr := range k.Trials {
				if tr.Kernel != kernel || tr.From != kernel || !tr.Checked || seen[tr.File] || len(seen) == 40 {
					continue
				}
				seen[tr.File] = true
				o.module(t, tr.File, tr.Data)
			}
			if len(seen) < 10 {
				t.Errorf("only %d modules", len(seen))
			}
		})
	}
}

// tableBytes puts a header before the sections of a parsed base.
func tableBytes(t *btf.Table) []byte {
	b := make([]byte, btf.HeaderSize)
	t.Order.PutUint16(b, btf.Magic)
	b[2] = 1
	nt, ns := uint32(len(t.TypeSection())), uint32(len(t.StringSection()))
	for i, v := range []uint32{btf.HeaderSize, 0, nt, nt, ns} {
		t.Order.PutUint32(b[4+4*i:], v)
	}
	return append(append(b, t.TypeSection()...), t.StringSection()...)
}

type oracle struct {
	base  *btf.Table
	other *cilium.Spec
}

func newOracle(t *testing.T, data []byte) *oracle {
	t.Helper()
	base, err := btf.Parse(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := cilium.LoadSpecFromReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "base", base, other)
	return &oracle{base, other}
}

func (o *oracle) module(t *testing.T, name string, data []byte) {
	t.Helper()
	table, err := btf.Parse(data, o.base)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	other, err := cilium.LoadSplitSpecFromReader(bytes.NewReader(data), o.other)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	compare(t, name, table, other)
}

func compare(t *testing.T, what string, table *btf.Table, other *cilium.Spec) {
	t.Helper()
	if table.Len() == 0 {
		t.Errorf("%s: no types", what)
	}
	n := 0
	for typ := range table.Types() {
		theirs, err := other.TypeByID(cilium.TypeID(typ.ID))
		if err != nil {
			t.Fatalf("%s: [%d]: %v", what, typ.ID, err)
		}
		if got, want := ourWords(table, typ), theirWords(t, other, theirs); got != want {
			t.Errorf("%s: [%d]\n  ours %s\ntheirs %s", what, typ.ID, got, want)
			if n++; n == 5 {
				t.Fatal("and so on")
			}
		}
	}
	if typ, err := other.TypeByID(cilium.TypeID(table.EndID())); err == nil {
		t.Errorf("%s: they have a type behind our last: %v", what, typ)
	}
}

// ourWords writes down all that our reader makes of a type.
func ourWords(table *btf.Table, t btf.Type) string {
	w := new(strings.Builder)
	kind := t.Kind()
	if kind == btf.KindEnum64 {
		kind = btf.KindEnum // they make no difference
	}
	fmt.Fprintf(w, "%v %q", kind, table.Name(t))
	switch t.Kind() {
	case btf.KindInt:
		fmt.Fprintf(w, " size %d encoding %d", t.SizeType, t.Word(0)>>24&0xf)
	case btf.KindFloat:
		fmt.Fprintf(w, " size %d", t.SizeType)
	case btf.KindArray:
		a := t.Array()
		fmt.Fprintf(w, " %d x %d by %d", a.Len, a.Elem, a.Index)
	case btf.KindStruct, btf.KindUnion:
		fmt.Fprintf(w, " size %d", t.SizeType)
		for i := range int(t.Vlen()) {
			m := t.Member(i)
			off, bits := m.BitOffset(), m.BitfieldSize()
			// They fold a bitfield of old, an INT narrower than its size, into the
			// member; we leave that to whoever asks. A base's INTs they leave too.
			if target, ok := table.Type(m.Type); ok && !t.KindFlag() && target.Kind() == btf.KindInt && target.ID >= table.StartID() {
				if d := target.Word(0); d&0xff != 8*target.SizeType || d>>16&0xff != 0 {
					off, bits = off+d>>16&0xff, d&0xff
				}
			}
			fmt.Fprintf(w, "; %q %d at %d:%d", table.String(m.NameOff), m.Type, off, bits)
		}
	case btf.KindEnum, btf.KindEnum64:
		fmt.Fprintf(w, " size %d signed %v", t.SizeType, t.KindFlag())
		for i := range int(t.Vlen()) {
			v := t.Enumerator(i)
			fmt.Fprintf(w, "; %q %#x", table.String(v.NameOff), v.Value)
		}
	case btf.KindFwd:
		fmt.Fprintf(w, " union %v", t.KindFlag())
	case btf.KindFunc:
		fmt.Fprintf(w, " %d linkage %d", t.SizeType, t.Vlen())
	case btf.KindFuncProto:
		fmt.Fprintf(w, " returns %d", t.SizeType)
		for i := range int(t.Vlen()) {
			p := t.Param(i)
			fmt.Fprintf(w, "; %q %d", table.String(p.NameOff), p.Type)
		}
	case btf.KindVar:
		fmt.Fprintf(w, " %d linkage %d", t.SizeType, t.Word(0))
	case btf.KindDatasec:
		fmt.Fprintf(w, " size %d", t.SizeType)
		for i := range int(t.Vlen()) {
			e := t.Entry(i)
			fmt.Fprintf(w, "; %d at %d size %d", e.Type, e.Offset, e.Size)
		}
	case btf.KindDeclTag:
		fmt.Fprintf(w, " %d component %d", t.SizeType, int32(t.Word(0)))
	default:
		fmt.Fprintf(w, " %d", t.SizeType)
	}
	return w.String()
}

// theirWords does the same for cilium/ebpf.
func theirWords(t *testing.T, spec *cilium.Spec, typ cilium.Type) string {
	t.Helper()
	id := func(typ cilium.Type) cilium.TypeID {
		id, err := spec.TypeID(typ)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	w := new(strings.Builder)
	head := func(kind btf.Kind) { fmt.Fprintf(w, "%v %q", kind, typ.TypeName()) }
	about := func(kind btf.Kind, target cilium.Type) {
		head(kind)
		fmt.Fprintf(w, " %d", id(target))
	}
	members := func(kind btf.Kind, size uint32, list []cilium.Member) {
		head(kind)
		fmt.Fprintf(w, " size %d", size)
		for _, m := range list {
			fmt.Fprintf(w, "; %q %d at %d:%d", m.Name, id(m.Type), m.Offset, m.BitfieldSize)
		}
	}
	switch typ := typ.(type) {
	case *cilium.Int:
		head(btf.KindInt)
		fmt.Fprintf(w, " size %d encoding %d", typ.Size, typ.Encoding)
	case *cilium.Float:
		head(btf.KindFloat)
		fmt.Fprintf(w, " size %d", typ.Size)
	case *cilium.Pointer:
		about(btf.KindPtr, typ.Target)
	case *cilium.Array:
		head(btf.KindArray)
		fmt.Fprintf(w, " %d x %d by %d", typ.Nelems, id(typ.Type), id(typ.Index))
	case *cilium.Struct:
		members(btf.KindStruct, typ.Size, typ.Members)
	case *cilium.Union:
		members(btf.KindUnion, typ.Size, typ.Members)
	case *cilium.Enum:
		head(btf.KindEnum)
		fmt.Fprintf(w, " size %d signed %v", typ.Size, typ.Signed)
		for _, v := range typ.Values {
			fmt.Fprintf(w, "; %q %#x", v.Name, v.Value)
		}
	case *cilium.Fwd:
		head(btf.KindFwd)
		fmt.Fprintf(w, " union %v", typ.Kind == cilium.FwdUnion)
	case *cilium.Typedef:
		about(btf.KindTypedef, typ.Type)
	case *cilium.Volatile:
		about(btf.KindVolatile, typ.Type)
	case *cilium.Const:
		about(btf.KindConst, typ.Type)
	case *cilium.Restrict:
		about(btf.KindRestrict, typ.Type)
	case *cilium.TypeTag:
		fmt.Fprintf(w, "%v %q %d", btf.KindTypeTag, typ.Value, id(typ.Type))
	case *cilium.Func:
		about(btf.KindFunc, typ.Type)
		fmt.Fprintf(w, " linkage %d", typ.Linkage)
	case *cilium.FuncProto:
		head(btf.KindFuncProto)
		fmt.Fprintf(w, " returns %d", id(typ.Return))
		for _, p := range typ.Params {
			fmt.Fprintf(w, "; %q %d", p.Name, id(p.Type))
		}
	case *cilium.Var:
		about(btf.KindVar, typ.Type)
		fmt.Fprintf(w, " linkage %d", typ.Linkage)
	case *cilium.Datasec:
		head(btf.KindDatasec)
		fmt.Fprintf(w, " size %d", typ.Size)
		for _, e := range typ.Vars {
			fmt.Fprintf(w, "; %d at %d size %d", id(e.Type), e.Offset, e.Size)
		}
	default: // a decl tag, whose type they do not export
		tag := reflect.ValueOf(typ).Elem()
		target := tag.FieldByName("Type").Interface().(cilium.Type)
		fmt.Fprintf(w, "%v %q %d component %d", btf.KindDeclTag, tag.FieldByName("Value"), id(target), tag.FieldByName("Index").Int())
	}
	return w.String()
}
