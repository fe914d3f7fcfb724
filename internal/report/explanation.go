// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"

	"github.com/obs-btf-guard/obs-btf-guard/internal/explain"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/internal/why"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// Explanation is the JSON form of explain, see docs/json.md.
type Explanation struct {
	Schema   int            `json:"schema"`
	Tool     Tool           `json:"tool"`
	Kernels  []Explained    `json:"kernels"`
	Summary  map[string]int `json:"summary"`
	Groups   []Group        `json:"groups"`
	Problems []Error        `json:"errors"`
	Exit     int            `json:"exit"`
}

// Explained is what became of one kernel.
type Explained struct {
	Old  Base          `json:"old"`
	New  Base          `json:"new"`
	Diff *explain.Diff `json:"diff"`
	Why  *why.Reasons  `json:"why"`

	Rebuild *Survival `json:"rebuild,omitempty"`

	change guard.Change
}

// NewExplanation puts together what became of kernels, what was judged of their modules,
// and what could not be read or compared.
func NewExplanation(r *guard.Result, version string, kernels []Explained, unread []guard.Problem, exit int) *Explanation {
	e := &Explanation{
		Schema: Schema, Tool: Tool{"obs-btf-guard", version}, Kernels: kernels,
		Summary: map[string]int{}, Groups: newGroups(r), Problems: []Error{}, Exit: exit,
	}
	for _, f := range r.Findings {
		e.Summary[string(f.Verdict)]++
	}
	for _, p := range unread {
		e.Problems = append(e.Problems, Error{p.Path, p.Err.Error()})
	}
	return e
}

// NewExplained puts together a change, which has its difference, and the reasons for it.
func NewExplained(c guard.Change, reasons *why.Reasons) Explained {
	return Explained{Old: newBase(c.From), New: newBase(c.To), Diff: c.Diff, Why: reasons, Rebuild: newSurvival(c.Survival), change: c}
}

// Text says what became of one kernel, for people.
func (e *Explained) Text(w io.Writer, verbose bool) error {
	fmt.Fprintf(w, "%s -> %s\n\n", prose.Printable(e.change.From.Label()), prose.Printable(e.change.To.Label()))
	err := e.Diff.Text(w, explain.TextOptions{Verbose: verbose})
	if err != nil {
		return err
	}
	fmt.Fprintln(w)
	if from, to := e.change.From, e.change.To; from.Label() == to.Label() && from.Fingerprint.Base == to.Fingerprint.Base {
		_, err := fmt.Fprintln(w, "Both sides are the same build.")
		return err
	}
	if err := e.Why.Text(w, verbose); err != nil {
		return err
	}
	return survives(w, e.change.Survival)
}

// survives says whether modules of either build fit the vmlinux of the other, where that
// is known.
func survives(w io.Writer, s guard.Survival) error {
	sentence := s.Sentence()
	if sentence == "" {
		return nil
	}
	t := prose.NewWriter(w, false)
	t.Line("")
	t.Paragraph("Update: ", sentence)
	return t.Flush()
}
