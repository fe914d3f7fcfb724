// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// misfit reports whether some module of the group does not fit its vmlinux.
func (g group) misfit() bool {
	return slices.ContainsFunc(g, func(f guard.Finding) bool {
		return f.Severity != guard.OK && (f.Verdict == guard.Rejected || f.Verdict == guard.Misread || f.Verdict == guard.Unrelocatable)
	})
}

// survive says what is wrong with two builds of one kernelrelease whose modules do not
// fit each other's vmlinux, and what cures it, cheapest first.
func (g group) survive() point {
	b := g.base()
	p := point{text: fmt.Sprintf("update: two builds share /usr/lib/modules/%s and their bases differ, so modules of one do not fit the vmlinux of the other.", g.release())}
	plain := slices.ContainsFunc(g, func(f guard.Finding) bool { return !f.Module.Distilled && len(f.Module.BTF) > 0 })
	if b.Rules.Distilled && !plain {
		p.text += " These have a .BTF.base and cannot follow, since types that they hold by value changed."
	}
	p.text += " What cures it, cheapest first:"
	p.ways = append(p.ways, "Make the build reproduce the base: "+reproduce(b)+". \"obs-btf-guard explain OLD NEW\" says what changed.",
		"Ship all packages of one build together, and have machines rebooted right after the update.")
	if b.Rules.Distilled && plain {
		p.ways = append(p.ways, "Have a .BTF.base made for the modules while they are built, so that they survive rebuilds from then on: "+
			"\"obs-btf-guard distill\", in OBS \"Support: obs-btf-guard-distill\" (docs/remedy.md).")
	}
	p.ways = append(p.ways, "Give each build a kernelrelease (uname -r) of its own. Then modules of other packages must be built again for each.")
	return p
}
