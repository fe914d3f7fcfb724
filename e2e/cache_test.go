// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// TestFromCache compares what is said of real kernels when they are read with what is
// said when they are taken from the cache, byte by byte.
func TestFromCache(t *testing.T) {
	pairs(t, func(t *testing.T, older, newer *build) {
		t.Setenv("XDG_STATE_HOME", t.TempDir())
		without := map[string]harness.Outcome{}
		calls := map[string][]string{
			"check":       {"check", "--format", "json", newer.rpm, "--against", older.rpm},
			"explain":     {"explain", "--verbose", older.rpm, newer.rpm},
			"fingerprint": {"fingerprint", "--rules", newer.rpm},
			"stamp":       {"stamp", "--dry-run", newer.rpm},
			"audit":       {"audit", "--verbose", newer.rpm, older.rpm},
		}
		for name, args := range calls {
			without[name], _ = harness.Measure(t, program, append(args, "--no-cache")...)
			if without[name].Status == 2 {
				t.Fatalf("%s: %s", name, without[name].Stderr)
			}
		}
		cache := t.TempDir()
		t.Setenv("XDG_CACHE_HOME", cache)
		for _, name := range []string{"check", "check", "explain", "fingerprint", "stamp", "audit"} {
			t.Setenv("XDG_STATE_HOME", t.TempDir()) // audit has no answers of its own
			got, used := harness.Measure(t, program, calls[name]...)
			t.Logf("%s: %s", name, used)
			if got.Status != without[name].Status || got.Stdout != without[name].Stdout {
				t.Errorf("%s: exit status %d and %d bytes, without a cache %d and %d", name,
					got.Status, len(got.Stdout), without[name].Status, len(without[name].Stdout))
			}
			entries, err := filepath.Glob(filepath.Join(cache, "obs-btf-guard", "*", "[0-9a-f]*.entry"))
			if err != nil || len(entries) != 2 {
				t.Fatalf("%s: entries %v, want those of the two packages (%v)", name, entries, err)
			}
			for _, e := range entries {
				if info, err := os.Stat(e); err != nil || info.Size() > 64<<20 {
					t.Errorf("%s has %d bytes (%v), more than a kernel should take", e, info.Size(), err)
				}
			}
		}
	})
}
