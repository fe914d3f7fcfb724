// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
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

func TestFlavorOf(t *testing.T) {
	for _, c := range []struct {
		name         string
		dependencies []string
		want         string
	}{
		{"kernel-default", nil, "default"},
		{"kernel-default-extra", nil, "default"},
		{"kernel-64kb", nil, "64kb"},
		{"kernel-64kb-base", nil, "64kb"},
		{"kernel-64k-core", nil, "64k"},
		{"kernel-64k-debug-modules-core", nil, "64k-debug"},
		{"kernel-rt-modules-extra", nil, "rt"},
		{"kernel", nil, "default"},
		{"kernel-core", nil, "default"},
		{"foo-kmp-64kb", nil, "64kb"},
		{"foo-kmp-rt_debug", nil, "rt_debug"},
		{"foo-kmp-default", []string{"rpmlib(CompressedFileNames)", "ksym(rt:printk)"}, "rt"},
		{"kmod-foo", []string{"kernel(printk)", "ksym(printk)"}, ""},
		{"kmod-foo", nil, ""},
	} {
		if got := kernel.FlavorOf(c.name, c.dependencies); got != c.want {
			t.Errorf("FlavorOf(%q, %v) = %q, want %q", c.name, c.dependencies, got, c.want)
		}
	}
}
