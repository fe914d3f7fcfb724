// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"os"
	"strings"
	"testing"
)

// BenchmarkJudge judges the modules of a real kernel package, named first in
// KERNEL_RPMS, on its own vmlinux and on that of a second one: all that comes
// after decompression.
func BenchmarkJudge(b *testing.B) {
	rpms := strings.Fields(os.Getenv("KERNEL_RPMS"))
	if len(rpms) != 2 {
		b.Skip("KERNEL_RPMS does not name two kernel packages")
	}
	inv, err := Collect(b.Context(), Sources{Paths: rpms[:1], Against: rpms[1:]})
	if err != nil {
		b.Fatal(err)
	}
	var bytes int64
	var modules []*Module
	for _, m := range inv.Modules {
		if m.Origin == New {
			bytes += int64(len(m.BTF))
			modules = append(modules, m)
		}
	}
	for _, bench := range []struct {
		name   string
		origin Origin
	}{{"own base", New}, {"foreign base", Against}} {
		one := &Inventory{Modules: modules}
		for _, base := range inv.Bases {
			if base.Origin == bench.origin {
				one.Bases = append(one.Bases, base)
			}
		}
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(bytes)
			for b.Loop() {
				if _, err := Judge(b.Context(), one); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(modules)), "modules")
		})
	}
}
