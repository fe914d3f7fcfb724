// SPDX-License-Identifier: Apache-2.0

package btf_test

import (
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
	"github.com/obs-btf-guard/obs-btf-guard/internal/corpus"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// BenchmarkParse lays out a base: a small one, and a distribution's where the
// corpus is at hand.
func BenchmarkParse(b *testing.B) {
	b.Run("le64", func(b *testing.B) { benchParse(b, fixture.RawTable(b, "le64.base")) })
	b.Run("corpus", func(b *testing.B) { benchParse(b, tableBytes(corpus.LoadKernels(b).Bases["6.1.0-53-amd64"])) })
}

func benchParse(b *testing.B, data []byte) {
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := btf.Parse(data, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRefs walks every reference of a distribution's base.
func BenchmarkRefs(b *testing.B) {
	base := corpus.LoadKernels(b).Bases["6.1.0-53-amd64"]
	b.SetBytes(int64(len(base.TypeSection())))
	n := 0
	for b.Loop() {
		n = 0
		for typ := range base.Types() {
			for range typ.TypeRefs() {
				n++
			}
			for range typ.NameRefs() {
				n++
			}
		}
	}
	b.ReportMetric(float64(n), "refs")
}
