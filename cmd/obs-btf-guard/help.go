// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/urfave/cli/v2"
)

// The groups of commands in the help.
const (
	forPeople = "For people"
	inBuilds  = "In builds" // behind the other one: they are sorted
)

func init() {
	// The library's own texts say each choice twice, and of each switch that it is off.
	cli.FlagStringer = flagHelp
	cli.VersionFlag = &cli.BoolFlag{Name: "version", Aliases: []string{"V"}, Usage: "print the version"}
}

// flagHelp is a flag in the help: its names with their value, and what it does. The
// value is what stands in backquotes; one with choices is not repeated in the text.
func flagHelp(f cli.Flag) string {
	doc := f.(cli.DocGenerationFlag)
	before, value, after := cutQuoted(doc.GetUsage())
	text := before + value + after
	if strings.Contains(value, "|") {
		text = strings.TrimRight(before, " :") + after
	}
	if !doc.TakesValue() {
		value = ""
	}
	if def := strings.Trim(doc.GetDefaultText(), `"`); def != "" && def != "0" && doc.TakesValue() {
		text += fmt.Sprintf(" (default %s)", def)
	}
	return entry(strings.TrimSpace(cli.FlagNamePrefixer(doc.Names(), value)), text)
}

// Columns of a flag in the help: where its name begins, where its text begins, and how
// far the library moves the lines behind the first one.
const (
	nameColumn    = 3
	textColumn    = 27
	libraryIndent = 6
)

// entry puts a text beside a name, or below one that is too long, within the columns of
// a log.
func entry(name, text string) string {
	prefix := fmt.Sprintf("%*s%-*s", nameColumn, "", textColumn-nameColumn, name)
	lines := prose.Wrap(prefix[:textColumn], text)
	if len(prefix) > textColumn || strings.TrimRight(prefix, " ") == prefix {
		lines = append([]string{prefix}, prose.Wrap(strings.Repeat(" ", textColumn), text)...)
	}
	for i := range lines {
		cut := libraryIndent
		if i == 0 {
			cut = nameColumn
		}
		lines[i] = strings.TrimRight(lines[i][cut:], " ")
	}
	return strings.Join(lines, "\n")
}

func cutQuoted(s string) (before, quoted, after string) {
	before, rest, ok := strings.Cut(s, "`")
	if !ok {
		return s, "", ""
	}
	quoted, after, _ = strings.Cut(rest, "`")
	return before, quoted, after
}

// commandHelp is the help of one command. The library's has a section for its group,
// too.
var commandHelp = strings.Replace(cli.CommandHelpTemplate, "{{if .Category}}\n\nCATEGORY:\n   {{.Category}}{{end}}", "", 1)

// asFlags turns "help COMMAND" into "COMMAND --help" and "version" into "--version".
func asFlags(args []string) []string {
	if len(args) < 2 {
		return args
	}
	switch args[1] {
	case "help":
		return slices.Concat(args[:1], args[2:min(3, len(args))], []string{"--help"})
	case "version":
		return []string{args[0], "--version"}
	}
	return args
}

// noCommand is the error of a command that there is not.
func noCommand(app *cli.App, name string) error {
	names := []string{"help", "version"}
	for _, cmd := range app.Commands {
		names = append(names, cmd.Names()...)
	}
	like := prose.Closest(name, names)
	if _, err := os.Stat(name); err == nil {
		like = "check " + name
	}
	return usageError{fmt.Sprintf("no command %q%s", name, prose.DidYouMean(like)), "obs-btf-guard --help"}
}

// flagError puts what the library says of a flag into words, with the dashes that a
// person would write.
func flagError(c *cli.Context, err error) string {
	const unknown, incomplete = "flag provided but not defined: -", "flag needs an argument: -"
	text := err.Error()
	if name, ok := strings.CutPrefix(text, unknown); ok {
		names := []string{"version", "V"}
		if c.Command != nil && c.Command.Name != "" && c.Command.Name != c.App.Name {
			names = nil
			for _, f := range c.Command.Flags {
				names = append(names, f.Names()...)
			}
		}
		like := prose.Closest(name, names)
		switch {
		case slices.Contains([]string{"no-color", "no-colour"}, name):
			like = "--color never" // of each command that has colors
		case like != "":
			like = dashed(like)
		}
		return fmt.Sprintf("no flag %s%s", dashed(name), prose.DidYouMean(like))
	}
	if name, ok := strings.CutPrefix(text, incomplete); ok {
		return dashed(name) + " needs a value"
	}
	if word, ok := strings.CutPrefix(text, "bad flag syntax: "); ok {
		return "no flag " + word
	}
	command := ""
	if c.Command != nil && c.Command.Name != "" && c.Command.Name != c.App.Name {
		command = c.Command.Name + ": "
	}
	if rest, ok := strings.CutPrefix(text, "invalid boolean value "); ok { // "x" for -n: parse error
		if at := strings.LastIndex(rest, " for -"); at >= 0 {
			name, _, _ := strings.Cut(rest[at+len(" for -"):], ": ")
			return fmt.Sprintf("%s%s: must be given without a value, not %s", command, dashed(name), rest[:at])
		}
	}
	if before, after, ok := strings.Cut(text, " for flag -"); ok { // invalid value "x" for flag -n: ...
		name, why, _ := strings.Cut(after, ": ")
		value := strings.TrimPrefix(before, "invalid value ")
		switch flagNamed(c, name).(type) {
		case *cli.IntFlag:
			return fmt.Sprintf("%s%s: must be a whole number, not %s", command, dashed(name), value)
		case *cli.DurationFlag:
			return fmt.Sprintf("%s%s: must be a time such as 90m or 24h, not %s", command, dashed(name), value)
		}
		return fmt.Sprintf("%s%s: %s: %s", command, dashed(name), before, why)
	}
	return text
}

// noEmptyValues refuses a flag that was given with nothing for its value, as by a script
// whose variable is not set: an empty path would be this folder, an empty pattern all there is.
// Flags that have a choice of values say which.
func noEmptyValues(c *cli.Context) error {
	for _, f := range c.Command.Flags {
		name, empty := f.Names()[0], false
		if name == "fail-on" {
			continue
		}
		switch f := f.(type) {
		case *cli.StringFlag:
			empty = f.Action == nil && c.IsSet(name) && c.String(name) == ""
		case *cli.StringSliceFlag:
			empty = f.Action == nil && slices.Contains(c.StringSlice(name), "")
		}
		if empty {
			return misuse(c, "%s: must not be empty", dashed(name))
		}
	}
	return nil
}

// flagNamed is a flag of the command, nil if it has none of that name.
func flagNamed(c *cli.Context, name string) cli.Flag {
	if c.Command == nil {
		return nil
	}
	for _, f := range c.Command.Flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// grouped puts commands into a group of the help.
func grouped(group string, commands ...*cli.Command) []*cli.Command {
	for _, cmd := range commands {
		cmd.Category = group
		cmd.CustomHelpTemplate = commandHelp
	}
	return slices.Clip(commands)
}
