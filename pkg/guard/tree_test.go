// SPDX-License-Identifier: Apache-2.0

package guard

import "testing"

// TestBelieve has small modules of a tree be believed where their neighbors confirm
// the vmlinux, and nothing speaks against it.
func TestBelieve(t *testing.T) {
	b := &Base{Path: "tree/boot/vmlinuz", Vermagic: "1-default SMP"}
	of := func(v Verdict, change func(f *Finding)) Finding {
		m := &Module{Tree: "tree", Release: "1-default", InTree: true, vermagic: "1-default SMP"}
		f := Finding{Pairing: PairBuild, Module: m, Base: b, Verdict: v, Severity: v.Severity()}
		if change != nil {
			change(&f)
		}
		return f
	}
	for _, tc := range []struct {
		name   string
		small  func(f *Finding)
		others []Verdict
		want   Verdict
	}{
		{"neighbors confirm it", nil, []Verdict{SameBase, SameBase, NoBTF}, SameBase},
		{"one does not fit", nil, []Verdict{SameBase, SameBase, Misread}, Unproven},
		{"one is refused", nil, []Verdict{SameBase, SameBase, Rejected}, Unproven},
		{"as many are small", nil, []Verdict{SameBase}, Unproven},
		{"none confirms it", nil, []Verdict{Unproven}, Unproven},
		{"of another package", func(f *Finding) { f.Module.InTree = false }, []Verdict{SameBase, SameBase}, Unproven},
		{"another vermagic", func(f *Finding) { f.Module.vermagic = "1-default SMP preempt" }, []Verdict{SameBase, SameBase}, Unproven},
		{"another tree", func(f *Finding) { f.Module.Tree = "other" }, []Verdict{SameBase, SameBase}, Unproven},
		{"another pairing", func(f *Finding) { f.Pairing = PairAcross }, []Verdict{SameBase, SameBase}, Unproven},
		{"in a package", func(f *Finding) { f.Module.Package = &Package{} }, []Verdict{SameBase, SameBase}, Unproven},
		{"a kernel that does not look", func(f *Finding) { f.Base = &Base{IgnoresModules: true} }, []Verdict{SameBase, SameBase}, Unproven},
	} {
		all := []Finding{of(Unproven, tc.small)}
		for _, v := range tc.others {
			all = append(all, of(v, nil))
		}
		believe(all)
		if f := all[0]; f.Verdict != tc.want || tc.want == SameBase && (f.Basis != Provenance || f.Severity != OK || len(f.Reasons) == 0) {
			t.Errorf("%s: %+v", tc.name, f)
		}
	}
}

// TestBelieveFolder has small modules of a folder be believed on a base that was named,
// where both are for one kernelrelease.
func TestBelieveFolder(t *testing.T) {
	of := func(path, vermagic string, b *Base, v Verdict) Finding {
		m := &Module{Path: path, Release: "1-default", InTree: true, vermagic: vermagic}
		return Finding{Pairing: PairGiven, Module: m, Base: b, Verdict: v, Severity: v.Severity()}
	}
	const magic = "1-default SMP"
	b := &Base{Path: "vmlinux", Release: "1-default", Vermagic: magic}
	for _, tc := range []struct {
		name, path, vermagic string
		base                 *Base
		want                 Verdict
	}{
		{"beside them", "kmods/a.ko", magic, b, SameBase},
		{"elsewhere", "other/a.ko", magic, b, Unproven},
		{"another vermagic", "kmods/a.ko", "1-default SMP preempt", b, Unproven},
		{"a base whose vermagic nothing tells", "kmods/a.ko", magic, &Base{Release: "1-default"}, SameBase},
		{"a base of another kernelrelease", "kmods/a.ko", magic, &Base{Release: "2-default", Vermagic: magic}, Unproven},
		{"a base without one", "kmods/a.ko", magic, &Base{}, Unproven},
	} {
		all := []Finding{of(tc.path, tc.vermagic, tc.base, Unproven), of("kmods/b.ko", magic, tc.base, SameBase), of("kmods/c.ko", magic, tc.base, SameBase)}
		believe(all)
		if got := all[0].Verdict; got != tc.want {
			t.Errorf("%s: %s", tc.name, got)
		}
	}
}
