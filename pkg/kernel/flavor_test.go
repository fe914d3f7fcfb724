// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"cmp"
	"iter"
	"slices"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

func TestFlavor(t *testing.T) {
	for krel, want := range map[string]string{
		"5.15.12-1-default":                   "default",
		"6.4.0-150600.23-rt_debug":            "rt_debug",
		"6.4.0-150600.23.25-64kb":             "64kb",
		"6.4.0-150600.23-azure":               "azure",
		"6.4.0-150600.23-kvmsmall":            "kvmsmall",
		"6.4.0-150600.23-lpae":                "lpae",
		"6.4.0-150600.23-zfcpdump":            "zfcpdump",
		"5.14.21-150400.22":                   "default",
		"6.12.0-160000.5-longterm":            "longterm",
		"6.1.0-53-amd64":                      "amd64",
		"6.12.117+deb12-cloud-amd64":          "cloud-amd64",
		"6.12.117+deb12-rt-amd64":             "rt-amd64",
		"6.12.115+deb13.1-amd64":              "amd64",
		"6.12.115+deb13-arm64-16k":            "arm64-16k",
		"6.8.0-31-generic":                    "generic",
		"6.8.0-31-generic-64k":                "generic-64k",
		"6.5.6-300.fc39.x86_64":               "default",
		"6.5.6-300.fc39.x86_64+debug":         "debug",
		"5.14.0-427.el9.aarch64+64k":          "64k",
		"5.14.0-427.el9.aarch64+64k-debug":    "64k-debug",
		"5.14.0-503.el9.x86_64+rt":            "rt",
		"4.18.0-553.rt7.342.el8_10.x86_64":    "rt",
		"4.18.0-193.rt13.51.el8.x86_64+debug": "rt-debug",
		"3.10.0-1160.rt56.1131.el7.x86_64":    "rt",
		"5.14.0-70.rtx.el9.x86_64":            "default",
		"4.18.0-553.el8.aarch64.64k":          "64k",
		"5.15.0-200.131.27.el9uek.x86_64":     "default",
		"5.10.0-136.12.0.86.oe2203sp1.x86_64": "default",
		"6.19.0-rc3":                          "default",
		"6.19.0-rc3+":                         "default",
		"6.19.0-rc3-1-vanilla":                "vanilla",
		"6.19.0-rc3-00012-gabcdef123456":      "default",
		"6.9.3-arch1-1":                       "default",
		"6.19.0":                              "default",
		"6.19.0-":                             "default",
		"":                                    "default",
	} {
		if got := kernel.Flavor(krel); got != want {
			t.Errorf("Flavor(%q) = %q, want %q", krel, got, want)
		}
	}
}

func TestPackageFlavor(t *testing.T) {
	for _, c := range []struct {
		name         string
		dependencies []string
		krel         string
		want         string // "" where the package's own data say nothing
		with         string // the kernelrelease, where it is another one
	}{
		// Symbols come first, then what is provided for uname -r, then the name, then
		// the kernelrelease.
		{"kernel-default", []string{"kernel-rt-uname-r", "ksym(64kb:printk)"}, "6.4.0-1-azure", "64kb", ""},
		{"kernel-default", []string{"kernel-rt-uname-r"}, "6.4.0-1-azure", "rt", ""},
		{"kernel-default", []string{"kernel-uname-r", "kernel-core-uname-r"}, "6.4.0-1-azure", "default", ""},
		{"kernel-core", []string{"kernel-uname-r", "kernel-core-uname-r"}, "5.14.0-427.el9.x86_64+debug", "", "debug"},
		{"foo-kmp-default", []string{"rpmlib(CompressedFileNames)", "ksym(rt:printk)"}, "6.4.0-1-azure", "rt", ""},
		{"foo-kmp-default", []string{"kernel(azure:drivers_usb)"}, "", "azure", ""},
		{"kernel-64kb", []string{"kernel-uname-r"}, "6.4.0-150600.23.7", "64kb", ""},

		{"kernel-default", nil, "", "default", ""},
		{"kernel-default-base", nil, "", "default", ""},
		{"kernel-default-extra", nil, "", "default", ""},
		{"kernel-default-optional", nil, "", "default", ""},
		{"kernel-default-devel", nil, "", "default", ""},
		{"kernel-default-vdso", nil, "", "default", ""},
		{"kernel-default-livepatch-devel", nil, "", "default", ""},
		{"kernel-livepatch-6_4_0-150600_23_7-default", nil, "", "default", ""},
		{"kernel-livepatch-6_4_0-150600_10_5-rt", nil, "", "rt", ""},
		{"kernel-rt_debug", nil, "", "rt_debug", ""},
		{"kernel-rt_debug-devel", nil, "", "rt_debug", ""},
		{"kernel-azure", nil, "", "azure", ""},
		{"kernel-kvmsmall-base", nil, "", "kvmsmall", ""},
		{"kernel-lpae", nil, "", "lpae", ""},
		{"kernel-vanilla", nil, "", "vanilla", ""},
		{"kernel-zfcpdump", nil, "", "zfcpdump", ""},
		{"kernel-64kb-base", nil, "", "64kb", ""},
		{"kernel-64k-core", nil, "", "64k", ""},
		{"kernel-64k-debug-modules-core", nil, "", "64k-debug", ""},
		{"kernel-16k-modules-extra", nil, "", "16k", ""},
		{"kernel-rt-modules-extra", nil, "", "rt", ""},
		{"kernel-rt-debug-kvm", nil, "", "rt-debug", ""},
		{"kernel-debug-devel-matched", nil, "", "debug", ""},
		{"kernel-debug-uki-virt-addons", nil, "", "debug", ""},
		{"kernel-zfcpdump-modules-core", nil, "", "zfcpdump", ""},
		{"kernel-uek-core", nil, "5.15.0-200.131.27.el9uek.x86_64", "uek", ""},
		{"kernel-PAE", nil, "", "PAE", ""},
		{"kernel-source-rt", nil, "", "rt", ""},
		{"kernel-syms-azure", nil, "", "azure", ""},

		// Names of no flavor.
		{"kernel", nil, "6.9.3-custom", "", "custom"},
		{"kernel-core", nil, "5.14.0-427.el9.aarch64+64k", "", "64k"},
		{"kernel-modules", nil, "4.18.0-553.rt7.342.el8_10.x86_64", "", "rt"},
		{"kernel-modules-extra-matched", nil, "", "", "default"},
		{"kernel-uki-virt", nil, "", "", "default"},
		{"kernel-devel", nil, "", "", "default"},
		{"kernel-source", nil, "", "", "default"},
		{"kernel-source-vanilla", nil, "", "vanilla", ""},
		{"kernel-macros", nil, "", "", "default"},
		{"kernel-docs-html", nil, "", "", "default"},
		{"kernel-firmware-amdgpu", nil, "", "", "default"},
		{"kernel-tools-libs-devel", nil, "", "", "default"},
		{"kernel-obs-build", nil, "", "", "default"},
		{"kernel-debuginfo-common-x86_64", nil, "", "", "default"},
		{"kernelshark", nil, "", "", "default"},

		{"foo-kmp-64kb", nil, "", "64kb", ""},
		{"foo-kmp-rt_debug", nil, "", "rt_debug", ""},
		{"my-kmp-tools-kmp-default", nil, "", "default", ""},
		{"kmod-foo", []string{"kernel(printk)", "ksym(printk)"}, "5.14.0-503.el9.x86_64+rt", "", "rt"},
		{"kmod-foo", []string{"kernel-uname-r"}, "5.14.0-427.el9.x86_64", "", "default"},
		{"kpatch-patch-5_14_0-427", nil, "5.14.0-427.el9.x86_64", "", "default"},
		{"zfs-modules", nil, "", "", "default"},
	} {
		var dependencies iter.Seq[string]
		if c.dependencies != nil {
			dependencies = slices.Values(c.dependencies)
		}
		if got := kernel.PackageFlavor(c.name, dependencies); got != c.want {
			t.Errorf("PackageFlavor(%q, %v) = %q, want %q", c.name, c.dependencies, got, c.want)
		}
		if got, want := kernel.FlavorOf(c.name, dependencies, c.krel), cmp.Or(c.want, c.with); got != want {
			t.Errorf("FlavorOf(%q, %v, %q) = %q, want %q", c.name, c.dependencies, c.krel, got, want)
		}
	}
}
