// SPDX-License-Identifier: Apache-2.0

package distill

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/ids"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/relocate"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

var v6_12 = verify.Version{Major: 6, Minor: 12, Patch: 20}

// writer is a base as a kernel of a form has it; more functions stand before all else
// in that of a rebuild.
func (f form) writer(more ...string) *btftest.Writer {
	w := btftest.New()
	w.Order = f.order
	num := w.Int("int", 4, 1, 32)
	for _, name := range more {
		w.Func(name, w.FuncProto(num), btftest.Static)
	}
	sock := w.Struct("sock", 64, btftest.Member{Name: "state", Type: num})
	w.Ptr(sock)
	w.Ptr(w.Struct("nf_conn", 128, btftest.Member{Name: "mark", Type: num}))
	w.Struct("list_head", 8, btftest.Member{Name: "n", Type: num})
	return w
}

func base(t testing.TB, w *btftest.Writer) *guard.Base {
	t.Helper()
	return &guard.Base{Path: "vmlinux", Table: w.Table(t), Version: v6_12, Rules: verify.RulesFor(v6_12), Config: kernel.Config{"CONFIG_MODVERSIONS": "y"}}
}

// sections are those of a module with all that distilling changes: types of the base
// and its own, kfuncs, destructors and a plain list, on the writer's base.
func (f form) sections() (sections []section, symbols []symbol) {
	// [1] int [2] sock [3] *sock [4] nf_conn [5] *nf_conn [6] list_head
	w := f.writer().Split()
	w.Struct("port", 16, btftest.Member{Name: "list", Type: 6}, btftest.Member{Name: "n", Type: 1, Offset: 64}) // [7]
	get := w.FuncProto(3, btftest.Param{Name: "ct", Type: 5})                                                   // [8]
	release := w.Func("conn_release", w.FuncProto(0, btftest.Param{Name: "ct", Type: 5}), btftest.Static)       // [9], [10]
	alloc := w.Func("conn_alloc", get, btftest.Static)                                                          // [11]
	w.Var("a_port", 7, 0)                                                                                       // [12]
	sections = []section{
		{".text", []byte{0x90, 0xc3, 1, 2, 3}},
		{".modinfo", []byte("license=GPL\x00intree=Y\x00name=conn\x00vermagic=6.12.20 SMP mod_unload modversions \x00")},
		{"__versions", bytes.Repeat([]byte{0}, 64)},
		{".BTF", w.Bytes()},
		{".BTF_ids", f.words(2, 1, uint32(release), 3, uint32(alloc), 0x10, 4, uint32(release), 4, 2)},
		{".data", []byte("whatever it holds")},
	}
	for _, s := range []struct {
		name        string
		value, size uint32
	}{
		{"__BTF_ID__set8__conn_kfunc_ids", 0, 24}, {"__BTF_ID__func__conn_alloc__2", 8, 4}, {"__BTF_ID__func__conn_release__1", 16, 4},
		{"conn_dtor_ids", 24, 8}, {"__BTF_ID__struct__nf_conn__3", 24, 4}, {"__BTF_ID__func__conn_release__4", 28, 4},
		{"btf_nf_conn_ids", 32, 8}, {"__BTF_ID__struct__nf_conn__5", 32, 4}, {"__BTF_ID__struct__sock__6", 36, 4},
	} {
		symbols = append(symbols, symbol{s.name, ".BTF_ids", s.value, s.size})
	}
	return sections, symbols
}

func (f form) conn() []byte { return f.module(f.sections()) }

// put writes a module, an hour old and with a mode of its own, and returns its path.
func put(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	then := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := errors.Join(os.WriteFile(path, data, 0o640), os.Chmod(path, 0o640), os.Chtimes(path, then, then)); err != nil {
		t.Fatal(err)
	}
	return path
}

func run(t *testing.T, o Options, paths ...string) *Report {
	t.Helper()
	if o.MaxGrowth == 0 {
		o.MaxGrowth = 10
	}
	if o.Plain == "" {
		o.Plain = Keep
	}
	r, err := Run(t.Context(), o, paths)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func only(t *testing.T, r *Report) File {
	t.Helper()
	if len(r.Files) != 1 {
		t.Fatalf("%d files", len(r.Files))
	}
	return r.Files[0]
}

// TestForms distils modules of 32 and 64 bits and both byte orders: a kernel fits what
// comes out onto the own base and onto that of a rebuild, where every number names what
// it named. The file keeps mode and time, and a second run finds nothing to do.
func TestForms(t *testing.T) {
	for _, f := range forms {
		t.Run(f.name, func(t *testing.T) {
			own, rebuilt := base(t, f.writer()), base(t, f.writer("one", "two"))
			path := put(t, t.TempDir(), "conn.ko", f.conn())
			was, _ := os.Stat(path)
			if got := only(t, run(t, Options{Base: own}, path)); got.Outcome != Distilled || got.Err != nil || len(got.Notes) != 1 {
				t.Fatalf("%s: %v, %q", got.Outcome, got.Err, got.Notes)
			}
			if is, err := os.Stat(path); err != nil || is.Mode() != was.Mode() || !is.ModTime().Equal(was.ModTime()) || is.Size() <= was.Size() {
				t.Errorf("%v: %v, %v, %d bytes", err, is.Mode(), is.ModTime(), is.Size())
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			m, err := kernel.OpenModule(data, path)
			if err != nil || !m.HasBTFBase || m.Bits != f.bits || m.Order != f.order {
				t.Fatalf("%v: %+v", err, m)
			}
			plain, err := btf.Parse(f.section(t, ".BTF"), own.Table)
			if err != nil {
				t.Fatal(err)
			}
			for name, on := range map[string]*guard.Base{"own base": own, "rebuild": rebuilt} {
				res := relocate.Onto(on.Table, on.Rules).Module(m.BTF, m.BTFBase)
				if !res.Accepted() {
					t.Fatalf("%s: %v %v %s", name, res.Errno, res.Lines, res.Fault)
				}
				if d := cmp.Diff(described(plain), last(described(res.Table), plain.Len())); d != "" {
					t.Errorf("%s: types (-were +are):\n%s", name, d)
				}
				lists := numbersOf(t, m)
				for _, l := range lists[:2] {
					if err := l.Check(res.Split); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
				if got, want := lists[0].Meaning(res.Split), []string{"FUNC conn_alloc 0x10", "FUNC conn_release 0x3"}; !slices.Equal(got, want) {
					t.Errorf("%s: kfuncs %q", name, got)
				}
				if got, want := lists[2].Meaning(own.Table), []string{"STRUCT nf_conn 0x0", "STRUCT sock 0x0"}; !slices.Equal(got, want) {
					t.Errorf("%s: the plain list %q", name, got)
				}
			}
			if got := only(t, run(t, Options{Base: own}, path)); got.Outcome != Already {
				t.Errorf("the second time: %s %v", got.Outcome, got.Err)
			}
			if again, err := os.ReadFile(path); err != nil || !bytes.Equal(again, data) {
				t.Errorf("the second time changed it: %v", err)
			}
		})
	}
}

func (f form) section(t *testing.T, name string) []byte {
	t.Helper()
	all, _ := f.sections()
	for _, s := range all {
		if s.name == name {
			return s.data
		}
	}
	t.Fatalf("no section %s", name)
	return nil
}

// described lists the types of a table in words, which do not depend on numbers.
func described(table *btf.Table) (out []string) {
	for t := range table.Types() {
		s := table.Describe(t.ID)
		for ref := range t.TypeRefs() {
			s += "; " + ref.String() + " " + table.Describe(ref.ID)
		}
		for ref := range t.NameRefs() {
			s += "; " + ref.String() + " " + table.String(ref.Off)
		}
		out = append(out, s)
	}
	return out
}

// last are the last n: before the module's own types stand those of the base that have
// no name to be found by, such as pointers.
func last(all []string, n int) []string { return all[max(0, len(all)-n):] }

func numbersOf(t *testing.T, m *kernel.Module) []ids.List {
	t.Helper()
	var symbols []ids.Symbol
	for s, err := range m.Symbols() {
		if err != nil {
			t.Fatal(err)
		}
		if s.Section == m.BTFIDsSection {
			symbols = append(symbols, ids.Symbol{Name: s.Name, Off: s.Value, Size: s.Size})
		}
	}
	section, err := ids.Parse(m.BTFIDs, m.Order, symbols)
	if err != nil {
		t.Fatal(err)
	}
	return section.Lists
}

// TestPlain does with the list that no kernel relocates what was asked for.
func TestPlain(t *testing.T) {
	f := forms[0]
	for _, plain := range []Plain{Keep, Zero, Mapped} {
		own := base(t, f.writer())
		path := put(t, t.TempDir(), "conn.ko", f.conn())
		if got := only(t, run(t, Options{Base: own, Plain: plain}, path)); got.Outcome != Distilled || len(got.Notes) == 0 != (plain == Mapped) {
			t.Fatalf("%s: %s %v %q", plain, got.Outcome, got.Err, got.Notes)
		}
		data, _ := os.ReadFile(path)
		m, err := kernel.OpenModule(data, path)
		if err != nil {
			t.Fatal(err)
		}
		list := numbersOf(t, m)[2]
		on := own.Table
		if plain == Mapped {
			on = relocate.Onto(own.Table, own.Rules).Module(m.BTF, m.BTFBase).Split
		}
		want := []string{"STRUCT nf_conn 0x0", "STRUCT sock 0x0"}
		if plain == Zero {
			want = []string{"nothing 0x0", "nothing 0x0"}
		}
		if got := list.Meaning(on); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", plain, got, want)
		}
	}
}

// TestLeft leaves modules as they are that cannot be distilled, and says why.
func TestLeft(t *testing.T) {
	f := forms[0]
	edited := func(edit func(s map[string]*section, symbols *[]symbol)) []byte {
		sections, symbols := f.sections()
		by := map[string]*section{}
		for i := range sections {
			by[sections[i].name] = &sections[i]
		}
		edit(by, &symbols)
		sections = slices.DeleteFunc(sections, func(s section) bool { return s.name == "" })
		return f.module(sections, symbols)
	}
	signature := append([]byte("sig\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x03"), "~Module signature appended~\n"...)
	for _, tc := range []struct {
		name    string
		data    []byte
		edit    func(*guard.Base)
		growth  int
		outcome Outcome
		why     string
	}{
		{"compressed", []byte("\x1f\x8b\x08 and so on"), nil, 10, Left, "is compressed (gzip): distill before modules are compressed and signed"},
		{"signed", append(f.conn(), signature...), nil, 10, Left, "is signed"},
		{"no module", []byte("a text"), nil, 10, Failed, "not a kernel module"},
		{"empty", nil, nil, 10, Failed, ""},
		{"no .BTF", edited(func(s map[string]*section, _ *[]symbol) { s[".BTF"].name = "" }), nil, 10, NoBTF, ""},
		{"an empty .BTF", edited(func(s map[string]*section, _ *[]symbol) { s[".BTF"].data = nil }), nil, 10, NoBTF, ""},
		{"another byte order", forms[1].conn(), nil, 10, Left, "another byte order than the base"},
		{"no symbol versions", edited(func(s map[string]*section, _ *[]symbol) { s["__versions"].name = "" }), nil, 10, Left, "no symbol versions"},
		{"no symbol versions, of a kernel without", edited(func(s map[string]*section, _ *[]symbol) { s["__versions"].name = "" }),
			func(b *guard.Base) { b.Config = kernel.Config{"CONFIG_MODVERSIONS": "n"} }, 10, Distilled, ""},
		{"built on another base", f.conn(), func(b *guard.Base) { b.Table = f.writer("one", "two", "three").Table(t) }, 10, Left, "was not built on this base"},
		{"built for a kernel of another name", f.conn(), func(b *guard.Base) { b.Release = "6.12.20-2-default" }, 10, Left,
			"was built for 6.12.20, and this base is that of 6.12.20-2-default"},
		{"built for this one", f.conn(), func(b *guard.Base) { b.Release = "6.12.20" }, 10, Distilled, ""},
		{"a broken .BTF", edited(func(s map[string]*section, _ *[]symbol) { s[".BTF"].data = s[".BTF"].data[:40] }), nil, 10, Left, "its kernel refuses it"},
		{"a set of which nobody knows who reads it", edited(func(_ map[string]*section, symbols *[]symbol) {
			(*symbols)[6].name = "another_plain_list"
		}), nil, 10, Left, ".BTF_ids: another_plain_list is a plain list: it is not known what a kernel does with it"},
		{"numbers without a list", edited(func(_ map[string]*section, symbols *[]symbol) { *symbols = (*symbols)[:1] }), nil, 10, Left, ".BTF_ids: "},
		{"numbers that name something else", edited(func(s map[string]*section, _ *[]symbol) { s[".BTF_ids"].data[8] -= 2 }), nil, 10, Left, ".BTF_ids: "},
		{"a set that is longer than its section", edited(func(s map[string]*section, _ *[]symbol) { s[".BTF_ids"].data[3] = 0xff }), nil, 10, Left, ".BTF_ids: "},
		{"a struct that the base has twice", edited(func(s map[string]*section, _ *[]symbol) {
			w := twice(f).Split()
			w.Struct("port", 8, btftest.Member{Name: "list", Type: 6})
			s[".BTF"].data, s[".BTF_ids"].name = w.Bytes(), ""
		}), func(b *guard.Base) { b.Table = twice(f).Table(t) }, 10, Left, "list_head"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			own := base(t, f.writer())
			if tc.edit != nil {
				tc.edit(own)
			}
			path := put(t, t.TempDir(), "conn.ko", tc.data)
			got := only(t, run(t, Options{Base: own, MaxGrowth: tc.growth}, path))
			if got.Outcome != tc.outcome || tc.why == "" && tc.outcome != Failed && got.Err != nil || tc.why != "" && !strings.Contains(got.Err.Error(), tc.why) {
				t.Errorf("%s: %v, want %s: %q", got.Outcome, got.Err, tc.outcome, tc.why)
			}
			if is, _ := os.ReadFile(path); !bytes.Equal(is, tc.data) != (tc.outcome == Distilled) {
				t.Errorf("the file changed, or did not")
			}
		})
	}
}

// TestTogether: where modules contradict the base, those beside them which do not were
// not built on it either, and are left as well.
func TestTogether(t *testing.T) {
	f := forms[0]
	stranger := func() []byte {
		sections, symbols := f.sections()
		for i := range sections {
			if sections[i].name == ".BTF" {
				w := f.writer("one", "two").Split()
				w.Struct("port", 16, btftest.Member{Name: "list", Type: 10})
				sections[i].data = w.Bytes()
			}
		}
		return f.module(sections, symbols)
	}()
	for _, tc := range []struct {
		well, strangers int
		want            Outcome
	}{
		{3, 0, Distilled},
		{3, 1, Left},
		{99, 1, Left},
		{100, 1, Distilled}, // that one is damaged, as it seems
	} {
		dir := t.TempDir()
		for i := range tc.well {
			put(t, dir, fmt.Sprintf("well%03d.ko", i), f.conn())
		}
		for i := range tc.strangers {
			put(t, dir, fmt.Sprintf("stranger%d.ko", i), stranger)
		}
		r := run(t, Options{Base: base(t, f.writer())}, dir)
		if r.Count(tc.want) < tc.well || r.Count(Left) < tc.strangers || len(r.Files) != tc.well+tc.strangers {
			t.Errorf("%d and %d that contradict: %d left, %d distilled", tc.well, tc.strangers, r.Count(Left), r.Count(Distilled))
		}
		for _, file := range r.Files {
			if tc.want == Left && strings.Contains(file.Path, "well") && !strings.Contains(file.Err.Error(), "but 1 module given with it does not") {
				t.Errorf("%s: %v", file.Path, file.Err)
			}
		}
	}
}

// TestAlready: a module that was distilled has nothing to gain, if that was for this base
// or for one that it relocates from.
func TestAlready(t *testing.T) {
	f := forms[0]
	path := put(t, t.TempDir(), "conn.ko", f.conn())
	other := btftest.New()
	other.Order = f.order
	other.Int("int", 4, 1, 32)
	for _, tc := range []struct {
		name string
		base *btftest.Writer
		want Outcome
	}{
		{"for the first time", f.writer(), Distilled},
		{"again", f.writer(), Already},
		{"by a rebuilt base", f.writer("one", "two"), Already},
		{"by a base without its structs", other, Left},
	} {
		got := only(t, run(t, Options{Base: base(t, tc.base)}, path))
		if got.Outcome != tc.want || tc.want == Left && !strings.Contains(got.Err.Error(), "does not relocate onto this one") {
			t.Errorf("%s: %s: %v, want %s", tc.name, got.Outcome, got.Err, tc.want)
		}
	}
}

// twice is a base that has two structs of one name and size, between which a kernel
// cannot choose.
func twice(f form) *btftest.Writer {
	w := f.writer()
	w.Struct("list_head", 8, btftest.Member{Name: "m", Type: 1})
	return w
}

// TestGrowth leaves a module that would grow too much.
func TestGrowth(t *testing.T) {
	f := forms[0]
	w := f.writer()
	for i := range 600 {
		w.Struct(strings.Repeat("long_", 10)+string(rune('a'+i%26))+strings.Repeat("x", i/26), 4, btftest.Member{Name: "n", Type: 1})
	}
	m := w.Split()
	for id := btf.TypeID(7); id < w.NextID(); id++ {
		m.Ptr(id)
	}
	m.NewString("own")
	sections, _ := f.sections()
	sections[3].data = m.Bytes()
	sections[4].name = ".other"
	data := f.module(sections, nil)
	own := base(t, w)
	for growth, want := range map[int]Outcome{10: Left, 1000: Distilled} {
		path := put(t, t.TempDir(), "conn.ko", data)
		got := only(t, run(t, Options{Base: own, MaxGrowth: growth}, path))
		if got.Outcome != want || want == Left && !strings.Contains(got.Err.Error(), "by more than 10 %") {
			t.Errorf("%d %%: %s %v", growth, got.Outcome, got.Err)
		}
	}
}

// TestRefuse distils nothing for a kernel that would not know what to do with it.
func TestRefuse(t *testing.T) {
	table := forms[0].writer().Table(t)
	v6_1 := verify.Version{Major: 6, Minor: 1}
	for _, tc := range []struct {
		name string
		base guard.Base
		why  string
	}{
		{"6.12", guard.Base{Table: table, Version: v6_12, Rules: verify.RulesFor(v6_12)}, ""},
		{"6.1", guard.Base{Table: table, Version: v6_1, Rules: verify.RulesFor(v6_1)}, "Linux 6.1.0, does not read .BTF.base"},
		{"a kernel that does not, of unknown version", guard.Base{Table: table, Rules: verify.RulesFor(v6_1)}, "does not read .BTF.base"},
		{"nobody knows", guard.Base{Table: table, Rules: verify.RulesFor(v6_12), Decisions: []verify.Decision{{Rule: ".BTF.base", Source: verify.Assumed}}}, "a raw .BTF does not show"},
		{"no .BTF", guard.Base{Version: v6_12, Rules: verify.RulesFor(v6_12)}, "has no .BTF"},
		{"a refused one", guard.Base{Version: v6_12, Rules: verify.RulesFor(v6_12), Refused: &verify.Result{Errno: verify.EINVAL}}, "its own kernel refuses"},
	} {
		if err := Refuse(&tc.base); (err != nil) != (tc.why != "") || err != nil && !strings.Contains(err.Error(), tc.why) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.why)
		}
	}
}

// TestSelfCheck refuses to write what is not the module that was there, or not what was
// meant.
func TestSelfCheck(t *testing.T) {
	f := forms[0]
	own := base(t, f.writer())
	d := &distiller{Options: Options{Base: own, Plain: Keep, MaxGrowth: 10}, target: relocate.Onto(own.Table, own.Rules)}
	data := f.conn()
	good, err := d.module(&File{Path: "conn.ko"}, data)
	if err != nil {
		t.Fatal(err)
	}
	m, err := kernel.OpenModule(data, "conn.ko")
	if err != nil {
		t.Fatal(err)
	}
	table, err := d.parse(m)
	if err != nil {
		t.Fatal(err)
	}
	numbers, keep, err := d.numbers(&File{}, m, table)
	if err != nil {
		t.Fatal(err)
	}
	distilled, err := relocate.Distill(table, keep...)
	if err != nil {
		t.Fatal(err)
	}
	renumbered, err := d.renumber(numbers, distilled)
	if err != nil {
		t.Fatal(err)
	}
	old, err := kernel.NewELF(data)
	if err != nil {
		t.Fatal(err)
	}
	swapped := bytes.Clone(renumbered) // the flags of the two kfuncs
	copy(swapped[12:16], renumbered[20:24])
	copy(swapped[20:24], renumbered[12:16])
	for _, tc := range []struct {
		name   string
		change func(written []byte, replaced map[string][]byte) []byte
		why    string
	}{
		{"as it should be", func(w []byte, _ map[string][]byte) []byte { return w }, ""},
		{"another section's byte", func(w []byte, _ map[string][]byte) []byte {
			w[bytes.Index(w, []byte("whatever"))]++
			return w
		}, "not the module that was there: section 6 (.data) differs"},
		{"a symbol", func(w []byte, _ map[string][]byte) []byte {
			w[bytes.Index(w, []byte("conn_dtor_ids"))]++
			return w
		}, "not the module that was there"},
		{"the distilled base", func(w []byte, _ map[string][]byte) []byte {
			w[bytes.Index(w, distilled.Base)+len(distilled.Base)-2]++
			return w
		}, "has another .BTF.base than was meant"},
		{"the table", func(w []byte, _ map[string][]byte) []byte {
			w[bytes.Index(w, distilled.BTF)+len(distilled.BTF)-2]++
			return w
		}, "has another .BTF than was meant"},
		{"numbers as they were before", func(_ []byte, r map[string][]byte) []byte {
			r[".BTF_ids"] = m.BTFIDs
			return rewritten(t, old, r, distilled)
		}, `"`},
		{"flags of another kfunc", func(_ []byte, r map[string][]byte) []byte {
			r[".BTF_ids"] = swapped
			return rewritten(t, old, r, distilled)
		}, `means ["FUNC conn_alloc 0x3" "FUNC conn_release 0x10"], it was ["FUNC conn_alloc 0x10" "FUNC conn_release 0x3"]`},
		{"cut off", func(w []byte, _ map[string][]byte) []byte { return w[:len(w)-1] }, "cannot be read"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			replaced := map[string][]byte{".BTF": distilled.BTF, ".BTF_ids": renumbered}
			written := tc.change(bytes.Clone(good), replaced)
			err := d.checkFile(old, written, replaced, distilled, numbers, table)
			if (err != nil) != (tc.why != "") || err != nil && !strings.Contains(err.Error(), tc.why) {
				t.Errorf("%v, want %q", err, tc.why)
			}
		})
	}
}

func rewritten(t *testing.T, old *kernel.ELF, replaced map[string][]byte, distilled *relocate.Distilled) []byte {
	t.Helper()
	out, err := old.Rewrite(maps.Clone(replaced), kernel.NewSection{Name: ".BTF.base", Data: distilled.Base, Align: 4})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestFiles finds modules in folders by their names, does not follow links, waits for
// no FIFO, and leaves the others alone.
func TestFiles(t *testing.T) {
	f := forms[0]
	own, dir := base(t, f.writer()), t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "tree", "kernel", "net"), 0o755); err != nil {
		t.Fatal(err)
	}
	outside := put(t, dir, "outside.ko", f.conn())
	tree := filepath.Join(dir, "tree")
	put(t, filepath.Join(tree, "kernel", "net"), "conn.ko", f.conn())
	put(t, tree, "conn.ko.debug", f.conn())
	put(t, tree, "conn.txt", f.conn())
	put(t, tree, "conn.ko.gz", []byte("\x1f\x8b\x08"))
	if err := errors.Join(os.Symlink(outside, filepath.Join(tree, "link.ko")), syscall.Mkfifo(filepath.Join(tree, "fifo.ko"), 0o600)); err != nil {
		t.Fatal(err)
	}
	got := map[string]Outcome{}
	for _, file := range run(t, Options{Base: own}, tree).Files {
		rel, _ := filepath.Rel(tree, file.Path)
		got[rel] = file.Outcome
	}
	want := map[string]Outcome{"conn.ko.gz": Left, "kernel/net/conn.ko": Distilled}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if is, _ := os.ReadFile(outside); !bytes.Equal(is, f.conn()) {
		t.Error("the module behind the link changed")
	}
	for _, name := range []string{"link.ko", "fifo.ko"} {
		if f := only(t, run(t, Options{Base: own}, filepath.Join(tree, name))); f.Outcome != Failed {
			t.Errorf("%s: %s %v", name, f.Outcome, f.Err)
		}
	}
	if _, err := Run(t.Context(), Options{Base: own}, []string{filepath.Join(dir, "none.ko")}); err == nil || !strings.Contains(err.Error(), "none.ko: no such file") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, Options{Base: own}, []string{tree}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestOutput writes new modules elsewhere, one of each name, and leaves the old ones.
func TestOutput(t *testing.T) {
	f := forms[0]
	own, a, b, out := base(t, f.writer()), t.TempDir(), t.TempDir(), t.TempDir()
	put(t, a, "conn.ko", f.conn())
	put(t, b, "conn.ko", f.conn())
	r := run(t, Options{Base: own, Output: out}, a, b)
	if r.Count(Distilled) != 1 || r.Count(Failed) != 1 || !slices.ContainsFunc(r.Files, func(f File) bool {
		return f.Err != nil && strings.Contains(f.Err.Error(), "another module has the same file name")
	}) {
		t.Errorf("%+v", r.Files)
	}
	for _, dir := range []string{a, b} {
		if is, _ := os.ReadFile(filepath.Join(dir, "conn.ko")); !bytes.Equal(is, f.conn()) {
			t.Errorf("%s changed", dir)
		}
	}
	if f := only(t, run(t, Options{Base: own, Output: filepath.Join(out, "none")}, a)); f.Outcome != Failed || !strings.Contains(f.Err.Error(), "writing it: no such file") {
		t.Errorf("%s %v", f.Outcome, f.Err)
	}
}

// attempt distils a file that may be anything: whatever comes out, a kernel reads as
// what went in.
func attempt(t *testing.T, own *guard.Base, data []byte) (came bool) {
	t.Helper()
	d := &distiller{Options: Options{Base: own, Plain: Keep, MaxGrowth: 10}, target: relocate.Onto(own.Table, own.Rules)}
	out, err := d.module(&File{Path: "conn.ko"}, bytes.Clone(data))
	if err != nil || out == nil {
		return false
	}
	m, err := kernel.OpenModule(out, "conn.ko")
	if err != nil {
		t.Fatalf("%x\ncame out unreadable: %v", data, err)
	}
	was, err := kernel.OpenModule(data, "conn.ko")
	if err != nil {
		t.Fatalf("%x\nis distilled and unreadable: %v", data, err)
	}
	res := relocate.Onto(own.Table, own.Rules).Module(m.BTF, m.BTFBase)
	plain, err := btf.Parse(was.BTF, own.Table)
	if err != nil || !res.Accepted() || !slices.Equal(described(plain), last(described(res.Table), plain.Len())) {
		t.Fatalf("%x\ncame out as something else: %v", data, err)
	}
	return true
}

// TestHostile distils modules that were cut off or changed in some bytes.
func TestHostile(t *testing.T) {
	for _, f := range []form{forms[0], forms[3]} {
		t.Run(f.name, func(t *testing.T) {
			own, good := base(t, f.writer()), f.conn()
			for n := range good {
				if attempt(t, own, good[:n]) {
					t.Errorf("the first %d of %d bytes are a module", n, len(good))
				}
			}
			random := rand.New(rand.NewPCG(1, 2))
			came := 0
			for range 10000 {
				data := bytes.Clone(good)
				for range 1 + random.IntN(3) {
					at := random.IntN(len(data))
					if random.IntN(3) == 0 && at+4 < len(data) { // a size or an offset that lies
						f.order.PutUint32(data[at:], random.Uint32()>>random.IntN(32))
					} else {
						data[at] = byte(random.Uint32())
					}
				}
				if attempt(t, own, data) {
					came++
				}
			}
			if came < 1000 || came > 9000 {
				t.Errorf("%d of 10000 came out: it tries too little, or refuses too little", came)
			}
		})
	}
}

func FuzzModule(f *testing.F) {
	for _, form := range forms {
		f.Add(form.conn())
	}
	own := base(f, forms[0].writer())
	f.Fuzz(func(t *testing.T, data []byte) { attempt(t, own, data) })
}
