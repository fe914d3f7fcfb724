// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
	"github.com/urfave/cli/v2"
)

func fingerprintCommand() *cli.Command {
	return &cli.Command{
		Name:        "fingerprint",
		Usage:       "print the fingerprints of vmlinux files, boot images, modules, raw tables and RPMs",
		ArgsUsage:   "PATH...",
		Description: fingerprintDescription,
		Flags: []cli.Flag{
			formatFlag("text", "json"),
			&cli.BoolFlag{Name: "rules", Usage: "print how each kernel reads BTF too, and what tells"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "list the modules inside packages and folders too"},
		},
		OnUsageError: onUsageError,
		Action:       fingerprints,
	}
}

func fingerprints(c *cli.Context) error {
	if c.NArg() == 0 {
		return usageError{"fingerprint: no file, folder or RPM given", "obs-btf-guard fingerprint --help"}
	}
	out, err := outputOf(c, "text", "json")
	if err != nil {
		return err
	}
	inv, err := readSources(c, collect.Fingerprints(c.Args().Slice(), c.Bool("verbose")))
	if err != nil {
		return err
	}
	list := report.NewFingerprints(inv, c.App.Version, c.Bool("rules"))
	problems(c, list.Problems)
	if out.format == "json" {
		err = list.JSON(c.App.Writer)
	} else {
		err = list.Text(c.App.Writer)
	}
	if err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	if len(list.Problems) > 0 {
		return exitStatus(exitError)
	}
	return nil
}
