// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/obs-btf-guard/obs-btf-guard/internal/history"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
	"github.com/urfave/cli/v2"
)

// importReports remembers what the check in OBS found. Build roots have no network:
// OBS keeps the reports among the results. Each is remembered as a whole or not at
// all, and one that cannot be read is in no way of the others.
func importReports(c *cli.Context) error {
	for _, flag := range []string{"arch", "flavor", "project", "changed", "format", "verbose", "prune", "verify"} {
		if c.IsSet(flag) {
			return usageError{"history import: goes without --" + flag, "obs-btf-guard history --help"}
		}
	}
	files := c.Args().Tail()
	if len(files) == 0 {
		return usageError{"history import: give the reports of builds, such as *.btfguard", "obs-btf-guard history --help"}
	}
	path, err := databasePath(c)
	if err != nil {
		return err
	}
	if c.IsSet("db") {
		if err := history.CanBe(path); err != nil {
			return fmt.Errorf("history import: --db %w", err)
		}
	}
	db, err := openHistory(c, path)
	if err != nil {
		return err
	}
	defer db.Close()
	var odd []error
	imported, builds := 0, 0
	for _, file := range files {
		d, err := reportWithPackages(file)
		if err != nil {
			odd = append(odd, err)
			continue
		}
		batch := d.Batch()
		if err := db.Add(c.Context, batch); err != nil { // the others would fare no better
			return errors.Join(append(odd, err)...)
		}
		imported++
		for _, b := range batch.Builds {
			if b.Digest != "" {
				builds++
			}
		}
	}
	if _, err := fmt.Fprintf(c.App.Writer, "remembered %s with %s in %s\n", prose.Several(imported, "report"), prose.Several(builds, "build"), prose.Printable(history.Name(path))); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return errors.Join(odd...)
}

// reportWithPackages reads a report that the hook wrote, or check --format json.
func reportWithPackages(path string) (*report.Document, error) {
	d, err := readReport(path)
	switch {
	case errors.As(err, new(*fs.PathError)):
		return nil, fmt.Errorf("%s: %w", path, regular.WithoutPath(err))
	case err != nil:
		return nil, err
	case d == nil:
		return nil, fmt.Errorf("%s: not a report of obs-btf-guard", path)
	case len(d.Packages) == 0 && len(d.Bases)+len(d.Verdicts) > 0:
		return nil, fmt.Errorf("%s: written by an older obs-btf-guard: it names no package by its header digest, and nothing of it is remembered", path)
	}
	return d, nil
}
