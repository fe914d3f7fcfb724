// SPDX-License-Identifier: Apache-2.0

package why

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"time"
)

// TextOptions says how reasons are written for people.
type TextOptions struct {
	Verbose bool // list every difference
	// Printable makes text that comes out of files fit for a terminal; nil leaves it.
	Printable func(string) string
	// Wrap breaks a text behind a prefix into lines; nil does not.
	Wrap func(prefix, s string) []string
}

// named is how many differences of a kind a short text lists.
const named = 8

// Text writes the reasons: a sentence, then what differs, then the builds that OBS
// tells of, the newest first.
func (r *Reasons) Text(w io.Writer, o TextOptions) error {
	t := &text{bufio.NewWriter(w), o}
	if t.Printable == nil {
		t.Printable = func(s string) string { return s }
	}
	if t.Wrap == nil {
		t.Wrap = func(prefix, s string) []string { return []string{prefix + s} }
	}
	for _, line := range t.Wrap("Why: ", r.Sentence) {
		fmt.Fprintln(t.w, t.Printable(line))
	}
	t.differences("tool", r.Tools)
	t.differences("config", r.Options)
	t.differences("package", r.Packages)
	t.differences("", r.Other)
	if r.Trigger != nil {
		t.trigger(r.Trigger)
	}
	return t.w.Flush()
}

type text struct {
	w *bufio.Writer
	TextOptions
}

// list writes lines of one kind, the first few unless Verbose.
func (t *text) list(what string, lines []string) {
	if n := len(lines) - named; n > 0 && !t.Verbose {
		lines = append(lines[:named:named], fmt.Sprintf("and %d more (--verbose lists all)", n))
	}
	for _, s := range lines {
		fmt.Fprintf(t.w, "  %-8s %s\n", what, t.Printable(s))
	}
}

func (t *text) differences(what string, list []Difference) {
	var lines []string
	for _, d := range list {
		lines = append(lines, d.String())
	}
	t.list(what, lines)
}

func (t *text) trigger(r *Trigger) {
	var builds, changed []string
	for _, j := range slices.Backward(r.Jobs) {
		s := fmt.Sprintf("%s %s, %s: %s", j.Release, j.Ended.UTC().Format(time.DateTime), j.Code, j.Kind)
		if j.Kind == ByHand {
			s += ` (OBS says "` + newBuild + `", and had built this source before)`
		}
		builds = append(builds, s)
	}
	for _, c := range r.Changed {
		changed = append(changed, c.String()+" changed")
	}
	t.list("build", builds)
	t.list("for", changed)
	t.list("note", r.Notes)
}
