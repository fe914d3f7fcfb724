// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bufio"
	"fmt"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// Rule is how a kernel reads BTF in one respect, and what tells.
type Rule struct {
	Rule        string        `json:"rule"`
	Value       string        `json:"value"`
	Source      verify.Source `json:"source"`
	By          string        `json:"by"`
	Contradicts string        `json:"version_says,omitempty"`
}

// heading is the rule in a column of its own, text its value and what tells.
func (r Rule) heading() string { return fmt.Sprintf("%-27s ", r.Rule) }

func (r Rule) text() string {
	by := fmt.Sprintf("%s, %s", r.Source, r.By)
	if r.Contradicts != "" {
		by += "; by its version " + r.Contradicts
	}
	return fmt.Sprintf("%s (%s)", r.Value, by)
}

func newRules(decisions []verify.Decision) (out []Rule) {
	for _, d := range decisions {
		out = append(out, Rule{d.Rule, d.Value, d.Source, d.By, d.Contradicts})
	}
	return out
}

// writeRules writes the rules of one kernel below its line.
func writeRules(w *bufio.Writer, rules []Rule, conflict string) {
	if conflict != "" {
		for _, line := range prose.Wrap("  ", conflict) {
			fmt.Fprintln(w, prose.Printable(line))
		}
	}
	for _, r := range rules {
		for _, line := range prose.Wrap("  "+r.heading(), r.text()) {
			fmt.Fprintln(w, prose.Printable(line))
		}
	}
}
