// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package audit

import (
	"path/filepath"
	"testing"
)

// Each build, judged when it comes, is in the history of its kernel, which says
// where the base changed.
func TestHistory(t *testing.T) {
	all := builds(t)
	db := filepath.Join(t.TempDir(), "history.db")
	for _, b := range all {
		t.Logf("%s: %s", b.nevra, guard(t, 0, nil, "check", "--db", db, b.rpm))
	}
	var doc struct {
		Kernels []struct {
			KernelRelease, Arch string
			Builds              []struct {
				Package, Fingerprint string
				BaseChanged          bool `json:"base_changed"`
			}
		}
	}
	guard(t, 0, &doc, "history", "--db", db, "--format", "json")
	told := map[string]bool{}
	for _, k := range doc.Kernels {
		var line []*build
		for _, b := range all {
			if b.krel == k.KernelRelease {
				line = append(line, b)
			}
		}
		if len(k.Builds) != len(line) {
			t.Errorf("%s: %d builds, want %d", k.KernelRelease, len(k.Builds), len(line))
			continue
		}
		for i, got := range k.Builds {
			b := line[i]
			changed := i > 0 && line[i-1].base != b.base
			if got.Package != b.nevra || got.Fingerprint != b.base || got.BaseChanged != changed {
				t.Errorf("%s: %+v, want %s, base %s, changed %t", k.KernelRelease, got, b.nevra, b.base, changed)
			}
			told[got.Package] = true
		}
	}
	if len(told) != len(all) {
		t.Errorf("%d builds are listed, want %d", len(told), len(all))
	}
}
