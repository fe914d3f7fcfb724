// SPDX-License-Identifier: Apache-2.0

package history

import (
	"cmp"
	"slices"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// mostBuilds bounds a history that build reports carry on.
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
		out = append(out, FromBase(b))
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
	// What was just built is the newest, whatever clocks say. Builds dated in the future
	// come last: they must not push out true ones, and may be true themselves if this
	// machine's clock is slow.
	now := time.Now()
	rank := func(b Build) int {
		switch {
		case built[b.Package]:
			return 0
		case b.Built.After(now.Add(24 * time.Hour)):
			return 2
		}
		return 1
	}
	slices.SortStableFunc(out, func(a, b Build) int { return cmp.Or(rank(a)-rank(b), b.Built.Compare(a.Built)) })
	return out[:min(len(out), mostBuilds)]
}
