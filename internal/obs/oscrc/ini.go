// SPDX-License-Identifier: Apache-2.0

package oscrc

import (
	"fmt"
	"strings"
	"unicode"
)

// section is a part of a configuration file with its options, by their names in
// lower case.
type section struct {
	name    string
	options map[string]string
}

// parse reads the dialect of osc/OscConfigParser.py, which is that of Python's
// configparser without interpolation:
//
//   - "#" and ";" begin a comment only in the first column, " ;" anywhere, and
//     "rem" as the first word of a line
//   - "name = value" and "name: value"; names are the same in upper and lower
//     case, values are trimmed and never unquoted
//   - an indented line goes on with the value before it, behind a line feed, even
//     if it looks like a comment; an empty line does not end a value
//   - a section or an option that stands twice is an error
//
// Stricter than osc, which takes the name with its blanks and forgets it: an
// indented line without an option before it is an error. Errors name the line and
// no value.
func parse(text string) ([]section, error) {
	var sections []section
	options := map[string]string(nil) // of the section that is read
	last := ""                        // option that an indented line goes on with
	number := 0
	for line := range strings.Lines(text) {
		number++
		fail := func(format string, args ...any) ([]section, error) {
			return nil, fmt.Errorf("line %d: "+format, append([]any{number}, args...)...)
		}
		content := strings.TrimSpace(line)
		indented := unicode.IsSpace(rune(line[0]))
		word, _, _ := strings.Cut(strings.Join(strings.Fields(content), " "), " ")
		switch {
		case content == "", line[0] == '#', line[0] == ';', !indented && strings.EqualFold(word, "rem"):
		case indented && last != "":
			options[last] += "\n" + content
		case indented:
			return fail("indented, but there is no option to go on with")
		case line[0] == '[' && strings.LastIndexByte(line, ']') > 1:
			name := line[1:strings.LastIndexByte(line, ']')]
			for _, s := range sections {
				if s.name == name {
					return fail("section [%s] stands twice", printable(name))
				}
			}
			options, last = map[string]string{}, ""
			sections = append(sections, section{name, options})
		case options == nil:
			return fail("not in a section")
		default:
			at := strings.IndexAny(content, "=:")
			if at < 1 {
				return fail("neither [section] nor name=value")
			}
			last = strings.ToLower(strings.TrimSpace(content[:at]))
			if _, twice := options[last]; twice {
				return fail("option %s stands twice in its section", printable(last))
			}
			options[last], _, _ = strings.Cut(strings.TrimSpace(content[at+1:]), " ;")
		}
	}
	return sections, nil
}

// printable makes what a file says fit for a terminal.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return unicode.ReplacementChar
	}, s)
}
