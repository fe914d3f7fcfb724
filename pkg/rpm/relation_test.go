// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"slices"
	"strings"
	"testing"
)

func plain(name string) Dependency { return Dependency{Name: name} }

func equal(name, version string) Dependency {
	return Dependency{name, SenseEqual, version}
}

// TestCompareDependencies has the order that rpmbuild 4.18 gave to these as
// Requires, whatever the order in the spec file.
func TestCompareDependencies(t *testing.T) {
	sorted := []Dependency{
		plain("(a if b)"),
		plain("/bin/sh"),
		plain("Xorg"),
		plain("_private"),
		plain("kernel"),
		{"kernel", SenseLess, "10"},
		{"kernel", SenseGreater, "10"},
		{"kernel", SenseGreater | SenseEqual, "10"},
		{"kernel", SenseEqual, "9"},
		plain("kernel-btf(default:sha256:00)"),
		plain("kernel-btf(default:sha256:0a)"),
		plain("kernel_base"),
		plain("zlib"),
		plain("ünïcode"),
	}
	for i := range sorted {
		for j := range sorted {
			got := compareDependencies(sorted[i], sorted[j])
			if (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%v to %v: %d", sorted[i], sorted[j], got)
			}
		}
	}
}

func TestRevise(t *testing.T) {
	old := []Dependency{plain("b"), {"d", SenseFindProvides, ""}, equal("d", "1"), plain("f")}
	provides := func(list ...Dependency) (r []Relation) {
		for _, d := range list {
			r = append(r, Relation{Provides, d})
		}
		return r
	}
	drop := func(names ...string) func(Relation) bool {
		return func(r Relation) bool { return slices.Contains(names, r.Name) }
	}
	for _, tt := range []struct {
		name  string
		edit  Edit
		new   string
		moved []int
	}{
		{"nothing", Edit{}, "b d d = 1 f", []int{0, 1, 2, 3}},
		{"in front", Edit{Add: provides(plain("a"))}, "a b d d = 1 f", []int{1, 2, 3, 4}},
		{"behind", Edit{Add: provides(plain("g"))}, "b d d = 1 f g", []int{0, 1, 2, 3}},
		{"between", Edit{Add: provides(plain("e"))}, "b d d = 1 e f", []int{0, 1, 2, 4}},
		{"by version", Edit{Add: provides(equal("d", "0"))}, "b d d = 0 d = 1 f", []int{0, 1, 3, 4}},
		{"not sorted", Edit{Add: provides(plain("g"), plain("a"), plain("c"))}, "a b c d d = 1 f g", []int{1, 3, 4, 5}},
		{"there already", Edit{Add: provides(plain("b"), equal("d", "1"))}, "b d d = 1 f", []int{0, 1, 2, 3}},
		{"there from a generator", Edit{Add: provides(plain("d"))}, "b d d = 1 f", []int{0, 1, 2, 3}},
		{"twice", Edit{Add: provides(plain("e"), plain("e"))}, "b d d = 1 e f", []int{0, 1, 2, 4}},
		{"of another kind", Edit{Add: []Relation{{Requires, plain("e")}}}, "b d d = 1 f", []int{0, 1, 2, 3}},
		{"drop", Edit{Drop: drop("d")}, "b f", []int{0, -1, -1, 1}},
		{"drop all", Edit{Drop: drop("b", "d", "f")}, "", []int{-1, -1, -1, -1}},
		{"drop and add", Edit{Drop: drop("b"), Add: provides(plain("c"))}, "c d d = 1 f", []int{-1, 1, 2, 3}},
		{"drop what is added", Edit{Drop: drop("d", "f"), Add: provides(plain("d"))}, "b d", []int{0, 1, -1, -1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := tt.edit.revise(Provides, old)
			var words []string
			for _, d := range r.new {
				words = append(words, d.String())
			}
			if got := strings.Join(words, " "); got != tt.new {
				t.Errorf("new %q, want %q", got, tt.new)
			}
			if !slices.Equal(r.moved, tt.moved) {
				t.Errorf("moved %v, want %v", r.moved, tt.moved)
			}
			if len(r.new) != len(old)+len(r.added)-len(r.dropped) {
				t.Errorf("%d added, %d dropped, from %d to %d", len(r.added), len(r.dropped), len(old), len(r.new))
			}
		})
	}
}

func TestValidateRelation(t *testing.T) {
	for _, tt := range []struct {
		r   Relation
		err string
	}{
		{Relation{Provides, plain("kernel-btf(default:sha256:0123)")}, ""},
		{Relation{Provides, Dependency{"a", SenseFindProvides | SenseEqual, "2:1.0~rc1-3"}}, ""},
		{Relation{Requires, plain("/usr/bin/x")}, ""},
		{Relation{Requires, plain("")}, "Requires: name \"\" does not begin"},
		{Relation{Requires, plain("(a or b)")}, ""},
		{Relation{Requires, plain("((a(x:1) with b) if b)")}, ""},
		{Relation{Recommends, Dependency{"(a if b)", SenseFindRequires, ""}}, ""},
		{Relation{Provides, plain("(a or b)")}, "a rich dependency cannot be provided"},
		{Relation{Requires, plain("(a or b")}, "1 parentheses are not closed"},
		{Relation{Requires, plain("(a) or b")}, "it ends at byte 2 of 8"},
		{Relation{Requires, plain("(a\nor b)")}, "byte 0x0a at 2"},
		{Relation{Requires, equal("(a or b)", "1")}, "a rich dependency has no version of its own"},
		{Relation{Requires, plain("a b")}, "byte 0x20 at 1"},
		{Relation{Requires, plain("a\x00b")}, "byte 0x00 at 1"},
		{Relation{Requires, plain("a,b")}, "byte 0x2c at 1"},
		{Relation{Requires, equal("a", "1/2")}, "byte 0x2f at 1"},
		{Relation{Requires, equal("a", "1-2-3")}, "not [epoch:]version[-release]"},
		{Relation{Requires, equal("a", "")}, "a comparison a version"},
		{Relation{Requires, Dependency{"a", 0, "1"}}, "a version needs a comparison"},
		{Relation{Requires, Dependency{"a", 1 << 9, ""}}, "flags 0x200 are not allowed"},
		{Relation{Requires, Dependency{"a", SenseFindProvides, ""}}, "flags 0x8000 are not allowed"},
		{Relation{Kind(3), plain("a")}, "kind 3: not a kind of dependency"},
		{Relation{Kind(-1), plain("a")}, "kind -1: not a kind of dependency"},
	} {
		err := tt.r.validate()
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%v: error %v, want %q", tt.r, err, tt.err)
		}
	}
}
