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
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

// reportFormats are those of check and audit.
var reportFormats = slices.Concat([]string{"text", "json"}, findings.Formats, []string{"html"})

// formatFlag chooses one of the formats that a command has.
func formatFlag(formats ...string) cli.Flag {
	return &cli.StringFlag{Name: "format", Value: "text", Usage: "output `" + strings.Join(formats, "|") + "`"}
}

func colorFlag() cli.Flag {
	return &cli.StringFlag{Name: "color", Value: "auto", Usage: "color the text: `auto|always|never`"}
}

// output is how a command writes its result.
type output struct {
	format string
	color  bool
}

// outputOf reads --format, which is one of formats, and --color. NO_COLOR (no-color.org) turns color off
// unless it is asked for.
func outputOf(c *cli.Context, formats ...string) (output, error) {
	o := output{format: c.String("format")}
	if !slices.Contains(formats, o.format) {
		return o, notOneOf(c.Command.Name, "--format", o.format, formats...)
	}
	switch color := c.String("color"); color {
	case "": // a command without colors
	case "auto":
		o.color = isTerminal(c.App.Writer) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	case "always":
		o.color = true
	case "never":
	default:
		return o, notOneOf(c.Command.Name, "--color", color, "auto", "always", "never")
	}
	return o, nil
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
