// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"context"
	"os"
	"os/exec"
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
	out, err := exec.CommandContext(ctx, "rpm", "-q", "--qf", `[%{PROVIDENAME}\n]`, "--whatprovides", "kernel-uname-r = "+release).Output()
	if err != nil {
		return "", nil
	}
	for line := range strings.Lines(string(out)) {
		if name := strings.TrimSpace(line); strings.HasPrefix(name, "kernel-btf(") {
			tokens = append(tokens, name)
		}
	}
	return "", tokens
}
