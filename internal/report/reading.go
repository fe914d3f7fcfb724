// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bufio"
	"fmt"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// ruleWords gives a rule in a column of its own, and its value with what tells.
func ruleWords(d verify.Decision) (heading, text string) {
	by := fmt.Sprintf("%s, %s", d.Source, d.By)
	if d.Contradicts != "" {
		by += "; by its version " + d.Contradicts
	}
	return fmt.Sprintf("%-27s ", d.Rule), fmt.Sprintf("%s (%s)", d.Value, by)
}

// writeRules writes the rules of one kernel below its line.
func writeRules(w *bufio.Writer, rules []verify.Decision, conflict string) {
	if conflict != "" {
		for _, line := range prose.Wrap("  ", conflict) {
			fmt.Fprintln(w, prose.Printable(line))
		}
	}
	for _, d := range rules {
		heading, text := ruleWords(d)
		for _, line := range prose.Wrap("  "+heading, text) {
			fmt.Fprintln(w, prose.Printable(line))
		}
	}
}
