// SPDX-License-Identifier: Apache-2.0

package relocate_test

import (
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/corpus"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/relocate"
)

// BenchmarkModule relocates each module of the recording, the refused ones too.
// Most of the time goes into the names of vmlinux.
func BenchmarkModule(b *testing.B) {
	r := corpus.LoadRelocations(b)
	size := 0
	for _, tr := range r.Trials {
		size += len(tr.Data) + len(tr.BaseData)
	}
	rules := rulesOf(b, r.Trials[0].Kernel)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, tr := range r.Trials {
			relocate.Onto(r.Bases[tr.Kernel], rules).Module(tr.Data, tr.BaseData)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(r.Trials)), "µs/module")
}

// BenchmarkDistill distills the modules of the recording of kernels that belong
// to the kernel they were tried on.
func BenchmarkDistill(b *testing.B) {
	k := corpus.LoadKernels(b)
	var modules []*btf.Table
	size := 0
	for _, tr := range k.Trials {
		if !tr.Checked || tr.From != tr.Kernel {
			continue
		}
		table, err := btf.Parse(tr.Data, k.Bases[tr.Kernel])
		if err != nil {
			b.Fatal(err)
		}
		modules = append(modules, table)
		size += len(tr.Data)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, m := range modules {
			if _, err := relocate.Distill(m); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(modules)), "µs/module")
}
