// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"path"
	"slices"
	"strings"
)

// Role is the part that a file plays in a kernel package, by its path.
type Role string

const (
	RoleNone    Role = ""
	RoleVmlinux Role = "vmlinux" // the linked kernel, plain or compressed
	// RoleBootImage is vmlinuz, Image, bzImage or zImage. It holds the same
	// kernel as the vmlinux beside it, which is the simpler source.
	RoleBootImage Role = "boot image"
	RoleModule    Role = "module"
	RoleConfig    Role = "config"
	RoleSymvers   Role = "symvers" // what the kernel and its modules export
)

// bootImages are the names boot images go by on the architectures of Linux.
var bootImages = []string{"vmlinuz", "Image", "bzImage", "zImage"}

// compressions are the endings of compressed kernels and modules.
var compressions = []string{".gz", ".xz", ".zst", ".bz2", ".lzma", ".lz4"}

// ClassifyPath says whether a file of a package is of interest. It knows the
// two layouts of kernel packages, each with or without a leading "/", "./" or
// build root:
//
//	/boot/vmlinux-<krel>.gz                   /boot/vmlinuz-<krel>
//	/usr/lib/modules/<krel>/vmlinux.xz        /usr/lib/modules/<krel>/vmlinuz
//	/boot/config-<krel>                       /usr/lib/modules/<krel>/config
//	/boot/symvers-<krel>.gz                   /usr/lib/modules/<krel>/symvers.gz
//	/lib/modules/<krel>/kernel/.../e1000.ko.zst
//	/usr/lib/kpatch/<krel>/kpatch-<name>.ko            livepatches of RHEL
//
// Debug information below /usr/lib/debug and the links in weak-updates, which
// point at modules of another kernel, are RoleNone.
func ClassifyPath(p string) Role {
	p = path.Clean("/" + p)
	if strings.Contains(p, debugFolder+"/") {
		return RoleNone
	}
	if _, below, ok := cutModules(p); ok {
		return modulesRole(below)
	}
	if _, below, ok := cutKpatch(p); ok && isModule(below) {
		return RoleModule
	}
	if name, _, ok := cutBoot(p); ok {
		return namedRole(name)
	}
	return RoleNone
}

// debugFolder has what debuginfo packages install: copies of kernels and modules
// that no kernel loads.
const debugFolder = "/usr/lib/debug"

// IsDebugFolder reports whether a folder is the one of debug information, of a
// system or in a build root.
func IsDebugFolder(dir string) bool {
	return strings.HasSuffix(path.Clean("/"+dir), debugFolder)
}

// modulesRole is the role of a path below /lib/modules/<krel>/.
func modulesRole(below string) Role {
	if dir, base := path.Split(below); dir != "" {
		if isModule(base) && !strings.HasPrefix(dir, "weak-updates/") {
			return RoleModule
		}
		return RoleNone
	}
	if isModule(below) {
		return RoleModule
	}
	return namedRole(trimCompression(below))
}

// namedRole is the role by a name without kernelrelease and compression.
func namedRole(name string) Role {
	switch {
	case name == "vmlinux":
		return RoleVmlinux
	case name == "config":
		return RoleConfig
	case name == "symvers":
		return RoleSymvers
	case slices.Contains(bootImages, name):
		return RoleBootImage
	}
	return RoleNone
}

func isModule(base string) bool {
	return strings.HasSuffix(trimCompression(base), ".ko")
}

// CutWeakLink splits the absolute path of a link to a module of another kernel, as
// weak-modules and weak-modules2 make them below weak-updates/ and extra/. root is that of
// the system that the link is in, "" for /.
func CutWeakLink(p string) (root string, ok bool) {
	_, below, ok := cutModules(p)
	if !ok || !isModule(path.Base(p)) || !strings.HasPrefix(below, "weak-updates/") && !strings.HasPrefix(below, "extra/") {
		return "", false
	}
	return Root(p)
}

// Root returns the root of the system that a file of a kernel lies in, by its path: what
// stands before /lib/modules, /usr/lib/modules or /boot, "" for that of this machine or for the
// current folder. Debug information belongs to the system that it is about.
func Root(p string) (root string, ok bool) {
	if _, ok := ReleaseFromPath(p); !ok {
		return "", false
	}
	for _, dir := range []string{"/lib/modules/", "/lib/kpatch/", "/boot/"} {
		if at := strings.LastIndex("/"+p, dir); at >= 0 {
			root = strings.TrimSuffix(strings.TrimSuffix(("/" + p)[:at], "/usr"), debugFolder)
			return strings.TrimPrefix(root, "/"), true
		}
	}
	return "", false
}

// ReleaseFromPath returns the kernelrelease a path belongs to: the directory
// below /lib/modules, or what follows the name of a file in /boot.
func ReleaseFromPath(p string) (krel string, ok bool) {
	p = path.Clean("/" + p)
	if krel, _, ok := cutModules(p); ok {
		return krel, true
	}
	if krel, below, ok := cutKpatch(p); ok && isModule(below) {
		return krel, true
	}
	name, krel, ok := cutBoot(p)
	if !ok || namedRole(name) == RoleNone {
		return "", false
	}
	return krel, true
}

// cutModules splits a path at its last /lib/modules/<krel>/; what stands
// before it is a build root or nothing.
func cutModules(p string) (krel, below string, ok bool) { return cutBelow(p, "/lib/modules/") }

// cutKpatch does the same for the folder of kpatch, from which RHEL loads its
// livepatches.
func cutKpatch(p string) (krel, below string, ok bool) { return cutBelow(p, "/lib/kpatch/") }

func cutBelow(p, dir string) (krel, below string, ok bool) {
	at := strings.LastIndex(p, dir)
	if at < 0 {
		return "", "", false
	}
	krel, below, ok = strings.Cut(p[at+len(dir):], "/")
	return krel, below, ok && krel != "" && below != ""
}

// cutBoot splits /boot/<name>-<krel>[.gz].
func cutBoot(p string) (name, krel string, ok bool) {
	dir, base := path.Split(p)
	if !strings.HasSuffix(dir, "/boot/") {
		return "", "", false
	}
	name, krel, _ = strings.Cut(base, "-")
	krel = trimCompression(krel)
	return name, krel, krel != ""
}

func trimCompression(name string) string {
	for _, ending := range compressions {
		if short, ok := strings.CutSuffix(name, ending); ok {
			return short
		}
	}
	return name
}

// Outlives reports whether a module, by its path, may be linked into the trees of
// other kernelreleases: those outside of the folders for modules of the kernel itself
// and its livepatches. Packages have theirs in updates/ (openSUSE) or extra/ (RHEL),
// but weak-modules2 takes any other folder as well (check_kmp).
func Outlives(p string) bool {
	_, below, ok := cutModules(path.Clean("/" + p))
	dir, _, inside := strings.Cut(below, "/")
	return ok && inside && isModule(path.Base(p)) && !slices.Contains([]string{"kernel", "weak-updates", "livepatch"}, dir)
}

// ModuleName is the module's name by its path: the base name without .ko and
// what follows it, with "-" written as "_" as kbuild does.
func ModuleName(p string) string {
	name := path.Base(p)
	if at := strings.LastIndex(name, ".ko"); at > 0 {
		name = name[:at]
	}
	return strings.ReplaceAll(name, "-", "_")
}
