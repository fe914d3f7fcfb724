// SPDX-License-Identifier: Apache-2.0

package compare_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/compare"
)

// ring writes a list whose nodes refer to one another in a cycle, and lead to
// the leaf by way of it.
func ring(w *btftest.Writer, leafSize uint32) (node, leaf btf.TypeID) {
	// Ids are known beforehand: node, its pointer, the leaf, a pointer to that.
	node = w.NextID()
	w.Struct("node", 16,
		btftest.Member{Name: "next", Type: node + 1},
		btftest.Member{Name: "leaf", Type: node + 3, Offset: 64})
	w.Ptr(node)
	leaf = w.Struct("leaf", leafSize)
	w.Ptr(leaf)
	return node, leaf
}

func TestEqual(t *testing.T) {
	a := btftest.New()
	node, leaf := ring(a, 8)
	list := a.Ptr(node)

	b := btftest.New()
	b.Int("int", 4, 1, 32) // moves everything by one
	sameNode, sameLeaf := ring(b, 8)
	otherNode, otherLeaf := ring(b, 16)
	sameList, otherList := b.Ptr(sameNode), b.Ptr(otherNode)
	union := b.Fwd("node", true)

	c := compare.New(a.Table(t), b.Table(t))
	for _, tc := range []struct {
		name       string
		a, b       btf.TypeID
		deep, same bool
	}{
		{"void", 0, 0, true, true},
		{"a cycle, moved", node, sameNode, true, true},
		{"its leaf", leaf, sameLeaf, true, true},
		{"a pointer into it", list, sameList, true, true},
		{"a leaf of another size", leaf, otherLeaf, false, true},
		{"a cycle that leads to another leaf", node, otherNode, false, true},
		{"a pointer to that", list, otherList, false, true},
		{"another kind of the name", node, union, false, false},
		{"a pointer and what it points to", list, sameNode, false, false},
		{"past the end", node, 1000, false, false},
	} {
		if got := c.Equal(tc.a, tc.b); got != tc.deep {
			t.Errorf("%s: Equal is %v", tc.name, got)
		}
		if got := c.SameName(tc.a, tc.b); got != tc.same {
			t.Errorf("%s: SameName is %v", tc.name, got)
		}
	}
}

// kernel writes a base with a device that drivers are passed, of a given layout,
// and with something that no driver here uses.
func kernel(device, unused uint32, before ...string) (w *btftest.Writer, dev btf.TypeID) {
	w = btftest.New()
	num := w.Int("int", 4, 1, 32)
	for _, name := range before {
		w.Struct(name, 4, btftest.Member{Name: "x", Type: num})
	}
	dev = w.Ptr(w.Struct("device", 64, btftest.Member{Name: "state", Type: num, Offset: device}))
	w.Struct("unused", 64, btftest.Member{Name: "state", Type: num, Offset: unused})
	return w, dev
}

func TestModule(t *testing.T) {
	built, dev := kernel(0, 0)
	mod := built.Split()
	mod.Func("probe", mod.FuncProto(1, btftest.Param{Name: "dev", Type: dev}), btftest.Static)
	mod.Struct("port", 8, btftest.Member{Name: "owner", Type: dev})
	data := mod.Bytes()

	same, _ := kernel(0, 0)
	unused, _ := kernel(0, 32)
	moved, _ := kernel(32, 0)
	grown, _ := kernel(0, 0, "gadget")

	for _, tc := range []struct {
		name    string
		read    *btftest.Writer
		misread bool
		drifted int
		first   string
	}{
		{"the same base", same, false, 0, ""},
		{"a change in what it does not use", unused, false, 0, ""},
		{"a change in what it uses", moved, false, 2, "param 1 (dev) of probe: struct device * → struct device * with another definition"},
		{"a type more", grown, true, 0, "param 1 (dev) of probe: struct device * → struct device"},
	} {
		a, b := built.Table(t), tc.read.Table(t)
		onA, err := btf.Parse(data, a)
		if err != nil {
			t.Fatal(err)
		}
		onB, err := btf.Parse(data, b)
		if err != nil {
			t.Fatal(err)
		}
		o := compare.New(a, b).Module(onA, onB)
		if o.Misread() != tc.misread || !tc.misread && o.Drifted != tc.drifted {
			t.Errorf("%s: misread %v, drifted %d: %+v", tc.name, o.Misread(), o.Drifted, o)
		}
		found := slices.ContainsFunc(o.First, func(d compare.Difference) bool { return strings.HasPrefix(d.String(), tc.first) })
		if tc.first == "" && len(o.First) > 0 || tc.first != "" && !found {
			t.Errorf("%s: first differences are %q, want one %q", tc.name, o.First, tc.first)
		}
	}
}

// TestDeep compares chains and cycles as long as a table can hold; they must not
// take a time that grows with the square of it.
func TestDeep(t *testing.T) {
	const n = 200_000
	chain := func(leaf string) *btftest.Writer {
		w := btftest.New()
		last := w.Struct(leaf, 4)
		for range n {
			last = w.Ptr(last)
		}
		return w
	}
	cycle := func(length btf.TypeID) *btftest.Writer {
		w := btftest.New()
		for i := range length {
			w.Ptr(1 + (i+1)%length)
		}
		return w
	}
	for _, tc := range []struct {
		name  string
		a, b  *btftest.Writer
		equal bool
	}{
		{"equal chains", chain("leaf"), chain("leaf"), true},
		{"chains to different leaves", chain("leaf"), chain("other"), false},
		{"equal cycles", cycle(n), cycle(n), true},
		{"cycles of pointers to pointers, which nothing tells apart", cycle(n), cycle(n - 1), true},
	} {
		a, b := tc.a.Table(t), tc.b.Table(t)
		c := compare.New(a, b)
		if got := c.Equal(a.EndID()-1, b.EndID()-1); got != tc.equal {
			t.Errorf("%s: Equal is %v", tc.name, got)
		}
	}
}
