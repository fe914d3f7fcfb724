// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"iter"
	"slices"
	"strings"
)

// IsKernelPackage reports whether an RPM is named as those that belong to a
// kernel are: kernel-default, kernel-core, kernel-default-devel.
func IsKernelPackage(name string) bool {
	return name == "kernel" || strings.HasPrefix(name, "kernel-")
}

// IsModulePackage reports whether an RPM is named as packages of modules are:
// foo-kmp-default by SUSE, kmod-foo by Fedora, and livepatches.
func IsModulePackage(name string) bool {
	return strings.Contains(name, "-kmp-") || strings.HasSuffix(name, "-kmp") ||
		strings.HasPrefix(name, "kmod-") || IsLivepatch(name)
}

// KMPFlavor is the flavor of the kernels that a package named as SUSE names those of
// modules, foo-kmp-default, is for; "" for another name.
func KMPFlavor(name string) string {
	const mark = "-kmp-"
	at := strings.LastIndex(name, mark)
	if at < 0 {
		return ""
	}
	return name[at+len(mark):]
}

// IsLivepatch reports whether an RPM is named as livepatches are, which are for one
// kernelrelease and no other: kernel-livepatch-... by SUSE, kpatch-patch-... by RHEL.
func IsLivepatch(name string) bool {
	return strings.HasPrefix(name, "kernel-livepatch-") || strings.HasPrefix(name, "kpatch-patch-")
}

// IsAccessory reports whether an RPM is named as those that come with a kernel or
// its modules and hold neither: debug information, headers, documentation.
func IsAccessory(name string) bool {
	return slices.ContainsFunc([]string{"-debuginfo", "-debugsource", "-devel", "-headers", "-macros", "-docs", "-syms"},
		func(part string) bool { return strings.Contains(name, part) })
}

// IsDevelPackage reports whether an RPM is named as what modules are built with:
// kernel-default-devel, kernel-syms.
func IsDevelPackage(name string) bool {
	return IsKernelPackage(name) && (strings.HasSuffix(name, "-devel") || strings.HasSuffix(name, "-syms") || strings.Contains(name, "-devel-"))
}

// MayHoldModules reports whether an RPM may hold modules, by what the generators
// of kernels write into its provides (kmod(...)) or, without them, by its name.
func MayHoldModules(name string, provides iter.Seq[string]) bool {
	for p := range provides {
		if strings.HasPrefix(p, "kmod(") {
			return true
		}
	}
	switch {
	case IsAccessory(name):
		return false
	case IsModulePackage(name):
		return true
	}
	return IsKernelPackage(name) && slices.ContainsFunc([]string{"-extra", "-optional", "-base", "-modules"},
		func(part string) bool { return strings.Contains(name, part) })
}
