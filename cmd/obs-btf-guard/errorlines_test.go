// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

// TestErrorLines prints what was joined in lines and nothing else.
func TestErrorLines(t *testing.T) {
	plain, lf := errors.New("a: bad"), &fs.PathError{Op: "open", Path: "x\nkernel BTF check: passed", Err: fs.ErrNotExist}
	const escaped = `x\x0akernel BTF check: passed: file does not exist`
	for _, tc := range []struct {
		name string
		err  error
		want []string
	}{
		{"one", plain, []string{"a: bad"}},
		{"a line feed and an escape in a name", errors.New("a\nb\x1b[2J"), []string{`a\x0ab\x1b[2J`}},
		{"joined", errors.Join(plain, lf), []string{"a: bad", escaped}},
		{"joined twice", errors.Join(errors.Join(plain, lf), plain), []string{"a: bad", escaped, "a: bad"}},
		{"joined and wrapped", fmt.Errorf("file\n: %w (so)", errors.Join(plain, lf, plain)), []string{`file\x0a: a: bad`, escaped, "a: bad (so)"}},
		{"wrapped", fmt.Errorf("file: %w", lf), []string{"file: " + escaped}},
		{"wrapped in its own path", fmt.Errorf("%s: %w", lf.Path, lf), []string{escaped}},
		{"several of which a text is made", fmt.Errorf("%w\n%w: both", plain, lf), []string{`a: bad\x0aopen ` + escaped + ": both"}},
		{"usage", usageError{"no command \"\n\"", ""}, []string{`no command "\x0a"`}},
	} {
		if got := errorLines(tc.err); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// TestRunError prints a path that it cannot read as one line.
func TestRunError(t *testing.T) {
	var stdout, stderr strings.Builder
	code := run(t.Context(), []string{"obs-btf-guard", "hook", "--root", "/nowhere\nkernel BTF check: passed\x1b[2J"}, &stdout, &stderr)
	want := "obs-btf-guard: /nowhere\\x0akernel BTF check: passed\\x1b[2J: no such file or directory\n"
	if code != exitError || stdout.String() != "" || stderr.String() != want {
		t.Errorf("%d, %q, %q, want %q", code, stdout.String(), stderr.String(), want)
	}
}
