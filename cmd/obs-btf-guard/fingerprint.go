// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/urfave/cli/v2"
)

func fingerprintCommand() *cli.Command {
	return &cli.Command{
		Name:        "fingerprint",
		Usage:       "print the fingerprints of kernels and modules",
		ArgsUsage:   "PATH...",
		Description: fingerprintDescription,
		Flags: []cli.Flag{
			formatFlag("text", "json"),
			&cli.StringFlag{Name: "write", Usage: "write the .BTF of the only kernel, or of the only module, to `FILE`"},
			&cli.BoolFlag{Name: "rules", Usage: "also print how each kernel reads BTF, and what shows it"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "also list the modules inside packages and folders where there is a kernel"},
			cacheFlag(),
		},
		OnUsageError: onUsageError,
		Action:       fingerprints,
	}
}

func fingerprints(c *cli.Context) error {
	if c.NArg() == 0 {
		return misuse(c, "no file, folder or RPM given")
	}
	out := outputOf(c)
	inv, err := readSources(c, collect.Fingerprints(c.Args().Slice(), c.Bool("verbose")))
	if err == nil && len(inv.Bases)+len(inv.Modules)+len(inv.Problems) == 0 { // perhaps packages of modules alone
		inv, err = readSources(c, collect.Fingerprints(c.Args().Slice(), true))
	}
	if err != nil {
		return err
	}
	if file := c.String("write"); file != "" && len(inv.Problems) == 0 {
		table, err := onlyTable(inv)
		if err != nil {
			return fmt.Errorf("fingerprint: --write: %w", err)
		}
		if err := os.WriteFile(file, table, 0o644); err != nil {
			return fmt.Errorf("fingerprint: --write: %w", err)
		}
	}
	list := report.NewFingerprints(inv, c.App.Version, c.Bool("rules"))
	problems(c, list.Problems)
	if out.format == "json" {
		err = prose.JSON(c.App.Writer, list)
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

// onlyTable is the .BTF of the one kernel there is, or else of the one module.
func onlyTable(inv *guard.Inventory) ([]byte, error) {
	var tables [][]byte
	what := "kernels"
	for _, b := range inv.Bases {
		tables = append(tables, b.BTF)
	}
	if len(tables) == 0 {
		what = "modules"
		for _, m := range inv.Modules {
			tables = append(tables, m.BTF)
		}
	}
	switch {
	case len(tables) == 0:
		return nil, errors.New("no kernel and no module was found")
	case len(tables) > 1:
		return nil, fmt.Errorf("%d %s were found, which of them? Name one file", len(tables), what)
	case len(tables[0]) == 0:
		return nil, errors.New("it has no .BTF section")
	}
	return tables[0], nil
}
