// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/evidence"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// noted judges a module on a base named by the user and returns the notes.
func noted(t *testing.T, version verify.Version, w *btftest.Writer, m *Module) []Note {
	t.Helper()
	b := &Base{Path: "vmlinux", Origin: Given, Arch: "x86_64", Version: version, Rules: verify.RulesFor(version), pointerSize: 8,
		Vermagic: "6.1.0-56-amd64 SMP preempt mod_unload modversions "}
	if w != nil {
		b.Table = w.Table(t)
	}
	return judgeOne(t, &Inventory{Bases: []*Base{b}, Modules: []*Module{m}}, PairGiven).Notes
}

func wantNotes(t *testing.T, got []Note, want ...Note) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("notes (-want +got):\n%s", d)
	}
}

func set(at, size uint64) mark { return mark{at: at, size: size} }

func number(kind btf.Kind, name string, value btf.TypeID, at uint64) mark {
	return mark{ID: evidence.ID{Kind: kind, Name: name, Value: value}, at: at, size: 4}
}

// TestLostKfuncs notes kfuncs of modules without BTF and those whose numbers are 0.
func TestLostKfuncs(t *testing.T) {
	w := kernelTable(0, 0)
	section := make([]byte, 40)
	resolved := newKfuncs(section, []mark{number(btf.KindFunc, "bpf_a", 9, 8), set(0, 24), number(btf.KindFunc, "bpf_b", 10, 16)})
	half := newKfuncs(section, []mark{set(0, 24), number(btf.KindFunc, "bpf_a", 9, 8), number(btf.KindFunc, "bpf_b", 0, 16)})
	zero := newKfuncs(section, []mark{set(0, 24), number(btf.KindFunc, "bpf_a", 0, 8), number(btf.KindFunc, "bpf_b", 0, 16)})
	others := newKfuncs(section, []mark{number(btf.KindStruct, "sock", 0, 0), number(btf.KindFunc, "a_dtor", 0, 4)})
	unsized := newKfuncs(section, []mark{set(0, 0), number(btf.KindFunc, "bpf_a", 0, 4)})
	stripped := newKfuncs(section, nil)
	v6_1, v6_12 := verify.Version{Major: 6, Minor: 1, Patch: 192}, verify.Version{Major: 6, Minor: 12}

	both := "BPF programs will not find 2 kfuncs, bpf_a and bpf_b: "
	noBTF := both + "the module has .BTF_ids, and no .BTF that says what they are"
	for _, tc := range []struct {
		name    string
		version verify.Version
		kfuncs  kfuncs
		btf     bool
		message string
		log     string
	}{
		{"resolved", v6_12, resolved, true, "", ""},
		{"no .BTF", v6_12, zero, false, noBTF, "missing module BTF, cannot register kfunc"},
		{"no .BTF, numbers from before it was stripped", v6_1, resolved, false, noBTF, "missing module BTF, cannot register kfuncs"},
		{"no .BTF, a kernel that refuses", verify.Version{Major: 6, Minor: 1, Patch: 20}, zero, false,
			noBTF + "; registering them fails (-2), and usually the module's init with it", "missing module BTF, cannot register kfuncs"},
		{"no .BTF, a kernel that says nothing", verify.Version{Major: 5, Minor: 15}, zero, false, noBTF, ""},
		{"numbers that are 0", v6_1, zero, true, both + "their numbers are 0 in .BTF_ids, which resolve_btfids has not filled in", ""},
		{"one number that is 0", v6_1, half, true,
			"BPF programs will not find 1 kfunc, bpf_b: its number is 0 in .BTF_ids, which resolve_btfids has not filled in", ""},
		{"one number that is 0, and a kernel that looks", v6_12, half, true,
			"BPF programs will not find 1 kfunc, bpf_b: its number is 0 in .BTF_ids, which resolve_btfids has not filled in; " +
				"registering the other 1 with them fails (-22), and usually the module's init", ""},
		{"lists of other things", v6_12, others, false, "", ""},
		{"a set that does not say its size", v6_1, unsized, false,
			"BPF programs will not find 1 kfunc, bpf_a: the module has .BTF_ids, and no .BTF that says what it is", "missing module BTF, cannot register kfuncs"},
		{"stripped symbols", v6_1, stripped, false, "it has 40 bytes of .BTF_ids and no .BTF: BPF programs will not find the kfuncs among them, " +
			"if there are any (the symbols that name them were stripped)", "missing module BTF, cannot register kfuncs"},
		{"stripped symbols, .BTF", v6_1, stripped, true, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := testModule(nil, nil)
			if tc.btf {
				m.BTF = driver(w)
			}
			m.kfuncs = tc.kfuncs
			var want []Note
			if tc.message != "" {
				want = []Note{{Rule: KfuncsLost, Severity: Warn, Message: tc.message}}
				if tc.log != "" {
					want[0].Log = []string{tc.log}
				}
			}
			wantNotes(t, noted(t, tc.version, w, m), want...)
		})
	}
	t.Run("in the other byte order", func(t *testing.T) {
		m := testModule(nil, driver(w))
		m.kfuncs = resolved
		table := w.Split()
		table.Func("bpf_a", table.FuncProto(1), btftest.Static) // [8]
		m.BTF = table.Bytes()
		m.ids = []evidence.ID{{Kind: btf.KindFunc, Name: "bpf_a", Value: (w.NextID() + 1) << 24}}
		notes := noted(t, v6_1, w, m)
		if len(notes) != 1 || !strings.HasPrefix(notes[0].Message, "BPF programs will not find the kfuncs of 1 number in .BTF_ids with the other byte order") {
			t.Errorf("%+v", notes)
		}
	})
}

// TestOtherHeaders notes a module whose structs have other sizes than the kernel's,
// unless they are none of the kernel's.
func TestOtherHeaders(t *testing.T) {
	w := kernelTable(0, 0)
	w.Struct("module", 128, btftest.Member{Name: "state", Type: 1}, btftest.Member{Name: "name", Type: 1, Offset: 32})
	w.Struct("mac_addr", 6, btftest.Member{Name: "addr", Type: 1})
	v6_1, v6_12 := verify.Version{Major: 6, Minor: 1, Patch: 192}, verify.Version{Major: 6, Minor: 12}
	const built = "it was built with the headers of another kernel: its "
	const wrongFields = ". It loads, and its code reads and writes the wrong fields"
	refused := []string{"module drv: .gnu.linkonce.this_module section size must match the kernel's built struct module size at run time"}
	own := func(name string, size uint32, members ...string) []byte {
		m := w.Split()
		m.NewString("own") // some readers refuse a table without strings
		var out []btftest.Member
		for i, member := range members {
			out = append(out, btftest.Member{Name: member, Type: 1, Offset: uint32(32 * i)})
		}
		m.Struct(name, size, out...)
		m.Struct(name, size, out...) // once is enough
		return m.Bytes()
	}
	for _, tc := range []struct {
		name       string
		version    verify.Version
		thisModule uint64
		btf        []byte
		want       []Note
	}{
		{"the same", v6_12, 128, driver(w), nil},
		{"not known", v6_12, 0, driver(w), nil},
		{"struct module", v6_12, 144, driver(w), []Note{{Rule: OtherHeaders, Severity: Fail, Message: built + "struct module has 144 bytes, the vmlinux's 128. It does not load (-8)", Log: refused}}},
		{"struct module, no .BTF", v6_12, 144, nil, []Note{{Rule: OtherHeaders, Severity: Fail, Message: built + "struct module has 144 bytes, the vmlinux's 128. It does not load (-8)", Log: refused}}},
		{"struct module before 6.4", v6_1, 144, nil, []Note{{Rule: OtherHeaders, Severity: Warn, Message: built + "struct module has 144 bytes, the vmlinux's 128" + wrongFields}}},
		{"a device of its own", v6_12, 128, own("device", 72, "state", "more"), []Note{{Rule: OtherHeaders, Severity: Warn, Message: built + "struct device has 72 bytes, the vmlinux's 64" + wrongFields}}},
		{"a copy of the device", v6_12, 128, own("device", 64, "state", "more"), nil},
		{"something else of that name", v6_12, 128, own("device", 72, "volume", "bass"), nil},
		{"a driver's own struct", v6_12, 128, own("mac_addr", 8, "addr"), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := testModule(nil, tc.btf)
			m.thisModule = tc.thisModule
			wantNotes(t, noted(t, tc.version, w, m), tc.want...)
		})
	}
}

// TestVermagic notes what the kernel refuses before it looks at any BTF, which
// fails, however well the BTF fits.
func TestVermagic(t *testing.T) {
	w := kernelTable(0, 0)
	m := testModule(nil, driver(w))
	m.vermagic, m.versioned = "6.1.0-56-rt-amd64 SMP preempt_rt mod_unload modversions ", true
	wantNotes(t, noted(t, verify.Version{Major: 6, Minor: 1}, w, m),
		Note{Rule: OtherMagic, Severity: Fail, Message: "it does not load (-8): the kernel refuses its vermagic before it looks at any BTF",
			Log: []string{"drv: version magic '6.1.0-56-rt-amd64 SMP preempt_rt mod_unload modversions ' should be '6.1.0-56-amd64 SMP preempt mod_unload modversions '"}})
	f := Finding{Severity: OK, Notes: []Note{{Severity: Warn}, {Severity: Fail}}}
	if res := (&Result{Findings: []Finding{f}}); f.Worst() != Fail || res.Exit() != 1 {
		t.Errorf("%s, exit %d", f.Worst(), res.Exit())
	}
	m.vermagic = "6.1.0-55-amd64 SMP preempt mod_unload modversions "
	wantNotes(t, noted(t, verify.Version{Major: 6, Minor: 1}, w, m))
}

// TestReadersRefuse notes what readers in user space refuse, and judges a table with
// nothing in it, which fits every base.
func TestReadersRefuse(t *testing.T) {
	w := kernelTable(0, 0)
	v6_1 := verify.Version{Major: 6, Minor: 1}
	m := testModule(nil, w.Split().Bytes())
	const says = " the table that the kernel took, so that unrelated programs which look through module BTF do not load ("
	wantNotes(t, noted(t, v6_1, w, m), Note{Rule: ReadersRefuse, Severity: Warn, Message: "cilium/ebpf before 0.20 refuses" + says + "cilium/ebpf before 0.20: its string section is empty)"})
	given := &Base{Path: "vmlinux", Origin: Given, Arch: "x86_64", Table: w.Table(t), Rules: verify.RulesFor(v6_1), pointerSize: 8}
	f := judgeOne(t, &Inventory{Bases: []*Base{given}, Modules: []*Module{m}}, PairGiven)
	if f.Verdict != Compatible || f.Basis != Evidence || f.Severity != OK || !strings.Contains(f.Reasons[0], "has no types") {
		t.Errorf("%s by %s: %q", f.Verdict, f.Basis, f.Reasons)
	}
	wantNotes(t, noted(t, v6_1, w, testModule(nil, driver(w))))

	// All its names stand in the vmlinux: that is common, and good to know.
	common := w.Split()
	common.Ptr(1)
	notes := noted(t, v6_1, w, testModule(nil, common.Bytes()))
	if len(notes) != 1 || notes[0].Rule != ReadersRefuse || notes[0].Severity != OK {
		t.Errorf("%+v", notes)
	}
}

// ignoring is a policy that ignores what goes by one word.
type ignoring string

func (i ignoring) Weigh(v Verdict, _ Pairing, _, _ string) (*Ruling, Severity) {
	if v != Verdict(i) {
		return nil, ""
	}
	return &Ruling{Reason: "we know", Where: "conf:1"}, OK
}

func (i ignoring) Idle(_ *Result, used map[Ruling]bool) []string {
	if used[Ruling{Reason: "we know", Where: "conf:1"}] {
		return nil
	}
	return []string{"conf:1"}
}

// TestNotesRuled has a policy decide on notes as it does on verdicts.
func TestNotesRuled(t *testing.T) {
	w := kernelTable(0, 0)
	b := &Base{Path: "vmlinux", Origin: Given, Arch: "x86_64", Table: w.Table(t), pointerSize: 8, Vermagic: "6.1.0 SMP ", Rules: verify.RulesFor(verify.Version{})}
	m := testModule(nil, driver(w))
	m.vermagic = "6.1.0 "
	for _, tc := range []struct {
		policy ignoring
		worst  Severity
		unused int
	}{{"vermagic", Warn, 0}, {"rejected", Fail, 1}} {
		res, err := Judge(t.Context(), &Inventory{Bases: []*Base{b}, Modules: []*Module{m}}, Options{Policy: tc.policy})
		if err != nil {
			t.Fatal(err)
		}
		n := res.Findings[0].Notes[0]
		if res.Worst() != tc.worst || len(res.Unused) != tc.unused || (n.Ruling != nil) != (tc.worst == Warn) {
			t.Errorf("%s: %s, note %+v, unused %v", tc.policy, res.Worst(), n, res.Unused)
		}
	}
}

// TestDuplicated notes modules that repeat structs of their vmlinux: many, or one that
// a kfunc takes. Those that compilers and pahole leave over are good to know.
func TestDuplicated(t *testing.T) {
	w := kernelTable(0, 0)
	for i := range 12 {
		w.Struct(fmt.Sprintf("core_%d", i), 4, btftest.Member{Name: "a", Type: 1})
	}
	module := func(structs int, more func(own *btftest.Writer, first btf.TypeID)) []byte {
		own := w.Split()
		first := own.NextID()
		for i := range structs {
			own.Struct(fmt.Sprintf("core_%d", i), 4, btftest.Member{Name: "a", Type: 1})
		}
		own.Struct("its_own", 4, btftest.Member{Name: "theirs", Type: 1})
		if more != nil {
			more(own, first)
		}
		return own.Bytes()
	}
	kfunc := func(own *btftest.Writer, first btf.TypeID) {
		own.Func("bpf_core_get", own.FuncProto(0, btftest.Param{Name: "core", Type: own.Ptr(own.Const(first))}), btftest.Static)
		own.Func("bpf_own_get", own.FuncProto(0, btftest.Param{Name: "own", Type: own.Ptr(first + 1)}), btftest.Static)
	}
	names := newKfuncs(make([]byte, 24), []mark{set(0, 24), number(btf.KindFunc, "bpf_core_get", 40, 8), number(btf.KindFunc, "bpf_own_get", 41, 16)})
	const types = "The BPF verifier takes the two for different types, so that it refuses "
	for _, tc := range []struct {
		name     string
		btf      []byte
		kfuncs   kfuncs
		severity Severity // "" for no note
		message  string
	}{
		{"none", module(0, nil), kfuncs{}, "", ""},
		{"a few", module(8, nil), kfuncs{}, OK, "it repeats 8 structs of the vmlinux (core_0, core_1, core_2, core_3, core_4 and 3 more): 192 of the 255 bytes of its .BTF. " + types + "a pointer to the one where the other is expected"},
		{"many", module(9, nil), kfuncs{}, Warn, "it repeats 9 structs of the vmlinux (core_0, core_1, core_2, core_3, core_4 and 4 more): 216 of the 279 bytes of its .BTF. " + types + "a pointer to the one where the other is expected"},
		{"one that a kfunc takes", module(1, kfunc), names, Warn, "it repeats 1 struct of the vmlinux (core_0): 24 of the 221 bytes of its .BTF. " + types + "1 kfunc, bpf_core_get with a pointer from the vmlinux or from another module"},
		{"one that a function takes which is no kfunc", module(1, kfunc), kfuncs{}, OK, "it repeats 1 struct of the vmlinux (core_0): 24 of the 221 bytes of its .BTF. " + types + "a pointer to the one where the other is expected"},
		{"three times each", module(3, func(own *btftest.Writer, _ btf.TypeID) {
			for i := range 6 {
				own.Struct(fmt.Sprintf("core_%d", i%3), 4, btftest.Member{Name: "a", Type: 1})
			}
		}), kfuncs{}, Warn, "it repeats 3 structs of the vmlinux, 9 times in all (core_0, core_1, core_2): 216 of the 279 bytes of its .BTF. " + types + "a pointer to the one where the other is expected"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := testModule(nil, tc.btf)
			m.kfuncs = tc.kfuncs
			notes := noted(t, verify.Version{Major: 6, Minor: 12}, w, m)
			if tc.severity == "" {
				wantNotes(t, notes)
				return
			}
			if len(notes) != 1 {
				t.Fatalf("%d notes: %+v", len(notes), notes)
			}
			notes[0].Repeats = nil
			wantNotes(t, notes, Note{Rule: Duplicated, Severity: tc.severity, Message: tc.message})
		})
	}
}
