// SPDX-License-Identifier: Apache-2.0

package btf_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// TestKindString holds the kernel log's words for the kinds.
func TestKindString(t *testing.T) {
	for k, want := range map[btf.Kind]string{
		0: "VOID", 1: "INT", 2: "PTR", 3: "ARRAY", 4: "STRUCT", 5: "UNION", 6: "ENUM", 7: "FWD", 8: "TYPEDEF",
		9: "VOLATILE", 10: "CONST", 11: "RESTRICT", 12: "FUNC", 13: "FUNC_PROTO", 14: "VAR", 15: "DATASEC",
		16: "FLOAT", 17: "DECL_TAG", 18: "TYPE_TAG", 19: "ENUM64", 20: "KIND_20", 127: "KIND_127",
	} {
		if k.String() != want {
			t.Errorf("kind %d: %s, want %s", uint8(k), k, want)
		}
		modifier := k >= 8 && k <= 11 || k == 18
		if k.IsModifier() != modifier || k.IsComposite() != (k == 4 || k == 5) {
			t.Errorf("%s: modifier %v, composite %v", k, k.IsModifier(), k.IsComposite())
		}
	}
}

// all19 writes one type of every kind, INT with id 1 and so on: id and kind are
// equal.
func all19(w *btftest.Writer) *btftest.Writer {
	w.Int("int", 4, 1, 31)
	w.Ptr(4)
	w.Array(1, 16, 7)
	w.Struct("s", 24, btftest.Member{Name: "a", Type: 1, Offset: 5, Bits: 3}, btftest.Member{Name: "b", Type: 2, Offset: 64})
	w.Union("u", 8, btftest.Member{Name: "c", Type: 3}, btftest.Member{Name: "", Type: 4})
	w.Enum("e", 4, btftest.Enumerator{Name: "E_A", Value: -1}, btftest.Enumerator{Name: "E_B", Value: 2})
	w.Fwd("f", true)
	w.Typedef("t", 1)
	w.Volatile(1)
	w.Const(9)
	w.Restrict(2)
	w.Func("fn", 13, btftest.Extern)
	w.FuncProto(1, btftest.Param{Name: "p", Type: 2}, btftest.Param{})
	w.Var("v", 5, btftest.Global)
	w.Datasec(".data", 64, btftest.Entry{Type: 14, Offset: 8, Size: 16}, btftest.Entry{Type: 14, Offset: 32, Size: 8})
	w.Float("float", 4)
	w.DeclTag("dt", 4, 1)
	w.TypeTag("tt", 2)
	w.Enum64("e64", 8, btftest.Enumerator{Name: "E_C", Value: 1 << 40}, btftest.Enumerator{Name: "E_D", Value: 3})
	return w
}

// TestKinds holds what the accessors give for one type of each kind, in both
// byte orders.
func TestKinds(t *testing.T) {
	for name, w := range map[string]*btftest.Writer{"le": btftest.New(), "be": btftest.NewBigEndian()} {
		t.Run(name, func(t *testing.T) {
			table := all19(w).Table(t)
			str := table.String
			get := func(k btf.Kind) btf.Type {
				typ, ok := table.Type(btf.TypeID(k))
				if !ok || typ.ID != btf.TypeID(k) || typ.Kind() != k {
					t.Fatalf("type %d is [%d] %v, %v", k, typ.ID, typ.Kind(), ok)
				}
				return typ
			}
			type common struct {
				Name     string
				Vlen     uint32
				Flag     bool
				SizeType uint32
				Extra    uint64
			}
			for k, want := range map[btf.Kind]common{
				btf.KindInt: {"int", 0, false, 4, 4}, btf.KindPtr: {"", 0, false, 4, 0}, btf.KindArray: {"", 0, false, 0, 12},
				btf.KindStruct: {"s", 2, true, 24, 24}, btf.KindUnion: {"u", 2, false, 8, 24}, btf.KindEnum: {"e", 2, true, 4, 16},
				btf.KindFwd: {"f", 0, true, 0, 0}, btf.KindTypedef: {"t", 0, false, 1, 0}, btf.KindVolatile: {"", 0, false, 1, 0},
				btf.KindConst: {"", 0, false, 9, 0}, btf.KindRestrict: {"", 0, false, 2, 0}, btf.KindFunc: {"fn", 2, false, 13, 0},
				btf.KindFuncProto: {"", 2, false, 1, 16}, btf.KindVar: {"v", 0, false, 5, 4}, btf.KindDatasec: {".data", 2, false, 64, 24},
				btf.KindFloat: {"float", 0, false, 4, 0}, btf.KindDeclTag: {"dt", 0, false, 4, 4}, btf.KindTypeTag: {"tt", 0, false, 2, 0},
				btf.KindEnum64: {"e64", 2, false, 8, 24},
			} {
				typ := get(k)
				if got := (common{table.Name(typ), typ.Vlen(), typ.KindFlag(), typ.SizeType, typ.ExtraSize()}); got != want {
					t.Errorf("%v: %+v, want %+v", k, got, want)
				}
			}

			type member struct {
				Name      string
				Type      btf.TypeID
				Off, Bits uint32
			}
			members := func(typ btf.Type) (out []member) {
				for i := range int(typ.Vlen()) {
					m := typ.Member(i)
					out = append(out, member{str(m.NameOff), m.Type, m.BitOffset(), m.BitfieldSize()})
				}
				return out
			}
			equal(t, "STRUCT", members(get(btf.KindStruct)), []member{{"a", 1, 5, 3}, {"b", 2, 64, 0}})
			equal(t, "UNION", members(get(btf.KindUnion)), []member{{"c", 3, 0, 0}, {"", 4, 0, 0}})
			equal(t, "INT", get(btf.KindInt).Word(0), 1<<24|31)
			equal(t, "ARRAY", get(btf.KindArray).Array(), btf.Array{Elem: 1, Index: 16, Len: 7})
			equal(t, "VAR", get(btf.KindVar).Word(0), btftest.Global)
			equal(t, "DECL_TAG", get(btf.KindDeclTag).Word(0), 1)
			equal(t, "DATASEC", get(btf.KindDatasec).Entry(0), btf.Entry{Type: 14, Offset: 8, Size: 16})
			equal(t, "DATASEC", get(btf.KindDatasec).Entry(1), btf.Entry{Type: 14, Offset: 32, Size: 8})
			p := get(btf.KindFuncProto)
			equal(t, "FUNC_PROTO", str(p.Param(0).NameOff), "p")
			equal(t, "FUNC_PROTO", p.Param(0).Type, 2)
			equal(t, "FUNC_PROTO ...", p.Param(1), btf.Param{})
			e := get(btf.KindEnum)
			equal(t, "ENUM", str(e.Enumerator(0).NameOff), "E_A")
			equal(t, "signed ENUM", e.Enumerator(0).Value, 0xffffffffffffffff)
			equal(t, "ENUM", e.Enumerator(1).Value, 2)
			e = get(btf.KindEnum64)
			equal(t, "ENUM64", str(e.Enumerator(1).NameOff), "E_D")
			equal(t, "ENUM64", e.Enumerator(0).Value, 1<<40)
		})
	}
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// TestUnsignedEnum holds that an ENUM without the kind flag is not
// sign-extended, and that without it a member's offset has all 32 bits.
func TestUnsignedEnum(t *testing.T) {
	w := btftest.New()
	w.Enum("e", 4, btftest.Enumerator{Name: "v", Value: 0xffffffff})
	w.Struct("s", 4, btftest.Member{Name: "m", Type: 1, Offset: 0x12345678})
	table := w.Table(t)
	e, _ := table.Type(1)
	equal(t, "value", e.Enumerator(0).Value, 0xffffffff)
	s, _ := table.Type(2)
	equal(t, "offset", s.Member(0).BitOffset(), 0x12345678)
	equal(t, "bitfield size", s.Member(0).BitfieldSize(), 0)
}

// TestWideVlen holds the 24-bit vlen of Linux 7.2: a struct with more members
// than 16 bits can count keeps all of them and the types behind it.
func TestWideVlen(t *testing.T) {
	const n = 65_537
	members := make([]btftest.Member, n)
	for i := range members {
		members[i] = btftest.Member{Name: "m", Type: 1, Offset: uint32(i), Bits: 1}
	}
	for name, w := range map[string]*btftest.Writer{"le": btftest.New(), "be": btftest.NewBigEndian()} {
		w.Int("int", 4, 0, 32)
		w.Struct("wide", 8193, members...)
		w.Ptr(2)
		table := w.Table(t)
		s, _ := table.Type(2)
		if table.Len() != 3 || s.Vlen() != n || !s.KindFlag() || s.Kind() != btf.KindStruct {
			t.Fatalf("%s: %d types, vlen %d, flag %v, kind %v", name, table.Len(), s.Vlen(), s.KindFlag(), s.Kind())
		}
		if m := s.Member(n - 1); m.BitOffset() != n-1 || m.BitfieldSize() != 1 {
			t.Errorf("%s: last member at bit %d, %d wide", name, m.BitOffset(), m.BitfieldSize())
		}
		if p, ok := table.Type(3); !ok || p.Kind() != btf.KindPtr || p.SizeType != 2 {
			t.Errorf("%s: type behind it is %v", name, p)
		}
	}
}
