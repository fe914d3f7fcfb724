// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bufio"
	"fmt"
	"io"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// Log writes what the post-build check says in the build log, of which nothing
// but the text survives where the build fails. Where something is wrong it begins
// with a line for each finding and what this is about; the report comes last,
// where a reader of the log begins.
func Log(w io.Writer, r *guard.Result, pkg string, o TextOptions) error {
	out := bufio.NewWriter(w)
	worst := r.Worst()
	if b := o.Before; b != nil && worst != guard.Fail && b.Worst() != guard.Fail { // else it would not have come this far
		worst = worst.Or(b.Worst())
	}
	outcome := outcomes[worst]
	if r.Incomplete() {
		worst, outcome = guard.Fail, ": FAILED, it is "+incomplete
	}
	if worst != guard.OK {
		if err := List(r, "").Lint(out, linesInLog); err != nil {
			return err
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintf(out, "obs-btf-guard: kernel BTF check of %s%s\n\n", prose.Printable(pkg), outcome)
	if group(r.Findings).worst() != guard.OK {
		fmt.Fprint(out, preface)
	}
	if len(r.Problems) > 0 {
		Unread(out, "cannot read: ", r.Problems)
		fmt.Fprintln(out)
	}
	o.Problems = "see above"
	o.Named = namedInLog
	if err := Text(out, r, o); err != nil {
		return err
	}
	return out.Flush()
}

// namedInLog is how many modules of one kind the log names: it is all that is
// left of a build that failed, and should not drown what others say in it.
const namedInLog = 40

// linesInLog is how many of them get a line of their own before it.
const linesInLog = 8

// unreadInLog is how many files that cannot be read it names. A build root may be full of
// them, and the report has all.
const unreadInLog = 100

// Unread writes a line for each file that cannot be read, behind a prefix.
func Unread(w io.Writer, prefix string, problems []guard.Problem) {
	for _, p := range problems[:min(unreadInLog, len(problems))] {
		fmt.Fprintf(w, "%s%s\n", prefix, prose.Printable(p.Error()))
	}
	if more := len(problems) - unreadInLog; more > 0 {
		fmt.Fprintf(w, "%s%s more files\n", prefix, prose.Number(more))
	}
}
