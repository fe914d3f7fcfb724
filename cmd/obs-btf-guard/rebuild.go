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
	"slices"
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
	run.fallback = rebuild.Where{Project: c.String("project"), Repository: c.String("repository"), Arch: c.String("arch")}
	plan, err := run.plan()
	if err != nil {
		return err
	}
	return run.carryOut(plan)
}

// rebuildRun is one run of the command.
type rebuildRun struct {
	c        *cli.Context
	json     bool
	dir      string // for downloads
	fallback rebuild.Where
	server   *rebuild.OBS
	url      string
	unnamed  error           // why there is no server; then nothing is asked
	built    []string        // the servers that built the packages, by their DISTURLs
	places   []rebuild.Where // that were looked at as a whole
	leftOut  int             // steps of the plan that nothing calls for
}

// plan makes the plan, or reads it.
func (r *rebuildRun) plan() (*rebuild.Plan, error) {
	file := r.c.String("plan")
	switch {
	case file != "" && (r.c.NArg() > 0 || r.fallback != (rebuild.Where{})):
		return nil, misuse(r.c, "--plan is all there is to do; give no other input")
	case file == "" && r.c.NArg() == 0 && (r.fallback.Project == "" || r.fallback.Repository == "" || r.fallback.Arch == ""):
		return nil, misuse(r.c, "nothing to look at: give reports, RPMs, or --project, --repository and --arch")
	}
	if file != "" {
		return r.readPlan(file)
	}
	err := r.connect(r.c.String("apiurl"))
	if errors.Is(err, oscrc.ErrNoAPI) && r.c.NArg() > 0 { // perhaps nothing has to be asked
		r.server, r.unnamed, err = &rebuild.OBS{}, err, nil
	}
	if err != nil {
		return nil, err
	}
	p := rebuild.NewPlan(r.url)
	if err := r.readArguments(p); err != nil {
		return nil, err
	}
	if r.c.NArg() == 0 {
		r.places = append(r.places, r.fallback)
	}
	if r.server.Blind && len(r.places) > 0 && r.c.NArg() == 0 {
		return nil, misuse(r.c, "with a trigger token OBS does not tell what a project builds; give reports or RPMs")
	}
	if err := r.meant(len(r.places)+len(p.Steps) > 0); err != nil {
		return nil, err
	}
	if err := r.find(r.c.Context, p); err != nil {
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
	built := strings.Join(r.built, ", ")
	switch {
	case r.unnamed != nil && built != "":
		return fmt.Errorf("%s built these packages, and %w", built, r.unnamed)
	case r.unnamed != nil:
		return r.unnamed
	case r.c.IsSet("apiurl") || r.fallback.Project != "":
		return nil
	}
	for _, server := range r.built {
		if elsewhere(server, r.url) {
			return fmt.Errorf("%s built these packages, and the API is that of another OBS, %s: --apiurl URL says which one is meant", server, r.url)
		}
	}
	return nil
}

// builtBy notes the server that a DISTURL names.
func (r *rebuildRun) builtBy(disturl string) {
	if u, ok := obs.ParseDistURL(disturl); ok && !slices.Contains(r.built, u.Server) {
		r.built = append(r.built, u.Server)
	}
}

// find looks at all places and puts the plan in order.
func (r *rebuildRun) find(ctx context.Context, p *rebuild.Plan) error {
	if r.unnamed != nil {
		return nil // there is no place to look at
	}
	f := r.finder()
	if !r.server.Blind {
		if err := f.Find(ctx, p, r.places); err != nil {
			return err
		}
	}
	return f.Complete(ctx, p)
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
	needless, err := r.finder().Again(r.c.Context, p)
	if err != nil {
		return nil, err
	}
	for _, s := range needless {
		fmt.Fprintln(r.progress(), prose.Printable(fmt.Sprintf("left out   %s: looked at again, and nothing that is known calls for it", &s)))
	}
	r.leftOut = len(needless)
	return p, nil
}

// readArguments reads reports, and judges packages. What they say may be of
// yesterday: where OBS can be asked, they only say where to look.
func (r *rebuildRun) readArguments(p *rebuild.Plan) error {
	var packages []string
	for _, path := range r.c.Args().Slice() {
		d, err := readReport(path)
		switch {
		case err != nil:
			return err
		case d == nil:
			packages = append(packages, path)
		case r.server.Blind:
			p.AddReport(d, r.fallback)
		default:
			places := rebuild.Places(d, r.fallback)
			if len(places) == 0 {
				return misuse(r.c, "%s does not say where its packages are built; give --project, --repository and --arch", path)
			}
			r.places = append(r.places, places...)
		}
		if d != nil {
			for _, pkg := range d.Packages {
				r.builtBy(pkg.DistURL)
			}
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
	for _, problem := range res.Problems {
		p.Notes = append(p.Notes, problem.Error())
	}
	p.AddResult(res, r.fallback)
	p.Kernels += len(inv.Bases)
	p.Packages += len(inv.Packages)
	for _, pkg := range inv.Packages {
		r.builtBy(pkg.DistURL)
	}
	if r.server.Blind {
		return nil
	}
	for _, s := range p.Steps {
		if f := r.fallback; f.Project != "" && s.Project != f.Project || f.Repository != "" && s.Repository != f.Repository {
			p.Notes = append(p.Notes, fmt.Sprintf("%s has to be built again, and is not in %s", &s, f.Project))
			continue
		}
		r.places = append(r.places, s.Where())
	}
	p.Steps = p.Steps[:0]
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
func (r *rebuildRun) connect(name string) (err error) {
	r.server, r.url, err = connect(r.c, name)
	return err
}

func (r *rebuildRun) finder() *rebuild.Finder {
	f := &rebuild.Finder{Server: r.server, Dir: r.dir, Cache: packageCache(r.c), Tell: tellOn(r.c)}
	if r.c.Bool("wait") {
		f.Settle = func(ctx context.Context) error { return rebuild.Pause(ctx, r.c.Duration("poll")) }
	}
	return f
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
	failed, err := r.run(p)
	if err != nil {
		return err
	}
	if failed {
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

// mostRounds is how often --wait looks again and finds more to build: a kernel,
// then what is built with it, then what is built with that.
const mostRounds = 5

// run carries out the plan and, with --wait, judges again and goes on until
// nothing is left. It reports whether something did not come to a good end.
func (r *rebuildRun) run(p *rebuild.Plan) (failed bool, err error) {
	ctx := r.c.Context
	if !r.c.Bool("wait") {
		return r.once(ctx, p)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.c.Duration("timeout"), fmt.Errorf("not built within %v", r.c.Duration("timeout")))
	defer cancel()
	for _, s := range p.Steps {
		r.places = append(r.places, s.Where())
	}
	built := map[string]bool{}
	for range mostRounds {
		bad, err := r.once(ctx, p)
		if err != nil {
			return true, cause(ctx, r.c.Context, err)
		}
		failed = failed || bad
		for _, s := range p.Steps {
			built[s.String()] = true
		}
		p = rebuild.NewPlan(r.url)
		if err := r.find(ctx, p); err != nil {
			return true, cause(ctx, r.c.Context, err)
		}
		fmt.Fprintln(r.progress(), "\nchecked again:")
		if err := p.Text(r.progress(), true); err != nil {
			return true, err
		}
		again := slices.IndexFunc(p.Steps, func(s rebuild.Step) bool { return built[s.String()] })
		if again >= 0 {
			fmt.Fprintln(r.progress(), prose.Printable(fmt.Sprintf("stopped: %s was asked for and still does not fit; asking once more would change nothing", &p.Steps[again])))
			return true, nil
		}
		if len(p.Steps) == 0 {
			return failed || len(p.Notes) > 0, nil
		}
	}
	fmt.Fprintf(r.progress(), "stopped: there was something new to build after each of %d rounds\n", mostRounds)
	return true, nil
}

// cause is the timeout's own error, where it was that.
func cause(ctx, parent context.Context, err error) error {
	if c := context.Cause(ctx); c != nil && parent.Err() == nil {
		return c
	}
	return err
}

// once carries out a plan.
func (r *rebuildRun) once(ctx context.Context, p *rebuild.Plan) (failed bool, err error) {
	runner := &rebuild.Runner{Server: r.server, Wait: r.c.Bool("wait"), Poll: r.c.Duration("poll"), Tell: func(d rebuild.Done) {
		line := fmt.Sprintf("%-10s %s", d.Outcome, d.Step)
		if d.Detail != "" {
			line += ": " + d.Detail
		}
		fmt.Fprintln(r.progress(), prose.Printable(line))
	}}
	done, err := runner.Run(ctx, p)
	if err != nil {
		return true, err
	}
	for _, d := range done {
		failed = failed || !d.Outcome.Good()
	}
	return failed, nil
}

// progress is where is said what is being done: standard output belongs to JSON.
func (r *rebuildRun) progress() io.Writer {
	if r.json {
		return r.c.App.ErrWriter
	}
	return r.c.App.Writer
}
