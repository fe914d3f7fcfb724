// SPDX-License-Identifier: Apache-2.0

package verify

import "fmt"

// Warn is a line that the kernel prints by pr_warn, past the verifier's log and
// without its prefix.
func Warn(format string, args ...any) Line {
	s := fmt.Sprintf(format, args...)
	// printk keeps as much of a record as the verifier of a fragment.
	return Line{Text: escape(s[:min(len(s), maxFragment)])}
}
