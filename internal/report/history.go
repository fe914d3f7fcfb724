// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// Build is a kernel that a report remembers: which base which build had.
type Build struct {
	Package       string             `json:"package"`
	KernelRelease string             `json:"kernelrelease"`
	Arch          string             `json:"arch"`
	Built         time.Time          `json:"built,omitzero"`
	Fingerprint   fingerprint.Digest `json:"fingerprint"`
	TypeCount     uint32             `json:"type_count"`
}

// mostBuilds bounds a history that is carried from report to report.
const mostBuilds = 200

// Remember makes the history of a new report, newest first: the packaged kernels
// that were read, and those that earlier reports remember.
func Remember(bases []*guard.Base, earlier ...[]Build) []Build {
	var out []Build
	built := map[string]bool{} // the packages of this build
	for _, b := range bases {
		if b.Package == nil || b.Fingerprint.Base.IsZero() {
			continue
		}
		if b.Origin == guard.New {
			built[b.Package.NEVRA] = true
		}
		out = append(out, Build{b.Package.NEVRA, b.Release, b.Arch, b.Package.Built.UTC(), b.Fingerprint.Base, uint32(count(b))})
	}
	type id struct {
		pkg, release, arch string
		base               fingerprint.Digest
	}
	seen := map[id]bool{}
	out = slices.DeleteFunc(slices.Concat(append([][]Build{out}, earlier...)...), func(b Build) bool {
		k := id{b.Package, b.KernelRelease, b.Arch, b.Fingerprint}
		known := seen[k]
		seen[k] = true
		return known
	})
	// What was just built is the newest, whatever clocks say; what claims to be of
	// the future would push out what is true.
	now := time.Now()
	out = slices.DeleteFunc(out, func(b Build) bool { return !built[b.Package] && b.Built.After(now.Add(24*time.Hour)) })
	slices.SortStableFunc(out, func(a, b Build) int {
		if built[a.Package] != built[b.Package] {
			if built[a.Package] {
				return -1
			}
			return 1
		}
		return b.Built.Compare(a.Built)
	})
	return out[:min(len(out), mostBuilds)]
}

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
func story(history []Build, release, arch string) string {
	var steps []string
	var last fingerprint.Digest
	builds, same := 0, 0
	and := func() {
		if same > 0 {
			steps[len(steps)-1] += fmt.Sprintf(" and %s after it", prose.Several(same, "build"))
		}
		same = 0
	}
	for _, b := range slices.Backward(history) {
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
