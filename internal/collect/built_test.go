// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"os"
	"path/filepath"
	"testing"
)

// TestBuilt exchanges packages after their headers were read: those that were open
// are judged, and what was found of the others stays.
func TestBuilt(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../testdata/incident/5.15.12-1.3")); err != nil {
		t.Fatal(err)
	}
	torn := filepath.Join(dir, "torn.rpm")
	write := func(path, text string) {
		t.Helper()
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(torn, "no RPM")
	paths, err := filepath.Glob(filepath.Join(dir, "*.rpm"))
	if err != nil {
		t.Fatal(err)
	}
	built := OpenBuilt(paths)
	defer built.Close()
	if len(built.Vmlinux) != 1 || len(built.Modules) != 1 || built.Labeled || len(built.Unread) != 1 || built.Unread[0].Path != torn {
		t.Errorf("kernels %v, modules %v, labeled %v, unread %v", built.Vmlinux, built.Modules, built.Labeled, built.Unread)
	}
	for _, path := range paths {
		write(path, "exchanged")
	}
	inv, err := Read(t.Context(), Hook(built, nil, nil, false))
	if err != nil {
		t.Fatal(err)
	}
	if len(inv.Packages) != 3 || len(inv.Bases) != 1 || len(inv.Modules) == 0 {
		t.Errorf("%d packages, %d bases, %d modules", len(inv.Packages), len(inv.Bases), len(inv.Modules))
	}
	if len(inv.Problems) != 1 || inv.Problems[0].Path != torn {
		t.Errorf("problems %v", inv.Problems)
	}
	for _, p := range inv.Packages {
		if p.Build != inv.Packages[0].Build {
			t.Errorf("%s is of another build: %q", p.NEVRA, p.Build)
		}
	}
}
