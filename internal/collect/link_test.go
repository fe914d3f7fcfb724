// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
)

// TestWeakLinks judges modules on the kernels into whose trees weak-modules put links
// to them, in a system that was unpacked somewhere: its absolute links lead to places
// in it.
func TestWeakLinks(t *testing.T) {
	const (
		sle     = "../../testdata/outlives/sle/"
		modules = "/usr/lib/modules/"
		built   = "5.14.21-150400.22-default"
		other   = "5.14.21-150400.24-default"
	)
	root := t.TempDir()
	for _, name := range []string{"kernel-default-5.14.21-150400.22", "kernel-default-5.14.21-150400.24", "xpad-kmp-default-1.0-1.1"} {
		fixture.Unpack(t, sle+name+".x86_64.rpm", root)
	}
	xpad := modules + built + "/updates/xpad.ko.xz"
	for name, target := range map[string]string{
		"weak-updates/updates/xpad.ko.xz": xpad,
		"extra/relative.ko.xz":            "../../" + built + "/updates/xpad.ko.xz",
		"weak-updates/gone.ko.xz":         modules + built + "/updates/gone.ko.xz",
		"kernel/elsewhere.ko.xz":          xpad, // no link of weak-modules
	} {
		link := filepath.Join(root, modules, other, name)
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"build " + built + "/updates/xpad.ko.xz on " + built + ": same-base",
		"weak " + other + "/extra/relative.ko.xz on " + other + ": rejected",
		"weak " + other + "/weak-updates/updates/xpad.ko.xz on " + other + ": rejected",
	}
	t.Chdir(root)
	for _, folder := range []string{root, ".", "usr", "usr/lib"} {
		if got := xpads(t, folder); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", folder, got, want)
		}
	}
}

// TestUnfollowed names the links that hide something, and no others.
func TestUnfollowed(t *testing.T) {
	const release = "5.14.21-150400.22-default"
	root, elsewhere := t.TempDir(), t.TempDir()
	fixture.Unpack(t, "../../testdata/outlives/sle/kernel-default-5.14.21-150400.22.x86_64.rpm", root)
	fixture.Unpack(t, "../../testdata/outlives/sle/xpad-kmp-default-1.0-1.1.x86_64.rpm", elsewhere)
	xpad := "usr/lib/modules/" + release + "/updates/xpad.ko.xz"
	for name, target := range map[string]string{
		"usr/lib/modules/" + release + "/build":            elsewhere,
		"usr/lib/modules/" + release + "/source":           elsewhere,
		"usr/lib/modules/" + release + "/updates":          filepath.Join(elsewhere, filepath.Dir(xpad)),
		"usr/lib/modules/" + release + "/kernel/one.ko.xz": filepath.Join(elsewhere, xpad),
		"usr/lib/modules/" + release + "/kernel/gone.ko":   "/nowhere/gone.ko",
		"usr/lib/modules/" + release + "/kernel/again":     "../kernel",
		"lib":     "usr/lib",
		"modules": filepath.Join(elsewhere, filepath.Dir(xpad)),
		"etc":     t.TempDir(),
	} {
		link := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Dir(root))
	for _, folder := range []string{root, filepath.Base(root)} {
		inv, err := Read(t.Context(), Check(folder))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range inv.Problems {
			name, err := filepath.Rel(folder, p.Path)
			if err != nil || !strings.Contains(p.Err.Error(), "which is not followed; give that as well") {
				t.Error(p, err)
			}
			got = append(got, name)
		}
		want := []string{"modules", "usr/lib/modules/" + release + "/kernel/one.ko.xz", "usr/lib/modules/" + release + "/updates"}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", folder, got, want)
		}
	}
	if inv, err := Read(t.Context(), Check(root, elsewhere)); err != nil || len(inv.Problems) > 0 {
		t.Errorf("with what the links lead to: %v, %v", inv.Problems, err)
	}
}

// xpads is what becomes of the module xpad on the kernels of a folder.
func xpads(t *testing.T, folder string) []string {
	t.Helper()
	var out []string
	for _, f := range checked(t, folder) {
		if f.Module.Name == "xpad" {
			_, below, _ := strings.Cut(f.Module.Path, "lib/modules/")
			out = append(out, fmt.Sprintf("%s %s on %s: %s", f.Pairing, below, f.Base.Release, f.Verdict))
		}
	}
	slices.Sort(out)
	return out
}
