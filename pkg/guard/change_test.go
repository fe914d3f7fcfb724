// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"slices"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
)

func TestChanges(t *testing.T) {
	a := kernelTable(0, 0)
	var many []string
	for i := range 30 {
		many = append(many, "fn_"+string(rune('a'+i%26))+string(rune('0'+i/26)))
	}
	for _, tc := range []struct {
		name           string
		from, to       *btftest.Writer
		same           bool
		parted         int
		added, removed []string
		count          int // of all that were added
	}{
		{"reproduced", a, kernelTable(0, 0), true, 0, nil, nil, 0},
		{"two functions more", a, kernelTable(0, 0, "one", "two"), false, 0, []string{"FUNC one", "FUNC two"}, nil, 2},
		{"one of them less", kernelTable(0, 0, "one", "two"), kernelTable(0, 0, "two"), false, 6, nil, []string{"FUNC one"}, 0},
		{"a member moved", a, kernelTable(32, 0), false, 0, nil, nil, 0},
		{"in another order", kernelTable(0, 0, "one", "two"), kernelTable(0, 0, "two", "one"), false, 6, nil, nil, 0},
		{"more than are named", a, kernelTable(0, 0, many...), false, 0, nil, nil, 30},
	} {
		t.Run(tc.name, func(t *testing.T) {
			from, to := testBuild(t, "1.1", tc.from), testBuild(t, "1.3", tc.to)
			from.Origin = Against
			res, err := Judge(t.Context(), &Inventory{Bases: []*Base{to, from}})
			if err != nil {
				t.Fatal(err)
			}
			if len(res.Changes) != 1 {
				t.Fatalf("%d changes", len(res.Changes))
			}
			c := res.Changes[0]
			if c.From != from || c.To != to || c.Same() != tc.same || int(c.Parted) != tc.parted {
				t.Errorf("same %t, parted %d; want %t, %d", c.Same(), c.Parted, tc.same, tc.parted)
			}
			if c.Added.Count != tc.count || tc.added != nil && !slices.Equal(c.Added.First, tc.added) {
				t.Errorf("added %+v, want %d, %q", c.Added, tc.count, tc.added)
			}
			if len(c.Added.First) > mostNames {
				t.Errorf("%d names", len(c.Added.First))
			}
			if c.Removed.Count != len(tc.removed) || !slices.Equal(c.Removed.First, tc.removed) {
				t.Errorf("removed %+v, want %q", c.Removed, tc.removed)
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
