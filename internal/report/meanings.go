// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// meanings say what each verdict means, in the words of the table in docs/verdicts.md.
var meanings = map[guard.Verdict]string{
	guard.SameBase:      "it was built on this base",
	guard.Relocatable:   "its .BTF.base relocates onto this base (Linux 6.11 and later)",
	guard.Compatible:    "the base changed, but not in what the module uses of it",
	guard.NoBTF:         "it has no .BTF, as is normal outside the kernel's tree",
	guard.BTFLost:       "it is in-tree and has no .BTF, while others of its build do",
	guard.Drifted:       "all it refers to has the same names, but a definition changed",
	guard.Unproven:      "nothing contradicts this base, and too little confirms it",
	guard.Misread:       "the kernel accepts it and silently reads other types",
	guard.Rejected:      "the kernel refuses its BTF",
	guard.Unrelocatable: "its .BTF.base does not relocate onto this base",
	guard.Malformed:     "the file cannot be read as far as a .BTF",
	guard.Refused:       "the vmlinux's own kernel refuses its .BTF",
	guard.Unlabeled:     "a package lacks a kernel-btf(...) dependency that others of its build have",
	guard.Mislabeled:    "a package's kernel-btf(...) dependency names another base than its content",
}

// remedies say what a packager can do about a verdict that is not ok.
var remedies = map[guard.Verdict]string{
	guard.BTFLost:       "Look in the build log: did pahole or resolve_btfids fail on this module, or did something strip sections after it?",
	guard.Drifted:       "Build the package of the module again on this kernel.",
	guard.Unproven:      "Give the kernel that the module was built on as well, or --own-base, so that both bases can be compared.",
	guard.Misread:       "Build the package of the module again on this kernel. Two builds of one kernelrelease must be shipped as a whole, or have the same base.",
	guard.Rejected:      "Build the package of the module again on this kernel. Two builds of one kernelrelease must be shipped as a whole, or have the same base.",
	guard.Unrelocatable: "Build the package of the module again on this kernel.",
	guard.Malformed:     "See what damaged the file between linking and packaging, then build the package again.",
	guard.Refused:       "Build the kernel again with the compiler and the pahole of its time, and look at what the kernel logs about the table.",
	guard.Unlabeled:     "Install kernel_btf.attr where the packages are built, or run obs-btf-guard stamp on all packages of the build.",
	guard.Mislabeled:    "Take the dependency out of the spec file: the generator, or obs-btf-guard stamp, writes the right one.",
}

// details are a finding for people: what led to it, what the kernel will log, and
// what it means for a machine.
func details(f guard.Finding) []string {
	lines := slices.Clone(f.Reasons)
	if k := f.Kernel; k != nil && !k.Accepts && len(k.Log) > 0 {
		who := strings.TrimSpace("Linux " + k.Version)
		if f.Base != nil && f.Base.Conflict != "" {
			who = thisKernel
		}
		lines = append(lines, who+" will log:")
		lines = append(lines, dmesg(k.Log)...)
	}
	if f.Consequence != "" {
		lines = append(lines, strings.Split(f.Consequence, "\n")...)
	}
	return lines
}

// dmesg marks what the kernel says.
func dmesg(log []string) []string {
	lines := make([]string, len(log))
	for i, s := range log {
		lines[i] = "| " + s
	}
	return lines
}

// ruleMeanings and ruleRemedies say what each rule is about, and what a packager can
// do.
var ruleMeanings = map[guard.Rule]string{
	guard.KfuncsLost:   "BPF programs will not find kfuncs of the module",
	guard.OtherHeaders: "the module was built with headers of another kernel",
	guard.OtherMagic:   "the kernel refuses the module by its vermagic",

	guard.IDsUnrelocated: "numbers in .BTF_ids that no kernel relocates name other types here",
	guard.ReadersRefuse:  "libbpf or cilium/ebpf refuse the table that the kernel took",
	guard.Duplicated:     "the module repeats structs that its vmlinux has",
}

var ruleRemedies = map[guard.Rule]string{
	guard.KfuncsLost: "Build the module where the kernel's vmlinux is at hand (kernel-devel has none: copy /sys/kernel/btf/vmlinux there), " +
		"so that pahole and resolve_btfids run, and see that nothing strips .BTF.",
	guard.OtherHeaders: "Build the module with the headers and the configuration of the kernel that it is for.",
	guard.OtherMagic:   "Build the module with the headers and the configuration of the kernel that it is for.",

	guard.IDsUnrelocated: "Live with it (after an update, until the reboot), or distill with --plain-ids zero, so that nothing is mistaken.",
	guard.Duplicated: "pahole before 1.31 (libbpf before 1.6) does not merge structs with pointers that the compiler describes twice in one file, " +
		"as gcc does with pointers to per-CPU data from Linux 6.15 on. Build kernel and modules again with pahole 1.31 or later; " +
		"one that uses the system's libbpf (see ldd) needs 1.6 or later of it. It is cured when this check reports no module as duplicated.",
	guard.ReadersRefuse: "Build the module again on this kernel, or have it packed without .BTF, which no reader looks at.",
}
