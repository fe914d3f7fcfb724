// SPDX-License-Identifier: Apache-2.0

package parallel_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/parallel"
)

func TestEach(t *testing.T) {
	for _, n := range []int{0, 1, 3, 100} {
		var now, most atomic.Int64
		seen := make([]atomic.Int64, n)
		parallel.Each(t.Context(), n, 4, func(i int) {
			most.Store(max(most.Load(), now.Add(1)))
			seen[i].Add(1)
			now.Add(-1)
		})
		for i := range seen {
			if seen[i].Load() != 1 {
				t.Errorf("of %d, %d was done %d times", n, i, seen[i].Load())
			}
		}
		if most.Load() > 4 {
			t.Errorf("%d at once", most.Load())
		}
	}
}

func TestEachEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var done atomic.Int64
	parallel.Each(ctx, 1000, 2, func(int) {
		done.Add(1)
		cancel()
	})
	if n := done.Load(); n == 0 || n > 4 {
		t.Errorf("%d were done", n)
	}
}
