// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"iter"
	"slices"
	"strings"
)

// IsKernelPackage reports whether an RPM has the name of a part of a kernel:
// kernel-default, kernel-core, kernel-default-devel.
func IsKernelPackage(name string) bool {
	return name == "kernel" || strings.HasPrefix(name, "kernel-")
}

// IsModulePackage reports whether an RPM has the name of a package of modules:
// foo-kmp-default by SUSE, kmod-foo by Fedora, and livepatches.
func IsModulePackage(name string) bool {
	return strings.Contains(name, "-kmp-") || strings.HasSuffix(name, "-kmp") ||
		strings.HasPrefix(name, "kmod-") || IsLivepatch(name)
}

// KMPFlavor is the flavor in SUSE's names for packages of modules, "default" of
// foo-kmp-default; "" for another name.
func KMPFlavor(name string) string {
	const mark = "-kmp-"
	at := strings.LastIndex(name, mark)
	if at < 0 {
		return ""
	}
	return name[at+len(mark):]
}

// IsLivepatch reports whether an RPM has the name of a livepatch, which is for a single
// kernelrelease: kernel-livepatch-... by SUSE, kpatch-patch-... by RHEL.
func IsLivepatch(name string) bool {
	return strings.HasPrefix(name, "kernel-livepatch-") || strings.HasPrefix(name, "kpatch-patch-")
}

// IsAccessory reports whether an RPM has the name of a package that comes with a kernel
// or its modules but has neither: debug information, headers, documentation.
func IsAccessory(name string) bool {
	return slices.ContainsFunc([]string{"-debuginfo", "-debugsource", "-devel", "-headers", "-macros", "-docs", "-syms"},
		func(part string) bool { return strings.Contains(name, part) })
}

// IsDevelPackage reports whether an RPM has the name of what modules are built with:
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
