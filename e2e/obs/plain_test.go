// SPDX-License-Identifier: Apache-2.0

//go:build e2eobs

package obs

import (
	"slices"
	"testing"
	"time"
)

// atOnce is how long the check may take where there is nothing to check: it runs
// in each of a distribution's many thousand builds.
const atOnce = 100 * time.Millisecond

// A package without a kernel or modules: the check is not to be noticed.
func TestPlain(t *testing.T) {
	r := newRoot(t)
	o := r.build(t, newSources(t, "plain.spec"))
	o.wants(t, 0)
	if said := o.hook(); said != "" {
		t.Errorf("the check says %q, want nothing", said)
	}
	if reports := o.reports(); len(reports) > 0 {
		t.Errorf("reports %q, want none", reports)
	}

	// The limit is what a packager would begin to see. The check takes a tenth of
	// it, so that only what changes its kind of work fails here.
	measure := func(program string) time.Duration {
		var times []time.Duration
		for range 15 {
			start := time.Now()
			if status, out := r.run(t, []string{"PNAME=plain"}, program); status != 0 || out != "" {
				t.Fatalf("%s: exit status %d, %q", program, status, out)
			}
			times = append(times, time.Since(start))
		}
		slices.Sort(times)
		return times[len(times)/2]
	}
	took, nothing := measure("/usr/lib/build/checks/50-check-kernel-btf"), measure("/bin/true")
	t.Logf("the check takes %.1f ms, chroot alone %.1f ms (medians of 15)",
		took.Seconds()*1000, nothing.Seconds()*1000)
	if took >= atOnce {
		t.Errorf("the check takes %v, want less than %v", took, atOnce)
	}
}
