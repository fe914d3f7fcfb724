// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// hostile are tables that no compiler writes. Each has a second one that differs
// in a leaf.
var hostile = []struct {
	name  string
	write func(w *btftest.Writer, leaf uint32)
}{
	{"nothing", func(*btftest.Writer, uint32) {}},
	{"typedefs in a circle", func(w *btftest.Writer, leaf uint32) {
		w.Typedef("a", 2)
		w.Typedef("b", 1)
		w.Struct("s", 4, member{Name: "a", Type: 1, Offset: leaf})
	}},
	{"qualifiers in a circle", func(w *btftest.Writer, leaf uint32) {
		w.Const(2)
		w.Volatile(1)
		w.Func("f", 1, int(leaf))
		w.Struct("s", leaf, member{Name: "a", Type: 1}, member{Name: "b", Type: 2})
	}},
	{"an array of itself", func(w *btftest.Writer, leaf uint32) {
		w.Array(1, 1, leaf)
		w.Struct("s", leaf, member{Name: "a", Type: 1})
	}},
	{"a struct without a name in itself", func(w *btftest.Writer, leaf uint32) {
		w.Struct("", leaf, member{Name: "a", Type: 1}, member{Name: "b", Type: 1, Offset: leaf})
		w.Struct("s", leaf, member{Name: "a", Type: 1})
	}},
	{"a prototype that takes itself", func(w *btftest.Writer, leaf uint32) {
		w.FuncProto(1, btftest.Param{Type: 1}, btftest.Param{Type: 2})
		w.Ptr(1)
		w.Func("f", 1, int(leaf))
		w.Func("g", 2, 0)
	}},
	{"structs in structs, each twice", func(w *btftest.Writer, leaf uint32) {
		last := w.Struct("", leaf)
		for range 64 {
			last = w.Struct("", leaf, member{Name: "a", Type: last}, member{Name: "b", Type: last})
		}
		w.Struct("s", leaf, member{Name: "a", Type: last})
		w.Typedef("t", last)
	}},
	{"prototypes in prototypes, each twice", func(w *btftest.Writer, leaf uint32) {
		last := w.FuncProto(0, btftest.Param{Name: strings.Repeat("x", int(leaf))})
		for range 64 {
			last = w.FuncProto(last, btftest.Param{Type: last}, btftest.Param{Type: last})
		}
		w.Func("f", last, 0)
	}},
	{"a long chain", func(w *btftest.Writer, leaf uint32) {
		last := w.Struct("leaf", leaf)
		for range 40_000 {
			last = w.Ptr(last)
		}
		w.Func("f", last, 0)
	}},
	{"a deep nest", func(w *btftest.Writer, leaf uint32) {
		last := w.Struct("", leaf)
		for range 5_000 {
			last = w.Record(0, btftest.Info(btf.KindStruct, 1, false), leaf, 0, uint32(last), 0)
		}
		w.Typedef("t", last)
	}},
	{"many that lead to many members", func(w *btftest.Writer, leaf uint32) {
		last := w.Struct("", leaf)
		for range 20 {
			last = w.Struct("", leaf, member{Name: "a", Type: last}, member{Name: "b", Type: last})
		}
		for range 2000 {
			w.Record(w.NewString("t"+strconv.Itoa(int(w.NextID()))), btftest.Info(btf.KindTypedef, 0, false), uint32(last))
		}
	}},
	{"many of one name", func(w *btftest.Writer, leaf uint32) {
		off := w.String("f")
		for i := range uint32(20_000) {
			w.Record(off, btftest.Info(btf.KindStruct, 0, false), i*leaf)
		}
	}},
	{"many equal ones", func(w *btftest.Writer, leaf uint32) {
		off := w.String("f")
		for range 10_000 * leaf {
			w.Record(off, btftest.Info(btf.KindFwd, 0, false), 0)
			w.Ptr(1)
		}
	}},
	{"references and names past the end", func(w *btftest.Writer, leaf uint32) {
		for kind := btf.KindInt; kind <= btf.KindMax; kind++ {
			for _, name := range []uint32{0, 1, 1 << 20, ^uint32(0)} {
				n := 2
				switch kind {
				case btf.KindInt, btf.KindVar, btf.KindDeclTag, btf.KindArray:
					n = 0
				}
				t := btf.Type{Info: btftest.Info(kind, n, name > 1)}
				extra := make([]uint32, t.ExtraSize()/4)
				for i := range extra {
					extra[i] = name + leaf*uint32(i)
				}
				w.Record(name, t.Info, name^leaf, extra...)
			}
		}
	}},
	{"names that a terminal obeys", func(w *btftest.Writer, leaf uint32) {
		w.Struct("\x1b[2J\n\xff", leaf, member{Name: "\x1b]0;\a", Type: 1, Offset: leaf})
		w.Func("\x1b[2J", w.FuncProto(1), int(leaf))
	}},
}

func TestHostile(t *testing.T) {
	for _, tc := range hostile {
		t.Run(tc.name, func(t *testing.T) {
			for _, w := range []func() *btftest.Writer{btftest.New, btftest.NewBigEndian} {
				a, b := w(), w()
				tc.write(a, 1)
				tc.write(b, 2)
				examine(t, a.Table(t), b.Table(t))
				if len(a.Bytes()) > 10_000 {
					return // one of the large ones will do
				}
			}
		})
	}
}

// examine explains two tables in every way.
func examine(t *testing.T, a, b *btf.Table) {
	t.Helper()
	names := func(table *btf.Table) (out []string) {
		for typ := range table.Types() {
			if name := table.Name(typ); typ.Kind() == btf.KindFunc && name != "" {
				out = append(out, name)
			}
		}
		return out
	}
	o := Options{OldExports: append(names(a), "x"), NewExports: append(names(b), "x")}
	for _, pair := range [][2]*btf.Table{{a, b}, {a, a}, {b, a}} {
		if pair[1] == a {
			o.NewExports = o.OldExports
		}
		d := Bases(pair[0], pair[1], o)
		consistent(t, d)
		if pair[0] == pair[1] && (!d.Same() || !d.Exported.Survives) {
			t.Errorf("not the same as itself: %+v", d)
		}
		for _, verbose := range []bool{false, true} {
			var out bytes.Buffer
			if err := d.Text(&out, TextOptions{Verbose: verbose}); err != nil {
				t.Error(err)
			}
			for line := range strings.Lines(out.String()) {
				line = strings.TrimSuffix(line, "\n")
				if i := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
					t.Fatalf("not printable: %q", line)
				}
			}
		}
	}
}

// FuzzBases explains any two tables.
func FuzzBases(f *testing.F) {
	for _, tc := range hostile {
		a, b := btftest.New(), btftest.NewBigEndian()
		tc.write(a, 1)
		tc.write(b, 2)
		if len(a.Bytes()) < 4096 {
			f.Add(a.Bytes(), b.Bytes())
			f.Add(b.Bytes(), a.Bytes())
		}
	}
	f.Add(fixture.RawTable(f, "le64.base"), fixture.RawTable(f, "be64.base"))
	f.Add(fixture.RawTable(f, "le64.base"), fixture.RawTable(f, "le32.base"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		// A table that ends in a broken type is a table up to there.
		old, _ := btf.Parse(a, nil)
		new, _ := btf.Parse(b, nil)
		if old != nil && new != nil {
			examine(t, old, new)
		}
	})
}

// errorWriter fails at once.
type errorWriter struct{}

func (errorWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestTextError(t *testing.T) {
	table := btftest.New().Table(t)
	if err := Bases(table, table, Options{}).Text(errorWriter{}, TextOptions{}); err != io.ErrClosedPipe {
		t.Errorf("error is %v", err)
	}
}
