// SPDX-License-Identifier: Apache-2.0

// Package postbuild is the post-build check of an OBS build: what it looks at, what
// it leaves alone, and what it passes on to the next build. [Check] is all of it.
package postbuild

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/cache"
	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/history"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs"
	"github.com/obs-btf-guard/obs-btf-guard/internal/policy"
	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// Where the policy stands: the system's, below the build root, and the one that
// the packager puts beside the spec file.
const (
	systemPolicy = "/etc/obs-btf-guard.conf"
	sourcePolicy = "btf-guard.conf"
)

// Check checks what was just built in a build root, if it has kernels or modules,
// and writes the build log to log and a report into the root. It returns the exit
// status of the command. kept may be nil; version is that of this program.
//
// An error is that of a policy, which is not guessed at; of ctx; or of the log or
// the report, which could not be written.
func Check(ctx context.Context, root *obs.BuildRoot, kept *cache.Dir, version string, log io.Writer) (exit int, err error) {
	built := collect.OpenBuilt(root.RPMs)
	defer built.Close()
	if !ours(root.Package, built) {
		// A distribution builds thousands of packages that are none of our business:
		// one of them that cannot be read is no reason to stop it.
		report.Unread(log, "obs-btf-guard: cannot check ", built.Unread)
		return 0, nil
	}
	c := &check{root: root, kept: kept}
	if err := c.readPolicy(); err != nil {
		return 0, err
	}
	if err := c.judge(ctx, built); err != nil {
		return 0, err
	}
	return c.res.Exit(), c.report(log, version)
}

// ours reports whether there is anything to judge in the build of a package. One
// that is named as kernels and their modules are is not passed over because it
// cannot be read.
func ours(name string, b *collect.Built) bool {
	return len(b.Vmlinux)+len(b.Modules) > 0 || b.Labeled ||
		len(b.Unread) > 0 && (kernelName(name) || slices.ContainsFunc(b.Unread, func(p guard.Problem) bool { return kernelName(filepath.Base(p.Path)) }))
}

func kernelName(name string) bool {
	return kernel.IsKernelPackage(name) || kernel.IsModulePackage(name)
}

// check is one run on a build that has kernels or modules.
type check struct {
	root   *obs.BuildRoot
	kept   *cache.Dir
	policy policy.Policy // the system's and then the source's

	res     *guard.Result
	notes   []string // what was not judged, and why
	partly  bool     // some of these may be what a rule is about
	history []history.Build
	carried *report.Document // of the first build of a signing build
}

func (c *check) note(format string, args ...any) {
	c.notes = append(c.notes, fmt.Sprintf(format, args...))
}

// readPolicy reads both policies. A mistake in one ends the check: a packager's
// word that is not understood must not be passed over.
func (c *check) readPolicy() error {
	text, err := c.root.System(systemPolicy)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	system, err := policy.Parse(systemPolicy, text)
	if err != nil {
		return err
	}
	text, err = c.root.Source(sourcePolicy)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	source, err := policy.Parse(sourcePolicy, text)
	if err != nil {
		return err
	}
	c.policy = system.Everywhere().Then(source)
	return c.root.CarrySource(sourcePolicy)
}

// judge judges all three pairings and weighs them by the policy.
func (c *check) judge(ctx context.Context, built *collect.Built) error {
	sources := collect.Hook(built, c.root.Old, c.installed(ctx, built), c.root.HasGenerator())
	sources.Cache = c.kept
	inv, err := collect.Read(ctx, sources)
	if err != nil {
		return err
	}
	if c.res, err = guard.Judge(ctx, inv, guard.Options{Policy: c.policy, Aside: notOurs}); err != nil {
		return err
	}
	c.notJudged()
	c.comparedWith()
	c.partly = len(c.notes) > 0
	c.remember()
	return nil
}

// installed finds the kernels that modules will meet which come without their
// own. The packages that were just built may be installed too, so that a kernel
// among them does not count.
func (c *check) installed(ctx context.Context, built *collect.Built) []collect.InstalledKernel {
	releases := map[string]bool{}
	for id := range built.Modules {
		releases[id.Release] = releases[id.Release] || !built.Vmlinux[id]
	}
	var out []collect.InstalledKernel
	for _, release := range slices.Sorted(maps.Keys(releases)) {
		if !releases[release] {
			continue
		}
		if k := c.root.Installed(ctx, release); k.Vmlinux != "" {
			out = append(out, collect.InstalledKernel{Path: k.Vmlinux, Owner: k.Package})
		}
	}
	return out
}

// notOurs reports whether a problem is not the new packages': former results that
// cannot be read, and modules for which there is no vmlinux here.
func notOurs(p guard.Problem) bool {
	none := (*guard.NoVmlinux)(nil)
	return p.Origin == guard.Against || p.Origin == guard.Installed || errors.As(p.Err, &none)
}

// notJudged makes notes of such problems.
func (c *check) notJudged() {
	for _, p := range c.res.Aside {
		none := (*guard.NoVmlinux)(nil)
		switch {
		case p.Origin == guard.Against:
			c.note("not compared with a former result: %s: %v", c.short(p.Path), p.Err)
		case p.Origin == guard.Installed:
			c.note("not checked on the installed kernel: %s: %v", c.short(p.Path), p.Err)
		case errors.As(p.Err, &none) && c.root.Stage == obs.Signed:
			c.note("%d of the modules in %s have no vmlinux here; the first stage, before signing, checked them",
				none.Modules, filepath.Base(p.Path))
		case errors.As(p.Err, &none):
			c.note("%d of the modules in %s are not checked: no vmlinux of %s was built, and none is installed in the build root",
				none.Modules, filepath.Base(p.Path), none.Kernel)
		}
	}
}

// short is a path as it is below the build root.
func (c *check) short(path string) string {
	if rel, err := filepath.Rel(c.root.Root, path); err == nil {
		return rel
	}
	return path
}

// comparedWith notes which new kernels were not compared with a former build.
func (c *check) comparedWith() {
	var former []string
	without := map[string]bool{}
	for _, b := range c.res.Bases {
		if b.Origin == guard.Against && !slices.Contains(former, b.Release) {
			former = append(former, b.Release)
			without[b.Release] = b.Table == nil
		}
	}
	for _, b := range c.res.Bases {
		met := slices.ContainsFunc(c.res.Changes, func(d guard.Change) bool { return d.To == b })
		switch {
		case b.Origin != guard.New || b.Table == nil || met:
		case c.root.Stage == obs.Signed:
			c.note("%s was compared with the previous build in the first stage, before signing", b.Release)
		case len(c.root.Old) == 0:
			c.note("%s is not compared with the previous build: there are no old packages here, as in a first build, or where "+
				"OBS does not fetch them (packages in a dependency cycle)", b.Release)
		case without[b.Release]:
			c.note("%s is not compared with the previous build: its vmlinux had no BTF that could be read", b.Release)
		case len(former) > 0:
			c.note("%s is not compared with the previous build, which is of %s: the two do not share a directory",
				b.Release, strings.Join(former, ", "))
		default:
			c.note("%s is not compared with the previous build: no vmlinux with BTF among the old packages", b.Release)
		}
	}
}

// remember takes over what former reports know.
func (c *check) remember() {
	earlier := [][]history.Build{}
	for _, p := range c.root.PreviousReports() {
		data, err := p.Read()
		var d *report.Document
		if err == nil {
			d, err = report.ReadDocument(bytes.NewReader(data))
		}
		if err != nil {
			c.note("the former report %s cannot be read: %v", c.short(p.Path), err)
			continue
		}
		earlier = append(earlier, d.History)
		if p.Carried {
			c.carried = d
		}
	}
	c.history = history.Remember(c.res.Bases, earlier...)
}

// report writes the log and the machine form and ends the check.
func (c *check) report(log io.Writer, version string) error {
	name := cmp.Or(c.root.Package, "a package without a name")
	switch c.root.Stage {
	case obs.Unsigned:
		name += ", before signing"
	case obs.Signed:
		name += ", after signing"
	}
	err := report.Log(log, c.res, name, report.TextOptions{
		Notes: c.notes, Partly: c.partly, History: c.history, Before: c.carried,
		Policy: "btf-guard.conf, a file beside the spec file", Generator: c.root.HasGenerator(),
	})
	if err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	d := report.NewDocument(c.res, version)
	d.Hook = &report.Hook{Package: c.root.Package, Stage: string(c.root.Stage), Notes: append([]string{}, c.notes...)}
	d.Hook.Project, d.Hook.Repository, d.Hook.Arch = builtAt(c.res)
	d.History = c.history
	if c.carried != nil {
		d.Carry(c.carried)
	}
	var text bytes.Buffer
	if err := d.Compact(&text); err != nil {
		return err
	}
	if _, err := c.root.WriteReport(text.Bytes()); err != nil {
		return fmt.Errorf("the report: %w", err)
	}
	return nil
}

// builtAt is where OBS built the new packages, by the DISTURL of the first that
// has one.
func builtAt(res *guard.Result) (project, repository, arch string) {
	at := func(p *guard.Package) bool {
		if p == nil || p.Origin != guard.New {
			return false
		}
		u, ok := obs.ParseDistURL(p.DistURL)
		if ok {
			project, repository, arch = u.Project, u.Repository, p.Arch
		}
		return ok
	}
	for _, f := range res.Findings {
		if at(f.Module.Package) {
			return
		}
	}
	for _, b := range res.Bases {
		if at(b.Package) {
			return
		}
	}
	return
}
