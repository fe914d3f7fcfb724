// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// defaultFlavor is the flavor of a kernel whose release does not name one.
const defaultFlavor = "default"

// Flavor is the kernel's flavor by its kernelrelease. Fedora and distributions like
// it write the flavor behind the architecture; the others end with it, in words
// joined by "-".
//
//	5.15.12-1-default                     default     openSUSE
//	6.4.0-150600.23-rt_debug              rt_debug
//	6.4.0-150600.23-64kb                  64kb        a page size may start with a digit
//	6.1.0-53-amd64                        amd64       Debian
//	6.12.117+deb12-cloud-amd64            cloud-amd64
//	6.5.6-300.fc39.x86_64+debug           debug       Fedora
//	5.14.0-427.el9.aarch64+64k-debug      64k-debug
//	5.14.0-70.13.1.rt21.83.el9_0.x86_64   rt          RHEL before 9.3, in the middle
//	4.18.0-193.rt13.51.el8.x86_64+debug   rt-debug
//	6.19.0-rc3-00012-gabcdef123456        default     a candidate and a revision are none
func Flavor(krel string) string {
	if flavor, ok := behindArch(krel); ok {
		return flavor
	}
	words := strings.Split(krel, "-")
	at := len(words)
	for at > 1 && isFlavorWord(words[at-1]) {
		at--
	}
	if at == len(words) {
		return defaultFlavor
	}
	return strings.Join(words[at:], "-")
}

// FlavorOf is the flavor of the kernel that an RPM has or has modules for: what its own
// data say ([PackageFlavor]), else its kernelrelease, which may be "" where it is not
// known.
func FlavorOf(name string, dependencies iter.Seq[string], krel string) string {
	return cmp.Or(PackageFlavor(name, dependencies), Flavor(krel))
}

// PackageFlavor is the flavor that an RPM's own data name: the symbols that it provides or
// requires, as openSUSE writes them; else what it provides for its kernelrelease; else its
// name. It is "" where none of them does: kernel-core, kmod-foo. dependencies may be nil.
//
//	ksym(64kb:usb_submit_urb), kernel(default:drivers_usb)
//	kernel-rt-uname-r, kernel-debug-modules-uname-r
//	kernel-64kb, kernel-rt-modules-core, foo-kmp-rt_debug
func PackageFlavor(name string, dependencies iter.Seq[string]) string {
	named := cmp.Or(KMPFlavor(name), nameFlavor(name))
	if dependencies == nil {
		return named
	}
	uname := ""
	for d := range dependencies {
		if flavor := symbolFlavor(d); flavor != "" {
			return flavor
		}
		if about, ok := strings.CutSuffix(d, "-uname-r"); ok && uname == "" {
			uname = nameFlavor(about)
		}
	}
	return cmp.Or(uname, named)
}

// symbolFlavor is the flavor in a dependency on a symbol, "" where it names none.
func symbolFlavor(dependency string) string {
	inside, ok := strings.CutPrefix(dependency, "ksym(")
	if !ok {
		inside, ok = strings.CutPrefix(dependency, "kernel(")
	}
	flavor, _, named := strings.Cut(inside, ":")
	if !ok || !named {
		return ""
	}
	return flavor
}

// nameFlavor is the flavor in kernel-<flavor>, "" where a name has none.
func nameFlavor(name string) string {
	rest, ok := strings.CutPrefix(name, "kernel-")
	if !ok {
		return ""
	}
	words := slices.DeleteFunc(strings.Split(rest, "-"), func(w string) bool { return !isFlavorWord(w) || slices.Contains(kernelParts, w) })
	if len(words) == 0 || slices.Contains(notKernels, words[0]) {
		return ""
	}
	return strings.Join(words, "-")
}

// kernelParts are the words in package names for a part of a kernel. The flavor may
// be missing or follow: kernel-devel, kernel-source-rt.
var kernelParts = []string{
	"core", "modules", "extra", "internal", "partner", "matched", "kvm", "uki", "virt", "addons", // Fedora, RHEL
	"base", "optional", "livepatch", "vdso", "source", "syms", // openSUSE
	"devel", "debuginfo", "debugsource", "headers",
}

// notKernels begin the names of packages that are no kernel of any flavor.
var notKernels = []string{
	"tools", "firmware", "macros", "docs", "doc", "obs", "cross", "srpm", "rpm", "abi", "selftests", "ipaclones", "install", "common",
}

// behindArch cuts off what Fedora writes behind the architecture.
func behindArch(krel string) (flavor string, ok bool) {
	for _, arch := range []string{".x86_64", ".aarch64", ".ppc64le", ".s390x", ".riscv64", ".i686", ".armv7hl"} {
		before, rest, found := strings.Cut(krel, arch)
		realtime := slices.ContainsFunc(strings.Split(before, "."), isRealtime)
		switch {
		case !found:
		case rest == "" && realtime:
			return "rt", true
		case rest == "":
			return defaultFlavor, true
		case len(rest) > 1 && (rest[0] == '+' || rest[0] == '.') && realtime:
			return "rt-" + rest[1:], true
		case len(rest) > 1 && (rest[0] == '+' || rest[0] == '.'):
			return rest[1:], true
		}
	}
	return "", false
}

// isRealtime knows rt21, the number of the patches that make a kernel a real-time one.
func isRealtime(part string) bool {
	number, ok := strings.CutPrefix(part, "rt")
	return ok && number != "" && strings.Trim(number, digits) == ""
}

// isFlavorWord reports whether a word belongs to a flavor, not to a version, a release
// candidate or a revision (scripts/setlocalversion writes -g<hash>).
func isFlavorWord(word string) bool {
	switch {
	case word == "":
		return false
	case startsWithLetter(word):
		return !isCandidate(word) && !isRevision(word) && word != "dirty"
	}
	return isPageSize(word)
}

func startsWithLetter(s string) bool {
	return 'a' <= s[0]|0x20 && s[0]|0x20 <= 'z'
}

const digits = "0123456789"

// isCandidate knows rc3, which a "+" may follow.
func isCandidate(word string) bool {
	number, ok := strings.CutPrefix(strings.TrimSuffix(word, "+"), "rc")
	return ok && number != "" && strings.Trim(number, digits) == ""
}

func isRevision(word string) bool {
	hash, ok := strings.CutPrefix(strings.TrimSuffix(word, "+"), "g")
	return ok && len(hash) >= 7 && strings.Trim(hash, digits+"abcdef") == ""
}

// isPageSize knows 64kb, 64k and the like.
func isPageSize(word string) bool {
	unit := strings.TrimLeft(word, digits)
	return len(unit) < len(word) && (unit == "k" || unit == "kb")
}
