// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/history"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
	"github.com/urfave/cli/v2"
)

func historyCommand() *cli.Command {
	return &cli.Command{
		Name:        "history",
		Usage:       "print the builds of a kernel and their bases",
		ArgsUsage:   "[KERNEL] | import REPORT...",
		Description: historyDescription,
		Flags: []cli.Flag{
			databaseFlag("read"),
			&cli.StringFlag{Name: "arch", Usage: "only builds for `ARCH`, as RPM names it"},
			&cli.StringFlag{Name: "flavor", Usage: "only kernels of flavor `NAME`"},
			&cli.StringFlag{Name: "project", Usage: "only builds of the OBS project `NAME`"},
			&cli.BoolFlag{Name: "changed", Usage: "only kernels whose base changed"},
			&cli.IntFlag{Name: "prune", Usage: "remove what was not recorded in the last `DAYS`, and print nothing else"},
			&cli.BoolFlag{Name: "verify", Usage: "look for damage in the whole history, and print nothing else"},
			formatFlag("text", "json"),
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "all that is known of each build"},
		},
		OnUsageError: onUsageError,
		Action:       printHistory,
	}
}

func printHistory(c *cli.Context) error {
	if c.Args().First() == "import" {
		return importReports(c)
	}
	if c.NArg() > 1 {
		return misuse(c, "give one kernelrelease, or a pattern in quotes")
	}
	out := outputOf(c)
	path, err := databasePath(c)
	if err != nil {
		return err
	}
	if c.IsSet("prune") || c.IsSet("verify") {
		return tend(c, path)
	}
	lines, aside, odd := readHistory(c, path)
	if len(lines) == 0 && odd != nil {
		return odd
	}
	if out.format == "json" {
		err = historyJSON(c.App.Writer, c.App.Version, history.Name(path), lines, odd)
	} else {
		err = report.Lines(c.App.Writer, lines, c.Bool("verbose"))
	}
	if err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	if len(lines) == 0 && !aside {
		fmt.Fprintf(c.App.ErrWriter, "obs-btf-guard: %s: %s\n", prose.Printable(history.Name(path)), nothingIn(c, path))
	}
	if odd != nil {
		for _, line := range errorLines(odd) {
			fmt.Fprintf(c.App.ErrWriter, "obs-btf-guard: %s; its builds are missing above\n", line)
		}
	}
	if odd != nil || len(lines) == 0 || aside {
		return exitStatus(exitError)
	}
	return nil
}

// lookFor looks for the file of a history. A database is there or says itself that it
// is not: it has no file.
func lookFor(path string) error {
	if history.IsServer(path) {
		return nil
	}
	_, err := os.Stat(path)
	return err
}

// tend removes what is old, or looks for damage.
func tend(c *cli.Context, path string) error {
	for _, flag := range []string{"arch", "flavor", "project", "changed", "format", "verbose"} {
		if c.IsSet(flag) {
			return misuse(c, "--prune and --verify go without --%s", flag)
		}
	}
	days := c.Int("prune")
	switch {
	case c.NArg() > 0 || c.IsSet("prune") && c.Bool("verify"):
		return misuse(c, "--prune and --verify stand alone")
	case c.IsSet("prune") && (days < 1 || days > 100_000):
		return misuse(c, "--prune: must be a number of days from 1 to 100000, not %d", days)
	}
	if err := lookFor(path); err != nil {
		return fmt.Errorf("%s: no such file", path)
	}
	db, err := openHistory(c, path)
	if err != nil {
		return err
	}
	defer db.Close()
	if c.Bool("verify") {
		if err := db.Verify(c.Context); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.App.Writer, "%s: no damage found\n", prose.Printable(path))
		return err
	}
	p, err := db.Prune(c.Context, time.Now().AddDate(0, 0, -days))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "removed: %s with %s, %s, %s\n", prose.Several(int(p.Packages), "package"), prose.Several(int(p.Kernels), "kernel"),
		prose.Several(int(p.Judgements), "result")+" of checks", prose.Several(int(p.Memos), "other result"))
	return err
}

// nothingIn says why a history has nothing to print.
func nothingIn(c *cli.Context, path string) string {
	err := lookFor(path)
	narrowed := c.NArg() > 0
	for _, flag := range []string{"arch", "flavor", "project", "changed"} {
		narrowed = narrowed || c.IsSet(flag)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && c.IsSet("db"):
		return "no such file"
	case err != nil || !narrowed:
		return "nothing is remembered yet; check and audit remember the kernels in RPMs"
	}
	return "no build in it matches; \"obs-btf-guard history\" lists all, and a pattern such as '5.15.*' matches many"
}

// readHistory reads the lines that the flags pick; aside is set where a damaged
// history had to be put away. One that is not there is not made. Lines beside an
// error are those of the rows that could be read.
func readHistory(c *cli.Context, path string) (lines []history.Line, aside bool, err error) {
	lines = []history.Line{}
	if err := lookFor(path); errors.Is(err, fs.ErrNotExist) {
		return lines, false, nil
	}
	db, err := history.Open(c.Context, path, func(notice string) {
		aside = true
		fmt.Fprintf(c.App.ErrWriter, "obs-btf-guard: %s\n", prose.Printable(notice))
	})
	if err != nil {
		return nil, false, err
	}
	defer db.Close()
	found, err := db.Lines(c.Context, history.Filter{
		Kernel: c.Args().First(), Arch: c.String("arch"), Flavor: c.String("flavor"), Project: c.String("project"),
	})
	for _, l := range found {
		if l.Changes() > 0 || !c.Bool("changed") {
			lines = append(lines, l)
		}
	}
	return lines, aside, err
}

func historyJSON(w io.Writer, version, path string, lines []history.Line, odd error) error {
	problems := []report.Error{}
	if odd != nil {
		for _, line := range errorLines(odd) {
			problems = append(problems, report.Error{Path: path, Error: line})
		}
	}
	return prose.JSON(w, struct {
		Schema   int            `json:"schema"`
		Tool     report.Tool    `json:"tool"`
		Database string         `json:"database"`
		Kernels  []history.Line `json:"kernels"`
		Problems []report.Error `json:"errors"`
	}{report.Schema, report.Tool{Name: "obs-btf-guard", Version: version}, path, lines, problems})
}
