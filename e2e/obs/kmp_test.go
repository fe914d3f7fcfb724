// SPDX-License-Identifier: Apache-2.0

//go:build e2eobs

package obs

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const xpad = "kernel/drivers/input/joystick/xpad.ko.zst"

// kernelPackage is kernel-default of a build of the incident.
func kernelPackage(t *testing.T, release string) string {
	t.Helper()
	files := results(t, release)
	i := slices.IndexFunc(files, func(path string) bool { return strings.HasPrefix(filepath.Base(path), "kernel-default-5") })
	if i < 0 {
		t.Fatalf("no kernel-default among %q", files)
	}
	return files[i]
}

// A module package with a source package of its own, built where a kernel is
// installed: on that kernel, or with what was built on the one before.
func TestKMP(t *testing.T) {
	kernel, installed := kernelPackage(t, "1.3"), kernelTree(t, "5.15.12-1.3")
	for _, tt := range []struct {
		name     string
		module   string
		status   int
		says     []string
		requires []string
	}{
		{"built on the kernel", installed.modules(xpad), 0, []string{
			"kernel BTF check of thing: passed",
			"ok across modules of other packages on the vmlinux of kernel-default-5.15.12-1.3.x86_64: 1 same-base",
		}, []string{installed.token(t)}},
		{"stale", kernelTree(t, "5.15.12-1.1").modules(xpad), 1, []string{
			"thing-kmp-default.x86_64: E: btf-rejected /usr/lib/modules/" + krel + "/updates/xpad.ko.zst " +
				"on kernel-default-5.15.12-1.3.x86_64: failed to validate module [xpad] BTF: -22",
			"kernel BTF check of thing: FAILED",
			"kernel-default-5.15.12-1.3.x86_64, installed",
			"FAIL across modules of other packages on the vmlinux of kernel-default-5.15.12-1.3.x86_64: 1 rejected",
			"failed to validate module [xpad] BTF: -22",
			"What to do", "not on the vmlinux of kernel-default-5.15.12-1.3.x86_64",
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, tr, src := newRoot(t), tree(t.TempDir()), newSources(t, "thing.spec")
			r.install(t, kernel)
			copyFile(t, tt.module, tr.modules("updates/xpad.ko.zst"))
			tr.addTo(t, src)
			o := r.build(t, src, "--release", "1.1")
			o.wants(t, tt.status)
			o.says(t, tt.says...)
			if got := tokens(t, o.rpms(t)["thing-kmp-default"], "requires"); !slices.Equal(got, tt.requires) {
				t.Errorf("thing-kmp-default requires %q, want %q", got, tt.requires)
			}
			if tt.status == 0 {
				o.report(t, "thing").wants(t, "across", "1 same-base")
			}
		})
	}
}

// Without a kernel in the build root there is nothing to compare the module with.
func TestKMPWithoutKernel(t *testing.T) {
	tr, src := tree(t.TempDir()), newSources(t, "thing.spec")
	copyFile(t, kernelTree(t, "5.15.12-1.1").modules(xpad), tr.modules("updates/xpad.ko.zst"))
	tr.addTo(t, src)
	o := newRoot(t).build(t, src, "--release", "1.1")
	o.wants(t, 0)
	o.says(t, "1 of the modules in thing-kmp-default-1.0_k5.15.12_1-1.1.x86_64.rpm are not checked", "no vmlinux of "+krel)
}

// A packager who cannot mend a stale module has it built again: the report says
// what and where.
func TestKMPToBeBuiltAgain(t *testing.T) {
	r, tr, src := newRoot(t), tree(t.TempDir()), newSources(t, "thing.spec")
	r.install(t, kernelPackage(t, "1.3"))
	copyFile(t, kernelTree(t, "5.15.12-1.1").modules(xpad), tr.modules("updates/xpad.ko.zst"))
	tr.addTo(t, src)
	src.add(t, "btf-guard.conf", ruling("across", "rebuild"))
	o := r.build(t, src, "--release", "1.1", "--disturl", "obs://build.example.org/hardware/standard/a41f8d02c7be4f5f9e6b3c2d1a0f7e58-thing")
	o.wants(t, 0)
	o.says(t, "kernel BTF check of thing: passed, but something must be BUILT AGAIN",
		"failed to validate module [xpad] BTF: -22", "decided in btf-guard.conf:2",
		"To be built again", "thing (project hardware, repository standard, x86_64)")
	report := o.report(t, "thing")
	if len(report.Rebuild) != 1 || report.Rebuild[0].Project != "hardware" || report.Rebuild[0].Package != "thing" {
		t.Errorf("to be built again by the report: %+v, want thing in hardware", report.Rebuild)
	}
}
