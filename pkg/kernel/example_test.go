// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"fmt"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// What a file in a package is, and which kernel it is for, by its path alone.
func ExampleClassifyPath() {
	for _, path := range []string{
		"/usr/lib/modules/5.15.12-1-default/vmlinux.xz",
		"/usr/lib/modules/5.15.12-1-default/kernel/drivers/net/usb/ipheth.ko.zst",
		"/boot/vmlinuz-6.1.0-53-amd64",
		"/usr/share/doc/vmlinux",
	} {
		release, _ := kernel.ReleaseFromPath(path)
		switch kernel.ClassifyPath(path) {
		case kernel.RoleVmlinux:
			fmt.Println("the vmlinux of", release)
		case kernel.RoleBootImage:
			fmt.Println("the boot image of", release)
		case kernel.RoleModule:
			fmt.Println("module", kernel.ModuleName(path), "of", release)
		default:
			fmt.Println("nothing of a kernel")
		}
	}
	// Output:
	// the vmlinux of 5.15.12-1-default
	// module ipheth of 5.15.12-1-default
	// the boot image of 6.1.0-53-amd64
	// nothing of a kernel
}

func ExampleFlavor() {
	fmt.Println(kernel.Flavor("5.15.12-1-default"))
	fmt.Println(kernel.Flavor("6.1.0-53-cloud-amd64"))
	fmt.Println(kernel.Flavor("5.14.0-427.el9.aarch64+64k-debug"))
	// Output:
	// default
	// cloud-amd64
	// 64k-debug
}
