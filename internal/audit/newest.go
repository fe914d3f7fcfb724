// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// newest finds the kernels that updated machines boot: of the kernels of one flavor and
// architecture that a machine can have at the same time, those of the newest
// kernelrelease, if there are several.
func (r *Result) newest() map[*Kernel]bool {
	type side struct{ whole, repository, arch, flavor string }
	sides := map[side][]*Kernel{} // the newest and the oldest of each
	for _, k := range r.Kernels {
		s := side{k.Package.whole, k.Package.repository, k.Arch, k.Flavor}
		switch ends := sides[s]; {
		case ends == nil:
			sides[s] = []*Kernel{k, k}
		case rpm.CompareVersions(k.Release, ends[0].Release) > 0:
			ends[0] = k
		case rpm.CompareVersions(k.Release, ends[1].Release) < 0:
			ends[1] = k
		}
	}
	out := map[*Kernel]bool{}
	for _, k := range r.Kernels {
		out[k] = k.NewestOf(func(yield func(*guard.Vmlinux) bool) {
			for _, ends := range sides {
				if k.Package.meets(ends[0].Package) && slices.ContainsFunc(ends, func(o *Kernel) bool { return !yield(&o.Vmlinux) }) {
					return
				}
			}
		})
	}
	return out
}
