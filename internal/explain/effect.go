// SPDX-License-Identifier: Apache-2.0

package explain

// Effect names in a few words what became different, for a sentence that says why:
// "which functions are kept" or "the order of types"; "" where nothing did.
func (d *Diff) Effect() string {
	all := func(is func(c *Change) bool) bool {
		for i := range d.Changes {
			if !is(&d.Changes[i]) {
				return false
			}
		}
		return len(d.Changes) > 0 && d.Types.Changed == 0
	}
	switch {
	case d.Same():
		return ""
	case d.Reordered:
		return "the order of types"
	case all(func(c *Change) bool { return c.Copy }):
		return "how often functions are recorded"
	case all(func(c *Change) bool { return c.Op != Changed && c.sort() == aFunction }):
		return "which functions are kept"
	case len(d.Changes) == 0 && d.Types.Added+d.Types.Removed+d.Types.Changed == 0:
		return "which strings are kept"
	}
	return "types"
}
