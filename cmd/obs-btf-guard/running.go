// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/policy"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
	"github.com/obs-btf-guard/obs-btf-guard/internal/running"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/urfave/cli/v2"
)

// runningDocument is the JSON form of check --running: that of check, and the machine.
type runningDocument struct {
	*report.Document
	Running *running.State `json:"running"`
}

// checkRunning is check --running.
func checkRunning(c *cli.Context, s collect.Sources, out output, rules policy.Policy) error {
	res, state, err := running.Check(c.Context, running.Options{
		Root: cmp.Or(c.String("root"), "/"), Assumed: s.Assumed, Policy: rules,
		Read: func(s collect.Sources) (*guard.Inventory, error) { return readSources(c, s) },
	})
	if err != nil {
		return err
	}
	problems(c, res.Problems)
	if out.format == "json" {
		if err := prose.JSON(c.App.Writer, runningDocument{report.NewDocument(res, c.App.Version), state}); err != nil {
			return fmt.Errorf("standard output: %w", err)
		}
	} else if err := writeChecked(c, out, res, report.TextOptions{Topics: state.Topics(), Nothing: state.Nothing()}); err != nil {
		return err
	}
	return status(res.Exit())
}
