// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"
	"strings"
)

// Made is what two kernels say of how they were made, as far as the bases show its effect.
type Made struct {
	Pahole     int    // the version that NEW was built with, 124 for 1.24, 0 if it is not known
	ProcLength [2]int // how long the first line in /proc/version is on each side, 0 if it is not known
}

// Cause says what the bases themselves show of why they differ, in words for the middle of a
// sentence; "" where they show nothing.
func (d *Diff) Cause(m Made) string {
	switch {
	case d.Same():
	case len(d.Changes)+len(d.Folded) == 0 && d.banner(m.ProcLength):
		what := "longer"
		if m.ProcLength[1] < m.ProcLength[0] {
			what = "shorter"
		}
		return fmt.Sprintf("the line in /proc/version is %s, and its length is that of a type, char [%d] → [%d]: "+
			"names, numbers and dates in it that keep their length keep the base", what, m.ProcLength[0]+1, m.ProcLength[1]+1)
	case len(d.Changes)+len(d.Folded) == 0 && (m.ProcLength[0] == 0 || m.ProcLength[1] == 0) && d.text() != "":
		return d.text()
	case m.Pahole == 0 && d.Redefined(): // another source, which has another order
	case d.shuffled() || d.onlyOrder():
		return paholeOrder(m.Pahole)
	}
	return ""
}

// text is for bases that are all there is to go by, as raw tables are: one array of
// characters became another, which is what another length of linux_banner does.
func (d *Diff) text() string {
	var arrays [2][]string // removed and added
	for _, c := range d.Anonymous {
		if array := c.Old + c.New; c.Kind == "ARRAY" && strings.HasPrefix(array, "const char [") {
			i := map[Op]int{Removed: 0, Added: 1}[c.Op]
			arrays[i] = append(arrays[i], strings.TrimPrefix(array, "const "))
		}
	}
	if len(arrays[0]) != 1 || len(arrays[1]) != 1 {
		return ""
	}
	return fmt.Sprintf("%s became %s: the line in /proc/version has such a type, so that a name, number or date in it of another length is enough",
		arrays[0][0], arrays[1][0])
}

// onlyOrder reports whether all types that have a name stayed, and of the others as many
// came as went, while some stand in another order.
func (d *Diff) onlyOrder() bool {
	t := d.Types
	return len(d.Changes)+len(d.Folded)+t.Changed+d.Strings.Added+d.Strings.Removed == 0 && t.Added == t.Removed && t.OutOfOrder > 0
}

// banner reports whether an array as long as linux_banner (init/version-timestamp.c) was
// replaced by one of its new length. length is that of the line, which a NUL follows.
func (d *Diff) banner(length [2]int) bool {
	has := func(op Op, n int) bool {
		array := fmt.Sprintf("const char [%d]", n+1)
		return slices.ContainsFunc(d.Anonymous, func(c Change) bool { return c.Op == op && c.Kind == "ARRAY" && c.Old+c.New == array })
	}
	return length[0] > 0 && length[1] > 0 && length[0] != length[1] && has(Removed, length[0]) && has(Added, length[1])
}

// Redefined reports whether some type, or the parameters of some function, are not what
// they were, so that no build of the other source, configuration or tools makes that base.
// Functions that came or went are no sign of it: an inlining or a pahole decides on them.
func (d *Diff) Redefined() bool {
	return slices.ContainsFunc(d.Changes, func(c Change) bool {
		return !c.minor() && !c.Namesake && (c.sort() == aType || c.Op == Changed)
	})
}

// paholeOrder guesses that a pahole wrote types in another order, and says what cures it.
func paholeOrder(version int) string {
	if version >= 129 || version > 0 && version < 122 {
		return SameOrder(version) + ", so look at the order of objects in the link, and at names, numbers and dates that the build writes into the kernel"
	}
	return "looks like a pahole that ran several jobs, which writes another order each time: " + SameOrder(version)
}

// SameOrder says what makes a pahole of a version, 0 if it is not known, write a base in
// the same order each time. Jobs came with 1.22. Which versions need which flag is in pahole's
// changes-v1.27 and changes-v1.29.
func SameOrder(version int) string {
	name := fmt.Sprintf("pahole %d.%02d", version/100, version%100)
	switch {
	case version == 0:
		return "pahole 1.29 and later write the same order each time, 1.27 and 1.28 with --btf_features=reproducible_build, older ones with one job (-j1)"
	case version >= 129, version < 122:
		return name + " writes the same order each time"
	case version >= 127:
		return name + " needs --btf_features=reproducible_build, 1.29 and later need no flag"
	}
	return name + " needs one job (-j1), 1.29 and later need no flag"
}
