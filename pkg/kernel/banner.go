// SPDX-License-Identifier: Apache-2.0

package kernel

import "strings"

// Banner is what the line that /proc/version starts with says of how a kernel was
// made (linux_banner in init/version-timestamp.c). What it does not say is "".
type Banner struct {
	Builder  string // user@host
	Compiler string // "gcc (SUSE Linux) 11.2.1 20211124 [revision ...]"
	Linker   string // "GNU ld (GNU Binutils; openSUSE Tumbleweed) 2.37"
	Version  string // number, flags and time of the build, and what the distribution adds: "#1 SMP ..."
}

// ParseBanner takes Image.Banner apart:
//
//	Linux version 5.15.12-1-default (geeko@buildhost) (gcc ..., GNU ld ...) #1 SMP ...
func ParseBanner(text string) (b Banner) {
	_, rest, ok := strings.Cut(strings.TrimPrefix(text, bannerStart), " ")
	if !ok || !strings.HasPrefix(text, bannerStart) {
		return b
	}
	if b.Builder, rest, ok = cutParens(rest); !ok {
		return b
	}
	made, rest, ok := cutParens(rest)
	if !ok {
		return b
	}
	b.Version = rest
	b.Compiler = made
	if at := lastComma(made); at >= 0 {
		b.Compiler, b.Linker = made[:at], made[at+len(", "):]
	}
	return b
}

// cutParens splits a text that begins with parentheses, which may be nested, into
// their content and the rest.
func cutParens(s string) (inside, rest string, ok bool) {
	depth := 0
	for i, c := range s {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth <= 0 {
			if i == 0 {
				return "", s, false
			}
			return s[1:i], strings.TrimSpace(s[i+1:]), true
		}
	}
	return "", s, false
}

// lastComma is where the last ", " outside of parentheses stands, -1 if there is
// none: compilers and linkers write commas inside of theirs.
func lastComma(s string) int {
	depth, last := 0, -1
	for i, c := range s {
		switch {
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case c == ',' && depth == 0 && strings.HasPrefix(s[i:], ", "):
			last = i
		}
	}
	return last
}
