// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/urfave/cli/v2"
)

func explainCommand() *cli.Command {
	return &cli.Command{
		Name:        "explain",
		Usage:       "show what changed between two bases, and why",
		ArgsUsage:   "OLD NEW",
		Description: explainDescription,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "buildenv", Usage: "the _buildenv of OLD's and then of NEW's build, as OBS keeps it: `FILE`, given twice"},
			&cli.BoolFlag{Name: "obs", Usage: "ask OBS, where the packages say that they were built, why NEW was built and with what"},
			apiurlFlag(),
			formatFlag("text", "json"), colorFlag(), cacheFlag(),
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "list everything that changed"},
		},
		OnUsageError: onUsageError,
		Action:       explainAction,
	}
}

func explainAction(c *cli.Context) error {
	out := outputOf(c)
	if c.NArg() != 2 {
		return misuse(c, "it takes two arguments, OLD and NEW, and not %d", c.NArg())
	}
	if slices.Contains(c.Args().Slice(), "") {
		return misuse(c, "an argument is empty")
	}
	told, err := evidence(c)
	if err != nil {
		return err
	}
	inv, err := readSources(c, collect.Explain(c.Args().Get(0), c.Args().Get(1)))
	if err != nil {
		return err
	}
	saveMemory(inv)
	res, err := guard.Judge(c.Context, inv, guard.Options{})
	if err != nil {
		return err
	}
	changes, unread := guard.Counterparts(inv, res)
	kernels := []report.Explained{}
	for i, change := range changes {
		if change.Diff == nil {
			change.Diff = change.Explain()
		}
		reasons, problems := told.Reasons(c.Context, change)
		unread = append(unread, problems...)
		explained := report.NewExplained(change, reasons)
		kernels = append(kernels, explained)
		if out.format == "json" {
			continue
		}
		if i > 0 {
			fmt.Fprintln(c.App.Writer)
		}
		if err := explained.Text(c.App.Writer, c.Bool("verbose")); err != nil {
			return fmt.Errorf("standard output: %w", err)
		}
	}
	problems(c, unread)
	hintSwapped(c, inv)
	exit := exitOK
	if len(unread) > 0 {
		exit = exitError
	}
	switch {
	case out.format == "json":
		err = prose.JSON(c.App.Writer, report.NewExplanation(res, c.App.Version, kernels, unread, exit))
	case len(res.Findings) > 0 && len(changes) > 0:
		fmt.Fprintln(c.App.Writer)
		err = report.Groups(c.App.Writer, res, out.color)
		if err == nil && res.Worst() != guard.OK {
			_, err = fmt.Fprintln(c.App.Writer, "\n\"obs-btf-guard check NEW --against OLD\" lists each module.")
		}
		if err == nil && len(res.Changes) == 0 {
			_, err = fmt.Fprintf(c.App.Writer, "\nThe kernels have different names, so that no module of one is looked for by the other.\n"+
				"To check modules of one on the other all the same:\n  %s\n", prose.Printable(guard.CrossCommand(inv, changes[0].From, changes[0].To)))
		}
	}
	if err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return status(exit)
}

// saveMemory has less garbage wait to be collected where there are more types than any
// kernels have: to compare them takes some 90 bytes for each. Kernels have 200,000.
func saveMemory(inv *guard.Inventory) {
	types := 0
	for _, b := range inv.Bases {
		if b.Table != nil {
			types += b.Table.Len()
		}
	}
	if types > 1_000_000 && os.Getenv("GOGC") == "" {
		debug.SetGCPercent(10)
		debug.SetMemoryLimit(208 << 20) // a goal, not a bound
		debug.FreeOSMemory()            // what it took to read them
	}
}
