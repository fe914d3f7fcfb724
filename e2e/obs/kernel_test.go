// SPDX-License-Identifier: Apache-2.0

//go:build e2eobs

package obs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// disturl is what OBS has rpmbuild write into the packages.
const disturl = "obs://build.example.org/openSUSE:Factory/standard/5d2c1b7e9f3a48606b0e7d5c2f914a83-kernel-default"

// buildKernel builds kernel-default and -extra of a tree.
func (r root) buildKernel(t *testing.T, src sources, tr tree, release string, options ...string) *outcome {
	t.Helper()
	tr.addTo(t, src)
	return r.build(t, src, append([]string{"--release", release, "--disturl", disturl}, options...)...)
}

// results are what OBS would keep of a build of the incident that nothing
// preceded, packages and report; each is built once.
func results(t *testing.T, release string) []string {
	t.Helper()
	dir := filepath.Join(scratch, "results-"+release)
	if !isDir(dir) {
		o := newRoot(t).buildKernel(t, newSources(t, "kernel-default.spec"), kernelTree(t, "5.15.12-"+release), release)
		if o.status != 0 {
			t.Fatalf("%s cannot be built: exit status %d", release, o.status)
		}
		for _, path := range o.rpms(t) {
			copyFile(t, path, filepath.Join(dir, filepath.Base(path)))
		}
		for _, path := range o.reports() {
			copyFile(t, path, filepath.Join(dir, filepath.Base(path)))
		}
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	return files
}

// wantTokens checks what the packages of a kernel say of fingerprints.
func (o *outcome) wantTokens(t *testing.T, token string) {
	t.Helper()
	rpms := o.rpms(t)
	for _, tt := range []struct {
		name, kind string
		want       []string
	}{
		{"kernel-default", "provides", []string{token}},
		{"kernel-default", "requires", nil},
		{"kernel-default-extra", "provides", nil},
		{"kernel-default-extra", "requires", []string{token}},
	} {
		if got := tokens(t, rpms[tt.name], tt.kind); !slices.Equal(got, tt.want) {
			t.Errorf("%s %s %q, want %q", tt.name, tt.kind, got, tt.want)
		}
	}
}

// A sound kernel of which nothing is known before. Its spec file says nothing of
// fingerprints.
func TestFirstBuild(t *testing.T) {
	for _, release := range []string{"1.1", "1.3"} {
		t.Run(release, func(t *testing.T) {
			r, tr := newRoot(t), kernelTree(t, "5.15.12-"+release)
			o := r.buildKernel(t, newSources(t, "kernel-default.spec"), tr, release)
			o.wants(t, 0)
			o.says(t, "kernel BTF check of kernel-default: passed",
				"ok build modules on their own vmlinux, 5.15.12-"+release+": 7 same-base",
				krel+" is not compared with the previous build: there are no old packages here")
			if strings.Contains(o.hook(), ", installed") {
				t.Error("the kernel counts twice: the checks install what was built")
			}
			o.wantTokens(t, tr.token(t))
			report := o.report(t, "kernel-default")
			report.wants(t, "build", "7 same-base")
			report.wants(t, "rebuild", "")
			if len(report.Labels) > 0 {
				t.Errorf("the report objects to metadata: %+v", report.Labels)
			}
		})
	}
}

// The incident: 1.3 takes the place of 1.1. The log is all that is left of a build
// that failed, so everything has to be there.
func TestRebuild(t *testing.T) {
	r, tr := newRoot(t), kernelTree(t, "5.15.12-1.3")
	r.previous(t, results(t, "1.1")...)
	o := r.buildKernel(t, newSources(t, "kernel-default.spec"), tr, "1.3")
	o.wants(t, 1)
	const onOld = "kernel-default.x86_64: E: btf-rejected /usr/lib/modules/" + krel + "/kernel/drivers/net/usb/ipheth.ko " +
		"on kernel-default-5.15.12-1.1.x86_64: failed to validate module [ipheth] BTF: -22"
	if !slices.Contains(strings.Split(o.hook(), "\n"), onOld) {
		t.Errorf("no line for editors: %s", onOld)
	}
	o.says(t, "kernel BTF check of kernel-default: FAILED",
		"A kernel carries a description of its data types",
		"ok build modules on their own vmlinux, 5.15.12-1.3: 7 same-base",
		"FAIL update new modules (5.15.12-1.3) while the old vmlinux (5.15.12-1.1) still runs: 7 rejected",
		"Linux 5.15.12 will log:", "failed to validate module [hid_apple] BTF: -22", "ipheth",
		"does not load (CONFIG_MODULE_ALLOW_BTF_MISMATCH is not set)",
		"FAIL update old modules (5.15.12-1.1) under the new vmlinux (5.15.12-1.3): 5 rejected, 2 misread",
		"loads, and the kernel reads wrong types",
		"Since when", "kernel-default-5.15.12-1.1.x86_64", "kernel-default-5.15.12-1.3.x86_64",
		"What to do", "Ship all packages of one build together", "override the verdict at the end of btf-guard.conf",
		"FAIL 14 modules (7 new, 7 old), 21 checks: 7 ok, 0 warn, 14 fail")
	o.wantTokens(t, tr.token(t))
}

// The same sources give the same base: what is installed and what is built are
// interchangeable.
func TestSameRebuild(t *testing.T) {
	r := newRoot(t)
	r.previous(t, results(t, "1.3")...)
	o := r.buildKernel(t, newSources(t, "kernel-default.spec"), kernelTree(t, "5.15.12-1.3"), "1.4")
	o.wants(t, 0)
	o.says(t, "kernel BTF check of kernel-default: passed")
	report := o.report(t, "kernel-default")
	report.wants(t, "build", "7 same-base")
	report.wants(t, "rebuild", "14 same-base")
	if len(report.History) != 2 {
		t.Errorf("%d builds in the report's history, want 2: %v", len(report.History), report.History)
	}
}

// Modules that were linked against another vmlinux than the one they come with.
func TestBrokenBuild(t *testing.T) {
	o := newRoot(t).buildKernel(t, newSources(t, "kernel-default.spec"), kernelTree(t, "broken"), "1.4")
	o.wants(t, 1)
	o.says(t, "kernel-default-extra.x86_64: E: btf-rejected", "xpad.ko.zst on kernel-default-5.15.12-1.4.x86_64",
		"kernel BTF check of kernel-default: FAILED",
		"FAIL build modules on their own vmlinux, 5.15.12-1.4: 2 rejected, 5 same-base",
		"failed to validate module [xpad] BTF: -22", "rndis_host",
		"What to do", "not linked against the vmlinux of the same build",
		"there are no old packages here",
		"FAIL 7 modules, 7 checks: 5 ok, 0 warn, 2 fail")
	if got := tokens(t, o.rpms(t)["kernel-default-extra"], "requires"); got != nil {
		t.Errorf("kernel-default-extra requires %q, which it was not built on", got)
	}
	if _, said, _ := strings.Cut(o.log, "obs-btf-guard: "); !strings.Contains(said, "xpad.ko") {
		t.Error("the generator does not say why it wrote nothing for xpad")
	}
}

// What cannot be read of a former build is said, and is nobody's fault now.
func TestTruncatedOldPackage(t *testing.T) {
	for _, tt := range []struct{ name, pattern, judged string }{
		{"vmlinux and modules", "kernel-default-5*.rpm", "2 same-base"},
		{"modules", "kernel-default-extra-*.rpm", "12 same-base"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRoot(t)
			r.previous(t, results(t, "1.3")...)
			old, _ := filepath.Glob(r.path(".build.oldpackages", tt.pattern))
			if len(old) != 1 {
				t.Fatalf("old packages %q", old)
			}
			if err := os.Truncate(old[0], 5000); err != nil {
				t.Fatal(err)
			}
			o := r.buildKernel(t, newSources(t, "kernel-default.spec"), kernelTree(t, "5.15.12-1.3"), "1.3")
			o.wants(t, 0)
			o.says(t, "kernel BTF check of kernel-default: passed",
				"not compared with a former result:", filepath.Base(old[0])+":")
			report := o.report(t, "kernel-default")
			report.wants(t, "build", "7 same-base")
			report.wants(t, "rebuild", tt.judged)
		})
	}
}
