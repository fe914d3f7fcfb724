// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
)

// TestCopies tells functions that came or went from those that are recorded once
// more or less, whether or not they are exported.
func TestCopies(t *testing.T) {
	write := func(names ...string) kernel {
		k := newKernel(false, 8)
		for _, name := range names {
			k.Func(name, k.FuncProto(k.num), 0)
		}
		return k
	}
	all := []string{"strncpy", "memchr", "gone", "new"}
	for _, tc := range []struct {
		name         string
		old, new     []string
		want, effect string
		lines        []string
	}{
		{"less", []string{"strncpy", "strncpy", "memchr"}, []string{"strncpy", "memchr"},
			"Of functions that both have, 0 recorded once more and 1 once less", "how often functions are recorded", []string{"  FUNC strncpy (void) recorded once less"}},
		{"more", []string{"strncpy"}, []string{"strncpy", "strncpy", "strncpy"},
			"Of functions that both have, 2 recorded once more and 0 once less", "how often functions are recorded", []string{"  FUNC strncpy (void) recorded once more"}},
		{"and another", []string{"strncpy", "strncpy", "gone"}, []string{"strncpy", "new"},
			"1 function added, 1 removed; of functions that both have, 0 recorded once more and 1 once less", "which functions are kept",
			[]string{"  FUNC gone (void) removed: exported", "  FUNC new (void) added: exported", "  1 with other parameter names only, recorded more or less often, or with another of the same name (--verbose lists all)"}},
		{"all gone", []string{"strncpy", "strncpy"}, []string{"new"},
			"1 function added, 2 removed", "which functions are kept", []string{"  FUNC strncpy (void) removed: exported"}},
		{"the same", []string{"memchr"}, []string{"memchr"}, "Nothing changed", "", nil},
		{"the order", []string{"memchr", "strncpy"}, []string{"strncpy", "memchr"}, "Reordered only", "the order of types", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := Bases(write(tc.old...).Table(t), write(tc.new...).Table(t), Options{OldExports: all, NewExports: all})
			consistent(t, d)
			var b strings.Builder
			if err := d.Text(&b, TextOptions{}); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(b.String(), tc.want) || d.Effect() != tc.effect {
				t.Errorf("%s\nwant %s; effect %q, want %q", b.String(), tc.want, d.Effect(), tc.effect)
			}
			for _, line := range tc.lines {
				if !strings.Contains(b.String(), line+"\n") {
					t.Errorf("%s\nlacks %s", b.String(), line)
				}
			}
			if same := strings.HasPrefix(tc.want, "Nothing"); strings.Contains(b.String(), "survived") == same && same {
				t.Errorf("of the same base it says\n%s", b.String())
			}
		})
	}
}

// TestNoCopies holds that what is of another signature, or no function, came or
// went, whatever has its name; other names of parameters are no other signature.
func TestNoCopies(t *testing.T) {
	old, new := newKernel(false, 8), newKernel(false, 8)
	old.Func("show", old.FuncProto(old.num), 0)
	old.Func("copy", old.FuncProto(0, btftest.Param{Name: "to", Type: old.long}), 0)
	new.Func("copy", new.FuncProto(0, btftest.Param{Name: "to", Type: new.long}), 0)
	new.Func("copy", new.FuncProto(0, btftest.Param{Name: "p", Type: new.long}), 0)
	new.Func("show", new.FuncProto(new.num), 0)
	new.Func("show", new.FuncProto(new.num, btftest.Param{Name: "n", Type: new.long}), 0)
	old.Struct("s", 4, member{Name: "a", Type: old.num})
	old.Struct("s", 8, member{Name: "b", Type: old.long})
	new.Struct("s", 4, member{Name: "a", Type: new.num})
	d := Bases(old.Table(t), new.Table(t), Options{OldExports: []string{"show"}, NewExports: []string{"show"}})
	consistent(t, d)
	var b strings.Builder
	if err := d.Text(&b, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 type removed; 1 function added; of functions that both have, 1 recorded once more and 0 once less", "  1 with other parameter names only, ", "FUNC show (long unsigned int) added: exported, another of its name was there\n", "struct s removed: 8 bytes\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s\nlacks %s", b.String(), want)
		}
	}
	if d.Effect() != "types" {
		t.Errorf("effect %q", d.Effect())
	}
}
