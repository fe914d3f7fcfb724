// SPDX-License-Identifier: Apache-2.0

package report

import "github.com/obs-btf-guard/obs-btf-guard/pkg/guard"

// unlinked lists, under the headline of a kernel, the packages of other
// kernelreleases that weak-modules does not link into it.
func (t *text) unlinked(all []guard.Unlinked, groups []group, name string) {
	said := map[string]bool{}
	for _, g := range groups {
		if g.kernel() != name {
			continue
		}
		for _, u := range all {
			s := u.Package.NEVRA + " (" + u.Release + ") is not linked into " + u.Base.Release + ": " + u.Why
			if u.Base == g.base() && !said[s] {
				said[s] = true
				t.Paragraph("  apart    ", s)
			}
		}
	}
}
