// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadme runs the calls that the README shows and holds what they print
// against what it says they print. With -update it writes it down instead.
func TestReadme(t *testing.T) {
	path, err := filepath.Abs("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```console\n\\$ (obs-btf-guard [^\n]*)\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(blocks) == 0 {
		t.Fatal("the README shows no call")
	}
	for _, b := range blocks {
		call, want := b[1], b[2]
		t.Run(call, func(t *testing.T) {
			dir := "../.."
			if strings.HasPrefix(call, "obs-btf-guard check 5.15") {
				dir = "../../testdata/incident"
			}
			t.Chdir(dir)
			t.Setenv("XDG_STATE_HOME", t.TempDir())
			var stdout, stderr bytes.Buffer
			run(t.Context(), strings.Fields(call), &stdout, &stderr)
			if *update {
				readme = bytes.Replace(readme, []byte(call+"\n"+want), []byte(call+"\n"+stdout.String()), 1)
			} else if stdout.String() != want {
				t.Errorf("it prints:\n%s%s", &stdout, &stderr)
			}
		})
	}
	if *update {
		if err := os.WriteFile(path, readme, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
