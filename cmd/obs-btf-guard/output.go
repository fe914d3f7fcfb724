// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/findings"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

// reportFormats are those of check and audit.
var reportFormats = slices.Concat([]string{"text", "json"}, findings.Formats, []string{"html"})

// formatFlag chooses one of the formats that a command has.
func formatFlag(formats ...string) cli.Flag {
	return choiceFlag("format", "text", "output `"+strings.Join(formats, "|")+"`")
}

func colorFlag() cli.Flag { return choiceFlag("color", "auto", "color the text: `auto|always|never`") }

// choiceFlag is a flag whose value must be one of those in backquotes in its usage.
func choiceFlag(name, value, usage string) cli.Flag {
	_, choices, _ := cutQuoted(usage)
	return &cli.StringFlag{Name: name, Value: value, Usage: usage, Action: oneOf("--"+name, strings.Split(choices, "|")...)}
}

// oneOf refuses the value of a flag that is not one of its choices.
func oneOf(flag string, choices ...string) func(*cli.Context, string) error {
	return func(c *cli.Context, value string) error {
		if !slices.Contains(choices, value) {
			return misuse(c, "%s: must be one of %s, not %q", flag, strings.Join(choices, ", "), value)
		}
		return nil
	}
}

// assumedKernel reads --kernel.
func assumedKernel(c *cli.Context) (verify.Version, error) {
	if c.String("kernel") == "" {
		return verify.Version{}, nil
	}
	v, err := verify.ParseVersion(c.String("kernel"))
	if err != nil {
		return v, misuse(c, "--kernel: must begin with a kernel version such as 6.1.36, not %q", c.String("kernel"))
	}
	return v, nil
}

// output is how a command writes its result.
type output struct {
	format string
	color  bool
}

// outputOf reads --format and --color. NO_COLOR (no-color.org) turns color off unless it
// is asked for.
func outputOf(c *cli.Context) output {
	color := c.String("color") == "always"
	if c.String("color") == "auto" {
		color = isTerminal(c.App.Writer) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return output{c.String("format"), color}
}

// tellOn writes on standard error what is being done, where somebody watches; else it is
// nil.
func tellOn(c *cli.Context) func(format string, args ...any) {
	if !isTerminal(c.App.ErrWriter) {
		return nil
	}
	return func(format string, args ...any) {
		fmt.Fprintf(c.App.ErrWriter, "%s\n", prose.Printable(fmt.Sprintf(format, args...)))
	}
}

func isTerminal(w any) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// readSources reads the sources, with a progress line where somebody watches.
func readSources(c *cli.Context, s collect.Sources) (*guard.Inventory, error) {
	s.Progress, s.Cache = new(collect.Progress), packageCache(c)
	if isTerminal(c.App.ErrWriter) {
		defer showProgress(c.App.ErrWriter, s.Progress)()
	}
	return collect.Read(c.Context, s)
}

// problems says on standard error what could not be read or judged.
func problems(c *cli.Context, list []guard.Problem) {
	for _, p := range list {
		fmt.Fprintf(c.App.ErrWriter, "obs-btf-guard: %s\n", prose.Printable(p.Error()))
	}
}

// status turns a result's exit status into what run returns.
func status(code int) error {
	if code == exitOK {
		return nil
	}
	return exitStatus(code)
}
