// SPDX-License-Identifier: Apache-2.0

package guard_test

import (
	"os"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// BenchmarkJudge judges the modules of a real kernel package, named first in
// KERNEL_RPMS, on its own vmlinux and on that of a second one: all that comes
// after decompression.
func BenchmarkJudge(b *testing.B) {
	rpms := strings.Fields(os.Getenv("KERNEL_RPMS"))
	if len(rpms) != 2 {
		b.Skip("KERNEL_RPMS does not name two kernel packages")
	}
	inv, err := collect.Read(b.Context(), collect.Sources{Paths: rpms[:1], Against: rpms[1:]})
	if err != nil {
		b.Fatal(err)
	}
	var bytes int64
	var modules []*guard.Module
	for _, m := range inv.Modules {
		if m.Origin == guard.New {
			bytes += int64(len(m.BTF))
			modules = append(modules, m)
		}
	}
	for _, bench := range []struct {
		name   string
		origin guard.Origin
	}{{"own base", guard.New}, {"foreign base", guard.Against}} {
		one := &guard.Inventory{Modules: modules}
		for _, base := range inv.Bases {
			if base.Origin == bench.origin {
				one.Bases = append(one.Bases, base)
			}
		}
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(bytes)
			for b.Loop() {
				if _, err := guard.Judge(b.Context(), one, guard.Options{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(modules)), "modules")
		})
	}
}
