// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/generator"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/internal/stamp"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/urfave/cli/v2"
)

func stampCommand() *cli.Command {
	return &cli.Command{
		Name:        "stamp",
		Usage:       "write fingerprints into the headers of RPMs",
		ArgsUsage:   "RPM|FOLDER...",
		Description: stampDescription,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "with", Usage: "look for the kernels that modules were built on in `PATH`, too, and leave it as it is; may be repeated"},
			choiceFlag("strength", string(generator.Auto), "what modules get: `auto|requires|recommends|none`; auto goes by the kernel's config"),
			&cli.BoolFlag{Name: "verify", Usage: "only compare metadata and content; exit status 1 if they disagree"},
			&cli.BoolFlag{Name: "remove", Usage: "take the fingerprints out of the packages"},
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "say what would be done and do nothing"},
			cacheFlag(),
		},
		OnUsageError: onUsageError,
		Action:       runStamp,
	}
}

func runStamp(c *cli.Context) error {
	if c.NArg() == 0 {
		return misuse(c, "no RPM or folder given")
	}
	if c.Bool("verify") && c.Bool("remove") {
		return misuse(c, "--verify compares and --remove removes; give one of them")
	}
	inv, err := readSources(c, collect.Stamp(c.Args().Slice(), c.StringSlice("with"), c.Bool("remove")))
	if err != nil {
		return err
	}
	if of := func(p guard.Problem) bool { return p.Origin == guard.Against }; slices.ContainsFunc(inv.Problems, of) {
		problems(c, inv.Problems)
		hint(c, "nothing was written: what --with names has to be readable")
		return exitStatus(exitError)
	}
	res, err := guard.Judge(c.Context, inv, guard.Options{})
	if err != nil {
		return err
	}
	stamped, err := stamp.Run(c.Context, inv, res, stamp.Options{
		Mode: stampMode(c), Strength: generator.Strength(c.String("strength")), Remove: c.Bool("remove"),
	})
	stamped.Text(c.App.Writer) // of what it cannot write, run says so
	if err != nil {
		return err
	}
	problems(c, stamped.Problems)
	if n := len(stamped.Left); n > 0 && len(stamped.Changes)+n+len(inv.Problems) > 1 {
		hint(c, left(stamped))
	}
	if !c.Bool("remove") && slices.ContainsFunc(res.Problems, noVmlinux) {
		hint(c, "give the package of the kernel that they were built for beside them, or by --with")
	}
	if len(stamped.Problems) > 0 && res.Worst() == guard.Fail && !c.Bool("remove") {
		hint(c, "obs-btf-guard check says of the same packages what is wrong; publish none of them before it is ok")
	}
	switch {
	case len(stamped.Problems) > 0:
		return exitStatus(exitError)
	case stamped.Disagree():
		return exitStatus(exitFail)
	}
	return nil
}

func stampMode(c *cli.Context) stamp.Mode {
	switch {
	case c.Bool("verify"):
		return stamp.Verify
	case c.Bool("dry-run"):
		return stamp.DryRun
	}
	return stamp.Write
}

// left says which packages stay as they were after an error.
func left(r *stamp.Result) string {
	if !slices.ContainsFunc(r.Changes, func(c stamp.Change) bool { return !c.Empty() }) {
		return "nothing was written: all packages are, or none; correct or leave out what is named above"
	}
	var names []string
	for _, p := range r.Left {
		names = append(names, p.NEVRA)
	}
	return "written: what is listed; as before: " + prose.First(names, 10) + "; repeat the command once that is mended"
}
