// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/oscrc"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/internal/rebuild"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/urfave/cli/v2"
)

func rebuildCommand() *cli.Command {
	return &cli.Command{
		Name:        "rebuild",
		Usage:       "have OBS build the packages that do not fit",
		ArgsUsage:   "[REPORT|RPM|FOLDER...]",
		Description: rebuildDescription,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "project", Usage: "look at `PROJECT`, and build there what does not say where it is built"},
			&cli.StringFlag{Name: "repository", Usage: "in `REPOSITORY`"},
			&cli.StringFlag{Name: "arch", Usage: "for `ARCH`"},
			apiurlFlag(),
			&cli.StringFlag{Name: "token-file", Usage: "ask with the trigger token in `FILE` instead of a password"},
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "say what would be built and do nothing, as without --yes"},
			&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do it: have OBS build what the plan lists"},
			&cli.BoolFlag{Name: "wait", Aliases: []string{"w"}, Usage: "wait until everything is built, and check again"},
			&cli.DurationFlag{Name: "timeout", Value: 24 * time.Hour, Usage: "wait no longer than `TIME`"},
			&cli.DurationFlag{Name: "poll", Value: 10 * time.Second, Usage: "ask OBS every `TIME` while waiting"},
			&cli.StringFlag{Name: "save-plan", Usage: "write the plan to `FILE`, for --plan"},
			&cli.StringFlag{Name: "plan", Usage: "carry out the plan in `FILE` instead of making one"},
			formatFlag("text", "json"), cacheFlag(),
		},
		OnUsageError: onUsageError,
		Action:       rebuildAction,
	}
}

func rebuildAction(c *cli.Context) error {
	out := outputOf(c)
	for _, flag := range []string{"poll", "timeout"} {
		if d := c.Duration(flag); d <= 0 {
			return misuse(c, "--%s: must be a time above 0, not %v", flag, d)
		}
	}
	if c.Bool("yes") && c.Bool("dry-run") {
		return misuse(c, "--dry-run does nothing and --yes does it; give one of them")
	}
	dir, err := os.MkdirTemp("", "obs-btf-guard-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	run := &rebuildRun{c: c, json: out.format == "json", dir: dir}
	run.scope.Fallback = rebuild.Where{Project: c.String("project"), Repository: c.String("repository"), Arch: c.String("arch")}
	plan, err := run.plan()
	if err != nil {
		return err
	}
	return run.carryOut(plan)
}

// rebuildRun is one run of the command.
type rebuildRun struct {
	c       *cli.Context
	json    bool
	dir     string // for downloads
	scope   rebuild.Scope
	server  *rebuild.OBS
	url     string
	finder  *rebuild.Finder
	unnamed error // why there is no server; then nothing is asked
	leftOut int   // steps of the plan that nothing calls for
}

// plan makes the plan, or reads it.
func (r *rebuildRun) plan() (*rebuild.Plan, error) {
	file := r.c.String("plan")
	switch {
	case file != "" && (r.c.NArg() > 0 || r.scope.Fallback != (rebuild.Where{})):
		return nil, misuse(r.c, "--plan is all there is to do; give no other input")
	case file == "" && r.c.NArg() == 0 && !r.scope.Fallback.Complete():
		return nil, misuse(r.c, "nothing to look at: give reports, RPMs, or --project, --repository and --arch")
	}
	if file != "" {
		return r.readPlan(file)
	}
	err := r.connect(r.c.String("apiurl"))
	if errors.Is(err, oscrc.ErrNoAPI) && r.c.NArg() > 0 { // perhaps nothing has to be asked
		r.use(&rebuild.OBS{}, "")
		r.unnamed, err = err, nil
	}
	if err != nil {
		return nil, err
	}
	p := rebuild.NewPlan(r.url)
	if err := r.readArguments(p); err != nil {
		return nil, err
	}
	if r.c.NArg() == 0 {
		r.scope.Places = append(r.scope.Places, r.scope.Fallback)
	}
	if r.server.Blind && r.c.NArg() == 0 {
		return nil, misuse(r.c, "with a trigger token OBS does not tell what a project builds; give reports or RPMs")
	}
	if err := r.meant(len(r.scope.Places)+len(p.Steps) > 0); err != nil {
		return nil, err
	}
	if err := r.finder.Plan(r.c.Context, p, r.scope.Places); err != nil {
		return nil, fmt.Errorf("%s: %w", r.url, err)
	}
	if n := len(p.Steps); r.server.Blind && n > 1 {
		fmt.Fprintf(r.c.App.ErrWriter, "obs-btf-guard: %d packages by one token: a token that was made for a single package builds that one each time\n", n)
	}
	return p, nil
}

// meant refuses to ask an OBS that nobody named or, for packages that another one built,
// one that only the environment or osc's configuration names.
func (r *rebuildRun) meant(asks bool) error {
	if !asks {
		return nil
	}
	built := strings.Join(r.scope.Built, ", ")
	switch {
	case r.unnamed != nil && built != "":
		return fmt.Errorf("%s built these packages, and %w", built, r.unnamed)
	case r.unnamed != nil:
		return r.unnamed
	case r.c.IsSet("apiurl") || r.scope.Fallback.Project != "":
		return nil
	}
	for _, server := range r.scope.Built {
		if obs.Elsewhere(server, r.url) {
			return fmt.Errorf("%s built these packages, and the API is that of another OBS, %s: --apiurl URL says which one is meant", server, r.url)
		}
	}
	return nil
}

func (r *rebuildRun) readPlan(file string) (*rebuild.Plan, error) {
	f, err := regular.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := rebuild.ReadPlan(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	// Who wrote the file must not choose who gets the password.
	if err := r.connect(r.c.String("apiurl")); err != nil {
		return nil, err
	}
	if p.API != "" && p.API != r.url {
		return nil, fmt.Errorf("%s: it was made for %s, this is %s; --apiurl chooses", file, p.API, r.url)
	}
	if r.server.Blind {
		return p, nil // nobody tells
	}
	needless, err := r.finder.Again(r.c.Context, p)
	if err != nil {
		return nil, err
	}
	for _, s := range needless {
		fmt.Fprintln(r.progress(), prose.Printable(fmt.Sprintf("left out   %s: looked at again, and nothing that is known calls for it", &s)))
	}
	r.leftOut = len(needless)
	return p, nil
}

// readArguments reads reports, and judges packages.
func (r *rebuildRun) readArguments(p *rebuild.Plan) error {
	var packages []string
	for _, path := range r.c.Args().Slice() {
		d, err := readReport(path)
		switch {
		case err != nil:
			return err
		case d == nil:
			packages = append(packages, path)
		case !r.scope.Report(p, d):
			return misuse(r.c, "%s does not say where its packages are built; give --project, --repository and --arch", path)
		}
	}
	if len(packages) == 0 {
		return nil
	}
	inv, err := readSources(r.c, collect.Check(packages...))
	if err != nil {
		return err
	}
	res, err := guard.Judge(r.c.Context, inv, guard.Options{})
	if err != nil {
		return err
	}
	r.scope.Result(p, inv, res)
	return nil
}

// readReport reads a JSON report, nil if the file is something else.
func readReport(path string) (*report.Document, error) {
	const most = 64 << 20 // bytes; one of 4,000 modules that fail in two ways has 10 MB
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || strings.HasSuffix(path, ".rpm") || info.Size() > most {
		return nil, nil
	}
	f, err := regular.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := bufio.NewReader(io.LimitReader(f, most))
	if begin, _ := in.Peek(512); !bytes.HasPrefix(bytes.TrimSpace(begin), []byte("{")) {
		return nil, nil
	}
	d, err := report.ReadDocument(in)
	if err != nil {
		return nil, fmt.Errorf("%s: not a report: %w", path, err)
	}
	return d, nil
}

// connect finds the API and who we are there.
func (r *rebuildRun) connect(name string) error {
	server, url, err := connect(r.c, name)
	if err == nil {
		r.use(server, url)
	}
	return err
}

// use has the server asked whatever is asked.
func (r *rebuildRun) use(server *rebuild.OBS, url string) {
	r.server, r.url, r.scope.Blind = server, url, server.Blind
	r.finder = &rebuild.Finder{Server: server, Dir: r.dir, Cache: packageCache(r.c), Tell: tellOn(r.c)}
	if r.c.Bool("wait") {
		r.finder.Settle = func(ctx context.Context) error { return rebuild.Pause(ctx, r.c.Duration("poll")) }
	}
}

// carryOut says what the plan is and does it, unless it is only to be said.
func (r *rebuildRun) carryOut(p *rebuild.Plan) error {
	if file := r.c.String("save-plan"); file != "" {
		if err := save(p, file); err != nil {
			return err
		}
	}
	dry := !r.c.Bool("yes")
	if !dry && r.c.Bool("wait") && r.server.Blind {
		return misuse(r.c, "with a trigger token OBS does not tell when something is built; leave out --wait")
	}
	if r.json {
		if err := p.Write(r.c.App.Writer); err != nil {
			return fmt.Errorf("standard output: %w", err)
		}
	} else if err := p.Text(r.c.App.Writer, dry); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	code := exitOK
	switch {
	case len(p.Notes) > 0:
		code = exitError
	case r.leftOut > 0:
		code = exitFail
	}
	switch {
	case len(p.Steps) == 0:
		return status(code)
	case dry:
		if !r.c.Bool("dry-run") {
			fmt.Fprintln(r.c.App.ErrWriter, "obs-btf-guard: nothing was done; --yes does it")
		}
		return status(max(code, exitFail))
	}
	rounds := rebuild.Rounds{
		Finder: r.finder, Places: r.scope.Places, Out: r.progress(),
		Wait: r.c.Bool("wait"), Poll: r.c.Duration("poll"), Timeout: r.c.Duration("timeout"),
	}
	good, err := rounds.Run(r.c.Context, p)
	if err != nil {
		return err
	}
	if !good {
		code = max(code, exitFail)
	}
	return status(code)
}

func save(p *rebuild.Plan, file string) error {
	if info, err := os.Lstat(file); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s: not a regular file, which a plan could replace", file)
	}
	var text bytes.Buffer
	if err := p.Write(&text); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".plan-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(text.Bytes())
	if err := errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file)
}

// progress is where is said what is being done: standard output belongs to JSON.
func (r *rebuildRun) progress() io.Writer {
	if r.json {
		return r.c.App.ErrWriter
	}
	return r.c.App.Writer
}
