// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/history"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// stories says of each kernelrelease that has findings how its base came to be
// what it is.
func (t *text) stories(r *guard.Result) []string {
	var out []string
	if group(r.Findings).worst() == guard.OK {
		return nil // one that is wrong about its dependencies has no story
	}
	for _, b := range r.Bases {
		if s := story(t.History, b.Release, b.Arch); s != "" && b.Origin == guard.New {
			if s = b.Release + ": " + s; !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

// story lists the builds of one kernelrelease, oldest first, those in which the
// base changed. One build tells none.
func story(line []history.Build, release, arch string) string {
	var steps []string
	var last fingerprint.Digest
	builds, same := 0, 0
	and := func() {
		if same > 0 {
			steps[len(steps)-1] += fmt.Sprintf(" and %s after it", prose.Several(same, "build"))
		}
		same = 0
	}
	for _, b := range slices.Backward(line) {
		if b.KernelRelease != release || b.Arch != arch {
			continue
		}
		builds++
		if b.Fingerprint == last {
			same++
			continue
		}
		and()
		step := b.Package
		if !b.Built.IsZero() {
			step += " of " + b.Built.Format(time.DateOnly)
		}
		steps = append(steps, step+" (base "+b.Fingerprint.Short()+")")
		last = b.Fingerprint
	}
	and()
	if builds < 2 {
		return ""
	}
	if more := len(steps) - mostSteps; more > 0 {
		steps = append([]string{fmt.Sprintf("%d changes before", more)}, steps[more:]...)
	}
	return strings.Join(steps, ", ")
}

// mostSteps is how many changes of a base a story tells, the last ones.
const mostSteps = 8
