// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/relocate"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/urfave/cli/v2"
)

func distillCommand() *cli.Command {
	return &cli.Command{
		Name:        "distill",
		Usage:       "make a .BTF.base for modules, which then relocate onto other bases (experimental)",
		ArgsUsage:   "MODULE...",
		Description: distillDescription,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "base", Usage: "the modules were built on the base in `FILE`: a vmlinux, boot image, raw .BTF or RPM"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: ".", Usage: "write NAME.BTF and NAME.BTF.base into `FOLDER`"},
		},
		OnUsageError: onUsageError,
		Action:       distill,
	}
}

// moduleName keeps what a module says it is called inside the output folder.
var moduleName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

func distill(c *cli.Context) error {
	const hint = "obs-btf-guard distill --help"
	if c.NArg() == 0 || c.String("base") == "" {
		return usageError{"distill: give modules, and with --base the vmlinux they were built on", hint}
	}
	sources := collect.Check(c.Args().Slice()...)
	sources.Base = c.String("base")
	inv, err := readSources(c, sources)
	if err != nil {
		return err
	}
	var base *btf.Table
	for _, b := range inv.Bases {
		if b.Origin == guard.Given {
			base = b.Table
		}
	}
	if base == nil {
		problems(c, inv.Problems)
		return fmt.Errorf("distill: %s: no base that a kernel could read", c.String("base"))
	}
	written := map[string]bool{}
	for _, m := range inv.Modules {
		err := fmt.Errorf("another module is called %s too", m.Name)
		if !written[m.Name] {
			err = distillModule(c, m, base)
		}
		written[m.Name] = true
		if err != nil {
			inv.Problems = append(inv.Problems, guard.Problem{Path: m.Path, Err: err})
		}
	}
	problems(c, inv.Problems)
	if len(inv.Problems) > 0 {
		return exitStatus(exitError)
	}
	return nil
}

func distillModule(c *cli.Context, m *guard.Module, base *btf.Table) error {
	switch {
	case m.Err != nil:
		return m.Err
	case len(m.BTF) == 0:
		return fmt.Errorf("no .BTF to distill")
	case m.Distilled:
		return fmt.Errorf("has a .BTF.base already")
	case !moduleName.MatchString(m.Name):
		return fmt.Errorf("modinfo: name %q cannot be a file's", m.Name)
	}
	table, err := btf.Parse(m.BTF, base)
	if err != nil {
		return fmt.Errorf(".BTF: %w", err)
	}
	d, err := relocate.Distill(table)
	if err != nil {
		return fmt.Errorf(".BTF: %w", err)
	}
	own, distilled := d.BTF, d.Base
	to := filepath.Join(c.String("output"), m.Name)
	if err := os.WriteFile(to+".BTF", own, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(to+".BTF.base", distilled, 0o644); err != nil {
		return err
	}
	fmt.Fprintf(c.App.Writer, "%s: .BTF %d -> %d bytes, .BTF.base %d bytes\n", m.Name, len(m.BTF), len(own), len(distilled))
	return nil
}
