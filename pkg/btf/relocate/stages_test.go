// SPDX-License-Identifier: Apache-2.0

package relocate_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/relocate"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// latest are the rules of the newest kernel.
var latest = verify.RulesFor(verify.Version{})

// vmlinux is the running base of the unit tests, with each oddity that matching
// knows.
func vmlinux(w *btftest.Writer) *btftest.Writer {
	w.Int("int", 4, 1, 32)                                               // [1]
	w.Int("unsigned", 4, 0, 32)                                          // [2]
	w.Float("double", 8)                                                 // [3]
	w.Struct("device", 8, member("a", 1))                                // [4]
	w.Struct("twice", 4)                                                 // [5]
	w.Struct("twice", 8)                                                 // [6]
	w.Struct("same", 4)                                                  // [7]
	w.Struct("same", 4)                                                  // [8]
	w.Union("any", 4)                                                    // [9]
	w.Struct("packed", 4, btftest.Member{Name: "bit", Type: 2, Bits: 1}) // [10]
	w.Enum64("wide", 8, btftest.Enumerator{Name: "WIDE", Value: 1})      // [11]
	w.Enum("state", 4, btftest.Enumerator{Name: "STATE_UP", Value: 0})   // [12]
	w.Fwd("opaque", false)                                               // [13]
	w.Fwd("both", false)                                                 // [14]
	w.Struct("both", 4)                                                  // [15]
	w.Typedef("u32", 2)                                                  // [16]
	w.Struct("huge", 0x80000000)                                         // [17]
	w.Struct("huge", 0x80000000)                                         // [18]
	w.FuncProto(0, btftest.Param{Name: "device", Type: 4})               // [19]
	return w
}

// member is a member at offset 0.
func member(name string, id btf.TypeID) btftest.Member {
	return btftest.Member{Name: name, Type: id}
}

// pair is a distilled base with one type besides "int" and a module on it that
// has a struct with a member of that type and a function "probe" without one.
func pair(w *btftest.Writer, add func(w *btftest.Writer)) (btfData, baseData []byte) {
	w.Int("int", 4, 1, 32)
	add(w)
	m := w.Split()
	ptr := m.Ptr(2)
	m.Struct("own", 8, member("next", ptr))
	m.Func("probe", m.FuncProto(1, btftest.Param{Name: "arg", Type: ptr}), btftest.Static)
	return m.Bytes(), w.Bytes()
}

// TestMatch holds each answer of checking, matching and mapping a distilled
// type, which the module points at but does not embed.
func TestMatch(t *testing.T) {
	tests := []struct {
		name  string
		add   func(w *btftest.Writer)
		want  btf.TypeID // what the distilled type becomes
		line  string     // or what the kernel says
		errno verify.Errno
	}{
		{"int", func(w *btftest.Writer) { w.Int("unsigned", 4, 0, 32) }, 2, "", 0},
		{"int of another encoding", func(w *btftest.Writer) { w.Int("unsigned", 4, 1, 32) }, 0,
			"distilled base BTF type 'unsigned' [2] is not mapped to base BTF id", verify.EINVAL},
		{"int of another size", func(w *btftest.Writer) { w.Int("unsigned", 8, 0, 64) }, 0,
			"distilled base BTF type 'unsigned' [2] is not mapped to base BTF id", verify.EINVAL},
		{"float", func(w *btftest.Writer) { w.Float("double", 8) }, 3, "", 0},
		{"float named as an int", func(w *btftest.Writer) { w.Float("unsigned", 4) }, 0,
			"distilled base BTF type 'unsigned' [2] is not mapped to base BTF id", verify.EINVAL},
		{"struct", func(w *btftest.Writer) { w.Struct("device", 8) }, 4, "", 0},
		{"struct of another size", func(w *btftest.Writer) { w.Struct("device", 100) }, 4, "", 0},
		{"struct told by its size", func(w *btftest.Writer) { w.Struct("twice", 8) }, 6, "", 0},
		{"struct not told by its size", func(w *btftest.Writer) { w.Struct("twice", 12) }, 0,
			"distilled base BTF type 'twice' [2] is not mapped to base BTF id", verify.EINVAL},
		{"two candidates", func(w *btftest.Writer) { w.Struct("same", 4) }, 0,
			"distilled base BTF type 'same' [2], size 4 has multiple candidates of the same size (ids [8, 7]) in base BTF", verify.EINVAL},
		{"size of 31 bits", func(w *btftest.Writer) { w.Struct("huge", 0) }, 0,
			"distilled base BTF type 'huge' [2], size 2147483648 has multiple candidates of the same size (ids [18, 17]) in base BTF", verify.EINVAL},
		{"fwd and struct of one name", func(w *btftest.Writer) { w.Struct("both", 4) }, 0,
			"distilled base BTF type 'both' [2], size 4 has multiple candidates of the same size (ids [15, 14]) in base BTF", verify.EINVAL},
		{"struct for union", func(w *btftest.Writer) { w.Struct("any", 4) }, 9, "", 0},
		{"struct for int", func(w *btftest.Writer) { w.Struct("unsigned", 4) }, 2, "", 0},
		{"struct for fwd", func(w *btftest.Writer) { w.Struct("opaque", 4) }, 13, "", 0},
		{"struct for typedef", func(w *btftest.Writer) { w.Struct("u32", 4) }, 0,
			"distilled base BTF type 'u32' [2] is not mapped to base BTF id", verify.EINVAL},
		{"enum", func(w *btftest.Writer) { w.Enum("state", 4) }, 12, "", 0},
		{"enum for enum64", func(w *btftest.Writer) { w.Enum("wide", 8) }, 11, "", 0},
		{"enum for struct", func(w *btftest.Writer) { w.Enum("device", 8) }, 0,
			"distilled base BTF type 'device' [2] is not mapped to base BTF id", verify.EINVAL},
		{"fwd", func(w *btftest.Writer) { w.Fwd("opaque", false) }, 13, "", 0},
		{"fwd of a union for one of a struct", func(w *btftest.Writer) { w.Fwd("opaque", true) }, 0,
			"distilled base BTF type 'opaque' [2] is not mapped to base BTF id", verify.EINVAL},
		{"fwd for struct", func(w *btftest.Writer) { w.Fwd("device", false) }, 4, "", 0},
		{"fwd of a union for struct", func(w *btftest.Writer) { w.Fwd("device", true) }, 4, "", 0},
		{"fwd for struct with bitfields", func(w *btftest.Writer) { w.Fwd("packed", false) }, 0,
			"distilled base BTF type 'packed' [2] is not mapped to base BTF id", verify.EINVAL},
		{"fwd for union", func(w *btftest.Writer) { w.Fwd("any", true) }, 0,
			"distilled base BTF type 'any' [2] is not mapped to base BTF id", verify.EINVAL},
		{"fwd for int", func(w *btftest.Writer) { w.Fwd("unsigned", false) }, 0,
			"distilled base BTF type 'unsigned' [2] is not mapped to base BTF id", verify.EINVAL},
		{"fwd for one of two structs", func(w *btftest.Writer) { w.Fwd("twice", false) }, 0,
			"distilled base BTF type 'twice' [2] is not mapped to base BTF id", verify.EINVAL},
		{"unknown", func(w *btftest.Writer) { w.Struct("gone", 8) }, 0,
			"distilled base BTF type 'gone' [2] is not mapped to base BTF id", verify.EINVAL},
		{"name with a byte of Latin-1", func(w *btftest.Writer) { w.Struct("caf\xe9", 8) }, 0,
			`distilled base BTF type 'caf\xe9' [2] is not mapped to base BTF id`, verify.EINVAL},
		{"anonymous", func(w *btftest.Writer) { w.Struct("", 8) }, 0,
			"type [2], kind [4] is invalid for distilled base BTF; it is anonymous", verify.EINVAL},
		{"unexpected kind", func(w *btftest.Writer) { w.Typedef("u32", 1) }, 0,
			"type [2] in distilled based BTF has unexpected kind [8]", verify.EINVAL},
		{"enum64", func(w *btftest.Writer) { w.Enum64("wide", 8) }, 0,
			"type [2] in distilled based BTF has unexpected kind [19]", verify.EINVAL},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, start := range []func() *btftest.Writer{btftest.New, btftest.NewBigEndian} {
				base := vmlinux(start()).Table(t)
				btfData, baseData := pair(start(), tt.add)
				before := slices.Clone(btfData)
				got := relocate.Onto(base, latest).Module(btfData, baseData)
				expect(t, got, tt.errno, tt.line)
				if !slices.Equal(btfData, before) {
					t.Error("the argument was written to")
				}
				if tt.line != "" {
					continue
				}
				first := base.EndID()
				ptr, _ := got.Table.Type(first)
				probe, _ := got.Table.Type(first + 3)
				if got.Table.StartID() != first || btf.TypeID(ptr.SizeType) != tt.want ||
					got.Table.Name(probe) != "probe" || btf.TypeID(probe.SizeType) != first+2 {
					t.Errorf("pointer to [%d], want [%d]; function %q of [%d]",
						ptr.SizeType, tt.want, got.Table.Name(probe), probe.SizeType)
				}
			}
		})
	}
}

// expect holds errno and log of a result; no line means that it is accepted.
func expect(t *testing.T, got relocate.Result, errno verify.Errno, line string) {
	t.Helper()
	var want []string
	if line != "" {
		want = []string{line}
	}
	var lines []string
	for _, l := range got.Lines {
		lines = append(lines, l.Text)
		if l.Typed {
			t.Errorf("%q would be kept quiet", l.Text)
		}
	}
	if got.Errno != errno || !slices.Equal(lines, want) || got.Fault != "" {
		t.Fatalf("errno %d, %q, fault %q; want %d, %q", got.Errno, lines, got.Fault, errno, want)
	}
	if got.Accepted() != (got.Table != nil) || got.Accepted() != (got.Data != nil) {
		t.Fatal("table and section go with acceptance")
	}
}

// TestEmbedded holds which ways from a struct of the module to a distilled one
// make its size count.
func TestEmbedded(t *testing.T) {
	tests := []struct {
		name     string
		member   func(m *btftest.Writer) btf.TypeID // of the module's struct
		embedded bool
	}{
		{"member", func(*btftest.Writer) btf.TypeID { return 2 }, true},
		{"array of const", func(m *btftest.Writer) btf.TypeID { return m.Array(m.Const(2), 1, 3) }, true},
		{"const array", func(m *btftest.Writer) btf.TypeID { return m.Const(m.Array(2, 1, 3)) }, true},
		{"typedef", func(m *btftest.Writer) btf.TypeID { return m.Typedef("t", m.Volatile(2)) }, true},
		{"type tag", func(m *btftest.Writer) btf.TypeID { return m.TypeTag("tag", m.Restrict(2)) }, true},
		{"through an anonymous struct", func(m *btftest.Writer) btf.TypeID {
			return m.Struct("", 100, member("in", 2))
		}, true},
		{"pointer", func(m *btftest.Writer) btf.TypeID { return m.Ptr(2) }, false},
		{"array of pointers", func(m *btftest.Writer) btf.TypeID { return m.Array(m.Ptr(2), 1, 3) }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base := vmlinux(btftest.New()).Table(t)
			dist := btftest.New()
			dist.Int("int", 4, 1, 32)
			dist.Struct("device", 100)
			m := dist.Split()
			m.Struct("own", 200, member("m", tt.member(m)))
			got := relocate.Onto(base, latest).Module(m.Bytes(), dist.Bytes())
			if !tt.embedded {
				expect(t, got, 0, "")
				return
			}
			expect(t, got, verify.EINVAL, "distilled base BTF type 'device' [2] is not mapped to base BTF id")
		})
	}
}

// TestEmbeddedFix holds how far kernels without the fix look for embedded types:
// as many ids as the module has types, counted from 0.
func TestEmbeddedFix(t *testing.T) {
	base := vmlinux(btftest.New()).Table(t)
	dist := btftest.New()
	dist.Int("int", 4, 1, 32)
	dist.Struct("device", 100)
	m := dist.Split()
	m.Ptr(2)                               // [3]
	m.Struct("own", 200, member("dev", 2)) // [4], of 2 types
	const line = "distilled base BTF type 'device' [2] is not mapped to base BTF id"
	for version, want := range map[string]string{
		"6.11": "", "6.12.12": "", "6.13.1": "",
		"6.12.13": line, "6.13.2": line, "6.14": line, "7.3": line,
	} {
		errno := verify.EINVAL
		if want == "" {
			errno = 0
		}
		expect(t, relocate.Onto(base, rulesFor(t, version)).Module(m.Bytes(), dist.Bytes()), errno, want)
	}
	for range 3 { // now the struct is among the first 5 ids
		m.Ptr(1)
	}
	expect(t, relocate.Onto(base, rulesFor(t, "6.11")).Module(m.Bytes(), dist.Bytes()), verify.EINVAL, line)
}

func rulesFor(t *testing.T, version string) verify.Rules {
	t.Helper()
	v, err := verify.ParseVersion(version)
	if err != nil {
		t.Fatal(err)
	}
	return verify.RulesFor(v)
}

// TestNames holds what becomes of string offsets.
func TestNames(t *testing.T) {
	base := vmlinux(btftest.New()).Table(t)
	dist := btftest.New()
	dist.Struct("device", 8)
	lost := dist.NewString("lost")
	m := dist.Split()
	m.Struct("own", 8, member("device", m.Ptr(1)), member("", m.Ptr(1)))
	m.Enum("e", 4, btftest.Enumerator{Name: "E", Value: 1})

	got := relocate.Onto(base, latest).Module(m.Bytes(), dist.Bytes())
	expect(t, got, 0, "")
	own, _ := got.Table.Type(base.EndID() + 2)
	if n := own.Member(0).NameOff; n >= base.EndString() || base.String(n) != "device" {
		t.Errorf("shared name: offset %d", n)
	}
	if n := own.Member(1).NameOff; n != 0 {
		t.Errorf("no name: offset %d", n)
	}
	enum, _ := got.Table.Type(base.EndID() + 3)
	if s := got.Table.String(enum.Enumerator(0).NameOff); s != "E" {
		t.Errorf("enumerator %q", s)
	}

	m.Record(lost, btftest.Info(btf.KindStruct, 0, false), 8)
	got = relocate.Onto(base, latest).Module(m.Bytes(), dist.Bytes())
	expect(t, got, verify.ENOENT, "string '' [offset 8] is not mapped to base BTF")
}

// TestVoidName holds the line for a type of vmlinux whose name is there, but
// empty, as void's is.
func TestVoidName(t *testing.T) {
	w := vmlinux(btftest.New())
	w.Record(w.NewString(""), btftest.Info(btf.KindStruct, 0, false), 8) // [20]
	btfData, baseData := pair(btftest.New(), func(w *btftest.Writer) { w.Struct("device", 8) })
	got := relocate.Onto(w.Table(t), latest).Module(btfData, baseData)
	expect(t, got, verify.EINVAL, "base BTF id [20] maps to invalid distilled base BTF id [0]")
}

// TestPrintedSize holds the one number whose format changed and shows.
func TestPrintedSize(t *testing.T) {
	btfData, baseData := pair(btftest.New(), func(w *btftest.Writer) { w.Struct("huge", 0) })
	got := relocate.Onto(vmlinux(btftest.New()).Table(t), rulesFor(t, "6.12.117")).Module(btfData, baseData)
	expect(t, got, verify.EINVAL,
		"distilled base BTF type 'huge' [2], size -2147483648 has multiple candidates of the same size (ids [18, 17]) in base BTF")
}

// TestFault holds that no id leads astray, and what is said instead.
func TestFault(t *testing.T) {
	tests := []struct {
		name  string
		add   func(m *btftest.Writer)
		fault string
	}{
		{"member past the end", func(m *btftest.Writer) { m.Struct("s", 8, member("m", 99)) },
			"type [3] member 0: the kernel follows type id 99, the table ends at 4"},
		{"array of itself", func(m *btftest.Writer) {
			m.Array(3, 1, 1)
			m.Struct("s", 8, member("m", 3))
		}, "type [4] member 0: the kernel goes in circles at type [3]"},
		{"pointer past the end", func(m *btftest.Writer) { m.Ptr(4) },
			"type [3]: the kernel looks up type id 4 in a map of 4"},
		{"parameter past the end", func(m *btftest.Writer) { m.FuncProto(0, btftest.Param{Type: 0xffffffff}) },
			"type [3]: the kernel looks up type id 4294967295 in a map of 4"},
	}
	base := vmlinux(btftest.New()).Table(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dist := btftest.New()
			dist.Int("int", 4, 1, 32)
			dist.Struct("device", 8)
			m := dist.Split()
			tt.add(m)
			got := relocate.Onto(base, latest).Module(m.Bytes(), dist.Bytes())
			if got.Fault != tt.fault || got.Errno != relocate.EFAULT || got.Table != nil || got.Lines != nil {
				t.Errorf("%+v, want %q", got, tt.fault)
			}
		})
	}
}

// TestManyOfOneName holds that tables made to cost time cost little.
func TestManyOfOneName(t *testing.T) {
	running, dist := btftest.New(), btftest.New()
	for range 5000 {
		running.Int("x", 4, 0, 32)
		dist.Float("x", 4)
	}
	got := relocate.Onto(running.Table(t), latest).Module(dist.Split().Bytes(), dist.Bytes())
	if want := "types named 'x': the kernel compares more than 16777216 pairs"; got.Fault != want {
		t.Errorf("%+v, want %q", got, want)
	}
}

// TestBefore holds what happens before relocation: the distilled base has its
// own check, aloud even where mismatches are allowed, and old kernels do not
// look at it.
func TestBefore(t *testing.T) {
	base := vmlinux(btftest.New()).Table(t)
	dist := btftest.New()
	dist.Struct("no name", 8)
	own := dist.Split()
	own.Ptr(1)

	expect(t, relocate.Onto(base, latest).Module(own.Bytes(), nil), verify.EINVAL, "BPF: hdr_len not found")

	got := relocate.Onto(base, latest).Module(own.Bytes(), dist.Bytes())
	shown, hidden := latest.Notice("own", got.Result, verify.AllowYes)
	if len(shown) < 2 || shown[0] != "BPF: [1] STRUCT no name " || hidden != nil {
		t.Errorf("shown %q, hidden %q", shown, hidden)
	}

	dist = btftest.New()
	dist.Struct("device", 8)
	m := dist.Split()
	m.Record(0, btftest.Info(btf.KindTypedef, 0, false), 1)
	got = relocate.Onto(base, latest).Module(m.Bytes(), dist.Bytes())
	if got.Errno != verify.EINVAL || !strings.HasPrefix(got.Lines[0].Text, "BPF: [2] TYPEDEF (anon)") {
		t.Errorf("broken module: %+v", got)
	}

	got = relocate.Onto(base, rulesFor(t, "6.10")).Module(own.Bytes(), []byte("anything"))
	expect(t, got, 0, "")
	if !slices.Equal(got.Data, own.Bytes()) {
		t.Error("an old kernel rewrote the section")
	}
}

// TestEmptyBase holds the kernel's numbering on a distilled base without types,
// where the module's first type is 0 and so is void.
func TestEmptyBase(t *testing.T) {
	base := vmlinux(btftest.New()).Table(t)
	m := btftest.New().Split()
	m.Ptr(0) // thought to be [1], to void
	got := relocate.Onto(base, latest).Module(m.Bytes(), btftest.New().Bytes())
	expect(t, got, 0, "")
	if ptr, _ := got.Table.Type(base.EndID()); btf.TypeID(ptr.SizeType) != base.EndID() {
		t.Errorf("pointer to [%d]", ptr.SizeType)
	}
}
