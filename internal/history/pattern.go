// SPDX-License-Identifier: Apache-2.0

package history

import (
	"regexp"
	"strings"
)

// literal is what a pattern begins with, and whether anything follows it that
// stands for more than itself.
func literal(pattern string) (begin string, more bool) {
	begin, _, more = strings.Cut(pattern, "*")
	for _, special := range []string{"?", "["} {
		var found bool
		begin, _, found = strings.Cut(begin, special)
		more = more || found
	}
	return begin, more
}

// like reports whether a kernelrelease is one of the filter's: * is any text, ? any
// character, [a-c] one of these, [^a-c] none of them, as in SQLite's GLOB.
func (f Filter) like() func(kernelrelease string) bool {
	if f.Kernel == "" {
		return func(string) bool { return true }
	}
	var re strings.Builder
	re.WriteString(`(?s)\A`)
	for rest := f.Kernel; rest != ""; {
		plain, _ := literal(rest)
		re.WriteString(regexp.QuoteMeta(plain))
		special := rest[len(plain):]
		switch rest = special[min(1, len(special)):]; {
		case special == "":
		case special[0] == '*':
			re.WriteString(".*")
		case special[0] == '?':
			re.WriteString(".")
		default:
			set, after, ok := class(rest)
			if !ok { // never closed: nothing is like it
				return func(string) bool { return false }
			}
			re.WriteString(set)
			rest = after
		}
	}
	re.WriteString(`\z`)
	compiled, err := regexp.Compile(re.String())
	if err != nil { // [c-a]
		return func(string) bool { return false }
	}
	return compiled.MatchString
}

// class translates what stands after [ up to the ] that closes it.
func class(rest string) (set, after string, ok bool) {
	not := ""
	if strings.HasPrefix(rest, "^") {
		not, rest = "^", rest[1:]
	}
	end := strings.IndexByte(rest, ']')
	if end == 0 { // a ] that comes first stands for itself
		if end = strings.IndexByte(rest[1:], ']'); end >= 0 {
			end++
		}
	}
	if end < 0 {
		return "", "", false
	}
	return "[" + not + strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `^`, `\^`).Replace(rest[:end]) + "]", rest[end+1:], true
}
