// SPDX-License-Identifier: Apache-2.0

package obs

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

// queryTime is how long rpm may take to answer.
const queryTime = 30 * time.Second

// Kernel is a kernel that is installed in a build root, as the build
// requirements of a KMP bring it. What is not known is empty.
type Kernel struct {
	Release string
	Vmlinux string   // its vmlinux, below the root
	Package string   // name-version-release.arch of the package that ships it
	DistURL string   // of that package
	Tokens  []string // the kernel-btf(...) that the package provides
}

// Installed finds the kernel of a kernelrelease that is installed on this
// machine: its vmlinux as a file, else the tokens that its package provides. It
// is what a dependency generator asks.
func Installed(ctx context.Context, release string) (path string, tokens []string) {
	k := installed("/", release)
	if k.Vmlinux == "" {
		k.query(ctx, "/")
	}
	return k.Vmlinux, k.Tokens
}

// Installed finds the kernel of a kernelrelease that is installed in the build
// root, and asks rpm once whose it is. Where there is no rpm, no database of
// installed packages or no answer within half a minute, that stays unknown.
func (b *BuildRoot) Installed(ctx context.Context, release string) Kernel {
	k := installed(b.Root, release)
	k.query(ctx, b.Root)
	return k
}

// HasGenerator reports whether the build root has our dependency generator, so
// that the packages built in it should have kernel-btf dependencies.
func (b *BuildRoot) HasGenerator() bool {
	r, err := os.OpenRoot(b.Root)
	if err != nil {
		return false
	}
	defer r.Close()
	name, err := resolve(r, "usr/lib/rpm/fileattrs/kernel_btf.attr")
	return err == nil && isRegular(r, name)
}

// installed looks for the vmlinux. In a build root /lib and the files in /boot
// may be symbolic links.
func installed(root, release string) Kernel {
	k := Kernel{Release: release}
	if !isRelease(release) {
		return k
	}
	r, err := os.OpenRoot(root)
	if err != nil {
		return k
	}
	defer r.Close()
	for _, stem := range []string{"usr/lib/modules/" + release + "/vmlinux", "lib/modules/" + release + "/vmlinux", "boot/vmlinux-" + release} {
		for _, suffix := range []string{"", ".xz", ".zst", ".gz", ".bz2"} {
			if name, err := resolve(r, stem+suffix); err == nil && isRegular(r, name) {
				k.Vmlinux = filepath.Join(root, name)
				return k
			}
		}
	}
	return k
}

// isRelease reports whether a kernelrelease can be the name of a directory.
func isRelease(release string) bool {
	return release != "" && release != "." && release != ".." && !strings.ContainsAny(release, "/ \t\n\x00")
}

// What rpm is asked for, each line with the word for it in front.
const queryFormat = `package %{NEVRA}\ndisturl %|DISTURL?{%{DISTURL}}|\n[provides %{PROVIDENAME} %{PROVIDEVERSION}\n]`

// query fills in what rpm knows. If there is a vmlinux, its owner is the
// package; else it is the one that provides the kernelrelease.
func (k *Kernel) query(ctx context.Context, root string) {
	if !isRelease(k.Release) {
		return
	}
	args := []string{"-q", "--qf", queryFormat}
	if root != "/" {
		args = append(args, "--root", root)
	}
	if k.Vmlinux != "" {
		below, err := filepath.Rel(root, k.Vmlinux)
		if err != nil {
			return
		}
		args = append(args, "-f", "/"+below)
	} else {
		// A query goes by name; which of the kernels it is stands in the version.
		args = append(args, "--whatprovides", "kernel-uname-r")
	}
	ctx, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "rpm", args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.WaitDelay = time.Second // for what rpm may have started and left behind
	out, err := cmd.Output()
	if err != nil {
		return
	}
	for answer := range strings.SplitSeq("\n"+string(out), "\npackage ") {
		lines := strings.Split(strings.TrimSpace(answer), "\n")
		if lines[0] == "" || k.Vmlinux == "" && !slices.Contains(lines, "provides kernel-uname-r "+k.Release) {
			continue
		}
		if k.Package == "" {
			k.Package = lines[0]
		}
		for _, line := range lines[1:] {
			what, value, _ := strings.Cut(line, " ")
			name, _, _ := strings.Cut(value, " ")
			if _, _, ok := fingerprint.ParseToken(name); ok && what == "provides" {
				k.Tokens = append(k.Tokens, name)
			}
			if what == "disturl" && k.Package == lines[0] {
				k.DistURL = value
			}
		}
	}
}
