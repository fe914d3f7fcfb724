// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
)

// errorLines writes an error as lines that can be printed: one, or where
// errors.Join made one of several errors, as the mistakes in a policy, one for
// each. A line feed that is part of a name starts no line of its own, or a file
// could write into a build's log whatever it likes.
func errorLines(err error) []string {
	var lines []string
	for _, text := range splitJoined(err) {
		lines = append(lines, prose.Printable(text))
	}
	return lines
}

// splitJoined splits the text of an error where errors.Join joined it, also
// below errors that put something before or after. Of the file system's it has the
// path and what is wrong, but not the call that failed.
func splitJoined(err error) []string {
	text := err.Error()
	if pe, ok := err.(*fs.PathError); ok {
		return []string{pe.Path + ": " + pe.Err.Error()}
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var parts, lines []string
		for _, e := range joined.Unwrap() {
			parts = append(parts, e.Error())
			lines = append(lines, splitJoined(e)...)
		}
		if text == strings.Join(parts, "\n") {
			return lines
		}
		return []string{text} // fmt.Errorf with several %w
	}
	inner := errors.Unwrap(err)
	if inner == nil {
		return []string{text}
	}
	before, after, found := strings.Cut(text, inner.Error())
	lines := splitJoined(inner)
	if !found || len(lines) == 0 {
		return []string{text}
	}
	if !strings.HasPrefix(lines[0], before) { // a path is named once
		lines[0] = before + lines[0]
	}
	lines[len(lines)-1] += after
	return lines
}
