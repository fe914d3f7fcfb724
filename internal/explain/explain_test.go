// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// kernel is a base in the making: some types that any kernel has, and what a test
// adds.
type kernel struct {
	*btftest.Writer
	num, char, long btf.TypeID
	list            btf.TypeID // struct list_head, which refers to itself
}

type member = btftest.Member

// machines are the byte orders and word sizes.
var machines = []struct {
	name string
	big  bool
	word uint32 // bytes of a pointer
}{{"le64", false, 8}, {"be64", true, 8}, {"le32", false, 4}, {"be32", true, 4}}

func newKernel(big bool, word uint32) kernel {
	k := kernel{Writer: btftest.New()}
	if big {
		k.Writer = btftest.NewBigEndian()
	}
	k.num = k.Int("int", 4, 1, 32)
	k.char = k.Int("char", 1, 1, 8)
	k.long = k.Int("long unsigned int", word, 0, 8*word)
	ptr := k.NextID() + 1
	k.list = k.Struct("list_head", 2*word, member{Name: "next", Type: ptr}, member{Name: "prev", Type: ptr, Offset: 8 * word})
	k.Ptr(k.list)
	return k
}

// inShort gives the changes in short, ranked, and behind them what was folded.
func inShort(d *Diff) []string {
	var out []string
	for _, c := range d.Changes {
		s := fmt.Sprintf("%s %s %s", c.Op, c.Kind, c.Name)
		if c.Old+c.New != "" {
			s += ": " + strings.Trim(c.Old+" → "+c.New, " →")
		}
		out = append(out, s)
		for _, m := range c.Members {
			s := "  " + string(m.Op) + " " + m.Name
			if m.Old != nil {
				s += fmt.Sprintf(" [%s @%d+%d]", m.Old.Text, m.Old.Offset, m.Old.Size)
			}
			if m.New != nil {
				s += fmt.Sprintf(" [%s @%d+%d]", m.New.Text, m.New.Offset, m.New.Size)
			}
			out = append(out, s)
		}
	}
	for _, f := range d.Folded {
		if f.Name != "" {
			out = append(out, fmt.Sprintf("folded %s %s through %s", f.Kind, f.Name, f.Through))
		}
	}
	return out
}

func TestChanges(t *testing.T) {
	for _, tc := range []struct {
		name     string
		old, new func(k kernel)
		want     []string
	}{
		{
			name: "nothing",
			old:  func(k kernel) { k.Func("f", k.FuncProto(0), 0) },
			new:  func(k kernel) { k.Func("f", k.FuncProto(0), 0) },
		},
		{
			name: "functions added and removed, with signatures",
			old:  func(k kernel) { k.Func("gone", k.FuncProto(0), 0) },
			new: func(k kernel) {
				k.Func("walk", k.FuncProto(k.Ptr(k.Const(k.char)), btftest.Param{Name: "l", Type: k.Ptr(k.list)}, btftest.Param{}), 0)
			},
			want: []string{
				"removed FUNC gone: (void)",
				"added FUNC walk: (struct list_head *, ...) returns const char *",
			},
		},
		{
			name: "a signature changed",
			old:  func(k kernel) { k.Func("f", k.FuncProto(k.num, btftest.Param{Name: "a", Type: k.num}), 0) },
			new:  func(k kernel) { k.Func("f", k.FuncProto(k.num, btftest.Param{Name: "a", Type: k.long}), 0) },
			want: []string{"changed FUNC f: (int) → (long unsigned int)"},
		},
		{
			name: "a parameter renamed",
			old:  func(k kernel) { k.Func("f", k.FuncProto(k.num, btftest.Param{Name: "a", Type: k.num}), 0) },
			new:  func(k kernel) { k.Func("f", k.FuncProto(k.num, btftest.Param{Name: "b", Type: k.num}), 0) },
			want: []string{"changed FUNC f: (int a) → (int b)"},
		},
		{
			name: "members added, removed, retyped, moved",
			old: func(k kernel) {
				k.Struct("s", 16, member{Name: "a", Type: k.num}, member{Name: "gone", Type: k.num, Offset: 32},
					member{Name: "b", Type: k.num, Offset: 64}, member{Name: "c", Type: k.num, Offset: 96})
			},
			new: func(k kernel) {
				k.Struct("s", 20, member{Name: "a", Type: k.num}, member{Name: "b", Type: k.num, Offset: 32},
					member{Name: "more", Type: k.Array(k.char, k.num, 8), Offset: 64}, member{Name: "c", Type: k.char, Offset: 128})
			},
			want: []string{
				"changed STRUCT s: 16 bytes → 20 bytes",
				"  removed gone [int gone @32+32]",
				"  moved b [int b @64+32] [int b @32+32]",
				"  added more [char more[8] @64+64]",
				"  changed c [int c @96+32] [char c @128+8]",
			},
		},
		{
			name: "a bitfield",
			old:  func(k kernel) { k.Struct("s", 4, member{Name: "x", Type: k.num, Bits: 3}) },
			new:  func(k kernel) { k.Struct("s", 4, member{Name: "x", Type: k.num, Bits: 4}) },
			want: []string{
				"changed STRUCT s: 4 bytes → 4 bytes",
				"  changed x [int x:3 @0+3] [int x:4 @0+4]",
			},
		},
		{
			name: "members of members without a name",
			old: func(k kernel) {
				u := k.Union("", 4, member{Name: "raw", Type: k.num})
				k.Struct("s", 8, member{Name: "u", Type: u}, member{Type: u, Offset: 32})
			},
			new: func(k kernel) {
				u := k.Union("", 4, member{Name: "raw", Type: k.num}, member{Name: "b", Type: k.char})
				k.Struct("s", 8, member{Name: "u", Type: u}, member{Type: u, Offset: 32})
			},
			want: []string{
				"changed STRUCT s: 8 bytes → 8 bytes",
				"  added u.b [char b @0+8]",
				"  added b [char b @32+8]",
			},
		},
		{
			name: "a function pointer in a struct",
			old: func(k kernel) {
				k.Struct("ops", 4, member{Name: "get", Type: k.Ptr(k.FuncProto(k.num, btftest.Param{Type: k.num}))})
			},
			new: func(k kernel) {
				k.Struct("ops", 4, member{Name: "get", Type: k.Ptr(k.FuncProto(k.num, btftest.Param{Type: k.num}, btftest.Param{Type: k.num}))})
			},
			want: []string{
				"changed STRUCT ops: 4 bytes → 4 bytes",
				"  changed get [int (*get)(int) @0+WORD] [int (*get)(int, int) @0+WORD]",
			},
		},
		{
			name: "an enum's values",
			old:  func(k kernel) { k.Enum("e", 4, btftest.Enumerator{Name: "A"}, btftest.Enumerator{Name: "B", Value: 1}) },
			new: func(k kernel) {
				k.Enum("e", 4, btftest.Enumerator{Name: "A"}, btftest.Enumerator{Name: "N", Value: -1}, btftest.Enumerator{Name: "B", Value: 2})
			},
			want: []string{
				"changed ENUM e: 4 bytes → 4 bytes",
				"  added N [N = -1 @0+0]",
				"  changed B [B = 1 @0+0] [B = 2 @0+0]",
			},
		},
		{
			name: "an enum that is known by its values only",
			old:  func(k kernel) { k.Enum("", 4, btftest.Enumerator{Name: "A"}) },
			new:  func(k kernel) { k.Enum("", 4, btftest.Enumerator{Name: "A"}, btftest.Enumerator{Name: "B", Value: 1}) },
			want: []string{
				"changed ENUM : {A} → {A, B}",
				"  added B [B = 1 @0+0]",
			},
		},
		{
			name: "an enum that became wide",
			old:  func(k kernel) { k.Enum("e", 4, btftest.Enumerator{Name: "A"}) },
			new:  func(k kernel) { k.Enum64("e", 8, btftest.Enumerator{Name: "A"}) },
			want: []string{"changed ENUM64 e: 4 bytes → 8 bytes"},
		},
		{
			name: "a declared struct that is defined now",
			old:  func(k kernel) { k.Func("f", k.FuncProto(0, btftest.Param{Type: k.Ptr(k.Fwd("s", false))}), 0) },
			new: func(k kernel) {
				k.Func("f", k.FuncProto(0, btftest.Param{Type: k.Ptr(k.Struct("s", 4, member{Name: "a", Type: k.num}))}), 0)
			},
			want: []string{
				"changed STRUCT s: declared only → 4 bytes",
				"  added a [int a @0+32]",
				"folded FUNC f through struct s",
			},
		},
		{
			name: "typedefs and variables",
			old: func(k kernel) {
				k.Typedef("t", k.num)
				k.Var("v", k.num, 1)
				k.Typedef("anon_t", k.Struct("", 4, member{Name: "a", Type: k.num}))
			},
			new: func(k kernel) {
				k.Typedef("t", k.long)
				k.Var("v", k.Array(k.num, k.num, 2), 1)
				k.Typedef("anon_t", k.Struct("", 4, member{Name: "b", Type: k.num}))
			},
			want: []string{
				"changed TYPEDEF anon_t: struct {...} → struct {...}",
				"  removed a [int a @0+32]",
				"  added b [int b @0+32]",
				"changed TYPEDEF t: int → long unsigned int",
				"changed VAR v: int → int [2]",
			},
		},
		{
			name: "a section",
			old: func(k kernel) {
				k.Datasec(".data..percpu", 8, btftest.Entry{Type: k.Var("a", k.num, 1), Size: 4}, btftest.Entry{Type: k.Var("b", k.num, 1), Offset: 4, Size: 4})
			},
			new: func(k kernel) {
				k.Datasec(".data..percpu", 12, btftest.Entry{Type: k.Var("a", k.num, 1), Size: 4},
					btftest.Entry{Type: k.Var("more", k.num, 1), Offset: 4, Size: 4}, btftest.Entry{Type: k.Var("b", k.num, 1), Offset: 8, Size: 4})
			},
			want: []string{
				"added VAR more: int",
				"changed DATASEC .data..percpu: 8 bytes → 12 bytes",
				"  added more [VAR more @32+32]",
				"  moved b [VAR b @32+32] [VAR b @64+32]",
			},
		},
		{
			name: "what follows is folded, and what drags more comes first",
			old: func(k kernel) {
				k.Struct("aaa", 4, member{Name: "x", Type: k.num})
				leaf := k.Struct("leaf", 4, member{Name: "x", Type: k.num})
				mid := k.Struct("mid", 8, member{Name: "p", Type: k.Ptr(leaf)})
				k.Func("f", k.FuncProto(0, btftest.Param{Type: k.Ptr(mid)}), 0)
			},
			new: func(k kernel) {
				k.Struct("aaa", 4, member{Name: "y", Type: k.num})
				leaf := k.Struct("leaf", 8, member{Name: "x", Type: k.num}, member{Name: "y", Type: k.num, Offset: 32})
				mid := k.Struct("mid", 8, member{Name: "p", Type: k.Ptr(leaf)})
				k.Func("f", k.FuncProto(0, btftest.Param{Type: k.Ptr(mid)}), 0)
			},
			want: []string{
				"changed STRUCT leaf: 4 bytes → 8 bytes",
				"  added y [int y @32+32]",
				"changed STRUCT aaa: 4 bytes → 4 bytes",
				"  removed x [int x @0+32]",
				"  added y [int y @0+32]",
				"folded STRUCT mid through struct leaf",
				"folded FUNC f through struct leaf",
			},
		},
		{
			name: "offsets that follow from a member's size are folded",
			old: func(k kernel) {
				leaf := k.Struct("leaf", 4, member{Name: "x", Type: k.num})
				u := k.Union("", 4, member{Name: "l", Type: leaf})
				k.Struct("outer", 8, member{Type: u}, member{Name: "after", Type: k.num, Offset: 32})
				k.Datasec("sec", 8, btftest.Entry{Type: k.Var("a", leaf, 1), Size: 4}, btftest.Entry{Type: k.Var("b", k.num, 1), Offset: 4, Size: 4})
			},
			new: func(k kernel) {
				leaf := k.Struct("leaf", 8, member{Name: "x", Type: k.num}, member{Name: "y", Type: k.num, Offset: 32})
				u := k.Union("", 8, member{Name: "l", Type: leaf})
				k.Struct("outer", 12, member{Type: u}, member{Name: "after", Type: k.num, Offset: 64})
				k.Datasec("sec", 12, btftest.Entry{Type: k.Var("a", leaf, 1), Size: 8}, btftest.Entry{Type: k.Var("b", k.num, 1), Offset: 8, Size: 4})
			},
			want: []string{
				"changed STRUCT leaf: 4 bytes → 8 bytes",
				"  added y [int y @32+32]",
				"folded STRUCT outer through struct leaf",
				"folded VAR a through struct leaf",
				"folded DATASEC sec through struct leaf",
			},
		},
		{
			name: "offsets that do not follow are not folded",
			old: func(k kernel) {
				leaf := k.Struct("leaf", 4, member{Name: "x", Type: k.num})
				k.Struct("outer", 12, member{Name: "a", Type: k.num}, member{Name: "b", Type: k.num, Offset: 32}, member{Name: "l", Type: leaf, Offset: 64})
			},
			new: func(k kernel) {
				leaf := k.Struct("leaf", 8, member{Name: "x", Type: k.num}, member{Name: "y", Type: k.num, Offset: 32})
				k.Struct("outer", 20, member{Name: "a", Type: k.num}, member{Name: "b", Type: k.num, Offset: 64}, member{Name: "l", Type: leaf, Offset: 96})
			},
			want: []string{
				"changed STRUCT leaf: 4 bytes → 8 bytes",
				"  added y [int y @32+32]",
				"changed STRUCT outer: 12 bytes → 20 bytes",
				"  moved b [int b @32+32] [int b @64+32]",
				"  moved l [struct leaf l @64+32] [struct leaf l @96+64]",
			},
		},
		{
			name: "a struct that refers to itself",
			old: func(k kernel) {
				k.Struct("node", 8, member{Name: "next", Type: k.NextID() + 1})
				k.Ptr(k.NextID() - 1)
			},
			new: func(k kernel) {
				k.Struct("node", 12, member{Name: "next", Type: k.NextID() + 1}, member{Name: "n", Type: k.num, Offset: 64})
				k.Ptr(k.NextID() - 1)
			},
			want: []string{
				"changed STRUCT node: 8 bytes → 12 bytes",
				"  added n [int n @64+32]",
			},
		},
		{
			name: "static functions of one name",
			old: func(k kernel) {
				for _, param := range []btf.TypeID{k.num, k.char, k.long} {
					k.Func("show", k.FuncProto(0, btftest.Param{Name: "a", Type: param}), 0)
				}
			},
			new: func(k kernel) {
				for _, param := range []btf.TypeID{k.long, k.num} {
					k.Func("show", k.FuncProto(0, btftest.Param{Name: "a", Type: param}), 0)
				}
			},
			want: []string{"removed FUNC show: (char)"},
		},
		{
			name: "structs of one name",
			old: func(k kernel) {
				k.Struct("opt", 8, member{Name: "a", Type: k.num}, member{Name: "b", Type: k.num, Offset: 32})
				k.Struct("opt", 8, member{Name: "x", Type: k.num}, member{Name: "y", Type: k.num, Offset: 32})
			},
			new: func(k kernel) {
				k.Struct("opt", 8, member{Name: "x", Type: k.num}, member{Name: "z", Type: k.num, Offset: 32})
				k.Struct("opt", 8, member{Name: "a", Type: k.num}, member{Name: "b", Type: k.num, Offset: 32})
			},
			want: []string{
				"changed STRUCT opt: 8 bytes → 8 bytes",
				"  removed y [int y @32+32]",
				"  added z [int z @32+32]",
			},
		},
		{
			name: "a pointer to the other of two structs of one name",
			old: func(k kernel) {
				a := k.Struct("opt", 4, member{Name: "a", Type: k.num})
				k.Struct("opt", 4, member{Name: "x", Type: k.num})
				k.Func("f", k.FuncProto(0, btftest.Param{Type: k.Ptr(a)}), 0)
			},
			new: func(k kernel) {
				k.Struct("opt", 4, member{Name: "a", Type: k.num})
				x := k.Struct("opt", 4, member{Name: "x", Type: k.num})
				k.Func("f", k.FuncProto(0, btftest.Param{Type: k.Ptr(x)}), 0)
			},
			want: []string{"folded FUNC f through struct opt"},
		},
		{
			// Pahole may keep two copies of a struct, and which one a function leads to
			// means nothing: what changed is what both lead to.
			name: "copies of a struct that change places",
			old: func(k kernel) {
				leaf := k.Struct("leaf", 4, member{Name: "x", Type: k.num})
				one := k.Struct("slot", 8, member{Name: "l", Type: k.Ptr(leaf)})
				two := k.Struct("slot", 8, member{Name: "l", Type: k.Ptr(leaf)})
				k.Func("f", k.FuncProto(0, btftest.Param{Type: k.Ptr(one)}), 0)
				k.Func("g", k.FuncProto(0, btftest.Param{Type: k.Ptr(two)}), 0)
			},
			new: func(k kernel) {
				leaf := k.Struct("leaf", 8, member{Name: "x", Type: k.num}, member{Name: "y", Type: k.num, Offset: 32})
				one := k.Struct("slot", 8, member{Name: "l", Type: k.Ptr(leaf)})
				two := k.Struct("slot", 8, member{Name: "l", Type: k.Ptr(leaf)})
				k.Func("f", k.FuncProto(0, btftest.Param{Type: k.Ptr(two)}), 0)
				k.Func("g", k.FuncProto(0, btftest.Param{Type: k.Ptr(one)}), 0)
			},
			want: []string{
				"changed STRUCT leaf: 4 bytes → 8 bytes",
				"  added y [int y @32+32]",
				"folded STRUCT slot through struct leaf",
				"folded STRUCT slot through struct leaf",
				"folded FUNC f through struct leaf",
				"folded FUNC g through struct leaf",
			},
		},
		{
			name: "another struct that looks the same and leads elsewhere",
			old: func(k kernel) {
				a := k.Struct("leaf", 4, member{Name: "a", Type: k.num})
				b := k.Struct("leaf", 4, member{Name: "b", Type: k.num})
				one := k.Struct("slot", 8, member{Name: "l", Type: k.Ptr(a)})
				two := k.Struct("slot", 8, member{Name: "l", Type: k.Ptr(b)})
				k.Func("f", k.FuncProto(0, btftest.Param{Type: k.Ptr(one)}), 0)
				k.Func("g", k.FuncProto(0, btftest.Param{Type: k.Ptr(two)}), 0)
			},
			new: func(k kernel) {
				a := k.Struct("leaf", 4, member{Name: "a", Type: k.num})
				b := k.Struct("leaf", 4, member{Name: "b", Type: k.num})
				k.Struct("slot", 8, member{Name: "l", Type: k.Ptr(a)})
				two := k.Struct("slot", 8, member{Name: "l", Type: k.Ptr(b)})
				k.Func("f", k.FuncProto(0, btftest.Param{Type: k.Ptr(two)}), 0)
				k.Func("g", k.FuncProto(0, btftest.Param{Type: k.Ptr(two)}), 0)
			},
			want: []string{"folded FUNC f through struct slot"},
		},
		{
			// Pointers to both look the same but for what they lead to.
			name: "two structs of one name that change places",
			old: func(k kernel) {
				leaf := k.Ptr(k.Struct("leaf", 4, member{Name: "x", Type: k.num}))
				a := k.Ptr(k.Struct("slot", 12, member{Name: "l", Type: leaf}, member{Name: "a", Type: k.num, Offset: 64}))
				b := k.Ptr(k.Struct("slot", 12, member{Name: "l", Type: leaf}, member{Name: "b", Type: k.num, Offset: 64}))
				k.Func("f", k.FuncProto(0, btftest.Param{Type: a}), 0)
				k.Func("g", k.FuncProto(0, btftest.Param{Type: b}), 0)
			},
			new: func(k kernel) {
				leaf := k.Ptr(k.Struct("leaf", 8, member{Name: "x", Type: k.num}, member{Name: "y", Type: k.num, Offset: 32}))
				b := k.Ptr(k.Struct("slot", 12, member{Name: "l", Type: leaf}, member{Name: "b", Type: k.num, Offset: 64}))
				a := k.Ptr(k.Struct("slot", 12, member{Name: "l", Type: leaf}, member{Name: "a", Type: k.num, Offset: 64}))
				k.Func("f", k.FuncProto(0, btftest.Param{Type: a}), 0)
				k.Func("g", k.FuncProto(0, btftest.Param{Type: b}), 0)
			},
			want: []string{
				"changed STRUCT leaf: 4 bytes → 8 bytes",
				"  added y [int y @32+32]",
				"folded STRUCT slot through struct leaf",
				"folded STRUCT slot through struct leaf",
				"folded FUNC f through struct leaf",
				"folded FUNC g through struct leaf",
			},
		},
		{
			name: "references to nothing",
			old:  func(k kernel) { k.Func("f", 1000, 0); k.Typedef("t", 1<<31) },
			new:  func(k kernel) { k.Func("f", 2000, 0); k.Typedef("t", k.num) },
			want: []string{"changed TYPEDEF t: (missing) → int"},
		},
	} {
		for _, m := range machines {
			t.Run(tc.name+" "+m.name, func(t *testing.T) {
				old, new := newKernel(m.big, m.word), newKernel(m.big, m.word)
				tc.old(old)
				tc.new(new)
				d := Bases(old.Table(t), new.Table(t), Options{})
				want := slices.Clone(tc.want)
				for i := range want {
					want[i] = strings.ReplaceAll(want[i], "WORD", fmt.Sprint(8*m.word))
				}
				if got := inShort(d); !slices.Equal(got, want) {
					t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
				consistent(t, d)
			})
		}
	}
}

// consistent holds what must be so for any two tables.
func consistent(t *testing.T, d *Diff) {
	t.Helper()
	for _, c := range []Counts{d.Types.Counts, d.Strings} {
		if c.Old-c.Removed != c.New-c.Added || c.OutOfOrder > c.Moved+1 && c.OutOfOrder > c.Old {
			t.Errorf("counts do not add up: %+v", c)
		}
	}
	ops := map[Op]int{}
	folds := 0
	for _, c := range slices.Concat(d.Changes, d.Anonymous) {
		ops[c.Op]++
		folds += c.Folds
		if c.Drags < 0 || (c.OldID == 0) != (c.Op == Added) || (c.NewID == 0) != (c.Op == Removed) {
			t.Errorf("%+v", c)
		}
	}
	if ops[Added] != d.Types.Added || ops[Removed] != d.Types.Removed || ops[Changed] != d.Types.Changed || len(d.Folded) != d.Types.Folded {
		t.Errorf("%v changes and %d folded, counted %+v", ops, len(d.Folded), d.Types)
	}
	if d.Same() && (d.IDs.Parted || d.Offsets.Parted) || d.IDs.Holds > d.IDs.Behind {
		t.Errorf("same %t, parted %+v %+v", d.Same(), d.IDs, d.Offsets)
	}
	if _, err := json.Marshal(d); err != nil {
		t.Error(err)
	}
}

func TestReordered(t *testing.T) {
	write := func(names ...string) *btf.Table {
		k := newKernel(false, 8)
		for _, name := range names {
			s := k.Struct(name, 4, member{Name: "x", Type: k.num})
			k.Func("use_"+name, k.FuncProto(0, btftest.Param{Type: k.Ptr(s)}), 0)
		}
		return k.Table(t)
	}
	abc := write("a", "b", "c")
	for _, tc := range []struct {
		name string
		new  *btf.Table
		want bool
		out  int
	}{
		{"the same", abc, false, 0},
		{"another order", write("c", "a", "b"), true, 4},
		{"another order and one more", write("c", "a", "b", "d"), false, 4},
		{"one less", write("a", "c"), false, 0},
	} {
		d := Bases(abc, tc.new, Options{})
		consistent(t, d)
		if d.Reordered != tc.want || d.Types.OutOfOrder != tc.out {
			t.Errorf("%s: reordered %t, %d out of order: %+v", tc.name, d.Reordered, d.Types.OutOfOrder, d.Types)
		}
		cause := d.Cause(Made{Pahole: 124})
		if got := strings.HasPrefix(cause, "looks like a pahole that ran several jobs"); got != tc.want || !got && cause != "" {
			t.Errorf("%s: %q", tc.name, cause)
		}
	}
}

// TestOtherSource blames no pahole for the order of another source, where its version is
// not known.
func TestOtherSource(t *testing.T) {
	write := func(size uint32, names ...string) *btf.Table {
		k := newKernel(false, 8)
		for _, name := range names {
			s := k.Struct(name, size, member{Name: "x", Type: k.num})
			k.Func("use_"+name, k.FuncProto(0, btftest.Param{Type: k.Ptr(s)}), 0)
		}
		return k.Table(t)
	}
	many := make([]string, 400)
	for i := range many {
		many[i] = fmt.Sprintf("s%03d", i)
	}
	other := slices.Concat(many[200:], many[:200])
	for _, tc := range []struct {
		name   string
		size   uint32
		pahole int
		want   bool
	}{
		{"the same source", 4, 0, true},
		{"another source", 8, 0, false},
		{"another source, and a pahole with jobs", 8, 124, true},
	} {
		cause := Bases(write(4, many...), write(tc.size, other...), Options{}).Cause(Made{Pahole: tc.pahole})
		if got := strings.HasPrefix(cause, "looks like a pahole"); got != tc.want {
			t.Errorf("%s: %q", tc.name, cause)
		}
	}
}

func TestParting(t *testing.T) {
	write := func(names ...string) *btf.Table {
		w := btftest.New()
		for _, name := range names {
			w.Fwd(name, false)
		}
		return w.Table(t)
	}
	for _, tc := range []struct {
		name         string
		old, new     *btf.Table
		ids, offsets Parting
	}{
		{"the same", write("a", "b"), write("a", "b"), Parting{}, Parting{}},
		{"more at the end", write("a", "b"), write("a", "b", "c"),
			Parting{Parted: true, At: 3, End: 1}, Parting{Parted: true, At: 5, End: 2}},
		{"one put in", write("a", "b", "c"), write("a", "n", "b", "c"),
			Parting{Parted: true, At: 2, MovedAt: 2, Shift: 1, Holds: 2, Behind: 2, Shifts: 1, End: 1},
			Parting{Parted: true, At: 3, MovedAt: 3, Shift: 2, Holds: 2, Behind: 2, Shifts: 1, End: 2}},
		{"two put in apart", write("a", "b", "c"), write("n", "a", "b", "nn", "c"),
			Parting{Parted: true, At: 1, MovedAt: 1, Shift: 1, Holds: 2, Behind: 3, Shifts: 2, End: 2},
			Parting{Parted: true, At: 1, MovedAt: 1, Shift: 2, Holds: 2, Behind: 3, Shifts: 2, End: 5}},
		{"one in the place of another", write("a", "b", "c"), write("a", "n", "c"),
			Parting{Parted: true, At: 2}, Parting{Parted: true, At: 3}},
	} {
		d := Bases(tc.old, tc.new, Options{})
		consistent(t, d)
		if d.IDs != tc.ids || d.Offsets != tc.offsets {
			t.Errorf("%s: got\n%+v\n%+v\nwant\n%+v\n%+v", tc.name, d.IDs, d.Offsets, tc.ids, tc.offsets)
		}
	}
}

// TestIncident explains the report that this project began with: two functions
// more.
func TestIncident(t *testing.T) {
	d := Bases(fixture.Load(t, "5.15.12-1.1").Base, fixture.Load(t, "5.15.12-1.3").Base, Options{
		OldExports: []string{"usb_register_driver", "usb_deregister"},
		NewExports: []string{"usb_deregister", "usb_register_driver"},
	})
	consistent(t, d)
	var b strings.Builder
	if err := d.Text(&b, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"2 functions added; nothing that was there changed, but 149 types moved to other ids.\n",
		"types    536 → 540: 4 added, 0 removed, 149 moved\n",
		"ids      part at 388, +2 for 114 types, then 1 other shift; modules' own begin 4 later\n",
		"  FUNC i2c_smbus_check_pec (u8, struct i2c_msg *) added\n",
		"  FUNC inet_lhash2_bucket_sk (struct inet_hashinfo *, struct sock *) returns struct inet_listen_hashbucket * added\n",
		"A base of exported types only, which no kernel has, would have survived this rebuild.\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, &b)
		}
	}
	if len(d.Changes) != 2 || d.Exported.Old.Found != 2 || d.Exported.Inside != 0 {
		t.Errorf("%d changes, exported %+v", len(d.Changes), d.Exported)
	}
}

func TestFixtures(t *testing.T) {
	for _, name := range []string{"le64.base", "be64.base", "le32.base"} {
		a := parse(t, fixture.RawTable(t, name))
		d := Bases(a, a, Options{})
		consistent(t, d)
		if !d.Same() {
			t.Errorf("%s: not the same as itself: %+v", name, d.Types)
		}
		// The same source on other machines.
		d = Bases(a, parse(t, fixture.RawTable(t, "be64.base")), Options{})
		consistent(t, d)
		if got := inShort(d); name == "le64.base" && (len(d.Changes) != 2 || got[0] != "changed INT char: 1 byte, signed → 1 byte") {
			t.Errorf("%s and big-endian, where char is unsigned: %q", name, got)
		}
	}
}

func parse(t testing.TB, data []byte) *btf.Table {
	t.Helper()
	table, err := btf.Parse(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// TestDrags holds the counts, which leave out what need not be walked again,
// against counts that walk all of it.
func TestDrags(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		w := btftest.New()
		const n = 60
		for range n {
			var members []member
			for range r.IntN(4) {
				members = append(members, member{Type: btf.TypeID(r.IntN(n + 5))})
			}
			w.Struct("", 0, members...)
		}
		s := newSide(w.Table(t))
		g := newDragging(s, 100)
		for id := uint32(1); id < n; id++ {
			seen := map[uint32]bool{id: true}
			for queue := []uint32{id}; len(queue) > 0; queue = queue[1:] {
				for _, from := range s.from.of(queue[0]) {
					if !seen[from] {
						seen[from] = true
						queue = append(queue, from)
					}
				}
			}
			if got := g.count(id); got != len(seen)-1 {
				t.Fatalf("[%d]: %d, counted %d", id, got, len(seen)-1)
			}
		}
	}
}
