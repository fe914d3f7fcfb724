// SPDX-License-Identifier: Apache-2.0

// Command obs-btf-guard tells whether the modules of a kernel package fit the
// vmlinux they will meet.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

// version is set by the Makefile from git.
var version = ""

// The exit statuses.
const (
	exitOK    = 0
	exitFail  = 1 // a finding fails
	exitError = 2 // usage or input: nothing judged, or not all of it
)

// leastFiles is how many files the program has open at once, at least: the standard
// ones, two of the runtime, those that are read at the same time.
const leastFiles = 16

func main() { os.Exit(program()) }

// program runs the program as the shell called it.
func program() int {
	// With fewer, Go's runtime ends with a trace when the first file is opened.
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err == nil && limit.Cur < leastFiles {
		fmt.Fprintf(os.Stderr, "obs-btf-guard: at most %d files may be open, %d are needed: ulimit -n\n", limit.Cur, leastFiles)
		return exitError
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// What is kept, the tables of all modules and one unpacked vmlinux, is most of
	// the heap, so that Go's habit of letting it double before it collects would
	// cost a build host a hundred megabytes for little time.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(40)
	}
	// The first signal ends the work in order, a second one at once.
	context.AfterFunc(ctx, stop)
	return run(ctx, os.Args, os.Stdout, os.Stderr)
}

// run is the program; it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	out := &watched{Writer: stdout}
	if f, ok := stdout.(*os.File); ok {
		out.fd = f.Fd
	}
	app := newApp(out, stderr)
	args = permute(app, asFlags(args))
	err := givenTwice(app, args)
	if err == nil {
		err = app.RunContext(ctx, args)
	}
	var status exitStatus
	if (err == nil || errors.As(err, &status)) && out.err != nil {
		err = fmt.Errorf("standard output: %w", out.err)
	}
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &status):
		return int(status)
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "obs-btf-guard: interrupted")
		return exitError
	}
	for _, line := range errorLines(err) {
		fmt.Fprintf(stderr, "obs-btf-guard: %s\n", line)
	}
	var u usageError
	if errors.As(err, &u) {
		fmt.Fprintf(stderr, "Try: %s\n", u.hint)
	}
	return exitError
}

// watched is standard output, and the first error of writing to it: help and single
// lines are printed without looking.
type watched struct {
	io.Writer
	err error
	fd  func() uintptr // nil where it is no file
}

func (w *watched) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if w.err == nil {
		w.err = err
	}
	return n, err
}

// Fd is that of the file, for who asks whether it is a terminal; without one it is none.
func (w *watched) Fd() uintptr {
	if w.fd == nil {
		return ^uintptr(0)
	}
	return w.fd()
}

// exitStatus ends a command whose output has said everything already.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// usageError is a call that cannot be carried out as it was written.
type usageError struct{ msg, hint string }

func (e usageError) Error() string { return e.msg }

// misuse is the usageError of a command.
func misuse(c *cli.Context, format string, args ...any) error {
	return usageError{c.Command.Name + ": " + fmt.Sprintf(format, args...), "obs-btf-guard " + c.Command.Name + " --help"}
}

func newApp(stdout, stderr io.Writer) *cli.App {
	refuseEmpty := func(commands ...*cli.Command) []*cli.Command {
		for _, cmd := range commands {
			cmd.Before = noEmptyValues
		}
		return commands
	}
	return &cli.App{
		Name:                   "obs-btf-guard",
		Usage:                  "tell whether kernel modules fit the vmlinux they will meet",
		Description:            description,
		Version:                buildVersion(),
		Writer:                 stdout,
		ErrWriter:              stderr,
		HideHelpCommand:        true,
		UseShortOptionHandling: true,
		// A folder may have a comma in its name.
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {}, // run does that
		OnUsageError:              onUsageError,
		CommandNotFound: func(c *cli.Context, name string) {
			fmt.Fprintf(stderr, "obs-btf-guard: %v\n", noCommand(c.App, name))
		},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return noCommand(c.App, c.Args().First())
			}
			return cli.ShowAppHelp(c)
		},
		Commands: slices.Concat(
			grouped(forPeople, refuseEmpty(checkCommand(), explainCommand(), auditCommand(), rebuildCommand(), historyCommand(), fingerprintCommand())...),
			// What obs-build and rpmbuild give to the others may be empty, and ends no build.
			grouped(inBuilds, append(append([]*cli.Command{hookCommand()}, refuseEmpty(stampCommand(), distillCommand())...), providesCommand(), requiresCommand())...),
		),
	}
}

func onUsageError(c *cli.Context, err error, _ bool) error {
	hint := "obs-btf-guard --help"
	if c.Command != nil && c.Command.Name != "" && c.Command.Name != c.App.Name {
		hint = "obs-btf-guard " + c.Command.Name + " --help"
	}
	return usageError{flagError(c, err), hint}
}

// buildVersion is the version from git, by the Makefile or by go install.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
