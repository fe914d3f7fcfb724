// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
	"github.com/obs-btf-guard/obs-btf-guard/internal/corpus"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// BenchmarkModule predicts the answer to modules on their own base: a small one,
// and all of a distribution's kernel that the corpus has.
func BenchmarkModule(b *testing.B) {
	b.Run("le64", func(b *testing.B) {
		base, err := btf.Parse(fixture.RawTable(b, "le64.base"), nil)
		if err != nil {
			b.Fatal(err)
		}
		benchModule(b, base, [][]byte{fixture.RawTable(b, "le64.module")})
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
		benchModule(b, k.Bases[kernel], modules)
	})
}

func benchModule(b *testing.B, base *btf.Table, modules [][]byte) {
	rules := rules(b, "6.12")
	size := 0
	for _, m := range modules {
		size += len(m)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, m := range modules {
			if res := verify.Module(m, base, rules); !res.Accepted() {
				b.Fatal(res.Lines)
			}
		}
	}
	b.ReportMetric(float64(len(modules)), "modules")
}
