// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs"
	"github.com/obs-btf-guard/obs-btf-guard/internal/policy"
	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
	"github.com/urfave/cli/v2"
)

// Where the policy stands: the system's, below the build root, and the one that
// the packager puts beside the spec file.
const (
	systemPolicy = "/etc/obs-btf-guard.conf"
	sourcePolicy = "btf-guard.conf"
)

func hookCommand() *cli.Command {
	return &cli.Command{
		Name:        "hook",
		Usage:       "the post-build check of OBS: judge what was just built in this build root",
		Description: hookDescription,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "root", EnvVars: []string{"BUILD_ROOT"}, Value: "/", Usage: "the build root `FOLDER`"},
		},
		OnUsageError: onUsageError,
		Action:       hook,
	}
}

func hook(c *cli.Context) error {
	if c.NArg() > 0 {
		return usageError{"hook: takes no arguments, it looks at the build root", "obs-btf-guard hook --help"}
	}
	root, err := obs.Find(c.String("root"), os.Getenv)
	if err != nil {
		return err
	}
	built := survey(root.RPMs)
	if !built.ours(root.Package) {
		// A distribution builds thousands of packages that are none of our business:
		// one of them that cannot be read is no reason to stop it.
		for _, p := range built.unread {
			fmt.Fprintf(c.App.Writer, "obs-btf-guard: cannot judge %s\n", report.Printable(p.Error()))
		}
		return nil
	}
	h := &hookRun{Context: c, root: root}
	if err := h.readPolicy(); err != nil {
		return err
	}
	if err := h.judge(built); err != nil {
		return err
	}
	return h.report()
}

// builtPackages is what the headers of the built packages say: of which kernels
// there is a vmlinux, and of which there are modules.
type builtPackages struct {
	vmlinux, modules map[guard.KernelID]bool
	labeled          bool // some package says that it provides a base
	unread           []guard.Problem
}

// ours reports whether there is anything to judge in the build of a package. One
// that is named as kernels and their modules are is not passed over because it
// cannot be read.
func (b builtPackages) ours(name string) bool {
	return len(b.vmlinux)+len(b.modules) > 0 || b.labeled ||
		len(b.unread) > 0 && (kernelName(name) || slices.ContainsFunc(b.unread, func(p guard.Problem) bool { return kernelName(filepath.Base(p.Path)) }))
}

func kernelName(name string) bool {
	return kernel.IsKernelPackage(name) || kernel.IsModulePackage(name)
}

// survey reads the headers of packages and nothing else of them.
func survey(rpms []string) builtPackages {
	b := builtPackages{vmlinux: map[guard.KernelID]bool{}, modules: map[guard.KernelID]bool{}}
	for _, path := range rpms {
		r, err := rpm.Open(path)
		if err != nil {
			b.unread = append(b.unread, guard.Problem{Path: path, Err: err})
			continue
		}
		if r.Package.IsSource {
			r.Close()
			continue
		}
		vmlinux, modules := collect.Ships(r.Package)
		maps.Copy(b.vmlinux, vmlinux)
		maps.Copy(b.modules, modules)
		b.labeled = b.labeled || slices.ContainsFunc(r.Package.Provides, func(d rpm.Dependency) bool {
			_, _, ok := fingerprint.ParseToken(d.Name)
			return ok
		})
		r.Close()
	}
	return b
}

// hookRun is one run of the check on a build that has kernels or modules.
type hookRun struct {
	*cli.Context
	root   *obs.BuildRoot
	policy policy.Policy // the system's and then the source's
	source policy.Policy

	res     *guard.Result
	notes   []string // what was not judged, and why
	unused  []string // rules of the source that decided nothing
	history []report.Build
	carried *report.Document // of the first build of a signing build
}

func (h *hookRun) note(format string, args ...any) {
	h.notes = append(h.notes, fmt.Sprintf(format, args...))
}

// readPolicy reads both policies. A mistake in one ends the check: a packager's
// word that is not understood must not be passed over.
func (h *hookRun) readPolicy() error {
	text, err := h.root.System(systemPolicy)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	system, err := policy.Parse(systemPolicy, text)
	if err != nil {
		return err
	}
	text, err = h.root.Source(sourcePolicy)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if h.source, err = policy.Parse(sourcePolicy, text); err != nil {
		return err
	}
	h.policy = system.Then(h.source)
	return h.root.CarrySource(sourcePolicy)
}

// judge judges all three pairings and weighs them by the policy.
func (h *hookRun) judge(built builtPackages) error {
	inv, err := collect.Read(h.Context.Context, collect.Hook(h.root.RPMs, h.root.Old, h.installed(built), h.root.HasGenerator()))
	if err != nil {
		return err
	}
	if h.res, err = guard.Judge(h.Context.Context, inv, guard.Options{Policy: h.policy, Aside: notOurs}); err != nil {
		return err
	}
	h.notJudged()
	h.comparedWith()
	if len(h.notes) == 0 { // what was not judged could have needed the rule
		for _, r := range h.res.Unused {
			if slices.Contains(h.source.Rulings(), r) {
				h.unused = append(h.unused, r.Where+": "+r.Reason)
			}
		}
	}
	h.remember()
	return nil
}

// installed finds the kernels that modules will meet which come without their
// own. The packages that were just built may be installed too, so that a kernel
// among them does not count.
func (h *hookRun) installed(built builtPackages) []collect.InstalledKernel {
	releases := map[string]bool{}
	for id := range built.modules {
		releases[id.Release] = releases[id.Release] || !built.vmlinux[id]
	}
	var out []collect.InstalledKernel
	for _, release := range slices.Sorted(maps.Keys(releases)) {
		if !releases[release] {
			continue
		}
		if k := h.root.Installed(h.Context.Context, release); k.Vmlinux != "" {
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
func (h *hookRun) notJudged() {
	for _, p := range h.res.Aside {
		none := (*guard.NoVmlinux)(nil)
		switch {
		case p.Origin == guard.Against:
			h.note("cannot judge against a former result: %s: %v", h.short(p.Path), p.Err)
		case p.Origin == guard.Installed:
			h.note("cannot judge on the installed kernel: %s: %v", h.short(p.Path), p.Err)
		case errors.As(p.Err, &none) && h.root.Stage == obs.Signed:
			h.note("%d of the modules in %s have no vmlinux here; the check of the first stage, before signing, judged them",
				none.Modules, filepath.Base(p.Path))
		case errors.As(p.Err, &none):
			h.note("cannot judge %d of the modules in %s: no vmlinux of %s was built, and none is installed in the build root",
				none.Modules, filepath.Base(p.Path), none.Kernel)
		}
	}
}

// short is a path as it is below the build root.
func (h *hookRun) short(path string) string {
	if rel, err := filepath.Rel(h.root.Root, path); err == nil {
		return rel
	}
	return path
}

// comparedWith notes which new kernels were not held against a former build.
func (h *hookRun) comparedWith() {
	var former []string
	without := map[string]bool{}
	for _, b := range h.res.Bases {
		if b.Origin == guard.Against && !slices.Contains(former, b.Release) {
			former = append(former, b.Release)
			without[b.Release] = b.Table == nil
		}
	}
	for _, b := range h.res.Bases {
		met := slices.ContainsFunc(h.res.Changes, func(c guard.Change) bool { return c.To == b })
		switch {
		case b.Origin != guard.New || b.Table == nil || met:
		case h.root.Stage == obs.Signed:
			h.note("%s was held against the previous build by the check of the first stage, before signing", b.Release)
		case len(h.root.Old) == 0:
			h.note("cannot judge %s against the previous build: there are no old packages here, as in a first build, or where "+
				"OBS does not fetch them (packages in a dependency cycle)", b.Release)
		case without[b.Release]:
			h.note("cannot judge %s against the previous build: its vmlinux had no BTF that could be read", b.Release)
		case len(former) > 0:
			h.note("%s is not held against the previous build, which is of %s: the two do not share a directory",
				b.Release, strings.Join(former, ", "))
		default:
			h.note("cannot judge %s against the previous build: no vmlinux with BTF among the old packages", b.Release)
		}
	}
}

// remember takes over what former reports know.
func (h *hookRun) remember() {
	earlier := [][]report.Build{}
	for _, p := range h.root.PreviousReports() {
		data, err := p.Read()
		var d *report.Document
		if err == nil {
			d, err = report.ReadDocument(bytes.NewReader(data))
		}
		if err != nil {
			h.note("the former report %s cannot be read: %v", h.short(p.Path), err)
			continue
		}
		earlier = append(earlier, d.History)
		if p.Carried {
			h.carried = d
		}
	}
	h.history = report.Remember(h.res.Bases, earlier...)
}

// report writes the log and the machine form and ends the check.
func (h *hookRun) report() error {
	name := cmp.Or(h.root.Package, "a package without a name")
	switch h.root.Stage {
	case obs.Unsigned:
		name += ", before signing"
	case obs.Signed:
		name += ", after signing"
	}
	err := report.Log(h.App.Writer, h.res, name, report.TextOptions{
		Notes: h.notes, Unused: h.unused, History: h.history, Before: h.carried,
		Policy: "btf-guard.conf, a file beside the spec file", Generator: h.root.HasGenerator(),
	})
	if err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	d := report.NewDocument(h.res, h.App.Version)
	d.Hook = &report.Hook{Package: h.root.Package, Stage: string(h.root.Stage), Notes: append([]string{}, h.notes...)}
	d.Hook.Project, d.Hook.Repository, d.Hook.Arch = builtAt(h.res)
	d.History = h.history
	if h.carried != nil {
		d.Carry(h.carried)
	}
	var text bytes.Buffer
	if err := d.Compact(&text); err != nil {
		return err
	}
	if _, err := h.root.WriteReport(text.Bytes()); err != nil {
		return fmt.Errorf("the report: %w", err)
	}
	return status(h.res.Exit())
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
