// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/distill"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/urfave/cli/v2"
)

func distillCommand() *cli.Command {
	return &cli.Command{
		Name:        "distill",
		Usage:       "make modules that survive a rebuild of their kernel",
		ArgsUsage:   "MODULE|FOLDER...",
		Description: distillDescription,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "base", Usage: "the modules were built on the base in `FILE`: a vmlinux, boot image or RPM"},
			&cli.BoolFlag{Name: "in-place", Usage: "rewrite the modules where they are"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "leave them as they are and write the new ones into `FOLDER`"},
			choiceFlag("plain-ids", string(distill.Keep), "what becomes of numbers that no kernel relocates (nf_conntrack): `keep|zero|mapped`"),
			&cli.IntFlag{Name: "max-growth", Value: 10, Usage: "leave a module as it is that would grow by more than `PERCENT` (and 16 KiB)"},
			&cli.BoolFlag{Name: "where-possible", Usage: "succeed where a module, or the kernel, cannot be distilled for: it stays as it was and is listed"},
			&cli.StringFlag{Name: "kernel", Usage: "assume the rules of Linux `VERSION` instead of what the vmlinux says"},
		},
		OnUsageError: onUsageError,
		Action:       runDistill,
	}
}

func runDistill(c *cli.Context) error {
	o := distill.Options{Plain: distill.Plain(c.String("plain-ids")), MaxGrowth: c.Int("max-growth"), Output: c.String("output")}
	switch {
	case c.NArg() == 0 || c.String("base") == "":
		return misuse(c, "give modules or folders, and with --base the vmlinux that they were built on")
	case c.Bool("in-place") == (o.Output != ""):
		return misuse(c, "give either --in-place or --output FOLDER")
	case o.MaxGrowth < 0 || o.MaxGrowth > 1000:
		return misuse(c, "--max-growth: must be a percentage from 0 to 1000, not %d", o.MaxGrowth)
	}
	version, err := assumedKernel(c)
	if err != nil {
		return err
	}
	inv, err := readSources(c, collect.Sources{Base: c.String("base"), Assumed: guard.Assumed{Kernel: version}})
	if err != nil {
		return err
	}
	if o.Base, err = onlyBase(inv); err != nil {
		return fmt.Errorf("%s: %w", c.String("base"), err)
	}
	if o.Base.Conflict != "" {
		fmt.Fprintf(c.App.ErrWriter, "obs-btf-guard: %s: %s\n", c.String("base"), o.Base.Conflict)
	}
	if err := distill.Refuse(o.Base); err != nil {
		if c.Bool("where-possible") {
			fmt.Fprintf(c.App.Writer, "nothing is distilled: %s: %v\n", c.String("base"), err)
			return nil
		}
		return fmt.Errorf("%s: %w", c.String("base"), err)
	}
	if o.Output != "" {
		if err := os.MkdirAll(o.Output, 0o777); err != nil {
			return err
		}
	}
	report, err := distill.Run(c.Context, o, c.Args().Slice())
	if err != nil {
		return err
	}
	return sayDistilled(c, report)
}

// onlyBase is the one kernel of an inventory.
func onlyBase(inv *guard.Inventory) (*guard.Base, error) {
	switch {
	case len(inv.Problems) > 0:
		return nil, inv.Problems[0].Err
	case len(inv.Bases) == 0:
		return nil, errors.New("no kernel with BTF in it")
	case len(inv.Bases) > 1:
		return nil, fmt.Errorf("%d kernels in it; name the file of one", len(inv.Bases))
	}
	return inv.Bases[0], nil
}

// sayDistilled lists what was not done, and sums up.
func sayDistilled(c *cli.Context, r *distill.Report) error {
	if len(r.Files) == 0 {
		return fmt.Errorf("%s: no module in it (NAME.ko)", c.Args().First())
	}
	const most = 8 // of one reason
	var before, after int64
	left, reasons := map[string]int{}, []string{}
	for _, f := range r.Files {
		switch f.Outcome {
		case distill.Distilled:
			before, after = before+f.Before, after+f.After
			for _, note := range f.Notes {
				fmt.Fprintf(c.App.Writer, "note   %s: %s\n", f.Path, note)
			}
		case distill.Left:
			reason := f.Err.Error()
			if left[reason]++; left[reason] <= most {
				fmt.Fprintf(c.App.Writer, "left   %s: %s\n", f.Path, reason)
			} else if left[reason] == most+1 {
				reasons = append(reasons, reason)
			}
		case distill.Failed:
			fmt.Fprintf(c.App.ErrWriter, "obs-btf-guard: %s: %v\n", f.Path, f.Err)
		}
	}
	for _, reason := range reasons {
		fmt.Fprintf(c.App.Writer, "left   %s more: %s\n", prose.Number(left[reason]-most), reason)
	}
	growth := ""
	if before > 0 {
		growth = fmt.Sprintf(" (%+.1f %%)", 100*float64(after-before)/float64(before))
	}
	count := func(o distill.Outcome) string { return prose.Number(r.Count(o)) }
	fmt.Fprintf(c.App.Writer, "%s distilled%s, %s had a .BTF.base, %s without BTF, %s left as they were, %s failed\n",
		count(distill.Distilled), growth, count(distill.Already), count(distill.NoBTF), count(distill.Left), count(distill.Failed))
	switch {
	case r.Count(distill.Failed) > 0:
		return exitStatus(exitError)
	case r.Count(distill.Left) > 0 && !c.Bool("where-possible"):
		return exitStatus(exitFail)
	}
	return nil
}
