// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/audit"
	"github.com/obs-btf-guard/obs-btf-guard/internal/findings"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/internal/repomd"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/urfave/cli/v2"
)

func auditCommand() *cli.Command {
	return &cli.Command{
		Name:        "audit",
		Usage:       "check whole repositories, projects and folders",
		ArgsUsage:   "SOURCE...",
		Description: auditDescription,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "metadata-only", Usage: "read the content of no package; what its metadata does not tell is unknown"},
			&cli.StringSliceFlag{Name: "fail-on", Usage: "exit with 1 if there is a finding of a kind in `LIST`, separated by commas; all and none are known as well; may be repeated (default: " + strings.Join(kindWords(audit.DefaultFailOn), ", ") + ")"},
			&cli.IntFlag{Name: "max-packages", Value: audit.DefaultMaxPackages, Usage: "look at no more than `N` packages of kernels and modules; more are an error"},
			&cli.IntFlag{Name: "requests", Value: audit.DefaultRequests, Usage: fmt.Sprintf("have at most `N` requests to OBS under way at once, 1 to %d", maxRequests)},
			&cli.StringFlag{Name: "since", Usage: "report and count only what is new since the audit in `FILE`, written with --format json"},
			&cli.BoolFlag{Name: "since-last", Usage: "report and count only what is new since the last audit of the same sources with this flag"},
			&cli.BoolFlag{Name: "comment", Usage: "have each package in OBS of which something is new carry one comment with what fails"},
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "with --comment: print what would be written, and remember nothing for --since-last"},
			apiurlFlag(),
			formatFlag(reportFormats...), colorFlag(),
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "show all kernels and what fits, too"},
		}, databaseFlags()...),
		OnUsageError: onUsageError,
		Action:       runAudit,
	}
}

// maxRequests is how many requests OBS can be asked to answer at once. It has others to
// serve.
const maxRequests = 64

func runAudit(c *cli.Context) error {
	if err := checkAudit(c); err != nil {
		return err
	}
	out := outputOf(c)
	failOn, err := failOnOf(c)
	if err != nil {
		return err
	}
	earlier, err := newBaseline(c)
	if err != nil {
		return err
	}
	ctx := c.Context
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, syscall.SIGHUP)
		defer stop()
	}
	o := auditOptions(c)
	m := newMemory(c)
	if m != nil {
		defer m.close()
		o.Memory = m
	}
	if c.Bool("since-last") {
		if err := earlier.recall(m); err != nil {
			return err
		}
	}
	res, err := audit.Run(ctx, o)
	if err != nil {
		return err
	}
	earlier.compare(res)
	problems(c, res.Problems)
	if err := writeAudit(c, out, res, failOn); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	if err := comment(ctx, c, res, failOn); err != nil {
		return err // what was not said is news another time
	}
	if err := earlier.keep(m, res); err != nil {
		return err
	}
	return status(res.Exit(failOn))
}

// checkAudit finds what is wrong with the arguments and flags.
func checkAudit(c *cli.Context) error {
	switch packages, requests := c.Int("max-packages"), c.Int("requests"); {
	case c.NArg() == 0:
		return misuse(c, "no folder, package or repository given")
	case slices.Contains(c.Args().Slice(), ""):
		return misuse(c, "a SOURCE is empty")
	case packages < 1:
		return misuse(c, "--max-packages: must be at least 1, not %d", packages)
	case requests < 1 || requests > maxRequests:
		return misuse(c, "--requests: must be a number from 1 to %d, not %d", maxRequests, requests)
	}
	return checkComment(c)
}

// failOnOf are the kinds of findings that fail.
func failOnOf(c *cli.Context) ([]guard.Verdict, error) {
	if !c.IsSet("fail-on") {
		return audit.DefaultFailOn, nil
	}
	kinds, err := parseKinds(c.StringSlice("fail-on"))
	if err != nil {
		return nil, misuse(c, "--fail-on: %v", err)
	}
	return kinds, nil
}

func auditOptions(c *cli.Context) audit.Options {
	return audit.Options{
		Sources: c.Args().Slice(), MetadataOnly: c.Bool("metadata-only"), MaxPackages: c.Int("max-packages"), Requests: c.Int("requests"),
		Web:   repomd.Options{UserAgent: "obs-btf-guard/" + c.App.Version},
		Cache: packageCache(c),
		OBS: func() (audit.OBS, error) {
			client, err := reader(c)
			if err != nil {
				return nil, err
			}
			return client, nil
		},
		Tell: tellOn(c),
	}
}

func writeAudit(c *cli.Context, out output, res *audit.Result, failOn []guard.Verdict) error {
	switch {
	case out.format == "json":
		return res.JSON(c.App.Writer, c.App.Version, failOn)
	case slices.Contains(findings.Formats, out.format):
		return res.List(c.App.Version, failOn).Write(c.App.Writer, out.format, time.Now())
	case out.format == "html":
		return res.HTML(c.App.Writer, c.App.Version, failOn)
	case len(res.Sources) > 0:
		return res.Text(c.App.Writer, audit.TextOptions{Verbose: c.Bool("verbose"), Color: out.color, FailOn: failOn})
	}
	return nil
}

// parseKinds reads lists of kinds of findings, which add up.
func parseKinds(lists []string) ([]guard.Verdict, error) {
	words := strings.Split(strings.Join(lists, ","), ",")
	var kinds []guard.Verdict
	for _, word := range words {
		word = strings.TrimSpace(word)
		switch k := guard.Verdict(word); {
		case slices.Contains(audit.Kinds, k):
			kinds = append(kinds, k)
		case word == "all":
			kinds = append(kinds, audit.Kinds...)
		case word != "none":
			known := append(kindWords(audit.Kinds), "all", "none")
			return nil, fmt.Errorf("must be one of %s, not %q%s", strings.Join(known, ", "), word, prose.DidYouMean(prose.Closest(word, known)))
		case len(words) > 1:
			return nil, errors.New("none stands alone")
		}
	}
	return kinds, nil
}

func kindWords(kinds []guard.Verdict) (words []string) {
	for _, k := range kinds {
		words = append(words, string(k))
	}
	return words
}
