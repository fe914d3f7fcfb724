// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/explain"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
	"github.com/obs-btf-guard/obs-btf-guard/internal/why"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/urfave/cli/v2"
)

func explainCommand() *cli.Command {
	return &cli.Command{
		Name:        "explain",
		Usage:       "show what changed between two bases, and why",
		ArgsUsage:   "OLD NEW",
		Description: explainDescription,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "buildenv", Usage: "the _buildenv of OLD's and then of NEW's build, as OBS keeps it: `FILE`, given twice"},
			&cli.BoolFlag{Name: "obs", Usage: "ask OBS, where the packages say that they were built, why NEW was built and with what"},
			apiurlFlag(),
			formatFlag("text", "json"), colorFlag(), cacheFlag(),
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "list everything that changed"},
		},
		OnUsageError: onUsageError,
		Action:       explainAction,
	}
}

// explanation is the JSON form, see docs/json.md.
type explanation struct {
	Schema   int            `json:"schema"`
	Tool     report.Tool    `json:"tool"`
	Kernels  []explained    `json:"kernels"`
	Summary  map[string]int `json:"summary"`
	Groups   []report.Group `json:"groups"`
	Problems []report.Error `json:"errors"`
	Exit     int            `json:"exit"`
}

// explained is what became of one kernel.
type explained struct {
	Old  report.Base   `json:"old"`
	New  report.Base   `json:"new"`
	Diff *explain.Diff `json:"diff"`
	Why  *why.Reasons  `json:"why"`

	Rebuild *report.Survival `json:"rebuild,omitempty"`
}

func explainAction(c *cli.Context) error {
	out := outputOf(c)
	if c.NArg() != 2 {
		return misuse(c, "it takes two arguments, OLD and NEW, and not %d", c.NArg())
	}
	if slices.Contains(c.Args().Slice(), "") {
		return misuse(c, "an argument is empty")
	}
	w, err := newWhys(c)
	if err != nil {
		return err
	}
	inv, err := readSources(c, collect.Explain(c.Args().Get(0), c.Args().Get(1)))
	if err != nil {
		return err
	}
	saveMemory(inv)
	res, err := guard.Judge(c.Context, inv, guard.Options{})
	if err != nil {
		return err
	}
	changes, unread := changesIn(c, inv, res)
	kernels := []explained{}
	for i, change := range changes {
		if change.Diff == nil {
			change.Diff = change.Explain()
		}
		reasons, problems := w.reasons(c.Context, change)
		unread = append(unread, problems...)
		kernels = append(kernels, explained{report.NewBase(change.From), report.NewBase(change.To), change.Diff, reasons, report.NewSurvival(change.Survival)})
		if out.format == "json" {
			continue
		}
		if i > 0 {
			fmt.Fprintln(c.App.Writer)
		}
		if err := explainText(c, change, reasons); err != nil {
			return fmt.Errorf("standard output: %w", err)
		}
	}
	problems(c, unread)
	hintSwapped(c, inv)
	exit := exitOK
	if len(unread) > 0 {
		exit = exitError
	}
	switch {
	case out.format == "json":
		err = explainJSON(c, explanation{Kernels: kernels, Groups: report.NewGroups(res), Exit: exit}, res, unread)
	case len(res.Findings) > 0 && len(changes) > 0:
		fmt.Fprintln(c.App.Writer)
		err = report.Groups(c.App.Writer, res, out.color)
		if err == nil && res.Worst() != guard.OK {
			_, err = fmt.Fprintln(c.App.Writer, "\n\"obs-btf-guard check NEW --against OLD\" lists each module.")
		}
		if err == nil && len(res.Changes) == 0 {
			_, err = fmt.Fprintf(c.App.Writer, "\nThe kernels have different names, so that no module of one is looked for by the other.\n"+
				"To check modules of one on the other all the same:\n  %s\n", prose.Printable(guard.CrossCommand(inv, changes[0].From, changes[0].To)))
		}
	}
	if err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return status(exit)
}

// changesIn finds the kernels to compare, and what cannot be compared.
func changesIn(c *cli.Context, inv *guard.Inventory, res *guard.Result) ([]guard.Change, []guard.Problem) {
	changes, unread := res.Changes, slices.Clone(inv.Problems)
	if len(changes) == 0 {
		var none *guard.Problem
		// Where an argument could not be read, that is all there is to say.
		if changes, none = twoKernels(inv, c.Args().Slice()); none != nil && len(unread) == 0 {
			unread = append(unread, *none)
		}
	}
	if len(changes) > 0 {
		unread = append(unread, alone(inv, changes)...)
	}
	return changes, unread
}

// explainText says what became of one kernel, for people.
func explainText(c *cli.Context, change guard.Change, reasons *why.Reasons) error {
	w, verbose := c.App.Writer, c.Bool("verbose")
	fmt.Fprintf(w, "%s -> %s\n\n", prose.Printable(change.From.Label()), prose.Printable(change.To.Label()))
	err := change.Diff.Text(w, explain.TextOptions{Verbose: verbose})
	if err != nil {
		return err
	}
	fmt.Fprintln(w)
	if err := reasons.Text(w, verbose); err != nil {
		return err
	}
	return survives(w, change.Survival)
}

// explainJSON completes the JSON form and writes it.
func explainJSON(c *cli.Context, doc explanation, res *guard.Result, unread []guard.Problem) error {
	doc.Schema, doc.Tool = report.Schema, report.Tool{Name: "obs-btf-guard", Version: c.App.Version}
	doc.Problems, doc.Summary = []report.Error{}, map[string]int{}
	for _, f := range res.Findings {
		doc.Summary[string(f.Verdict)]++
	}
	for _, p := range unread {
		doc.Problems = append(doc.Problems, report.Error{Path: p.Path, Error: p.Err.Error()})
	}
	return prose.JSON(c.App.Writer, doc)
}

// survives says whether modules of either build fit the vmlinux of the other, where that
// is known.
func survives(w io.Writer, s guard.Survival) error {
	sentence := s.Sentence()
	if sentence == "" {
		return nil
	}
	t := prose.NewWriter(w, false)
	t.Line("")
	t.Paragraph("Update: ", sentence)
	return t.Flush()
}

// saveMemory has less garbage wait to be collected where there are more types than any
// kernels have: to compare them takes some 90 bytes for each. Kernels have 200,000.
func saveMemory(inv *guard.Inventory) {
	types := 0
	for _, b := range inv.Bases {
		if b.Table != nil {
			types += b.Table.Len()
		}
	}
	if types > 1_000_000 && os.Getenv("GOGC") == "" {
		debug.SetGCPercent(10)
		debug.SetMemoryLimit(208 << 20) // a goal, not a bound
		debug.FreeOSMemory()            // what it took to read them
	}
}

// twoKernels takes the only kernel on each side, which paths name, for a pair, whatever
// their kernelreleases are.
func twoKernels(inv *guard.Inventory, paths []string) ([]guard.Change, *guard.Problem) {
	problem := func(path, format string, args ...any) ([]guard.Change, *guard.Problem) {
		return nil, &guard.Problem{Path: path, Err: fmt.Errorf(format, args...)}
	}
	var sides [2][]*guard.Base
	for _, b := range inv.Bases {
		switch {
		case b.Refused != nil:
			return problem(b.Label(), "its own kernel refuses its .BTF, so there is nothing to compare; \"obs-btf-guard check\" says why")
		case b.Table == nil:
		case b.Origin == guard.Against:
			sides[0] = append(sides[0], b)
		default:
			sides[1] = append(sides[1], b)
		}
	}
	for i, name := range []string{"OLD", "NEW"} {
		switch n := len(sides[i]); {
		case n == 0:
			return problem(paths[i], "no kernel with BTF in it, so %s is empty", name)
		case n > 1:
			var labels []string
			for _, b := range sides[i] {
				labels = append(labels, b.Label())
			}
			return problem(paths[i], "%d kernels with BTF in it, and none of them has a kernelrelease of the other side; name the file of one: %s", n, prose.First(labels, 4))
		}
	}
	if from, to := sides[0][0], sides[1][0]; from.Arch != to.Arch && from.Arch != "" && to.Arch != "" {
		return problem(strings.Join(paths, " "), "OLD is for %s, NEW for %s", from.Arch, to.Arch)
	}
	return []guard.Change{{From: sides[0][0], To: sides[1][0]}}, nil
}

// alone makes problems of the kernels that have no counterpart on the other side.
func alone(inv *guard.Inventory, changes []guard.Change) []guard.Problem {
	met := map[*guard.Base]bool{}
	for _, c := range changes {
		met[c.From], met[c.To] = true, true
	}
	var out []guard.Problem
	for _, b := range inv.Bases {
		if !met[b] {
			out = append(out, guard.Problem{Path: b.Label(), Err: fmt.Errorf("%s (%s) is on one side only, or has no BTF", b.Release, b.Arch)})
		}
	}
	return out
}
