// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"strconv"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// written writes two kernels that differ in most ways.
func written(t *testing.T) *Diff {
	write := func(newer bool) kernel {
		k := newKernel(false, 8)
		var params []btftest.Param
		size, offset := uint32(32), uint32(0)
		members := []member{{Name: "flags", Type: k.num}}
		if newer {
			size, offset = 40, 64
			members = append(members, member{Name: "owner", Type: k.Ptr(k.list), Offset: 64})
			params = append(params, btftest.Param{Name: "f", Type: k.num})
		} else {
			members = append(members, member{Name: "id", Type: k.char, Bits: 5, Offset: 33})
		}
		members = append(members, member{Name: "list", Type: k.list, Offset: 64 + offset}, member{Name: "n", Type: k.long, Offset: 192 + offset})
		dev := k.Struct("device", size, members...)
		k.Struct("port", 8, member{Name: "dev", Type: k.Ptr(dev)})
		k.Func("open", k.FuncProto(k.num, append(params, btftest.Param{Name: "d", Type: k.Ptr(dev)})...), 0)
		for i := range 4 {
			if newer {
				k.Func("new"+strconv.Itoa(i), k.FuncProto(k.char), 0)
			}
		}
		if !newer {
			k.Enum("", 4, btftest.Enumerator{Name: "LAST", Value: 7})
			k.Var("counter", k.long, 1)
		}
		return k
	}
	d := Bases(write(false).Table(t), write(true).Table(t), Options{OldExports: []string{"open"}, NewExports: []string{"open"}})
	consistent(t, d)
	return d
}

func TestText(t *testing.T) {
	d := written(t)
	old, new := d.Exported.Old.Fingerprint.Short(), d.Exported.New.Fingerprint.Short()
	for _, tc := range []struct {
		name string
		o    TextOptions
		want string
	}{
		{"short", TextOptions{Named: 2}, `
1 type changed, 1 removed; 1 function changed, 4 added; 1 variable removed; 3 more changed only through others.
Types
  struct device changed: 32 → 40 bytes, in 5 types, 3 changed only through it, exported
      - char id:5;  // at 4:1
      + struct list_head *owner;  // at 8, 8 bytes
        list to n (2 members) moved by +8
  ENUM removed: {LAST}
Functions
  FUNC open changed: exported
      - (struct device *)
      + (int, struct device *)
  FUNC new0 (void) returns char added
  and 3 more (--verbose lists all)
Variables
  VAR counter removed: long unsigned int
Exported to modules
  old      OLD: 1 of 1 symbols have a type here and lead to 9 types
  new      NEW: 1 of 1 symbols have a type here and lead to 9 types
  changes  4 to these types, 10 to others
  A base of exported types only would have changed too.
Numbers
  types    13 → 20: 9 added, 2 removed, 3 changed, 3 changed through others, 6 moved
  strings  18 → 21: 6 added, 3 removed, 6 moved
  ids      part at 6, +1 for all 6 types; modules' own begin 7 later
  offsets  part at 61; from 64 on, +3 for 4 strings, then 1 other shift; modules' own begin 12 later
`},
		{"verbose", TextOptions{Verbose: true, Named: 1}, `
  FUNC new0 (void) returns char added
  FUNC new1 (void) returns char added
  FUNC new2 (void) returns char added
  FUNC new3 (void) returns char added
Variables
  VAR counter removed: long unsigned int
Types without a name
  FUNC_PROTO of FUNC open changed: in 1 type, exported
      - (struct device *)
      + (int, struct device *)
`},
		{"folded", TextOptions{Verbose: true}, `
Changed only through others
  STRUCT port through struct device
Exported`},
	} {
		var b strings.Builder
		if err := d.Text(&b, tc.o); err != nil {
			t.Fatal(err)
		}
		want := strings.NewReplacer("OLD:", old+":", "NEW:", new+":").Replace(tc.want)
		got := "\n" + b.String()
		if tc.name == "short" && got != want || !strings.Contains(got, strings.TrimSuffix(want, "\n")) {
			t.Errorf("%s: got%s\nwant%s", tc.name, got, want)
		}
	}
}

// TestPaholeOrder names the flag that the pahole of a kernel has.
func TestPaholeOrder(t *testing.T) {
	for version, want := range map[int][2]string{
		0: {"older ones with one job (-j1)"}, 124: {"needs one job (-j1)", "1.24"},
		127: {"needs --btf_features=reproducible_build", "1.27"}, 130: {"writes the same order each time", "1.30"},
	} {
		if got := paholeOrder(version); strings.HasPrefix(got, "looks like") != (version < 129) || !strings.Contains(got, want[0]) || !strings.Contains(got, want[1]) {
			t.Errorf("%d: %s", version, got)
		}
	}
}

// TestBannerLength finds the length of the line in /proc/version among the types, as in
// Debian's two builds of 6.12.115, which have "+deb13" and "+deb13.1" in it.
func TestBannerLength(t *testing.T) {
	write := func(length uint32, more ...string) *btf.Table {
		k := newKernel(false, 8)
		k.Array(k.Const(k.char), k.num, length)
		for _, name := range more {
			k.Struct(name, 4, member{Name: "x", Type: k.num})
		}
		return k.Table(t)
	}
	for _, tc := range []struct {
		name     string
		old, new *btf.Table
		length   [2]int
		want     string
	}{
		{"longer", write(214), write(216), [2]int{213, 215}, "the line in /proc/version is longer, and its length is that of a type, char [214] → [216]"},
		{"shorter", write(216), write(214), [2]int{215, 213}, "the line in /proc/version is shorter"},
		{"of another length", write(214), write(216), [2]int{213, 216}, ""},
		{"not known", write(214), write(216), [2]int{}, "char [214] became char [216]: the line in /proc/version has such a type, so that"},
		{"not known of one", write(214), write(216), [2]int{213, 0}, "char [214] became char [216]: the line in /proc/version has such a type, so that"},
		{"not known, and a struct", write(214), write(216, "s"), [2]int{}, ""},
		{"and a struct", write(214), write(216, "s"), [2]int{213, 215}, ""},
	} {
		got := Bases(tc.old, tc.new, Options{}).Cause(Made{Pahole: 130, ProcLength: tc.length})
		if !strings.HasPrefix(got, tc.want) || tc.want == "" && got != "" {
			t.Errorf("%s: %q", tc.name, got)
		}
	}
}
