// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

func TestPaths(t *testing.T) {
	const krel = "6.19.2-1-default"
	for _, c := range []struct {
		path    string
		role    kernel.Role
		release string
	}{
		// usrmerged
		{"/usr/lib/modules/6.19.2-1-default/vmlinux.xz", kernel.RoleVmlinux, krel},
		{"/usr/lib/modules/6.19.2-1-default/vmlinux", kernel.RoleVmlinux, krel},
		{"/usr/lib/modules/6.19.2-1-default/vmlinuz", kernel.RoleBootImage, krel},
		{"/usr/lib/modules/6.19.2-1-default/Image", kernel.RoleBootImage, krel},
		{"/usr/lib/modules/6.19.2-1-default/Image.gz", kernel.RoleBootImage, krel},
		{"/usr/lib/modules/6.19.2-1-default/config", kernel.RoleConfig, krel},
		{"/usr/lib/modules/6.19.2-1-default/symvers.gz", kernel.RoleSymvers, krel},
		{"/usr/lib/modules/6.19.2-1-default/System.map", kernel.RoleNone, krel},
		{"/usr/lib/modules/6.19.2-1-default/vdso/vdso64.so", kernel.RoleNone, krel},
		{"/usr/lib/modules/6.19.2-1-default/kernel/drivers/net/usb/ipheth.ko.zst", kernel.RoleModule, krel},
		{"./usr/lib/modules/6.19.2-1-default/updates/foo.ko", kernel.RoleModule, krel},
		{"lib/modules/6.19.2-1-default/extra/foo.ko.xz", kernel.RoleModule, krel},
		{"/lib/modules/6.19.2-1-default/foo.ko.gz", kernel.RoleModule, krel},
		{"/lib/modules/6.19.2-1-default/weak-updates/updates/foo.ko", kernel.RoleNone, krel},
		{"/lib/modules/6.19.2-1-default/kernel/foo.ko.debug", kernel.RoleNone, krel},
		{"/lib/modules/6.19.2-1-default/kernel/.foo.ko.cmd", kernel.RoleNone, krel},
		{"/lib/modules/6.19.2-1-default/build/vmlinux", kernel.RoleNone, krel},
		{"/lib/modules/6.19.2-1-default/kernel/lib/test_bpf.ko", kernel.RoleModule, krel},
		{"/home/abuild/rpmbuild/BUILDROOT/usr/lib/modules/6.19.2-1-default/kernel/foo.ko", kernel.RoleModule, krel},
		// livepatches of RHEL
		{"/usr/lib/kpatch/5.14.0-427.el9.x86_64/kpatch-5_14_0-427-1-1.ko", kernel.RoleModule, "5.14.0-427.el9.x86_64"},
		{"/var/lib/kpatch/3.10.0-1160.el7.x86_64/kpatch-1.ko.xz", kernel.RoleModule, "3.10.0-1160.el7.x86_64"},
		{"/usr/lib/kpatch/5.14.0-427.el9.x86_64/vmlinux", kernel.RoleNone, ""},
		{"/usr/lib/kpatch/kpatch-1.ko", kernel.RoleNone, ""},
		// /boot
		{"/boot/vmlinux-6.19.2-1-default", kernel.RoleVmlinux, krel},
		{"/boot/vmlinux-6.19.2-1-default.gz", kernel.RoleVmlinux, krel},
		{"./boot/vmlinux-6.19.2-1-default.xz", kernel.RoleVmlinux, krel},
		{"boot/vmlinuz-6.19.2-1-default", kernel.RoleBootImage, krel},
		{"/boot/Image-6.19.2-1-default", kernel.RoleBootImage, krel},
		{"/boot/zImage-6.19.2-1-default", kernel.RoleBootImage, krel},
		{"/boot/config-6.19.2-1-default", kernel.RoleConfig, krel},
		{"/boot/System.map-6.19.2-1-default", kernel.RoleNone, ""},
		{"/boot/symvers-6.19.2-1-default.gz", kernel.RoleSymvers, krel},
		{"/boot/.vmlinuz-6.19.2-1-default.hmac", kernel.RoleNone, ""},
		{"/boot/vmlinux", kernel.RoleNone, ""},
		{"/boot/vmlinux-", kernel.RoleNone, ""},
		{"/boot/vmlinux-.gz", kernel.RoleNone, ""},
		{"/boot/dtb-6.19.2-1-default/a.dtb", kernel.RoleNone, ""},
		// elsewhere
		{"/usr/lib/debug/boot/vmlinux-6.19.2-1-default.debug", kernel.RoleNone, krel + ".debug"},
		{"/usr/lib/debug/usr/lib/modules/6.19.2-1-default/vmlinux.debug", kernel.RoleNone, krel},
		{"/usr/lib/debug/lib/modules/6.19.2-1-default/kernel/foo.ko", kernel.RoleNone, krel},
		{"/usr/lib/modules/6.19.2-1-default", kernel.RoleNone, ""},
		{"/usr/lib/modules/", kernel.RoleNone, ""},
		{"/usr/share/doc/vmlinux", kernel.RoleNone, ""},
		{"ipheth.ko", kernel.RoleNone, ""},
		{"", kernel.RoleNone, ""},
	} {
		if role := kernel.ClassifyPath(c.path); role != c.role {
			t.Errorf("ClassifyPath(%q) = %q, want %q", c.path, role, c.role)
		}
		if release, ok := kernel.ReleaseFromPath(c.path); release != c.release || ok != (c.release != "") {
			t.Errorf("ReleaseFromPath(%q) = %q, %v, want %q", c.path, release, ok, c.release)
		}
	}
}

func TestRoot(t *testing.T) {
	for path, want := range map[string]string{
		"/lib/modules/6.1/kernel/foo.ko":                "/",
		"/usr/lib/modules/6.1/vmlinux":                  "/",
		"/boot/vmlinuz-6.1":                             "/",
		"/a/boot/vmlinux-6.1.gz":                        "/a",
		"/a/usr/lib/modules/6.1/kernel/lib/foo.ko":      "/a",
		"/a/b/lib/modules/6.2/weak-updates/foo.ko":      "/a/b",
		"/a/lib/modules/6.1/build/vmlinux":              "/a",
		"/a/usr/lib/debug/lib/modules/6.1/vmlinux":      "/a",
		"/a/usr/lib/debug/usr/lib/modules/6.1/vmlinux":  "/a",
		"/a/usr/lib/debug/boot/vmlinux-6.1.debug":       "/a",
		"/usr/lib/debug/lib/modules/6.1/vmlinux":        "/",
		"/a/usr/lib/kpatch/6.1/kpatch-1.ko":             "/a",
		"/mnt/lib/modules/6.1/chroot/lib/modules/6.2/x": "/mnt/lib/modules/6.1/chroot",
		"/linux/arch/x86/boot/bzImage":                  "",
		"/linux/vmlinux":                                "",
		"/linux/drivers/net/foo.ko":                     "",
		"/modules/6.1/kernel/foo.ko":                    "",
		"/a/boot/initrd-6.1":                            "",
		"a/usr/lib/modules/6.1/vmlinux":                 "a",
		"usr/lib/modules/6.1/vmlinux":                   "/",
		"boot/vmlinuz-6.1":                              "/",
	} {
		root, ok := kernel.Root(path)
		if ok && root == "" {
			root = "/"
		}
		if root != want {
			t.Errorf("Root(%q) = %q, want %q", path, root, want)
		}
	}
}

func TestModuleName(t *testing.T) {
	for path, want := range map[string]string{
		"/lib/modules/6.1/kernel/drivers/net/usb/ipheth.ko": "ipheth",
		"snd-hda-codec-realtek.ko.zst":                      "snd_hda_codec_realtek",
		"a.kobold.ko.xz":                                    "a.kobold",
		"ipheth.btf":                                        "ipheth.btf",
		"":                                                  ".",
	} {
		if got := kernel.ModuleName(path); got != want {
			t.Errorf("ModuleName(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestOutlives(t *testing.T) {
	for path, want := range map[string]bool{
		"/usr/lib/modules/6.4.0-1-default/updates/foo.ko.zst":      true,
		"lib/modules/6.4.0-1-default/extra/foo/foo.ko":             true,
		"/lib/modules/6.4.0-1-default/misc/foo.ko":                 true,
		"/lib/modules/6.4.0-1-default/kernel/drivers/foo.ko":       false,
		"/lib/modules/6.4.0-1-default/weak-updates/updates/foo.ko": false,
		"/lib/modules/6.4.0-1-default/livepatch/livepatch-1.ko":    false,
		"/lib/modules/6.4.0-1-default/updates/foo.conf":            false,
		"/usr/lib/kpatch/5.14.0-427.el9.x86_64/kpatch-1.ko":        false,
		"foo.ko": false,
	} {
		if kernel.Outlives(path) != want {
			t.Errorf("Outlives(%q) is not %v", path, want)
		}
	}
}

func TestNamesOfModulePackages(t *testing.T) {
	for name, want := range map[string]struct {
		modules, livepatch bool
		kmp                string
	}{
		"foo-kmp-default":         {modules: true, kmp: "default"},
		"foo-kmp-rt_debug":        {modules: true, kmp: "rt_debug"},
		"kmod-foo":                {modules: true},
		"kpatch-patch-5_14_0-427": {modules: true, livepatch: true},
		"kernel-livepatch-6_4_0-150600_23_7-default": {modules: true, livepatch: true},
		"kernel-default-livepatch":                   {},
		"kpatch":                                     {},
		"bash":                                       {},
	} {
		if kernel.IsModulePackage(name) != want.modules || kernel.IsLivepatch(name) != want.livepatch || kernel.KMPFlavor(name) != want.kmp {
			t.Errorf("%s: modules %v, livepatch %v, KMP of %q", name, kernel.IsModulePackage(name), kernel.IsLivepatch(name), kernel.KMPFlavor(name))
		}
	}
}
