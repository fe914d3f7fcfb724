// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/findings"
	"github.com/obs-btf-guard/obs-btf-guard/internal/policy"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/urfave/cli/v2"
)

func checkCommand() *cli.Command {
	return &cli.Command{
		Name:        "check",
		Usage:       "check modules on the vmlinux they will meet",
		ArgsUsage:   "PATH...",
		Description: checkDescription,
		Flags: append([]cli.Flag{
			&cli.StringSliceFlag{Name: "against", Usage: "the older build to compare with: packages, folder or kernel at `PATH`; may be repeated"},
			&cli.StringFlag{Name: "base", Usage: "check every module on the base in `FILE`: a vmlinux, boot image, raw .BTF or RPM"},
			&cli.StringFlag{Name: "own-base", Usage: "the modules were built on the base in `FILE`: compare what they mean on both"},
			&cli.BoolFlag{Name: "running", Usage: "check this machine: the modules on its disk and the loaded ones on the kernel that runs"},
			&cli.StringFlag{Name: "root", Usage: "with --running: the machine whose proc, sys, lib and boot are below `DIR`"},
			&cli.StringFlag{Name: "kernel", Usage: "assume the rules of kernel `VERSION` instead of what the vmlinux says"},
			choiceFlag("allow-mismatch", "auto", "assume CONFIG_MODULE_ALLOW_BTF_MISMATCH: `yes|no|auto`"),
			&cli.StringSliceFlag{Name: "policy", Usage: "override verdicts by the rules in `FILE`, see obs-btf-guard.conf(5); may be repeated, the last matching rule decides"},
			formatFlag(reportFormats...), colorFlag(),
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "list every module, and what the kernel would not log"},
		}, databaseFlags()...),
		OnUsageError: onUsageError,
		Action:       check,
	}
}

func check(c *cli.Context) error {
	sources, err := checkSources(c)
	if err != nil {
		return err
	}
	if c.IsSet("root") && !c.Bool("running") {
		return misuse(c, "--root is where --running looks; give both")
	}
	out := outputOf(c)
	var rules policy.Policy
	for _, path := range c.StringSlice("policy") {
		p, err := policy.Read(path, path)
		if err != nil {
			return err
		}
		rules = rules.Then(p)
	}
	if c.Bool("running") {
		return checkRunning(c, sources, out, rules)
	}
	inv, err := readSources(c, sources)
	if err != nil {
		return err
	}
	res, err := guard.Judge(c.Context, inv, guard.Options{Policy: rules})
	if err != nil {
		return err
	}
	problems(c, res.Problems)
	hintBase(c, res.Problems)
	hintSwapped(c, inv)
	hintMissing(c, inv)
	if err := writeChecked(c, out, res, report.TextOptions{Explain: explainSides(c)}); err != nil {
		return err
	}
	if m := newMemory(c); m != nil { // last, as it may have to wait for others
		judged := res
		if c.IsSet("kernel") || c.IsSet("allow-mismatch") {
			judged = nil // on a kernel that was assumed
		}
		m.Record(inv, judged)
		m.close()
	}
	return status(res.Exit())
}

// explainSides is the command that explains what changed between both sides, "" if one of
// them is several paths.
func explainSides(c *cli.Context) string {
	old := c.StringSlice("against")
	if len(old) != 1 || c.NArg() != 1 {
		return ""
	}
	return "obs-btf-guard explain " + prose.Argument(old[0]) + " " + prose.Argument(c.Args().First())
}

// writeChecked writes the result. text has what the text says beside it.
func writeChecked(c *cli.Context, out output, res *guard.Result, text report.TextOptions) error {
	var err error
	switch {
	case out.format == "json":
		err = prose.JSON(c.App.Writer, report.NewDocument(res, c.App.Version))
	case slices.Contains(findings.Formats, out.format):
		err = report.List(res, c.App.Version).Write(c.App.Writer, out.format, time.Now())
	case out.format == "html":
		err = report.HTML(c.App.Writer, res, c.App.Version, c.Bool("verbose"))
	case len(res.Findings)+len(res.Refusals)+len(text.Topics) > 0:
		text.Verbose, text.Color, text.Full = c.Bool("verbose"), out.color, "--verbose lists them"
		err = report.Text(c.App.Writer, res, text)
	}
	if err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}

func checkSources(c *cli.Context) (collect.Sources, error) {
	s := collect.Check(c.Args().Slice()...)
	s.Against, s.Base, s.OwnBase = c.StringSlice("against"), c.String("base"), c.String("own-base")
	if c.Bool("running") {
		if len(s.Paths)+len(s.Against) > 0 || s.Base+s.OwnBase != "" {
			return s, misuse(c, "--running finds kernel and modules itself; for other modules on the kernel that runs, give --base /sys/kernel/btf/vmlinux")
		}
	} else if len(s.Paths) == 0 {
		return s, misuse(c, "no package, folder or file given")
	}
	if s.Base != "" && len(s.Against) > 0 {
		return s, misuse(c, "--base checks everything on one base, --against pairs by kernelrelease; give one of them")
	}
	s.Assumed.Allow = map[string]verify.Allow{"yes": verify.AllowYes, "no": verify.AllowNo}[c.String("allow-mismatch")]
	var err error
	s.Assumed.Kernel, err = assumedKernel(c)
	return s, err
}
