// SPDX-License-Identifier: Apache-2.0

package kernel

import "strings"

// IsKernelPackage reports whether an RPM is named as those that belong to a
// kernel are: kernel-default, kernel-core, kernel-default-devel.
func IsKernelPackage(name string) bool {
	return name == "kernel" || strings.HasPrefix(name, "kernel-")
}

// IsModulePackage reports whether an RPM is named as packages of modules are:
// foo-kmp-default by SUSE, kmod-foo by Fedora.
func IsModulePackage(name string) bool {
	return strings.Contains(name, "-kmp-") || strings.HasSuffix(name, "-kmp") || strings.HasPrefix(name, "kmod-")
}
