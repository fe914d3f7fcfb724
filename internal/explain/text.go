// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
)

// TextOptions says how a Diff is written for people.
type TextOptions struct {
	Verbose bool // list everything
	Named   int  // how many changes of one sort a short text lists, 0 for 8
}

// Text writes what changed, short unless Verbose, and what matters first: a sentence,
// the first named changes, the exported part, then counts and where the numbering
// parts.
func (d *Diff) Text(w io.Writer, o TextOptions) error {
	if o.Named == 0 {
		o.Named = 8
	}
	t := &text{prose.NewWriter(w, false), o, false}
	t.onlyMain = !o.Verbose && slices.ContainsFunc(d.Changes, func(c Change) bool { return !c.minor() })
	t.Item("", 0, d.Sentence())
	if !d.Same() {
		t.changes("Types", d.Changes, func(c *Change) bool { return c.sort() == aType })
		t.changes("Functions", d.Changes, func(c *Change) bool { return c.sort() == aFunction })
		t.changes("Variables", d.Changes, func(c *Change) bool { return c.sort() == aVariable })
		if o.Verbose || len(d.Changes) == 0 {
			t.changes("Types without a name", d.Anonymous, func(*Change) bool { return true })
		}
		if o.Verbose {
			t.folded(d.Folded)
		}
	}
	if !d.Same() {
		t.exported(d.Exported)
		t.counts(d)
	}
	return t.Flush()
}

// full is where a short text sends the reader for the rest.
const full = " (--verbose lists all)"

type text struct {
	*prose.Writer
	TextOptions
	onlyMain bool // minor changes are counted, not listed
}

// What a named change is to a reader.
const (
	aType = iota
	aFunction
	aVariable
)

func (c *Change) sort() int {
	switch c.Kind {
	case "FUNC":
		return aFunction
	case "VAR", "DATASEC":
		return aVariable
	}
	return aType
}

// Sentence says in one sentence what changed.
func (d *Diff) Sentence() string {
	switch {
	case d.Reordered:
		return fmt.Sprintf("Reordered only: both bases hold the same %s and %s, in another order.",
			prose.Several(d.Types.New, "type"), prose.Several(d.Strings.New, "string"))
	case d.Same():
		return fmt.Sprintf("Nothing changed: both bases hold the same %s and %s in the same order.",
			prose.Several(d.Types.New, "type"), prose.Several(d.Strings.New, "string"))
	}
	counts := map[int]map[Op]int{aType: {}, aFunction: {}, aVariable: {}}
	copies := map[Op]int{}
	for i := range d.Changes {
		if c := &d.Changes[i]; c.Copy {
			copies[c.Op]++
		} else {
			counts[c.sort()][c.Op]++
		}
	}
	var parts []string
	for what, word := range []string{aType: "type", aFunction: "function", aVariable: "variable"} {
		var list []string
		for _, op := range []Op{Changed, Added, Removed} {
			if n := counts[what][op]; n > 0 && len(list) == 0 {
				list = append(list, prose.Several(n, word)+" "+string(op))
			} else if n > 0 {
				list = append(list, prose.Number(n)+" "+string(op))
			}
		}
		if len(list) > 0 {
			parts = append(parts, strings.Join(list, ", "))
		}
	}
	if n := copies[Added] + copies[Removed]; n > 0 {
		of := "of functions that both have, "
		if len(parts) == 0 {
			of = "Of functions that both have, "
		}
		parts = append(parts, of+prose.Number(copies[Added])+" recorded once more and "+prose.Number(copies[Removed])+" once less")
	}
	switch {
	case len(parts) == 0 && len(d.Anonymous) > 0:
		parts = append(parts, nameless(d.Anonymous))
	case len(parts) == 0 && d.Types.Folded == 0:
		parts = append(parts, "The types are the same, the strings are not")
	}
	if n := d.Types.Folded; n > 0 {
		parts = append(parts, prose.Number(n)+" more changed only through others")
	}
	if n := d.Types.Moved; n > 0 && d.Types.Changed+d.Types.Folded == 0 && !d.shuffled() {
		rest := "nothing that was there"
		if d.Types.Removed > 0 {
			rest = "nothing else"
		}
		parts = append(parts, rest+" changed, but "+prose.Several(n, "type")+" moved to other ids")
	}
	if d.shuffled() {
		parts = append(parts, "and what stayed is in another order")
	}
	return strings.Join(parts, "; ") + "."
}

// nameless counts types without a name by what became of them: "4 types without a name
// added, 4 removed".
func nameless(changes []Change) string {
	counts := map[Op]int{}
	for _, c := range changes {
		counts[c.Op]++
	}
	var list []string
	for _, op := range []Op{Changed, Added, Removed} {
		switch n := counts[op]; {
		case n > 0 && len(list) == 0:
			list = append(list, prose.Several(n, "type")+" without a name "+string(op))
		case n > 0:
			list = append(list, prose.Number(n)+" "+string(op))
		}
	}
	return strings.Join(list, ", ")
}

// shuffled reports whether so much of what both have is out of order that no
// change explains it.
func (d *Diff) shuffled() bool {
	t := d.Types
	return t.OutOfOrder > 0 && (d.Reordered || t.OutOfOrder > 100 && t.OutOfOrder > t.Old/100)
}

// figures writes figures behind their name, which has a column of its own.
func (t *text) figures(name, s string) {
	lead := fmt.Sprintf("  %-8s ", name)
	t.Item(prose.Styled(lead), len(lead), s)
}

func (t *text) counts(d *Diff) {
	c := func(name string, c Counts, more ...string) {
		list := []string{prose.Number(c.Added) + " added", prose.Number(c.Removed) + " removed"}
		list = append(list, more...)
		list = append(list, prose.Number(c.Moved)+" moved")
		if c.OutOfOrder > 0 {
			list[len(list)-1] += " (" + prose.Number(c.OutOfOrder) + " out of order)"
		}
		size := prose.Number(c.Old)
		if c.Old != c.New {
			size += " → " + prose.Number(c.New)
		}
		t.figures(name, size+": "+strings.Join(list, ", "))
	}
	t.Line("Numbers")
	var more []string
	if n := d.Types.Changed; n > 0 {
		more = append(more, prose.Number(n)+" changed")
	}
	if n := d.Types.Folded; n > 0 {
		more = append(more, prose.Number(n)+" changed through others")
	}
	c("types", d.Types.Counts, more...)
	c("strings", d.Strings)
	t.parting("ids", "type", d.IDs)
	t.parting("offsets", "string", d.Offsets)
}

// minor reports whether a change is mostly noise: a function that is recorded more or
// less often, of which another with its name stays, or whose parameters got other names.
func (c *Change) minor() bool {
	renamed := c.Op == Changed && (c.Kind == "FUNC" || c.Kind == "FUNC_PROTO") && len(c.Members) == 0 && c.Old == c.New
	return c.Copy || c.Namesake && !c.Exported || renamed
}

func (t *text) parting(name, what string, p Parting) {
	if !p.Parted {
		return
	}
	s := "part at " + prose.Number(int(p.At))
	if p.Behind == 0 {
		s += ", but nothing moved"
	} else {
		if p.MovedAt != p.At {
			s += "; from " + prose.Number(int(p.MovedAt)) + " on"
		}
		s += ", " + signed(p.Shift, prose.Number(int(max(p.Shift, -p.Shift)))) + " for "
		if p.Shifts == 1 {
			s += "all " + prose.Several(p.Behind, what)
		} else {
			s += prose.Several(p.Holds, what) + ", then " + prose.Several(p.Shifts-1, "other shift")
		}
	}
	switch {
	case p.End > 0:
		s += "; modules' own begin " + prose.Number(int(p.End)) + " later"
	case p.End < 0:
		s += "; modules' own begin " + prose.Number(int(-p.End)) + " earlier"
	}
	t.figures(name, s)
}

// changes lists those changes of a sort, each on a line with what changed inside
// below it.
func (t *text) changes(headline string, all []Change, of func(*Change) bool) {
	n, left, minor := 0, 0, 0
	for i := range all {
		c := &all[i]
		if !of(c) {
			continue
		}
		if c.minor() && t.onlyMain {
			minor++
			continue
		}
		if n++; n == 1 {
			t.Line("%s", headline)
		}
		if n > t.Named && !t.Verbose {
			left++
			continue
		}
		t.change(c)
	}
	if left > 0 {
		t.more("  ", left)
	}
	if minor == 0 {
		return
	}
	if n == 0 {
		t.Line("%s", headline)
	}
	t.Item("  ", 2, prose.Number(minor)+" with other parameter names only, recorded more or less often, or with another of the same name"+full)
}

func (t *text) more(indent string, n int) {
	t.Item(prose.Styled(indent), len(indent), "and "+prose.Number(n)+" more"+full)
}

func (t *text) change(c *Change) {
	name := c.String()
	body := c.Kind == "FUNC" || c.Kind == "FUNC_PROTO" || c.Kind == "VAR" || c.Kind == "TYPEDEF" || c.Name == ""
	inside := c.Op == Changed && len(c.Members) == 0 && body
	var notes []string
	switch what := c.Old + c.New; {
	case inside && c.Old == c.New:
		notes = append(notes, "the same in C")
	case inside || body && c.Op == Changed:
	case body && c.Kind == "FUNC":
		name += " " + what
	case c.Op != Changed:
		notes = append(notes, what)
	case c.Old != c.New && c.Kind != "INT":
		notes = append(notes, strings.TrimSuffix(strings.TrimSuffix(c.Old, " bytes"), " byte")+" → "+c.New)
	case c.Old != c.New:
		notes = append(notes, c.Old+" → "+c.New)
	default:
		notes = append(notes, c.New)
	}
	if c.Drags > 0 {
		notes = append(notes, "in "+prose.Several(c.Drags, "type"))
	}
	if c.Folds > 0 {
		notes = append(notes, prose.Number(c.Folds)+" changed only through it")
	}
	what := string(c.Op)
	switch {
	case c.Copy && c.Op == Added:
		what = "recorded once more"
	case c.Copy:
		what = "recorded once less"
	case c.Exported:
		notes = append(notes, "exported")
	}
	switch {
	case c.Namesake && c.Op == Added:
		notes = append(notes, "another of its name was there")
	case c.Namesake:
		notes = append(notes, "another of its name stays")
	}
	s := name + " " + what
	if len(notes) > 0 {
		s += ": " + strings.Join(notes, ", ")
	}
	t.Item("  ", 2, s)
	if inside && c.Old != c.New {
		t.Line("      - %s", c.Old)
		t.Line("      + %s", c.New)
	}
	t.members(c)
}

// mostMembers is how many lines of one type a short text gives.
const mostMembers = 8

// members writes what changed inside a type as C-like lines. Members that moved
// together are one line.
func (t *text) members(c *Change) {
	var lines []string
	add := func(sign string, p *Place) {
		s := sign + " " + p.Text
		if c.Kind != "ENUM" && c.Kind != "ENUM64" {
			s += ";  // at " + bits(p.Offset)
			if p.Size > 0 && p.Size%8 == 0 {
				s += ", " + prose.Several(int(p.Size/8), "byte")
			}
		}
		lines = append(lines, s)
	}
	for i := 0; i < len(c.Members); i++ {
		m := c.Members[i]
		switch m.Op {
		case Added:
			add("+", m.New)
		case Removed:
			add("-", m.Old)
		case Changed:
			add("-", m.Old)
			add("+", m.New)
		case Moved:
			shift := func(m Member) int64 { return int64(m.New.Offset) - int64(m.Old.Offset) }
			last := i
			for last+1 < len(c.Members) && c.Members[last+1].Op == Moved && shift(c.Members[last+1]) == shift(m) {
				last++
			}
			s := "  " + m.Name
			if last > i {
				s += " to " + c.Members[last].Name + " (" + prose.Several(last-i+1, "member") + ")"
			}
			by := shift(m)
			lines = append(lines, s+" moved by "+signed(by, bits(uint64(max(by, -by)))))
			i = last
		}
	}
	for i, s := range lines {
		if i == mostMembers && len(lines) > mostMembers+1 && !t.Verbose {
			t.more("        ", len(lines)-i)
			return
		}
		t.Line("      %s", s)
	}
}

// signed puts n's sign before what n without it is written as.
func signed(n int64, s string) string {
	if n < 0 {
		return "-" + s
	}
	return "+" + s
}

// bits writes an offset in bytes, with the bits behind a colon if it is no whole
// number of them.
func bits(n uint64) string {
	if n%8 == 0 {
		return prose.Number(int(n / 8))
	}
	return fmt.Sprintf("%s:%d", prose.Number(int(n/8)), n%8)
}

func (t *text) folded(all []Folded) {
	if len(all) == 0 {
		return
	}
	t.Line("Changed only through others")
	for _, f := range all {
		if f.Name != "" {
			t.Item("  ", 2, fmt.Sprintf("%s %s through %s", f.Kind, f.Name, f.Through))
		}
	}
}

func (t *text) exported(e *Exported) {
	if e == nil {
		return
	}
	t.Line("Exported to modules")
	side := func(name string, p ExportedPart) {
		t.figures(name, fmt.Sprintf("%s: %s of %s symbols have a type here and lead to %s", p.Fingerprint.Short(),
			prose.Number(p.Found), prose.Number(p.Symbols), prose.Several(p.Types, "type")))
	}
	side("old", e.Old)
	side("new", e.New)
	t.Line("  changes  %s to these types, %s to others", prose.Number(e.Inside), prose.Number(e.Outside))
	if e.Survives {
		t.Line("  A base of exported types only, which no kernel has, would have survived this rebuild.")
	} else {
		t.Line("  A base of exported types only would have changed too.")
	}
}
