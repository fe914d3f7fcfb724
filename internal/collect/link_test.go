// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// unpack writes a package's files into a folder.
func unpack(t *testing.T, name, dir string) {
	t.Helper()
	r, err := rpm.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		e, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if !e.Files[0].IsRegular() {
			continue
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, e.Path())
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

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
		unpack(t, sle+name+".x86_64.rpm", root)
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
	inv, err := Read(t.Context(), Check(root))
	if err != nil {
		t.Fatal(err)
	}
	res, err := guard.Judge(t.Context(), inv, guard.Options{})
	if err != nil || len(res.Problems) > 0 {
		t.Fatal(err, res.Problems)
	}
	var got []string
	for _, f := range res.Findings {
		if f.Module.Name == "xpad" {
			path, _ := filepath.Rel(filepath.Join(root, modules), f.Module.Path)
			got = append(got, fmt.Sprintf("%s %s on %s: %s", f.Pairing, path, f.Base.Release, f.Verdict))
		}
	}
	slices.Sort(got)
	want := []string{
		"build " + built + "/updates/xpad.ko.xz on " + built + ": same-base",
		"weak " + other + "/extra/relative.ko.xz on " + other + ": rejected",
		"weak " + other + "/weak-updates/updates/xpad.ko.xz on " + other + ": rejected",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
