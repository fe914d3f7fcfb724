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

// TestTerminalWidth has COLUMNS go before what the terminal says, and 80 where neither knows.
func TestTerminalWidth(t *testing.T) {
	for _, tc := range []struct {
		width   int
		columns string
		want    int
	}{
		{0, "", LogWidth}, {0, "100", 100}, {90, "", 90}, {90, "60", 60}, {90, "many", 90}, {90, "-1", 90}, {90, "0", 90},
		{20, "", leastWidth}, {90, "9", leastWidth}, {500, "", mostWidth}, {90, "500", mostWidth},
	} {
		if got := terminalWidth(tc.width, tc.columns); got != tc.want {
			t.Errorf("%d columns, COLUMNS=%s: %d, want %d", tc.width, tc.columns, got, tc.want)
		}
	}
}
