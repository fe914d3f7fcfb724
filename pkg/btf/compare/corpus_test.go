// SPDX-License-Identifier: Apache-2.0

package compare_test

import (
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/corpus"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/compare"
)

// TestRealKernels compares modules of two real kernels: each accepted module of
// the other build is misread, as was measured on all of them, and a module on
// its own base is not.
func TestRealKernels(t *testing.T) {
	k := corpus.LoadKernels(t)
	const older, newer = "6.1.0-53-amd64", "6.1.0-54-amd64"
	for _, pair := range [][2]string{{older, newer}, {older, older}} {
		from, to := pair[0], pair[1]
		bases := compare.New(k.Bases[from], k.Bases[to])
		misread, n := 0, 0
		for _, tr := range k.Trials {
			if tr.From != from || tr.Kernel != to || !tr.Accepted {
				continue
			}
			n++
			built, err := btf.Parse(tr.Data, k.Bases[from])
			if err != nil {
				t.Fatal(err)
			}
			read, err := btf.Parse(tr.Data, k.Bases[to])
			if err != nil {
				t.Fatal(err)
			}
			o := bases.Module(built, read)
			if o.Misread() {
				misread++
				if n == 1 {
					t.Logf("%s: %d of %d names and types: %v", tr.File, o.Names+o.Types, o.Names+o.Types+o.Same+o.Drifted, o.First)
				}
			}
			if want := from != to; o.Misread() != want || o.Drifted > 0 && !want {
				t.Errorf("%s on %s: misread %v, want %v: %+v", tr.File, to, o.Misread(), want, o)
			}
		}
		t.Logf("%s on %s: %d of %d accepted modules misread", from, to, misread, n)
		if n == 0 {
			t.Errorf("no module of %s on %s", from, to)
		}
	}
}

func BenchmarkNew(b *testing.B) {
	k := corpus.LoadKernels(b)
	for b.Loop() {
		compare.New(k.Bases["6.1.0-53-amd64"], k.Bases["6.1.0-54-amd64"])
	}
}
