// SPDX-License-Identifier: Apache-2.0

package evidence_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/evidence"
)

type writer = *btftest.Writer

// The types of newBase.
const (
	integer   = 1
	proto     = 2
	device    = 3 // a struct of 8 bytes
	variable  = 4
	function  = 5
	section   = 6
	alias     = 7
	flags     = 8 // an INT of 3 bits
	opaque    = 9 // a forward declaration
	afterBase = 10
)

func newBase() writer {
	w := btftest.New()
	w.Int("int", 4, 1, 32)
	w.FuncProto(0)
	w.Struct("device", 8, btftest.Member{Name: "id", Type: integer})
	w.Var("jiffies", integer, btftest.Global)
	w.Func("probe", proto, btftest.Static)
	w.Datasec(".data..percpu", 4, btftest.Entry{Type: variable, Size: 4})
	w.Typedef("u32", integer)
	w.Int("unsigned int", 4, 0, 3)
	w.Fwd("opaque", false)
	return w
}

// TestProofs holds each contradiction that a table can show, with its sentence.
func TestProofs(t *testing.T) {
	base := newBase()
	ownStrings := base.Split().NewString("x") // where the module's strings begin
	member := func(typ btf.TypeID, off, bits uint32) btftest.Member {
		return btftest.Member{Name: "id", Type: typ, Offset: off, Bits: bits}
	}
	const wrongKind = "1 reference to a kind that cannot stand there, first "
	const noFit = "1 member that does not fit its struct, first "
	tests := []struct {
		name  string
		add   func(m writer)
		proof evidence.Proof
		want  string
	}{
		{"name past the end", func(m writer) { m.Record(ownStrings, btftest.Info(btf.KindFwd, 0, false), 0) }, evidence.NamePastEnd,
			`1 name past the end of the strings, first the name of [10] FWD "(anon)": string offset 67 gives ""`},
		{"name inside a string of the base", func(m writer) { m.Record(2, btftest.Info(btf.KindFwd, 0, false), 0) }, evidence.NameMidString,
			`1 name that begins inside a string, first the name of [10] FWD "nt": string offset 2 gives "nt"`},
		{"parameter's name inside a string", func(m writer) { m.Record(0, btftest.Info(btf.KindFuncProto, 1, false), 0, 4, integer) }, evidence.NameMidString,
			`1 name that begins inside a string, first the param 0 of [10] FUNC_PROTO "(anon)": string offset 4 gives ""`},
		{"no identifier", func(m writer) { m.Typedef("unsigned int", integer) }, evidence.NameNoIdent,
			`1 name that is no identifier, first the name of [10] TYPEDEF "unsigned int": string offset 47 gives "unsigned int"`},
		{"enumerator is no identifier", func(m writer) { m.Enum("u32", 4, btftest.Enumerator{Name: "1st"}) }, evidence.NameNoIdent,
			`1 name that is no identifier, first the enumerator 0 of [10] ENUM "u32": string offset 67 gives "1st"`},
		{"empty string", func(m writer) {
			m.Typedef("u32", integer)
			m.Record(m.NewString(""), btftest.Info(btf.KindFwd, 0, false), 0)
		}, evidence.NameNoIdent,
			`1 name that is no identifier, first the name of [11] FWD "(anon)": string offset 67 gives ""`},
		{"past the last type", func(m writer) { m.Ptr(afterBase + 1) }, evidence.TypePastEnd,
			`1 reference past the last type, first the type of [10] PTR "(anon)": type [11] of 11`},
		{"function about a struct", func(m writer) { m.Func("probe", device, btftest.Static) }, evidence.FuncNoProto,
			`1 function without a prototype, first the type of [10] FUNC "probe": [3] STRUCT "device"`},
		{"function about void", func(m writer) { m.Func("probe", 0, btftest.Static) }, evidence.FuncNoProto,
			`1 function without a prototype, first the type of [10] FUNC "probe": [0] VOID "(anon)"`},
		{"section entry", func(m writer) { m.Datasec(".bss", 8, btftest.Entry{Type: variable}, btftest.Entry{Type: device}) }, evidence.EntryNoVar,
			`1 section entry that is no variable, first the entry 1 of [10] DATASEC ".bss": [3] STRUCT "device"`},
		{"pointer to a function", func(m writer) { m.Ptr(function) }, evidence.WrongKind,
			wrongKind + `the type of [10] PTR "(anon)": [5] FUNC "probe"`},
		{"pointer to a variable", func(m writer) { m.Ptr(variable) }, evidence.WrongKind,
			wrongKind + `the type of [10] PTR "(anon)": [4] VAR "jiffies"`},
		{"const section", func(m writer) { m.Const(section) }, evidence.WrongKind,
			wrongKind + `the type of [10] CONST "(anon)": [6] DATASEC ".data..percpu"`},
		{"parameter a prototype", func(m writer) { m.FuncProto(0, btftest.Param{Name: "id", Type: proto}) }, evidence.WrongKind,
			wrongKind + `the param 0 of [10] FUNC_PROTO "(anon)": [2] FUNC_PROTO "(anon)"`},
		{"void member", func(m writer) { m.Union("device", 8, member(0, 0, 0)) }, evidence.WrongKind,
			wrongKind + `the member 0 of [10] UNION "device": [0] VOID "(anon)"`},
		{"void element", func(m writer) { m.Array(0, integer, 1) }, evidence.WrongKind,
			wrongKind + `the element of [10] ARRAY "(anon)": [0] VOID "(anon)"`},
		{"void variable", func(m writer) { m.Var("jiffies", 0, btftest.Global) }, evidence.WrongKind,
			wrongKind + `the type of [10] VAR "jiffies": [0] VOID "(anon)"`},
		{"struct as index", func(m writer) { m.Array(integer, device, 1) }, evidence.WrongKind,
			wrongKind + `the index of [10] ARRAY "(anon)": [3] STRUCT "device"`},
		{"void as index", func(m writer) { m.Array(integer, 0, 1) }, evidence.WrongKind,
			wrongKind + `the index of [10] ARRAY "(anon)": [0] VOID "(anon)"`},
		{"tag of an INT", func(m writer) { m.DeclTag("tag", integer, -1) }, evidence.WrongKind,
			wrongKind + `the type of [10] DECL_TAG "tag": [1] INT "int"`},
		{"member overruns", func(m writer) { m.Struct("device", 4, member(device, 0, 0)) }, evidence.MemberNoFit,
			noFit + `"id" of [10] STRUCT "device": bits 0 to 64, behind bit 0 of 32`},
		{"member overlaps", func(m writer) { m.Struct("device", 16, member(device, 0, 0), member(alias, 32, 0)) }, evidence.MemberNoFit,
			noFit + `"id" of [10] STRUCT "device": bits 32 to 64, behind bit 64 of 128`},
		{"bitfields overlap", func(m writer) { m.Struct("device", 4, member(integer, 0, 5), member(integer, 4, 1)) }, evidence.MemberNoFit,
			noFit + `"id" of [10] STRUCT "device": bits 4 to 5, behind bit 5 of 32`},
		{"bitfield overruns", func(m writer) { m.Struct("device", 4, member(integer, 30, 3)) }, evidence.MemberNoFit,
			noFit + `"id" of [10] STRUCT "device": bits 30 to 33, behind bit 0 of 32`},
		{"pointers overlap", func(m writer) {
			p := m.Ptr(0)
			m.Struct("device", 16, member(p, 0, 0), member(p, 32, 0))
		}, evidence.MemberNoFit, noFit + `"id" of [11] STRUCT "device": bits 32 to 96, behind bit 64 of 128`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := base.Split()
			tt.add(m)
			e := examine(t, m.Table(t), evidence.Facts{PointerSize: 8})
			wantReasons(t, e, tt.want)
			for p, n := range e.Against {
				if (n > 0) != (evidence.Proof(p) == tt.proof) {
					t.Errorf("proof %d: %d", p, n)
				}
			}
			if !e.Contradicted() || e.Confirmed() {
				t.Errorf("contradicted %v, confirmed %v", e.Contradicted(), e.Confirmed())
			}
		})
	}
}

// examine examines a table with what was looked up of its base before, which makes no
// difference, whatever size pointers have on the base.
func examine(t *testing.T, table *btf.Table, facts evidence.Facts) *evidence.Evidence {
	t.Helper()
	e := evidence.Examine(table, facts)
	for _, size := range []int{0, 4, 8} {
		if d := cmp.Diff(e, evidence.NewBase(table.Base(), size).Examine(table, facts)); d != "" {
			t.Errorf("pointers of %d bytes on the base: (-without +with):\n%s", size, d)
		}
	}
	return e
}

func wantReasons(t *testing.T, e *evidence.Evidence, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, e.Reasons()); d != "" {
		t.Errorf("reasons (-want +got):\n%s", d)
	}
}

// TestNoProof has what is right and looks odd: none of it speaks against the
// base.
func TestNoProof(t *testing.T) {
	m := newBase().Split()
	ptr := m.Ptr(0)
	m.Const(0)
	m.Ptr(proto)
	m.Typedef("handler", proto)
	m.FuncProto(0, btftest.Param{})
	m.DeclTag("a tag", function, -1)
	m.TypeTag("user space", integer)
	m.Float("long double", 16)
	m.Datasec(".data one", 4)
	m.Func("aZ_z09A", proto, btftest.Static)
	m.Func("probe.isra.0", proto, btftest.Static)
	m.Array(integer, alias, 3)
	m.Struct("incomplete", 4, btftest.Member{Name: "o", Type: opaque}, btftest.Member{Name: "p", Type: integer})
	m.Union("both", 8, btftest.Member{Type: integer}, btftest.Member{Type: device})
	// INTs of 3 bits, as bitfields were before there was a kind flag.
	m.Struct("old", 1, btftest.Member{Name: "a", Type: flags}, btftest.Member{Name: "b", Type: flags, Offset: 3})
	m.Struct("flexible", 4, btftest.Member{Name: "n", Type: integer},
		btftest.Member{Name: "list", Type: m.NextID() + 1, Offset: 32})
	m.Array(device, integer, 0)
	m.Struct("narrow", 8, btftest.Member{Name: "p", Type: ptr}, btftest.Member{Name: "q", Type: ptr, Offset: 32})
	// Names that are none in C. The kernel may refuse them; the base is the right one.
	m.FuncProto(0, btftest.Param{Name: "$a", Type: integer})
	m.Struct("core::option::Option<&str>", 4, btftest.Member{Name: "__0", Type: integer})
	m.Typedef("operator=", integer)
	m.Struct("r::Mixed", 16, btftest.Member{Name: "a", Type: integer, Offset: 64}, btftest.Member{Name: "b", Type: device})
	m.Struct("Ok", 1, btftest.Member{Name: "__0", Type: integer, Offset: 8})
	// clang and gcc give a struct of variable length no size.
	m.Struct("variable", 0, btftest.Member{Name: "n", Type: integer}, btftest.Member{Name: "m", Type: integer, Offset: 32})
	e := examine(t, m.Table(t), evidence.Facts{PointerSize: 4})
	if e.Contradicted() {
		t.Errorf("%q", e.Reasons())
	}
}

// TestReasonsCount holds that each contradiction is one sentence, with its
// number and its first case.
func TestReasonsCount(t *testing.T) {
	m := newBase().Split()
	m.Ptr(99)
	m.Ptr(98)
	m.Record(2, btftest.Info(btf.KindFwd, 0, false), 0)
	m.Ptr(97)
	wantReasons(t, evidence.Examine(m.Table(t), evidence.Facts{PointerSize: 8}),
		`1 name that begins inside a string, first the name of [12] FWD "nt": string offset 2 gives "nt"`,
		`3 references past the last type, first the type of [10] PTR "(anon)": type [99] of 14`)
	for p, want := range []string{
		"2 names past the end of the strings", "2 names that begin inside a string", "2 names that are no identifiers",
		"2 references past the last type", "2 functions without a prototype", "2 section entries that are no variables",
		"2 references to kinds that cannot stand there", "2 members that do not fit their struct",
		"2 functions that the module does not have", "2 numbers in .BTF_ids that name something else",
	} {
		if got := evidence.Proof(p).Count(2); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestConfirmed holds each figure that it takes to confirm a base: with one less
// of any there is no contradiction and no confirmation.
func TestConfirmed(t *testing.T) {
	examine := func(own, names, types int, firstName bool) *evidence.Evidence {
		m := newBase().Split()
		if !firstName {
			m.NewString("unused")
		}
		for i := range own {
			m.Fwd("own"+string(rune('a'+i)), false)
		}
		for range names {
			m.Fwd("device", false)
		}
		for range types {
			m.Array(alias, integer, 1)
		}
		return evidence.Examine(m.Table(t), evidence.Facts{PointerSize: 8})
	}
	tests := []struct {
		name              string
		own, names, types int
		firstName         bool
		confirmed         bool
	}{
		{"just enough", 3, 3, 8, true, true},
		{"more", 5, 9, 20, true, true},
		{"own names", 2, 3, 8, true, false},
		{"base names", 3, 2, 8, true, false},
		{"base types", 3, 3, 7, true, false},
		{"first name", 3, 3, 8, false, false},
		{"nothing", 0, 0, 0, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := examine(tt.own, tt.names, tt.types, tt.firstName)
			if e.OwnNames != tt.own || e.BaseNames != tt.names || e.BaseTypes != tt.types || e.FirstName != tt.firstName {
				t.Errorf("counted %d own names, %d base names, %d base types, first %v", e.OwnNames, e.BaseNames, e.BaseTypes, e.FirstName)
			}
			if e.Confirmed() != tt.confirmed || e.Contradicted() {
				t.Errorf("confirmed %v, contradicted %v: %q", e.Confirmed(), e.Contradicted(), e.Reasons())
			}
		})
	}
	wantReasons(t, examine(3, 3, 8, true), "nothing contradicts this base; the module's own strings begin where the base's end, "+
		"3 own names, 3 base names and 8 base types fit, 0 functions with a symbol")
	wantReasons(t, examine(1, 2, 0, false), "too small to tell, though nothing contradicts this base: no name begins where the base's strings end, "+
		"own names fit: 1 of 3 needed, base names fit: 2 of 3 needed, base types fit: 0 of 8 needed")

	// One proof outweighs any confirmation.
	m := newBase().Split()
	for range 20 {
		m.Array(alias, integer, 1)
		m.Fwd("own", false)
		m.Fwd("device", false)
	}
	m.Ptr(function)
	if e := evidence.Examine(m.Table(t), evidence.Facts{PointerSize: 8}); !e.FirstName || e.OwnNames < 3 || e.BaseTypes < 8 || e.Confirmed() {
		t.Errorf("confirmed %v against %q", e.Confirmed(), e.Reasons())
	}
}

// TestBaseTypes holds which references count for the base: those where only one
// kind, or only a fitting size, would do, and only those into the base.
func TestBaseTypes(t *testing.T) {
	tests := []struct {
		name string
		add  func(m writer)
		want int
	}{
		{"pointer, typedef, element", func(m writer) {
			m.Ptr(device)
			m.Typedef("t", device)
			m.Array(device, m.NextID()+1, 1)
			m.Int("own", 4, 0, 32)
		}, 0},
		{"index", func(m writer) { m.Array(device, integer, 1) }, 1},
		{"prototype", func(m writer) { m.Func("f", proto, 0) }, 1},
		{"own prototype", func(m writer) { m.Func("f", m.FuncProto(0), 0) }, 0},
		{"entries", func(m writer) { m.Datasec(".d", 8, btftest.Entry{Type: variable}, btftest.Entry{Type: variable}) }, 2},
		{"members", func(m writer) {
			m.Struct("s", 16, btftest.Member{Type: device}, btftest.Member{Type: alias, Offset: 64}, btftest.Member{Type: opaque, Offset: 96})
		}, 2},
		{"members of a union", func(m writer) { m.Union("s", 16, btftest.Member{Type: device}) }, 0},
	}
	for _, tt := range tests {
		m := newBase().Split()
		tt.add(m)
		e := evidence.Examine(m.Table(t), evidence.Facts{PointerSize: 8})
		if e.BaseTypes != tt.want || e.Contradicted() {
			t.Errorf("%s: %d, want %d; %q", tt.name, e.BaseTypes, tt.want, e.Reasons())
		}
	}
}

// TestSymbols looks each FUNC up in the symbol table. One that is not there counts
// where the table has local functions and lacks most of those that BTF names.
func TestSymbols(t *testing.T) {
	tests := []struct {
		name    string
		funcs   string // in BTF
		symbols string // "none" for no symbol table
		all     bool   // it has local functions
		found   int
		missing int
	}{
		{"both there", "port_add probe", "port_add probe", true, 2, 0},
		{"none there", "port_add probe", "open close", true, 0, 2},
		{"most are not there", "port_add probe open", "open", true, 1, 2},
		{"one renamed by a tool", "port_add probe", "port_add probe_2", true, 1, 0},
		{"stripped of all local functions", "port_add probe", "init_module", false, 0, 0},
		{"stripped of some", "port_add probe open", "open", false, 1, 0},
		{"no symbol table", "port_add probe", "none", false, 0, 0},
		{"all arguments of a kfunc", "bpf_wq_set bpf_wq_set_impl", "bpf_wq_set", true, 2, 0},
	}
	for _, tt := range tests {
		m := newBase().Split()
		for _, name := range strings.Fields(tt.funcs) {
			m.Func(name, proto, btftest.Static)
		}
		facts := evidence.Facts{PointerSize: 8, AllFunctions: tt.all}
		if tt.symbols != "none" {
			facts.HasFunction = func(name []byte) bool { return slices.Contains(strings.Fields(tt.symbols), string(name)) }
		}
		e := evidence.Examine(m.Table(t), facts)
		if e.Functions != tt.found || e.Against[evidence.FuncNoSymbol] != tt.missing || e.Contradicted() != (tt.missing > 0) {
			t.Errorf("%s: %d found, %d missing; want %d and %d: %q", tt.name,
				e.Functions, e.Against[evidence.FuncNoSymbol], tt.found, tt.missing, e.Reasons())
		}
	}
	m := newBase().Split()
	m.Func("port_add", proto, btftest.Static)
	none := evidence.Facts{PointerSize: 8, AllFunctions: true, HasFunction: func([]byte) bool { return false }}
	wantReasons(t, evidence.Examine(m.Table(t), none), `1 function that the module does not have, first [10] FUNC "port_add"`)
}

// TestDiscount drops the kinds that the base shows by itself, and no other.
func TestDiscount(t *testing.T) {
	base := newBase()
	base.Struct("packed", 4, btftest.Member{Name: "id", Type: device})
	m := base.Split()
	m.Struct("own", 4, btftest.Member{Name: "id", Type: device})
	itself := evidence.Examine(base.Table(t), evidence.Facts{PointerSize: 8})
	e := evidence.Examine(m.Table(t), evidence.Facts{PointerSize: 8})
	if e.Discount(itself); e.Contradicted() {
		t.Errorf("%q, which the base shows too", e.Reasons())
	}
	m.Ptr(variable)
	e = evidence.Examine(m.Table(t), evidence.Facts{PointerSize: 8})
	e.Discount(itself)
	wantReasons(t, e, `1 reference to a kind that cannot stand there, first the type of [12] PTR "(anon)": [4] VAR "jiffies"`)
}

// TestIDs holds that the numbers of .BTF_ids name, as a set, what they should.
func TestIDs(t *testing.T) {
	m := newBase().Split()
	m.Func("port_add", proto, btftest.Static) // [10]
	table := m.Table(t)
	id := func(kind btf.Kind, name string, value btf.TypeID) evidence.ID {
		return evidence.ID{Kind: kind, Name: name, Value: value}
	}
	tests := []struct {
		name string
		ids  []evidence.ID
		good int
		want string
	}{
		{"in the other byte order", []evidence.ID{id(btf.KindFunc, "probe", 5<<24), id(btf.KindFunc, "port_add", 10<<24)}, 0, ""},
		{"in order", []evidence.ID{id(btf.KindFunc, "probe", 5), id(btf.KindFunc, "port_add", 10)}, 2, ""},
		{"sorted otherwise", []evidence.ID{id(btf.KindFunc, "port_add", 5), id(btf.KindFunc, "probe", 10)}, 2, ""},
		{"another name", []evidence.ID{id(btf.KindFunc, "port_remove", 10)}, 0, `1 number in .BTF_ids that names something else, first [10] FUNC "port_add"`},
		{"another kind", []evidence.ID{id(btf.KindStruct, "device", 3), id(btf.KindStruct, "u32", 7)}, 1, `1 number in .BTF_ids that names something else, first [7] TYPEDEF "u32"`},
		{"past the end", []evidence.ID{id(btf.KindFunc, "probe", 11)}, 0, `1 number in .BTF_ids that names something else, first type [11] of 11`},
	}
	for _, tt := range tests {
		e := evidence.Examine(table, evidence.Facts{PointerSize: 8, IDs: tt.ids})
		if e.IDs != tt.good {
			t.Errorf("%s: %d good, want %d", tt.name, e.IDs, tt.good)
		}
		if tt.want != "" {
			wantReasons(t, e, tt.want)
		} else if e.Contradicted() {
			t.Errorf("%s: %q", tt.name, e.Reasons())
		}
	}
}
