// SPDX-License-Identifier: Apache-2.0

package prose

import "testing"

// TestPrintable shows what a terminal would obey, and leaves letters alone.
func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"ipheth":             "ipheth",
		"größe → 4":          "größe → 4",
		"x\x1b[2J\nok   all": `x\x1b[2J\x0aok   all`,
		"tab\there":          `tab\x09here`,
		"latin\xe9":          `latin\xe9`,
		"right\u202eto left": `right\u{202e}to left`,
		"csi\u009b31m":       `csi\u{9b}31m`,
		"\ufffd is a letter": "\ufffd is a letter",
	} {
		if got := Printable(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}
