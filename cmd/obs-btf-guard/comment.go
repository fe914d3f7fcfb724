// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/audit"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/urfave/cli/v2"
)

// checkComment says what is wrong with the flags of comments.
func checkComment(c *cli.Context) error {
	inOBS := func(source string) bool { return strings.HasPrefix(source, "obs:") }
	switch {
	case c.Bool("dry-run") && !c.Bool("comment"):
		return misuse(c, "--dry-run is for --comment; without it, nothing is written")
	case c.Bool("comment") && !slices.ContainsFunc(c.Args().Slice(), inOBS):
		return misuse(c, "--comment is for packages in OBS, and no source is there (obs:PROJECT)")
	}
	return nil
}

// comment writes what is new to the packages in OBS.
func comment(ctx context.Context, c *cli.Context, res *audit.Result, failOn []guard.Verdict) error {
	if !c.Bool("comment") {
		return nil
	}
	client, err := reader(c)
	if err != nil {
		return err
	}
	return res.Comment(ctx, client, audit.CommentOptions{
		Names: c.Args().Slice(), FailOn: failOn, DryRun: c.Bool("dry-run"),
		Say: func(format string, args ...any) {
			fmt.Fprintf(c.App.ErrWriter, "obs-btf-guard: %s\n", prose.Printable(fmt.Sprintf(format, args...)))
		},
	})
}
