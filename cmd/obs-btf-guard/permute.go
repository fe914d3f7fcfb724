// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// permute moves the flags of a command in front of its arguments, because
// urfave/cli v2 stops reading flags at the first argument while everybody writes
// "check DIR --against OLD". What stands behind "--" stays an argument.
func permute(app *cli.App, args []string) []string {
	at := slices.IndexFunc(args[min(1, len(args)):], func(a string) bool { return !strings.HasPrefix(a, "-") }) + 1
	if at == 0 {
		return args
	}
	cmd := app.Command(args[at])
	if cmd == nil {
		return args
	}
	var flags, rest []string
	for todo := args[at+1:]; len(todo) > 0; todo = todo[1:] {
		a := todo[0]
		switch {
		case a == "--":
			rest = append(rest, todo[1:]...)
			todo = todo[:1]
		case len(a) < 2 || a[0] != '-':
			rest = append(rest, a)
		default:
			flags = append(flags, a)
			switch {
			case !takesValue(cmd, a):
			case len(todo) == 1:
				rest = nil // the flag lacks its value, which must not be an argument
			default:
				todo = todo[1:]
				flags = append(flags, todo[0])
			}
		}
	}
	if asksHelp(cmd, flags) {
		return slices.Concat(args[:at+1], []string{"--help"})
	}
	if len(rest) > 0 {
		rest = slices.Insert(rest, 0, "--")
	}
	return slices.Concat(args[:at+1], flags, rest)
}

// asksHelp reports whether --help is among flags and their values: with arguments
// beside it the library takes the first one for a command.
func asksHelp(cmd *cli.Command, flags []string) bool {
	for i := 0; i < len(flags); i++ {
		switch {
		case slices.Contains([]string{"--help", "-help", "-h"}, flags[i]):
			return true
		case takesValue(cmd, flags[i]):
			i++
		}
	}
	return false
}

// takesValue reports whether the value of flag a is the argument behind it.
func takesValue(cmd *cli.Command, a string) bool {
	name, _, joined := strings.Cut(strings.TrimLeft(a, "-"), "=")
	if joined {
		return false
	}
	for _, f := range cmd.Flags {
		if slices.Contains(f.Names(), name) {
			_, isBool := f.(*cli.BoolFlag)
			return !isBool
		}
	}
	return false
}

// givenTwice refuses a second file for a flag that takes one: the library would pass over the
// first in silence. With other values the last one counts, as where an alias has the first.
// Flags stand in front of arguments.
func givenTwice(app *cli.App, args []string) error {
	if len(args) < 2 {
		return nil
	}
	cmd := app.Command(args[1])
	if cmd == nil {
		return nil
	}
	seen := map[string]bool{}
	for i := 2; i < len(args) && strings.HasPrefix(args[i], "-") && args[i] != "--"; i++ {
		name, _, _ := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		for _, f := range cmd.Flags {
			if f, ok := f.(*cli.StringFlag); ok && slices.Contains(f.Names(), name) {
				_, value, _ := cutQuoted(f.Usage)
				if seen[f.Name] && slices.Contains([]string{"FILE", "FOLDER", "DIR", "PATH"}, value) {
					return usageError{cmd.Name + ": " + dashed(f.Name) + ": given twice, and it takes one; the first would be passed over", "obs-btf-guard " + cmd.Name + " --help"}
				}
				seen[f.Name] = true
			}
		}
		if takesValue(cmd, args[i]) {
			i++
		}
	}
	return nil
}
