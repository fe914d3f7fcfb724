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

// gap stands in a page for lines that are left out.
const gap = "...\n"

// TestPages runs the calls that README.md and the pages in docs show, and compares what
// they print with what the pages say. With -update it writes it down, except where the
// page leaves lines out.
func TestPages(t *testing.T) {
	paths, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, path := range append(paths, "../../README.md") {
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		blocks := regexp.MustCompile("(?s)```console\n\\$ (obs-btf-guard [^\n]*)\n(.*?)```").FindAllStringSubmatch(string(page), -1)
		for _, b := range blocks {
			shown++
			call, want := b[1], b[2]
			t.Run(filepath.Base(path)+"/"+call, func(t *testing.T) {
				dir := "../.."
				if strings.Contains(call, " 5.15.12-1.") { // without a folder before it
					dir = "../../testdata/incident"
				}
				t.Chdir(dir)
				t.Setenv("XDG_STATE_HOME", t.TempDir())
				var stdout, stderr bytes.Buffer
				run(t.Context(), strings.Fields(call), &stdout, &stderr)
				switch {
				case shows(stdout.String(), want):
				case *update && !strings.Contains(want, gap):
					page = bytes.Replace(page, []byte(call+"\n"+want), []byte(call+"\n"+stdout.String()), 1)
				default:
					t.Errorf("it prints:\n%s%s", &stdout, &stderr)
				}
			})
		}
		if *update {
			if err := os.WriteFile(path, page, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if shown < 4 {
		t.Errorf("the pages show %d calls", shown)
	}
}

// shows reports whether the lines of want stand in an output, in this order and without
// others between them, except where want has a gap.
func shows(output, want string) bool {
	parts := strings.Split(want, gap)
	for i, part := range parts {
		at := strings.Index("\n"+output, "\n"+part)
		if at < 0 || i == 0 && at != 0 {
			return false
		}
		output = output[at+len(part):]
	}
	return output == "" || parts[len(parts)-1] == ""
}

func TestShows(t *testing.T) {
	const output = "a\nb\nc\nd\n"
	for want, is := range map[string]bool{
		output: true, "a\nb\nc\n": false, "b\nc\nd\n": false, "a\n...\nd\n": true, "a\n...\n": true, "...\nd\n": true,
		"a\n...\nc\n": false, "a\n...\nd\n...\nb\n": false, "a\nc\n...\n": false, "...\nb\nc\n...\n": true,
	} {
		if shows(output, want) != is {
			t.Errorf("%q: want %v", want, is)
		}
	}
}

// TestReadmeFits: the README stays a page that is read.
func TestReadmeFits(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(readme, []byte("\n")); n > 150 {
		t.Errorf("%d lines, it should have at most 150", n)
	}
}
