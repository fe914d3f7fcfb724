// SPDX-License-Identifier: Apache-2.0

package history

import (
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
