// SPDX-License-Identifier: Apache-2.0

package why

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
)

// named is how many differences of a kind a short text lists.
const named = 8

// Text writes the reasons: a sentence, then what differs, then the builds that OBS
// names, the newest first: the first few of a kind, or all if verbose is set.
func (r *Reasons) Text(w io.Writer, verbose bool) error {
	t := &text{prose.NewWriter(w, false), verbose}
	t.Paragraph("Why: ", r.Sentence)
	t.differences("tool", r.Tools)
	t.differences("config", r.Options)
	t.differences("package", r.Packages)
	t.differences("", r.Other)
	if r.Trigger != nil {
		t.trigger(r.Trigger)
	}
	return t.Flush()
}

type text struct {
	*prose.Writer
	verbose bool
}

// list writes lines of one kind, the first few unless Verbose.
func (t *text) list(what string, lines []string) {
	if n := len(lines) - named; n > 0 && !t.verbose {
		lines = append(lines[:named:named], fmt.Sprintf("and %d more (--verbose lists all)", n))
	}
	for _, s := range lines {
		lead := fmt.Sprintf("  %-8s ", what)
		t.Item(prose.Styled(lead), len(lead), s)
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
