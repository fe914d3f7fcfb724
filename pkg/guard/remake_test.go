// SPDX-License-Identifier: Apache-2.0

package guard

import "testing"

// TestRemakes tells what is mended by building from what is mended by installing
// and by rebooting.
func TestRemakes(t *testing.T) {
	oldBase, newBase := testBuild(t, "1.1", kernelTable(0, 0)), testBuild(t, "1.3", kernelTable(0, 0, "more"))
	oldBase.Origin = Against
	other := testBuild(t, "2.1", kernelTable(0, 0))
	other.Origin = Installed
	kernel, older := newBase.Package, oldBase.Package
	kernel.Arch, older.Arch = "x86_64", "x86_64"
	kmp := &Package{Name: "foo-kmp-default", Source: "foo", Arch: "x86_64", DistURL: "obs://a/b/c/d-foo"}
	module := func(p *Package, origin Origin) *Module { return &Module{Package: p, Origin: origin} }
	for _, tc := range []struct {
		name   string
		module *Module
		base   *Base
		weighs Severity
		source string // "" for none
	}{
		{"a KMP on an installed kernel", module(kmp, New), other, Rebuild, "foo"},
		{"one that fails", module(kmp, New), other, Fail, "foo"},
		{"one that only warns", module(kmp, New), other, Warn, ""},
		{"a kernel on itself", module(kernel, New), newBase, Rebuild, "kernel-default"},
		{"new modules while the old kernel runs", module(kernel, New), oldBase, Rebuild, ""},
		{"old modules that this build replaces", module(older, Against), newBase, Rebuild, ""},
		{"old modules that it does not", module(kmp, Against), newBase, Rebuild, "foo"},
		{"a loose file", module(nil, New), newBase, Rebuild, ""},
		{"modules that met no kernel", module(kmp, New), nil, Rebuild, ""},
	} {
		res := &Result{Findings: []Finding{
			{Module: module(kernel, New), Base: newBase, Severity: OK}, // the build ships kernel-default
			{Module: tc.module, Base: tc.base, Severity: tc.weighs},
			{Module: tc.module, Base: tc.base, Severity: tc.weighs},
		}}
		got := remakes(res.Findings)
		switch {
		case tc.source == "" && len(got) == 0:
		case len(got) != 1 || got[0].Source != tc.source || got[0].Modules != 2 || got[0].On != tc.base || got[0].DistURL != tc.module.Package.DistURL:
			t.Errorf("%s: %+v, want %q", tc.name, got, tc.source)
		}
	}
}

// TestOutdated names a changed base only where the policy has its modules built
// again.
func TestOutdated(t *testing.T) {
	from, to := testBuild(t, "1.1", kernelTable(0, 0)), testBuild(t, "1.3", kernelTable(0, 0, "more"))
	from.Origin = Against
	changed, same := &Change{From: from, To: to}, &Change{From: from, To: from}
	for weighs, want := range map[Severity]bool{Rebuild: true, Fail: false, OK: false} {
		findings := []Finding{{Pairing: PairRebuild, Module: &Module{}, Base: from, Severity: weighs}}
		if changed.outdated(findings) != want || same.outdated(findings) {
			t.Errorf("%s: %v", weighs, !want)
		}
	}
}
