// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
)

// TestHelp: the help is as narrow as a terminal, no choice stands twice in it, and no
// switch is said to be off.
func TestHelp(t *testing.T) {
	app := newApp(io.Discard, io.Discard)
	app.Setup()
	narrow := func(help string) {
		for line := range strings.Lines(help) {
			if line = strings.TrimSuffix(line, "\n"); len(line) > prose.LogWidth {
				t.Errorf("%d columns: %s", len(line), line)
			}
		}
	}
	var all strings.Builder
	run(t.Context(), []string{"obs-btf-guard", "--help"}, &all, io.Discard)
	narrow(all.String())
	for _, cmd := range app.VisibleCommands() {
		var out strings.Builder
		run(t.Context(), []string{"obs-btf-guard", "help", cmd.Name}, &out, io.Discard)
		var same strings.Builder
		run(t.Context(), []string{"obs-btf-guard", cmd.Name, "--help"}, &same, io.Discard)
		if out.String() != same.String() || out.Len() == 0 {
			t.Errorf("help %s prints\n%s, %s --help\n%s", cmd.Name, &out, cmd.Name, &same)
		}
		narrow(out.String())
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
