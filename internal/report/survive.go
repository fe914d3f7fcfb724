// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// misfit reports whether some module of the group does not fit its vmlinux.
func (g group) misfit() bool {
	return slices.ContainsFunc(g, func(f guard.Finding) bool {
		return f.Severity != guard.OK && (f.Verdict == guard.Rejected || f.Verdict == guard.Misread || f.Verdict == guard.Unrelocatable)
	})
}

// survive says what a packager can do about two builds of one kernelrelease whose
// modules do not fit each other's vmlinux.
func (g group) survive() string {
	b := g.base()
	together := "Ship all packages of one build together and have the machine rebooted right after the update"
	s := fmt.Sprintf("update: two builds share /usr/lib/modules/%s and their bases differ, so modules of one do not fit the vmlinux of the other. ", g.release())
	plain := slices.ContainsFunc(g, func(f guard.Finding) bool { return !f.Module.Distilled && len(f.Module.BTF) > 0 })
	switch {
	case b.Rules.Distilled && plain:
		return s + "Linux 6.11 and later lets modules survive that: have a .BTF.base made for them while the package is built " +
			"(\"obs-btf-guard distill\", in OBS \"Support: obs-btf-guard-distill\"; see docs/remedy.md). Where not both builds have it: " + lower(together) + "."
	case b.Rules.Distilled:
		return s + "These have a .BTF.base and cannot follow, since types that they hold by value changed. " + together + "."
	}
	return s + together + "; or make the build reproduce the base (" + reproduce(b) + "); or give it a kernelrelease of its own."
}

func lower(s string) string { return strings.ToLower(s[:1]) + s[1:] }
