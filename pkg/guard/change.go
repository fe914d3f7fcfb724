// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/explain"
)

// Change is what became of the base of a kernelrelease from an older build to
// the one that is judged. Both have a table.
type Change struct {
	From, To *Base
	Diff     *explain.Diff // nil where nothing changed at all
	Survival Survival
	// Outdated: modules elsewhere have to be built again after it, by the policy's word.
	Outdated bool
}

// same reports whether nothing changed at all.
func (c *Change) same() bool { return c.From.Fingerprint.Base == c.To.Fingerprint.Base }

// Explain compares the two, whether or not something changed.
func (c *Change) Explain() *explain.Diff {
	return explain.Bases(c.From.Table, c.To.Table, exportsOf(c.From, c.To))
}

// Cause says what the two show of why they differ, in words for the middle of a sentence;
// "" where they show nothing.
func (c *Change) Cause() string {
	if c.Diff == nil {
		return ""
	}
	return c.Diff.Cause(explain.Made{Pahole: c.To.Config.Pahole(), ProcLength: [2]int{procLength(c.From), procLength(c.To)}})
}

// procLength is how long the first line in /proc/version of a kernel is, with its end; 0 if
// the line is not known.
func procLength(b *Base) int {
	if b.Banner == "" {
		return 0
	}
	return len(b.Banner) + len("\n")
}

// Names lists the named types and functions of which op is what became, without
// functions that are merely recorded once more or less and those whose name stays.
func (c *Change) Names(op explain.Op) []string {
	var out []string
	if c.Diff == nil {
		return nil
	}
	for i := range c.Diff.Changes {
		if change := &c.Diff.Changes[i]; change.Op == op && !change.Copy && !change.Namesake {
			out = append(out, change.String())
		}
	}
	return out
}

// changes finds the bases that replace each other: of one architecture and
// kernelrelease, an older build's and a new one's.
func changes(bases []*Base) []Change {
	var out []Change
	for _, to := range bases {
		for _, from := range bases {
			if to.Origin != New || from.Origin != Against || to.Table == nil || from.Table == nil ||
				to.Release != from.Release || to.Arch != from.Arch {
				continue
			}
			c := Change{From: from, To: to}
			if !c.same() {
				c.Diff = diff(out, c)
			}
			out = append(out, c)
		}
	}
	return out
}

// diff compares two bases, unless copies of them were compared before.
func diff(before []Change, c Change) *explain.Diff {
	i := slices.IndexFunc(before, func(b Change) bool {
		return b.From.Fingerprint.Base == c.From.Fingerprint.Base && b.To.Fingerprint.Base == c.To.Fingerprint.Base
	})
	if i >= 0 {
		return before[i].Diff
	}
	return c.Explain()
}
