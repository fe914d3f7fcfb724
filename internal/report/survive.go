// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/explain"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// misfit reports whether some module of the group does not fit its vmlinux.
func (g group) misfit() bool {
	return slices.ContainsFunc(g, func(f guard.Finding) bool {
		return f.Severity != guard.OK && (f.Verdict == guard.Rejected || f.Verdict == guard.Misread || f.Verdict == guard.Unrelocatable)
	})
}

// survive says what is wrong with two builds of one kernelrelease whose modules do not
// fit each other's vmlinux, and what cures it. c is what became of the base, nil where that
// is not known.
func (g group) survive(c *guard.Change) point {
	b := g.base()
	if c != nil && c.Survival.FromNow() {
		return point{text: "update: done. From this build on the modules survive rebuilds. Those of the old build do not fit the new vmlinux: " +
			"have machines rebooted right after this one update."}
	}
	p := point{text: fmt.Sprintf("update: two builds share /usr/lib/modules/%s and their bases differ, so modules of one do not fit the vmlinux of the other.", g.release())}
	plain := slices.ContainsFunc(g, func(f guard.Finding) bool { return !f.Module.Distilled && len(f.Module.BTF) > 0 })
	if b.Rules.Distilled && !plain {
		p.text += " These have a .BTF.base and cannot follow, since types that they hold by value changed."
	}
	cause := reproduce(c, b)
	if cause == "" {
		p.text += " Types of the base were defined anew, and only the same source, configuration and tools make the same base: " +
			"\"" + explainCommand + "\" says which of them changed."
	}
	p.text += " What cures it, the best first:"
	if cause != "" {
		p.ways = append(p.ways, "Make the build reproduce the base: "+cause+". \""+explainCommand+"\" says what changed.")
	}
	if b.Rules.Distilled && plain {
		p.ways = append(p.ways, "Have a .BTF.base made for the modules while they are built, so that they survive rebuilds from then on: "+
			"\"obs-btf-guard distill\", in OBS \"Support: obs-btf-guard-distill\" (docs/remedy.md).")
	}
	p.ways = append(p.ways, "Give each build a kernelrelease (uname -r) of its own. Then modules of other packages must be built again for each.",
		"Ship all packages of one build together, and have machines rebooted right after the update.")
	return p
}

// reproduce says how a build makes the same base again, by what the change shows of why it did
// not; "" where no setting of the build does that.
func reproduce(c *guard.Change, b *guard.Base) string {
	if c != nil {
		switch cause := c.Cause(); {
		case cause != "" && c.Diff.Redefined():
			return cause + ". Definitions that changed as well need the same source"
		case cause != "":
			return cause
		case c.Diff != nil && c.Diff.Redefined():
			return ""
		}
	}
	return "give it the same source, configuration and tools, and a line in /proc/version of the same length; " + explain.SameOrder(b.Config.Pahole())
}
