// SPDX-License-Identifier: Apache-2.0

package explain

import "slices"

// Effect names in a few words what became different, for a sentence that says why:
// "which functions are kept" or "the order of types"; "" where nothing did.
func (d *Diff) Effect() string {
	kept := func(c Change) bool { return c.Op != Changed && c.sort() == aFunction }
	switch {
	case d.Same():
		return ""
	case d.Reordered:
		return "the order of types"
	case len(d.Changes) > 0 && d.Types.Changed == 0 && !slices.ContainsFunc(d.Changes, func(c Change) bool { return !kept(c) }):
		return "which functions are kept"
	case len(d.Changes) == 0 && d.Types.Added+d.Types.Removed+d.Types.Changed == 0:
		return "which strings are kept"
	}
	return "types"
}
