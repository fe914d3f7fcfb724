// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"errors"
	"fmt"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/evidence"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// TestBelieve has small modules of a tree be believed where their neighbors confirm
// the vmlinux, and nothing speaks against it.
func TestBelieve(t *testing.T) {
	b := &Base{Path: "tree/boot/vmlinuz", Vermagic: "1-default SMP"}
	of := func(v Verdict, change func(f *Finding)) Finding {
		m := &Module{Place: Place{Tree: "tree"}, Release: "1-default", InTree: true, vermagic: "1-default SMP"}
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
		{"one is damaged", nil, []Verdict{SameBase, SameBase, Malformed}, SameBase},
		{"the table of one is", func(f *Finding) { f.Damaged = true }, []Verdict{SameBase, SameBase, Rejected}, SameBase},
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
			all = append(all, of(v, func(f *Finding) {
				if v == Malformed {
					f.Module.Err = errors.New("cut short")
				}
				f.Damaged = v == Rejected && all[0].Damaged
			}))
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

// TestTreeBase compares loose modules with another build of their kernel by the vmlinux
// beside them, as those of a package: by themselves, they could be of either.
func TestTreeBase(t *testing.T) {
	for _, tc := range []struct {
		name  string
		edit  func(own, other *Base, m []*Module)
		basis Basis
	}{
		{"the vmlinux beside them", func(*Base, *Base, []*Module) {}, Compared},
		{"none beside them", func(own, _ *Base, _ []*Module) { own.Tree = "elsewhere" }, Evidence},
		{"of another package", func(_, _ *Base, m []*Module) { m[0].InTree = false }, Evidence},
		{"beside one of another vmlinux", func(_, _ *Base, m []*Module) { m[1].vermagic = "6.1.0-1 SMP " }, Evidence},
		{"beside one that fits another", func(_, _ *Base, m []*Module) { m[1].BTF = driver(kernelTable(0, 0, "more")) }, Evidence},
	} {
		t.Run(tc.name, func(t *testing.T) {
			base := func(tree string, origin Origin, state uint32) *Base {
				b := testBuild(t, tree, kernelTable(state, 0))
				b.Package, b.Tree, b.Origin, b.Vermagic = nil, tree, origin, "5.15.12-1-default SMP "
				return b
			}
			own, other := base("new", New, 0), base("old", Against, 32)
			var modules []*Module
			for _, name := range []string{"a", "b", "c"} {
				w := kernelTable(0, 0)
				m := w.Split()
				for _, f := range []string{"probe", "disconnect", "suspend", "resume"} {
					m.Func(f, m.FuncProto(1, btftest.Param{Name: "state", Type: 3}, btftest.Param{Name: "level", Type: 4}, btftest.Param{Name: "unused", Type: 1},
						btftest.Param{Name: "device", Type: 2}), btftest.Static)
				}
				for i := range 8 {
					m.Struct("", 8, btftest.Member{Name: "state", Type: btf.TypeID(1 + 2*(i%2))})
				}
				module := named(testModule(nil, m.Bytes()), name)
				module.Tree, module.vermagic = "new", own.Vermagic
				modules = append(modules, module)
			}
			tc.edit(own, other, modules)
			res, err := Judge(t.Context(), &Inventory{Bases: []*Base{own, other}, Modules: modules}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range res.Findings {
				if f.Pairing == PairRebuild && f.Base == other && f.Module.Name == "a" {
					if f.Basis != tc.basis || (f.Verdict == Drifted) != (tc.basis == Compared) {
						t.Errorf("%s by %s, want by %s: %q", f.Verdict, f.Basis, tc.basis, f.Reasons)
					}
					return
				}
			}
			t.Errorf("none of %d findings is it", len(res.Findings))
		})
	}
}

// TestDoubt takes back what a module's own table says for a base where others of its
// build contradict it.
func TestDoubt(t *testing.T) {
	const magic = "1-default SMP"
	b := &Base{Release: "1-default", Vermagic: magic}
	of := func(v Verdict, basis Basis, e *evidence.Evidence) Finding {
		m := &Module{Package: &Package{Path: "kernel-default.rpm"}, Release: "1-default", InTree: true, vermagic: magic}
		return Finding{Pairing: PairAcross, Module: m, Base: b, Verdict: v, Severity: v.Severity(), Basis: basis, evidence: e}
	}
	well, against := &evidence.Evidence{}, &evidence.Evidence{}
	against.Against[evidence.MemberNoFit] = 1
	for _, tc := range []struct {
		name   string
		change func(f *Finding)
		well   int // neighbors
		bad    int
		want   Verdict
	}{
		{"alone", nil, 0, 0, SameBase},
		{"among its like", nil, 9, 0, SameBase},
		{"one of very many is damaged", nil, 99, 1, SameBase},
		{"one of many contradicts", nil, 90, 1, Unproven},
		{"others contradict", nil, 9, 2, Unproven},
		{"most contradict", nil, 0, 9, Unproven},
		{"a token says it", func(f *Finding) { f.Basis = Recorded }, 0, 9, SameBase},
		{"of another package", func(f *Finding) { f.Module.Package = &Package{Path: "other.rpm"} }, 0, 9, SameBase},
		{"not in the kernel's tree, in its package", func(f *Finding) { f.Module.InTree = false }, 0, 9, Unproven},
		{"not in the kernel's tree, loose", func(f *Finding) { f.Module.InTree, f.Module.Package = false, nil }, 0, 9, SameBase},
		{"on another base", func(f *Finding) { f.Base = &Base{} }, 0, 9, SameBase},
	} {
		f := of(SameBase, Evidence, well)
		if tc.change != nil {
			tc.change(&f)
		}
		all := []Finding{f}
		for range tc.well {
			all = append(all, of(SameBase, Evidence, well))
		}
		for range tc.bad {
			all = append(all, of(Misread, Evidence, against))
		}
		doubt(all)
		if got := all[0]; got.Verdict != tc.want || (got.Severity == Warn) != (tc.want == Unproven) || (len(got.Reasons) == 1) != (tc.want == Unproven) {
			t.Errorf("%s: %s, %s, %q", tc.name, got.Verdict, got.Severity, got.Reasons)
		}
	}
}

// TestOtherName: a module for a kernel of another name was not built on this base, however
// well its table fits.
func TestOtherName(t *testing.T) {
	const one, two = "5.15.12-1-default", "5.15.12-2-default"
	for _, tc := range []struct {
		name           string
		module, kernel string // by what they say themselves
		placed, lies   string // by their places
		want           Verdict
	}{
		{"the same", one, one, "", "", SameBase},
		{"another", two, one, "", "", Unproven},
		{"another, in the folder of this one", two, one, one, one, Unproven},
		{"the same, whatever the folders say", one, one, two, one, SameBase},
		{"another, by the place of the kernel", two, "", "", one, Unproven},
		{"another, by the place of the module", "", one, two, "", Unproven},
		{"a module without a name", "", one, "", one, SameBase},
		{"a raw base, which has none", two, "", "", "", SameBase},
	} {
		table := kernelTable(0, 0)
		for _, name := range []string{"inode", "dentry", "page", "file"} {
			table.Ptr(table.Struct(name, 8, btftest.Member{Name: name + "_count", Type: 1}))
		}
		b := &Base{Path: "vmlinux", Origin: Given, Arch: "x86_64", Release: tc.lies, release: tc.kernel, Version: verify.Version{Major: 5, Minor: 15}, pointerSize: 8}
		b.Rules = verify.RulesFor(b.Version)
		b.Table = table.Table(t)
		w := table.Split()
		for i := range 5 {
			w.Struct(fmt.Sprintf("own%d", i), 16, btftest.Member{Name: "state", Type: 3}, btftest.Member{Name: "level", Type: 6, Offset: 64})
			w.Ptr(w.Struct(fmt.Sprintf("more%d", i), 8, btftest.Member{Name: "inode_count", Type: 8}))
		}
		m := testModule(nil, w.Bytes())
		m.release, m.Release, m.bits = tc.module, tc.placed, 64
		f := judgeOne(t, &Inventory{Bases: []*Base{b}, Modules: []*Module{m}}, PairGiven)
		if f.Verdict != tc.want || f.Basis != Evidence {
			t.Errorf("%s: %s by %s, want %s: %q", tc.name, f.Verdict, f.Basis, tc.want, f.Reasons)
		}
	}
}
