// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// driverKernel writes an exported function that takes a device, and one that is
// not exported.
func driverKernel(big bool, edit func(k kernel, device, private []member) (a, b []member)) kernel {
	k := newKernel(big, 8)
	device := []member{{Name: "list", Type: k.list}, {Name: "name", Type: k.Ptr(k.char), Offset: 128}}
	private := []member{{Name: "n", Type: k.num}}
	device, private = edit(k, device, private)
	k.Func("register_device", k.FuncProto(k.num, btftest.Param{Name: "d", Type: k.Ptr(k.Struct("device", 32, device...))}), 0)
	k.Func("internal", k.FuncProto(k.num, btftest.Param{Name: "p", Type: k.Ptr(k.Struct("private", 32, private...))}), 0)
	return k
}

func TestExported(t *testing.T) {
	same := func(_ kernel, d, p []member) (a, b []member) { return d, p }
	exports := []string{"register_device", "no_such", "register_device"}
	for _, tc := range []struct {
		name            string
		new             kernel
		exports         []string
		survives        bool
		inside, outside int
	}{
		{"the same", driverKernel(false, same), exports, true, 0, 0},
		{"other ids", driverKernel(false, func(k kernel, d, p []member) (a, b []member) {
			k.Fwd("more", false)
			return d, p
		}), exports, true, 0, 1},
		{"a struct that nothing exported leads to", driverKernel(false, func(k kernel, d, p []member) (a, b []member) {
			return d, append(p, member{Name: "more", Type: k.num, Offset: 32})
		}), exports, true, 0, 1},
		{"a struct that an exported function takes", driverKernel(false, func(k kernel, d, p []member) (a, b []member) {
			return append(d, member{Name: "more", Type: k.num, Offset: 192}), p
		}), exports, false, 1, 0},
		{"another export", driverKernel(false, same), append(exports, "internal"), false, 0, 0},
		{"another byte order", driverKernel(true, same), exports, true, 0, 0},
	} {
		d := Bases(driverKernel(false, same).Table(t), tc.new.Table(t), Options{OldExports: exports, NewExports: tc.exports})
		e := d.Exported
		if e.Survives != tc.survives || e.Inside != tc.inside || e.Outside != tc.outside {
			t.Errorf("%s: survives %t, %d inside, %d outside: %v", tc.name, e.Survives, e.Inside, e.Outside, inShort(d))
		}
		// FUNC, FUNC_PROTO, int, device and its pointer, list_head and its, char and its.
		if want := (ExportedPart{Symbols: 2, Found: 1, Types: 9, Fingerprint: e.Old.Fingerprint}); e.Old != want {
			t.Errorf("%s: old side is %+v, want %+v", tc.name, e.Old, want)
		}
	}
	if d := Bases(driverKernel(false, same).Table(t), driverKernel(false, same).Table(t), Options{}); d.Exported != nil {
		t.Errorf("without exports: %+v", d.Exported)
	}
}

// TestFingerprintByHand writes the lines of a small part by hand.
func TestFingerprintByHand(t *testing.T) {
	sum := func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }
	for _, big := range []bool{false, true} {
		k := newKernel(big, 8)
		a := k.Struct("opt", 4, member{Name: "a", Type: k.num, Bits: 3})
		b := k.Struct("opt", 4)
		k.Struct("elsewhere", 4)
		proto := k.FuncProto(0, btftest.Param{Name: "x", Type: k.Ptr(a)}, btftest.Param{Name: "odd name", Type: b}, btftest.Param{Type: 999})
		k.Func("f", proto, btftest.Global)

		optA := "STRUCT 1 1 opt 4 a INT:int 0 3"
		optB := "STRUCT 0 0 opt 4"
		ptr := "PTR 0 0 struct:opt#" + sum(optA)
		protoLine := `FUNC_PROTO 0 3 void x #` + sum(ptr) + ` "odd name" struct:opt#` + sum(optB) + ` "" missing`
		lines := []string{
			"INT 0 0 int 4 16777248", optA, optB, ptr, protoLine, "FUNC 0 1 f #" + sum(protoLine),
		}
		var sums []string
		for _, line := range lines {
			sums = append(sums, sum(line)+"\n")
		}
		slices.Sort(sums)
		want := sum(strings.Join(sums, ""))

		d := Bases(k.Table(t), k.Table(t), Options{OldExports: []string{"f"}, NewExports: []string{"f"}})
		if got := d.Exported.Old.Fingerprint; hex.EncodeToString(got[:]) != want || !d.Exported.Survives {
			t.Errorf("big-endian %t: fingerprint %v, by hand %s", big, got, want)
		}
	}
}

// TestFingerprintOrder shuffles types, cycles of types without names among them.
func TestFingerprintOrder(t *testing.T) {
	build := func(order []int) *btf.Table {
		w := btftest.New()
		at := func(i int) btf.TypeID { return btf.TypeID(1 + slices.Index(order, i)) }
		for _, i := range order {
			switch i {
			case 0:
				w.Ptr(at(1))
			case 1:
				w.Struct("", 8, member{Name: "self", Type: at(0)})
			case 2:
				w.Const(at(0))
			case 3:
				w.Func("f", at(4), 0)
			case 4:
				w.FuncProto(at(2), btftest.Param{Type: at(5)}, btftest.Param{Type: at(6)})
			case 5:
				w.Struct("s", 8, member{Name: "p", Type: at(0)})
			case 6:
				w.Struct("s", 16, member{Name: "q", Type: at(6)})
			}
		}
		return w.Table(t)
	}
	o := Options{OldExports: []string{"f"}, NewExports: []string{"f"}}
	first := build([]int{0, 1, 2, 3, 4, 5, 6})
	for _, order := range [][]int{{6, 5, 4, 3, 2, 1, 0}, {1, 0, 6, 2, 5, 4, 3}, {4, 2, 0, 1, 3, 6, 5}} {
		d := Bases(first, build(order), o)
		consistent(t, d)
		if !d.Exported.Survives || !d.Reordered {
			t.Errorf("%v: survives %t, reordered %t: %+v %v", order, d.Exported.Survives, d.Reordered, d.Types, d.Changes)
		}
	}
}
