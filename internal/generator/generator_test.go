// SPDX-License-Identifier: Apache-2.0

package generator_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
	"github.com/obs-btf-guard/obs-btf-guard/internal/generator"
)

const (
	incident = "../../testdata/incident/"
	base11   = "kernel-btf(default:sha256:42844fc3093af9ffa696a5c5b03f5b5536f1319f65a5b76c17cbd95da1f7ec5d)"
	base13   = "kernel-btf(default:sha256:94460e068ad0e08b2068845da42d89bebfc6edb219b7f0ac1c49da7b0f55f953)"
	modules  = "usr/lib/modules/5.15.12-1-default/"
)

// unpack lays the files of fixture packages out as a build root has them.
func unpack(t *testing.T, root string, packages ...string) {
	t.Helper()
	for _, name := range packages {
		fixture.Unpack(t, incident+name, root)
	}
}

func kernelRPM(release string) string {
	return release + "/kernel-default-" + release + ".x86_64.rpm"
}

func extraRPM(release string) string {
	return release + "/kernel-default-extra-" + release + ".x86_64.rpm"
}

// TestSurvey asks for the files of a build root, in which the kernel may be
// packaged together with the modules, installed, named, or nowhere.
func TestSurvey(t *testing.T) {
	installed := func(path string, tokens ...string) func(context.Context, string) (string, []string) {
		return func(_ context.Context, release string) (string, []string) {
			if release != "5.15.12-1-default" {
				t.Errorf("asked for kernel %q", release)
			}
			return path, tokens
		}
	}
	older := t.TempDir()
	unpack(t, older, kernelRPM("5.15.12-1.1"))
	vmlinux11 := filepath.Join(older, modules, "vmlinux.xz")

	for _, tc := range []struct {
		name     string
		packages []string
		options  generator.Options
		want     map[string]generator.Answer // Why by a part of it
	}{
		{"kernel and modules", []string{kernelRPM("5.15.12-1.3"), extraRPM("5.15.12-1.3")}, generator.Options{}, map[string]generator.Answer{
			"vmlinux.xz":                                {Token: base13},
			"kernel/drivers/net/usb/ipheth.ko":          {Token: base13, Strength: generator.Requires},
			"kernel/lib/crc7.ko":                        {Token: base13, Strength: generator.Requires},
			"kernel/drivers/hid/hid-apple.ko":           {Token: base13, Strength: generator.Requires},
			"kernel/drivers/input/joystick/xpad.ko.zst": {Token: base13, Strength: generator.Requires},
		}},
		{"modules of another build", []string{kernelRPM("5.15.12-1.3"), extraRPM("5.15.12-1.1")}, generator.Options{}, map[string]generator.Answer{
			"kernel/lib/crc7.ko":                        {Token: base13, Strength: generator.Requires},
			"kernel/drivers/input/joystick/xpad.ko.zst": {Why: "rejected on "},
		}},
		{"nowhere", []string{extraRPM("5.15.12-1.1")}, generator.Options{}, map[string]generator.Answer{
			"kernel/drivers/input/joystick/xpad.ko.zst": {Why: "no vmlinux of 5.15.12-1-default"},
		}},
		{"installed as a file", []string{extraRPM("5.15.12-1.1")}, generator.Options{Installed: installed(vmlinux11)}, map[string]generator.Answer{
			"kernel/drivers/input/joystick/xpad.ko.zst": {Token: base11, Strength: generator.Requires},
		}},
		{"installed as a file that does not fit", []string{extraRPM("5.15.12-1.3")}, generator.Options{Installed: installed(vmlinux11)}, map[string]generator.Answer{
			"kernel/drivers/input/joystick/xpad.ko.zst": {Why: "rejected on "},
		}},
		{"installed with tokens", []string{extraRPM("5.15.12-1.1")}, generator.Options{Installed: installed("", strings.Replace(base13, "default", "rt", 1), base11)}, map[string]generator.Answer{
			"kernel/drivers/input/joystick/xpad.ko.zst": {Token: base11, Strength: generator.Recommends},
		}},
		{"installed as a file of a package that names another flavor", []string{extraRPM("5.15.12-1.1")}, generator.Options{Installed: installed(vmlinux11, base13, strings.Replace(base11, "default", "uek", 1))}, map[string]generator.Answer{
			"kernel/drivers/input/joystick/xpad.ko.zst": {Token: strings.Replace(base11, "default", "uek", 1), Recorded: true, Strength: generator.Requires},
		}},
		{"installed with one token, of another flavor", []string{extraRPM("5.15.12-1.1")}, generator.Options{Installed: installed("", strings.Replace(base11, "default", "uek", 1))}, map[string]generator.Answer{
			"kernel/drivers/input/joystick/xpad.ko.zst": {Token: strings.Replace(base11, "default", "uek", 1), Recorded: true, Strength: generator.Recommends},
		}},
		{"named", []string{extraRPM("5.15.12-1.1")}, generator.Options{Base: incident + kernelRPM("5.15.12-1.1")}, map[string]generator.Answer{
			"kernel/drivers/input/joystick/xpad.ko.zst": {Token: base11, Strength: generator.Requires},
		}},
		{"KMP without BTF", []string{"5.15.12-1.3/ipu6-kmp-default-1.0_k5.15.12_1-2.1.x86_64.rpm"}, generator.Options{}, map[string]generator.Answer{
			"updates/ipu6.ko.xz": {},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			root := t.TempDir()
			unpack(t, root, tc.packages...)
			s, err := generator.New(t.Context(), root, tc.options)
			if err != nil {
				t.Fatal(err)
			}
			for path, want := range tc.want {
				got := s.Answers[filepath.Join(root, modules, path)]
				if want.Recorded && got.TokenOf("foo-kmp-default") != want.Token {
					t.Errorf("%s: %s for a package that names a flavor", path, got.TokenOf("foo-kmp-default"))
				}
				if got.Token != want.Token || got.Strength != want.Strength || !strings.Contains(got.Why, want.Why) || (got.Why == "") != (want.Why == "") {
					t.Errorf("%s: %+v, want %+v", path, got, want)
				}
			}
		})
	}
}

// TestCached answers from an earlier survey until a file that matters changes.
func TestCached(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	unpack(t, root, kernelRPM("5.15.12-1.3"), extraRPM("5.15.12-1.3"))
	module := filepath.Join(root, modules, "kernel/lib/crc7.ko")
	asks := 0
	o := generator.Options{Installed: func(context.Context, string) (string, []string) { asks++; return "", nil }}
	ask := func() generator.Answer {
		t.Helper()
		s, err := generator.Cached(t.Context(), root, []string{module}, o)
		if err != nil {
			t.Fatal(err)
		}
		return s.Answers[module]
	}
	if got := ask(); got.Token != base13 {
		t.Fatalf("first: %+v", got)
	}
	// Without its file a survey could not answer, so the cache does.
	vmlinux := filepath.Join(root, modules, "vmlinux.xz")
	if err := os.Remove(filepath.Join(root, modules, "kernel/net/ipv4/tcp_bbr.ko")); err != nil {
		t.Fatal(err)
	}
	if got := ask(); got.Token != base13 {
		t.Errorf("again: %+v", got)
	}
	// The kernel of the other build in its place: everything is asked anew.
	unpack(t, root, kernelRPM("5.15.12-1.1"))
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(vmlinux, past, past); err != nil {
		t.Fatal(err)
	}
	if got := ask(); got.Token != base11 {
		t.Errorf("after the kernel changed: %+v", got)
	}
	// A kernel that is gone.
	if err := os.Remove(vmlinux); err != nil {
		t.Fatal(err)
	}
	if got := ask(); got.Token != "" || asks == 0 {
		t.Errorf("without a kernel: %+v, asked %d times", got, asks)
	}
}

// TestBootImage is for kernels as Fedora packs them: a boot image and no vmlinux.
func TestBootImage(t *testing.T) {
	root := t.TempDir()
	unpack(t, root, kernelRPM("5.15.12-1.3"), extraRPM("5.15.12-1.3"))
	vmlinux, image := filepath.Join(root, modules, "vmlinux.xz"), filepath.Join(root, modules, "vmlinuz")
	data, err := os.ReadFile(vmlinux)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(image, data, 0o644); err != nil {
		t.Fatal(err)
	}
	answers := func() map[string]generator.Answer {
		s, err := generator.New(t.Context(), root, generator.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return s.Answers
	}
	if a := answers(); a[vmlinux].Token != base13 || a[image].Token != "" || a[image].Why != "" {
		t.Errorf("beside a vmlinux: %+v, %+v", a[vmlinux], a[image])
	}
	if err := os.Remove(vmlinux); err != nil {
		t.Fatal(err)
	}
	a := answers()
	if a[image].Token != base13 {
		t.Errorf("alone: %+v", a[image])
	}
	if xpad := a[filepath.Join(root, modules, "kernel/drivers/input/joystick/xpad.ko.zst")]; xpad.Token != base13 {
		t.Errorf("a module built on it: %+v", xpad)
	}
}

// TestNamedBase is for what the packager says with %kernel_btf_base.
func TestNamedBase(t *testing.T) {
	kernels, root := t.TempDir(), t.TempDir()
	unpack(t, kernels, kernelRPM("5.15.12-1.3"))
	unpack(t, root, extraRPM("5.15.12-1.3"))
	rndis := filepath.Join(root, modules, "kernel/drivers/net/usb/rndis_host.ko.zst")
	if err := os.Remove(filepath.Join(root, modules, "kernel/drivers/input/joystick/xpad.ko.zst")); err != nil {
		t.Fatal(err)
	}
	older := t.TempDir()
	unpack(t, older, kernelRPM("5.15.12-1.1"))
	for _, c := range []struct {
		name, base, token, why string
	}{
		{"the right one, of a module that is too small to prove it", filepath.Join(kernels, modules, "vmlinux.xz"), base13, "by the word of the packager, who named "},
		{"another one", filepath.Join(older, modules, "vmlinux.xz"), "", "rejected on "},
		{"one that is not there", "/nowhere/vmlinux", "", "%kernel_btf_base: /nowhere/vmlinux: no such file or directory"},
		{"something else", incident + "make.sh", "", "%kernel_btf_base: " + incident + "make.sh: a text file"},
		{"none", "", "", "and none named"},
	} {
		s, err := generator.New(t.Context(), root, generator.Options{Base: c.base})
		if err != nil {
			t.Fatal(err)
		}
		if a := s.Answers[rndis]; a.Token != c.token || !strings.Contains(a.Why, c.why) {
			t.Errorf("%s: %+v", c.name, a)
		}
	}
}
