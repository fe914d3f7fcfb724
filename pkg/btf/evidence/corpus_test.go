// SPDX-License-Identifier: Apache-2.0

package evidence_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/obs-btf-guard/obs-btf-guard/internal/corpus"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/evidence"
)

// TestRealModules tries evidence on modules of real kernels: a module on its own
// base is never contradicted, one on another's never confirmed.
func TestRealModules(t *testing.T) {
	k := corpus.LoadKernels(t)
	bases := map[string]*evidence.Base{}
	for name, table := range k.Bases {
		bases[name] = evidence.NewBase(table, 8)
	}
	var own, confirmed, foreign, contradicted int
	for _, tr := range k.Trials {
		if !tr.Checked || strings.HasPrefix(tr.From, "mutant:") {
			continue
		}
		table, err := btf.Parse(tr.Data, k.Bases[tr.Kernel])
		if err != nil {
			t.Fatalf("%s: %v", tr.File, err)
		}
		e := evidence.Examine(table, evidence.Facts{PointerSize: 8})
		if d := cmp.Diff(e, bases[tr.Kernel].Examine(table, evidence.Facts{PointerSize: 8})); d != "" {
			t.Errorf("%s: what was looked up of the base before gives something else (-without +with):\n%s", tr.File, d)
		}
		if tr.From == tr.Kernel {
			own++
			if e.Confirmed() {
				confirmed++
			}
			if e.Contradicted() {
				t.Errorf("%s on its own base: %q", tr.File, e.Reasons())
			}
			continue
		}
		foreign++
		if e.Contradicted() {
			contradicted++
		} else {
			t.Logf("%s on %s: not contradicted: %v", tr.File, tr.Kernel, e.Reasons())
		}
		if e.Confirmed() {
			t.Errorf("%s of %s on %s: confirmed by %q", tr.File, tr.From, tr.Kernel, e.Reasons())
		}
	}
	t.Logf("own base: %d of %d confirmed; another's: %d of %d contradicted", confirmed, own, contradicted, foreign)
	if own < 50 || foreign < 400 {
		t.Errorf("only %d own and %d foreign modules tried", own, foreign)
	}
}
