// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"bufio"
	"fmt"
	"io"

	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
)

// Text writes the plan for people: what is built, in which order, and why. dry
// says that it will not be carried out.
func (p *Plan) Text(w io.Writer, dry bool) error {
	out := bufio.NewWriter(w)
	for _, n := range p.Notes {
		fmt.Fprintf(out, "not known: %s\n", report.Printable(n))
	}
	switch {
	case len(p.Steps) == 0 && p.Packages == 0:
		fmt.Fprintf(out, "nothing has to be built again: no package of modules was found beside %s\n", several(p.Kernels, "kernel"))
		p.skipped(out)
	case len(p.Steps) == 0 && len(p.Notes) == 0:
		fmt.Fprintf(out, "nothing has to be built again: %s looked at, and %s that they can meet\n",
			several(p.Packages, "package"), several(p.Kernels, "kernel"))
	case len(p.Steps) == 0:
		fmt.Fprintln(out, "of the rest, nothing has to be built again")
	case dry:
		fmt.Fprintln(out, "has to be built again:")
	default:
		fmt.Fprintln(out, "to be built again:")
	}
	for i, s := range p.Steps {
		after := ""
		if i > 0 && s.Wave > p.Steps[i-1].Wave {
			after = ", after those above"
		}
		fmt.Fprintf(out, "%3d. %s%s\n", i+1, report.Printable(s.String()), after)
		for _, why := range s.Why {
			fmt.Fprintf(out, "     %s\n", report.Printable(why))
		}
		if s.Seen != nil {
			fmt.Fprintf(out, "     last built: %s\n", report.Printable(s.Seen.String()))
		}
	}
	return out.Flush()
}

// skipped says where no modules were looked for, which is the reason why none were
// found, or a mistake.
func (p *Plan) skipped(out io.Writer) {
	const most = 20
	if len(p.Skipped) == 0 {
		return
	}
	fmt.Fprintln(out, "not looked into, since they are neither built with the devel package of a kernel nor named as modules:")
	for _, s := range p.Skipped[:min(most, len(p.Skipped))] {
		fmt.Fprintf(out, "     %s\n", report.Printable(s))
	}
	if n := len(p.Skipped) - most; n > 0 {
		fmt.Fprintf(out, "     and %s\n", several(n, "other"))
	}
}

// several is "1 kernel" or "3 kernels".
func several(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
