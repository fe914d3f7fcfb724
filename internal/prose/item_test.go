// SPDX-License-Identifier: Apache-2.0

package prose

import (
	"bufio"
	"strings"
	"testing"
)

// TestItem holds that an item wraps on a terminal and stays whole in a log, and that one
// which fits is left as it is.
func TestItem(t *testing.T) {
	const (
		fits = "94460e068ad0  kernel-default"
		long = "kernel-default-5.15.12-1.1.x86_64: fits 1 of 3; does not fit another"
	)
	for _, tc := range []struct {
		name     string
		terminal bool
		want     string
	}{
		{"terminal", true, "  " + fits + "\n  kernel-default-5.15.12-1.1.x86_64:\n    fits 1 of 3; does not fit another\n"},
		{"log", false, "  " + fits + "\n  " + long + "\n"},
	} {
		var out strings.Builder
		w := &Writer{w: bufio.NewWriter(&out), width: leastWidth, terminal: tc.terminal}
		w.Item("  ", 4, fits)
		w.Item("  ", 4, long)
		if err := w.Flush(); err != nil || out.String() != tc.want {
			t.Errorf("%s: %q, error %v", tc.name, out.String(), err)
		}
	}
}
