// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package audit

import (
	"maps"
	"testing"
)

// maxExplain is what explain may use for two bases, in bytes.
const maxExplain = 500_000_000

// The functions that explain names as added and removed between neighbours, of
// one kernelrelease, of two series and of two flavours, are those that bpftool
// lists more or less often.
func TestExplain(t *testing.T) {
	all := builds(t)
	for i, new := range all[1:] {
		old := all[i]
		t.Run(old.nevra+" "+new.nevra, func(t *testing.T) {
			var doc struct {
				Kernels []struct {
					Diff struct {
						Types   struct{ Old, New int }
						Changes []struct{ Op, Kind, Name string }
					}
				}
			}
			took := guard(t, 0, &doc, "explain", "--format", "json", old.vmlinux, new.vmlinux)
			if len(doc.Kernels) != 1 {
				t.Fatalf("%d kernels, want 1", len(doc.Kernels))
			}
			got := map[string]map[string]int{"added": {}, "removed": {}}
			for _, c := range doc.Kernels[0].Diff.Changes {
				if names := got[c.Op]; c.Kind == "FUNC" && names != nil {
					names[c.Name]++
				}
			}
			for op, want := range map[string]map[string]int{
				"added":   beyond(new.funcs, old.funcs),
				"removed": beyond(old.funcs, new.funcs),
			} {
				t.Logf("%d names of functions %s", len(want), op)
				if !maps.Equal(got[op], want) {
					t.Errorf("%s: bpftool does not list %v; explain does not name %v", op, beyond(got[op], want), beyond(want, got[op]))
				}
			}
			t.Logf("%d and %d types: %s", doc.Kernels[0].Diff.Types.Old, doc.Kernels[0].Diff.Types.New, took)
			if took.MaxRSS >= maxExplain {
				t.Errorf("%d bytes of memory, want less than %d", took.MaxRSS, maxExplain)
			}
		})
	}
}

// beyond is how many more of each name a has than b.
func beyond(a, b map[string]int) map[string]int {
	out := map[string]int{}
	for name, n := range a {
		if n > b[name] {
			out[name] = n - b[name]
		}
	}
	return out
}
