// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"slices"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/internal/explain"
)

// TestChanges pairs the bases that replace each other; what changed is
// internal/explain's to test.
func TestChanges(t *testing.T) {
	a := kernelTable(0, 0)
	for _, tc := range []struct {
		name           string
		from, to       *btftest.Writer
		same           bool
		added, removed []string
	}{
		{"reproduced", a, kernelTable(0, 0), true, nil, nil},
		{"two functions more", a, kernelTable(0, 0, "one", "two"), false, []string{"FUNC one", "FUNC two"}, nil},
		{"one of them less", kernelTable(0, 0, "one", "two"), kernelTable(0, 0, "two"), false, nil, []string{"FUNC one"}},
		{"a member moved", a, kernelTable(32, 0), false, nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			from, to := testBuild(t, "1.1", tc.from), testBuild(t, "1.3", tc.to)
			copied := *to
			from.Origin = Against
			res, err := Judge(t.Context(), &Inventory{Bases: []*Base{to, &copied, from}}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if len(res.Changes) != 2 || res.Changes[0].Diff != res.Changes[1].Diff {
				t.Fatalf("%+v, want one change twice", res.Changes)
			}
			c := res.Changes[0]
			if c.From != from || c.To != to || c.same() != tc.same || (c.Diff == nil) != tc.same {
				t.Errorf("same %t, %+v", c.same(), c.Diff)
			}
			if got := c.Names(explain.Added); !slices.Equal(got, tc.added) {
				t.Errorf("added %q, want %q", got, tc.added)
			}
			if got := c.Names(explain.Removed); !slices.Equal(got, tc.removed) {
				t.Errorf("removed %q, want %q", got, tc.removed)
			}
		})
	}
}

// TestNoChange keeps kernels apart that do not replace each other.
func TestNoChange(t *testing.T) {
	w := kernelTable(0, 0)
	to := testBuild(t, "1.3", w)
	for name, edit := range map[string]func(*Base){
		"another kernelrelease": func(b *Base) { b.Release = "5.15.13-1-default" },
		"another architecture":  func(b *Base) { b.Arch = "aarch64" },
		"no table":              func(b *Base) { b.Table = nil },
		"the same build":        func(b *Base) { b.Origin = New },
		"an installed kernel":   func(b *Base) { b.Origin = Installed },
	} {
		from := testBuild(t, "1.1", w)
		from.Origin = Against
		edit(from)
		if got := changes([]*Base{to, from}); len(got) != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestExportsOf compares like with like only.
func TestExportsOf(t *testing.T) {
	symvers, provides := Exports{Symvers: []string{"a"}}, Exports{Provides: []string{"a"}}
	if o := exportsOf(&Base{Exports: symvers}, &Base{Exports: provides}); len(o.OldExports)+len(o.NewExports) > 0 {
		t.Errorf("%+v", o)
	}
	if o := exportsOf(&Base{Exports: symvers}, &Base{Exports: symvers}); len(o.OldExports) != 1 || len(o.NewExports) != 1 {
		t.Errorf("%+v", o)
	}
}
