// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"os"
	"path/filepath"
	"testing"
)

// TestTitle names the folder that dots stand for.
func TestTitle(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "RPMS", "x86_64")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for name, want := range map[string]string{".": "x86_64", "./": "x86_64", "..": "RPMS", "RPMS/": "RPMS/", "obs:drivers": "obs:drivers"} {
		r := &Result{Sources: []Source{{Name: name}}}
		if got := r.title(); got != want+": which modules fit?" {
			t.Errorf("%s: %q", name, got)
		}
	}
}
