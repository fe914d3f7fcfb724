// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/history"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
	"github.com/obs-btf-guard/obs-btf-guard/internal/why"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/urfave/cli/v2"
)

func historyCommand() *cli.Command {
	return &cli.Command{
		Name:        "history",
		Usage:       "print the builds of a kernel and their bases",
		ArgsUsage:   "[KERNEL] | import REPORT...",
		Description: historyDescription,
		Flags: []cli.Flag{
			databaseFlag("read"),
			&cli.StringFlag{Name: "arch", Usage: "only builds for `ARCH`, as RPM names it"},
			&cli.StringFlag{Name: "flavor", Usage: "only kernels of flavor `NAME`"},
			&cli.StringFlag{Name: "project", Usage: "only builds of the OBS project `NAME`"},
			&cli.BoolFlag{Name: "changed", Usage: "only kernels whose base changed"},
			&cli.IntFlag{Name: "prune", Usage: "remove what was not recorded in the last `DAYS`, and print nothing else"},
			&cli.BoolFlag{Name: "verify", Usage: "look for damage in the whole history, and print nothing else"},
			formatFlag("text", "json"),
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "all that is known of each build"},
		},
		OnUsageError: onUsageError,
		Action:       printHistory,
	}
}

func printHistory(c *cli.Context) error {
	if c.Args().First() == "import" {
		return importReports(c)
	}
	if c.NArg() > 1 {
		return misuse(c, "give one kernelrelease, or a pattern in quotes")
	}
	out := outputOf(c)
	path, err := databasePath(c)
	if err != nil {
		return err
	}
	if c.IsSet("prune") || c.IsSet("verify") {
		return tend(c, path)
	}
	lines, aside, odd := readHistory(c, path)
	if len(lines) == 0 && odd != nil {
		return odd
	}
	if out.format == "json" {
		err = historyJSON(c.App.Writer, c.App.Version, history.Name(path), lines, odd)
	} else {
		err = historyText(c.App.Writer, lines, c.Bool("verbose"))
	}
	if err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	if len(lines) == 0 && !aside {
		fmt.Fprintf(c.App.ErrWriter, "obs-btf-guard: %s: %s\n", prose.Printable(history.Name(path)), nothingIn(c, path))
	}
	if odd != nil {
		for _, line := range errorLines(odd) {
			fmt.Fprintf(c.App.ErrWriter, "obs-btf-guard: %s; its builds are missing above\n", line)
		}
	}
	if odd != nil || len(lines) == 0 || aside {
		return exitStatus(exitError)
	}
	return nil
}

// lookFor looks for the file of a history. A database is there or says itself that it
// is not: it has no file.
func lookFor(path string) error {
	if history.IsServer(path) {
		return nil
	}
	_, err := os.Stat(path)
	return err
}

// tend removes what is old, or looks for damage.
func tend(c *cli.Context, path string) error {
	for _, flag := range []string{"arch", "flavor", "project", "changed", "format", "verbose"} {
		if c.IsSet(flag) {
			return misuse(c, "--prune and --verify go without --%s", flag)
		}
	}
	days := c.Int("prune")
	switch {
	case c.NArg() > 0 || c.IsSet("prune") && c.Bool("verify"):
		return misuse(c, "--prune and --verify stand alone")
	case c.IsSet("prune") && (days < 1 || days > 100_000):
		return misuse(c, "--prune: must be a number of days from 1 to 100000, not %d", days)
	}
	if err := lookFor(path); err != nil {
		return fmt.Errorf("%s: no such file", path)
	}
	db, err := openHistory(c, path)
	if err != nil {
		return err
	}
	defer db.Close()
	if c.Bool("verify") {
		if err := db.Verify(c.Context); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.App.Writer, "%s: no damage found\n", prose.Printable(path))
		return err
	}
	p, err := db.Prune(c.Context, time.Now().AddDate(0, 0, -days))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "removed: %s with %s, %s, %s\n", prose.Several(int(p.Packages), "package"), prose.Several(int(p.Kernels), "kernel"),
		prose.Several(int(p.Judgements), "result")+" of checks", prose.Several(int(p.Memos), "other result"))
	return err
}

// nothingIn says why a history has nothing to print.
func nothingIn(c *cli.Context, path string) string {
	err := lookFor(path)
	narrowed := c.NArg() > 0
	for _, flag := range []string{"arch", "flavor", "project", "changed"} {
		narrowed = narrowed || c.IsSet(flag)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && c.IsSet("db"):
		return "no such file"
	case err != nil || !narrowed:
		return "nothing is remembered yet; check and audit remember the kernels in RPMs"
	}
	return "no build in it matches; \"obs-btf-guard history\" lists all, and a pattern such as '5.15.*' matches many"
}

// readHistory reads the lines that the flags pick; aside is set where a damaged
// history had to be put away. One that is not there is not made. Lines beside an
// error are those of the rows that could be read.
func readHistory(c *cli.Context, path string) (lines []history.Line, aside bool, err error) {
	lines = []history.Line{}
	if err := lookFor(path); errors.Is(err, fs.ErrNotExist) {
		return lines, false, nil
	}
	db, err := history.Open(c.Context, path, func(notice string) {
		aside = true
		fmt.Fprintf(c.App.ErrWriter, "obs-btf-guard: %s\n", prose.Printable(notice))
	})
	if err != nil {
		return nil, false, err
	}
	defer db.Close()
	found, err := db.Lines(c.Context, history.Filter{
		Kernel: c.Args().First(), Arch: c.String("arch"), Flavor: c.String("flavor"), Project: c.String("project"),
	})
	for _, l := range found {
		if l.Changes() > 0 || !c.Bool("changed") {
			lines = append(lines, l)
		}
	}
	return lines, aside, err
}

func historyJSON(w io.Writer, version, path string, lines []history.Line, odd error) error {
	problems := []report.Error{}
	if odd != nil {
		for _, line := range errorLines(odd) {
			problems = append(problems, report.Error{Path: path, Error: line})
		}
	}
	return prose.JSON(w, struct {
		Schema   int            `json:"schema"`
		Tool     report.Tool    `json:"tool"`
		Database string         `json:"database"`
		Kernels  []history.Line `json:"kernels"`
		Problems []report.Error `json:"errors"`
	}{report.Schema, report.Tool{Name: "obs-btf-guard", Version: version}, path, lines, problems})
}

// historyText writes the lines for people.
func historyText(w io.Writer, lines []history.Line, verbose bool) error {
	t := historyWriter{prose.NewWriter(w, false), verbose}
	for i, l := range lines {
		if i > 0 {
			t.Line("")
		}
		changes := ""
		switch n := l.Changes(); {
		case n == 1:
			changes = ", the base changed once"
		case n > 1:
			changes = fmt.Sprintf(", the base changed %d times", n)
		case len(l.Steps) > 1:
			changes = ", all with the same base"
		}
		t.Line("%s (%s): %s%s", l.KernelRelease, l.Arch, prose.Several(len(l.Steps), "build"), changes)
		for i := range l.Steps {
			t.step(&l, i)
		}
	}
	return t.Flush()
}

type historyWriter struct {
	*prose.Writer
	verbose bool
}

// step writes a build: what its base is, and below it what is to be known.
func (t historyWriter) step(l *history.Line, i int) {
	s := &l.Steps[i]
	built := "unknown         "
	if !s.Built.IsZero() {
		built = s.Built.UTC().Format("2006-01-02 15:04")
	}
	base := "same base"
	switch {
	case s.Fingerprint.IsZero():
		base = "no .BTF"
	case s.TypeCount == 0: // the kernel refuses it
		base = "base " + s.Fingerprint.Short() + ", which cannot be read"
	case i == 0 || s.BaseChanged || t.verbose:
		base = fmt.Sprintf("base %s, %s types", s.Fingerprint.Short(), prose.Number(int(s.TypeCount)))
	}
	t.Line("  %s  %s  %s", built, s.Package, base)
	if s.BaseChanged {
		t.change(l, i)
	}
	if t.verbose {
		t.details(s)
	}
	t.judgements(s)
}

const historyIndent = "                    "

// change tells what is different from the build before.
func (t historyWriter) change(l *history.Line, i int) {
	s, before := &l.Steps[i], &l.Steps[i-1]
	var what []string
	switch {
	case s.Fingerprint.IsZero():
		what = []string{"its .BTF is gone"}
	case before.Fingerprint.IsZero():
		what = []string{"it has .BTF"}
	case s.TypeCount > 0 && before.TypeCount > 0:
		what = []string{more(s.TypeCount, before.TypeCount, "type"), more(s.StringBytes, before.StringBytes, "string byte")}
	default:
		what = []string{"another base"}
	}
	if again := sameBase(l.Steps[:i], s.Fingerprint); again != "" {
		what = append(what, "the base of "+again+" again")
	}
	t.Line("%schange   since %s: %s", historyIndent, before.Release, strings.Join(what, "; "))
	var unknown []string
	for _, d := range s.Differences {
		if d.From == "" || d.To == "" {
			unknown = append(unknown, d.What)
			continue
		}
		t.Line("%s         %s: %s → %s", historyIndent, d.What, d.From, d.To)
	}
	if len(s.Same) > 0 {
		t.Line("%s         the same: %s", historyIndent, strings.Join(s.Same, ", "))
	}
	for _, input := range history.Inputs {
		if !slices.Contains(s.Same, input) && !slices.ContainsFunc(s.Differences, func(d why.Difference) bool { return d.What == input }) {
			unknown = append(unknown, input)
		}
	}
	if len(unknown) > 0 {
		t.Line("%s         not known: %s", historyIndent, strings.Join(unknown, ", "))
	}
}

// more says how much a count has grown or shrunk.
func more(now, before uint32, what string) string {
	n, word := int64(now)-int64(before), "more"
	if n < 0 {
		n, word = -n, "fewer"
	}
	switch n {
	case 0:
		return "as many " + what + "s"
	case 1:
		return "1 " + what + " " + word
	}
	return fmt.Sprintf("%d %ss %s", n, what, word)
}

// sameBase is the first build that had a base.
func sameBase(steps []history.Step, base fingerprint.Digest) string {
	i := slices.IndexFunc(steps, func(s history.Step) bool { return s.Fingerprint == base && !base.IsZero() })
	if i < 0 {
		return ""
	}
	return steps[i].Release
}

func (t historyWriter) details(s *history.Step) {
	for _, d := range []struct{ name, value string }{
		{"base", digestText(s.Fingerprint)}, {"file", s.Path}, {"host", s.Host}, {"disturl", s.DistURL},
		{"compiler", s.Toolchain.Compiler}, {"linker", s.Toolchain.Linker}, {"pahole", s.Toolchain.Pahole}, {"header", "sha256:" + s.Digest},
	} {
		if d.value != "" {
			t.Line("%s%-8s %s", historyIndent, d.name, d.value)
		}
	}
}

func digestText(d fingerprint.Digest) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

// judgements tells how modules fared on a vmlinux, by pairing and build: what is not
// ok, or all.
func (t historyWriter) judgements(s *history.Step) {
	for i, j := range s.Judgements {
		like := func(k history.Judgement) bool { return k.Pairing == j.Pairing && k.Of == j.Of }
		if i > 0 && like(s.Judgements[i-1]) {
			continue
		}
		var counts []string
		for _, k := range s.Judgements[i:] {
			if like(k) && (t.verbose || k.Severity != string(guard.OK)) {
				counts = append(counts, prose.Number(k.Modules)+" "+string(k.Verdict))
			}
		}
		if len(counts) > 0 {
			of := "its own modules"
			if j.Pairing != string(guard.PairBuild) {
				of = "modules of " + j.Of
			}
			t.Line("%s%-8s %s on it: %s", historyIndent, guard.Pairing(j.Pairing).Word(), of, strings.Join(counts, ", "))
		}
	}
}
