// SPDX-License-Identifier: Apache-2.0

package prose

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable writes what a terminal would obey instead of show as \xNN or \u{NN}:
// names and paths come out of files that anybody may have made.
func Printable(s string) string {
	clean := func(r rune, size int) bool { return unicode.IsPrint(r) && !(r == utf8.RuneError && size == 1) }
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case clean(r, size):
			b.WriteString(s[i : i+size])
		case size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		default:
			fmt.Fprintf(&b, `\u{%x}`, r)
		}
		i += size
	}
	return b.String()
}

// Printables is a list of lines, each [Printable].
func Printables(lines []string) []string {
	out := make([]string, len(lines))
	for i, s := range lines {
		out[i] = Printable(s)
	}
	return out
}
