// SPDX-License-Identifier: Apache-2.0

package evidence_test

import (
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
	"github.com/obs-btf-guard/obs-btf-guard/internal/corpus"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/evidence"
)

// BenchmarkExamine examines modules on their own base: a small one, and all of a
// distribution's kernel that the corpus has.
func BenchmarkExamine(b *testing.B) {
	b.Run("le64", func(b *testing.B) {
		base, err := btf.Parse(fixture.RawTable(b, "le64.base"), nil)
		if err != nil {
			b.Fatal(err)
		}
		benchExamine(b, base, fixture.RawTable(b, "le64.module"))
	})
	b.Run("corpus", func(b *testing.B) {
		const kernel = "6.1.0-53-amd64"
		k := corpus.LoadKernels(b)
		var modules [][]byte
		for _, tr := range k.Trials {
			if tr.Kernel == kernel && tr.From == kernel && tr.Accepted && tr.Checked {
				modules = append(modules, tr.Data)
			}
		}
		benchExamine(b, k.Bases[kernel], modules...)
	})
}

func benchExamine(b *testing.B, base *btf.Table, modules ...[]byte) {
	size := 0
	var tables []*btf.Table
	for _, m := range modules {
		table, err := btf.Parse(m, base)
		if err != nil {
			b.Fatal(err)
		}
		tables = append(tables, table)
		size += len(m)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, table := range tables {
			if e := evidence.Examine(table, evidence.Facts{PointerSize: 8}); e.Contradicted() {
				b.Fatal(e.Reasons())
			}
		}
	}
	b.ReportMetric(float64(len(tables)), "modules")
}
