// SPDX-License-Identifier: Apache-2.0

package why

import (
	"bufio"
	"fmt"
	"io"
)

// TextOptions says how reasons are written for people.
type TextOptions struct {
	Verbose bool // list every difference
	// Printable makes text that comes out of files fit for a terminal; nil leaves it.
	Printable func(string) string
}

// named is how many differences of a kind a short text lists.
const named = 8

// Text writes the reasons: a sentence, then what differs.
func (r *Reasons) Text(w io.Writer, o TextOptions) error {
	out := bufio.NewWriter(w)
	printable := o.Printable
	if printable == nil {
		printable = func(s string) string { return s }
	}
	fmt.Fprintf(out, "Why: %s\n", printable(r.Sentence))
	for _, part := range []struct {
		what string
		list []Difference
	}{{"tool", r.Tools}, {"config", r.Options}, {"package", r.Packages}, {"", r.Other}} {
		for i, d := range part.list {
			if i == named && !o.Verbose {
				fmt.Fprintf(out, "  %-8s and %d more (--verbose lists all)\n", part.what, len(part.list)-named)
				break
			}
			fmt.Fprintf(out, "  %-8s %s\n", part.what, printable(d.String()))
		}
	}
	return out.Flush()
}
