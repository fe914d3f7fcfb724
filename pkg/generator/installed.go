// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// Installed finds the kernel of a kernelrelease in the build root, as the build
// requirements of a KMP bring it: its vmlinux as a file, else the tokens that its
// package provides.
func Installed(ctx context.Context, release string) (path string, tokens []string) {
	if release == "" || strings.ContainsAny(release, "/ ") {
		return "", nil
	}
	for _, stem := range []string{"/usr/lib/modules/" + release + "/vmlinux", "/lib/modules/" + release + "/vmlinux", "/boot/vmlinux-" + release} {
		for _, suffix := range []string{"", ".xz", ".zst", ".gz", ".bz2"} {
			if info, err := os.Stat(stem + suffix); err == nil && info.Mode().IsRegular() {
				return stem + suffix, nil
			}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	// A query goes by name; which of the kernels it is stands in the version.
	out, err := exec.CommandContext(ctx, "rpm", "-q", "--qf", "\n[%{PROVIDENAME} %{PROVIDEVERSION}\n]", "--whatprovides", "kernel-uname-r").Output()
	if err != nil {
		return "", nil
	}
	for pkg := range strings.SplitSeq(string(out), "\n\n") {
		provides := strings.Split(strings.TrimSpace(pkg), "\n")
		if !slices.Contains(provides, "kernel-uname-r "+release) {
			continue
		}
		for _, p := range provides {
			if name, _, _ := strings.Cut(p, " "); strings.HasPrefix(name, "kernel-btf(") {
				tokens = append(tokens, name)
			}
		}
	}
	return "", tokens
}
