// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"strings"
	"testing"
)

func TestClosest(t *testing.T) {
	names := []string{"check", "fingerprint", "explain", "audit", "against", "allow-mismatch", "v"}
	for typed, want := range map[string]string{
		"chekc": "check", "chek": "check", "ceck": "check", "agains": "against", "agianst": "against",
		"finger": "fingerprint", "fingerpirnt": "fingerprint", "allow_mismatch": "allow-mismatch",
		"install": "", "x": "", "": "", "tomorrow": "",
	} {
		if got := closest(typed, names); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}

// TestHelp: no choice stands twice in the help, and no switch is said to be off.
func TestHelp(t *testing.T) {
	app := newApp(io.Discard, io.Discard)
	app.Setup()
	for _, cmd := range app.VisibleCommands() {
		var out strings.Builder
		run(t.Context(), []string{"obs-btf-guard", "help", cmd.Name}, &out, io.Discard)
		var same strings.Builder
		run(t.Context(), []string{"obs-btf-guard", cmd.Name, "--help"}, &same, io.Discard)
		if out.String() != same.String() || out.Len() == 0 {
			t.Errorf("help %s prints\n%s, %s --help\n%s", cmd.Name, &out, cmd.Name, &same)
		}
		for line := range strings.Lines(out.String()) {
			if strings.Contains(line, "(default: false") || strings.Contains(line, "(default false)") {
				t.Errorf("%s: %s", cmd.Name, line)
			}
			for _, word := range strings.Fields(line) {
				if strings.Contains(word, "|") && strings.Count(line, word) > 1 {
					t.Errorf("%s: %q more than once: %s", cmd.Name, word, line)
				}
			}
		}
	}
}
