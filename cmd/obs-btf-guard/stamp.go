// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/generator"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
	"github.com/urfave/cli/v2"
)

func stampCommand() *cli.Command {
	return &cli.Command{
		Name:        "stamp",
		Usage:       "write fingerprints into the headers of RPMs",
		ArgsUsage:   "RPM|FOLDER...",
		Description: stampDescription,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "with", Usage: "look for the kernels that modules were built on in `PATH`, too, and leave it as it is; may be repeated"},
			choiceFlag("strength", string(generator.Auto), "what modules get: `auto|requires|recommends|none`; auto goes by the kernel's config"),
			&cli.BoolFlag{Name: "verify", Usage: "only compare metadata and content; exit status 1 if they disagree"},
			&cli.BoolFlag{Name: "remove", Usage: "take the fingerprints out of the packages"},
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "say what would be done and do nothing"},
			cacheFlag(),
		},
		OnUsageError: onUsageError,
		Action:       stamp,
	}
}

func stamp(c *cli.Context) error {
	if c.NArg() == 0 {
		return misuse(c, "no RPM or folder given")
	}
	if c.Bool("verify") && c.Bool("remove") {
		return misuse(c, "--verify compares and --remove removes; give one of them")
	}
	inv, err := readSources(c, collect.Stamp(c.Args().Slice(), c.StringSlice("with"), c.Bool("remove")))
	if err != nil {
		return err
	}
	if of := func(p guard.Problem) bool { return p.Origin == guard.Against }; slices.ContainsFunc(inv.Problems, of) {
		problems(c, inv.Problems)
		hint(c, "nothing was written: what --with names has to be readable")
		return exitStatus(exitError)
	}
	res, err := guard.Judge(c.Context, inv, guard.Options{})
	if err != nil {
		return err
	}
	st := &stamping{c: c, strength: generator.Strength(c.String("strength")), problems: inv.Problems}
	all := guard.Metadata(inv, res)
	if err := st.stampAll(all); err != nil {
		return err
	}
	if len(all) == 0 && len(inv.Problems) == 0 {
		st.problem(c.Args().First(), nothingToStamp(c.Args().First()))
	}
	problems(c, st.problems)
	if len(st.problems) > 0 && st.writes() && len(all) > 0 && len(all)+len(inv.Problems) > 1 {
		hint(c, st.left(all))
	}
	if !c.Bool("remove") && slices.ContainsFunc(res.Problems, noVmlinux) {
		hint(c, "give the package of the kernel that they were built for beside them, or by --with")
	}
	if len(st.problems) > 0 && res.Worst() == guard.Fail && !c.Bool("remove") {
		hint(c, "obs-btf-guard check says of the same packages what is wrong; publish none of them before it is ok")
	}
	switch {
	case len(st.problems) > 0:
		return exitStatus(exitError)
	case st.disagree:
		return exitStatus(exitFail)
	}
	return nil
}

// nothingToStamp says why there is no package at path.
func nothingToStamp(path string) error {
	if r, err := rpm.Open(path); err == nil {
		defer r.Close()
		if r.Package.IsSource {
			return errors.New("a source package; give the packages that were built from it")
		}
	}
	return errors.New("no RPM was found")
}

// stamping is one run of the command.
type stamping struct {
	c        *cli.Context
	strength generator.Strength
	problems []guard.Problem
	disagree bool
	written  int // packages that are as they should be
}

// writes reports whether packages are changed at all.
func (s *stamping) writes() bool { return !s.c.Bool("verify") && !s.c.Bool("dry-run") }

// stampAll stamps all packages or none: half a build would be published with packages that
// require what no other provides, or that install anywhere. So each is tried before the first
// is written, and the first that cannot be written after that, on a full disk, ends it.
func (s *stamping) stampAll(all []guard.Tokens) error {
	pass := func(dryRun bool, done func(guard.Tokens, rpm.Change)) error {
		for _, t := range all {
			if err := s.c.Context.Err(); err != nil {
				return err
			}
			if change, ok := s.stamp(t, dryRun); ok {
				done(t, change)
			} else if !dryRun {
				return nil
			}
		}
		return nil
	}
	say := func(t guard.Tokens, change rpm.Change) { s.say(t.Package.NEVRA, change) }
	if !s.writes() {
		return pass(true, say)
	}
	if err := pass(true, func(guard.Tokens, rpm.Change) {}); err != nil || len(s.problems) > 0 {
		return err
	}
	return pass(false, func(t guard.Tokens, change rpm.Change) { s.written++; say(t, change) })
}

// left says which packages stay as they were after an error.
func (s *stamping) left(all []guard.Tokens) string {
	if s.written == 0 {
		return "nothing was written: all packages are, or none; correct or leave out what is named above"
	}
	var names []string
	for _, t := range all[s.written:] {
		names = append(names, t.Package.NEVRA)
	}
	return "written: what is listed; as before: " + prose.First(names, 10) + "; repeat the command once that is mended"
}

func (s *stamping) problem(path string, err error) {
	s.problems = append(s.problems, guard.Problem{Path: path, Err: err})
}

// stamp brings one package's metadata in line with its content, or with dryRun only finds
// out whether it can. It is not ok where it cannot, which is a problem then.
func (s *stamping) stamp(t guard.Tokens, dryRun bool) (change rpm.Change, ok bool) {
	e := rpm.Edit{
		Add: s.relations(t),
		Drop: func(r rpm.Relation) bool {
			// A package may say that it needs what it provides itself.
			self := r.Kind != rpm.Provides && slices.Contains(t.Provides, r.Name) && !s.c.Bool("remove")
			return fingerprint.IsOurs(r.Name) && !self
		},
		DryRun: dryRun,
	}
	if t.Err != nil && !s.c.Bool("remove") {
		s.problem(t.Package.Path, t.Err)
		return rpm.Change{}, false
	}
	change, err := s.rewrite(t.Package, e)
	if err != nil {
		s.problem(t.Package.Path, err)
		return rpm.Change{}, false
	}
	return change, true
}

// rewrite changes a package that was named itself wherever it lies, and one that was
// found in a folder only within that: a link there may lead anywhere. No error has a
// path.
func (s *stamping) rewrite(p *guard.Package, e rpm.Edit) (change rpm.Change, err error) {
	defer func() { err = regular.WithoutPath(err) }()
	folder, err := filepath.EvalSymlinks(p.Tree)
	if err != nil {
		return rpm.Change{}, err
	}
	if folder == p.Path {
		return rpm.Rewrite(s.c.Context, p.Path, e)
	}
	name, err := filepath.Rel(folder, p.Path)
	if err != nil {
		return rpm.Change{}, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return rpm.Change{}, err
	}
	defer root.Close()
	return rpm.RewriteIn(s.c.Context, root, name, e)
}

// relations are the dependencies that the package should have.
func (s *stamping) relations(t guard.Tokens) []rpm.Relation {
	if s.c.Bool("remove") {
		return nil
	}
	var out []rpm.Relation
	add := func(kind rpm.Kind, name string) {
		out = append(out, rpm.Relation{Kind: kind, Dependency: rpm.Dependency{Name: name}})
	}
	for _, token := range t.Provides {
		add(rpm.Provides, token)
	}
	for _, release := range t.Releases {
		add(rpm.Provides, fingerprint.ReleaseToken(release))
	}
	need := func(kind rpm.Kind, needs []guard.Need) {
		for _, n := range needs {
			add(kind, n.Dependency())
		}
	}
	switch s.strength {
	case generator.Auto:
		need(rpm.Requires, t.Requires)
		need(rpm.Recommends, t.Recommends)
	case generator.Requires:
		need(rpm.Requires, append(t.Requires, t.Recommends...))
	case generator.Recommends:
		need(rpm.Recommends, append(t.Requires, t.Recommends...))
	}
	return out
}

// say reports what was done to a package, or would be.
func (s *stamping) say(nevra string, c rpm.Change) {
	add, drop := "added  ", "removed"
	switch {
	case s.c.Bool("verify"):
		add, drop = "missing", "wrong  "
		s.disagree = s.disagree || !c.Empty()
	case s.c.Bool("dry-run"):
		add, drop = "to add ", "to remove"
	}
	line := func(format string, args ...any) {
		fmt.Fprintln(s.c.App.Writer, prose.Printable(fmt.Sprintf(format, args...)))
	}
	if c.Empty() {
		line("%s: right already", nevra)
		return
	}
	line("%s:", nevra)
	for _, r := range c.Added {
		line("  %s %v: %v", add, r.Kind, r.Dependency)
	}
	for _, r := range c.Dropped {
		line("  %s %v: %v", drop, r.Kind, r.Dependency)
	}
	if len(c.Signatures) > 0 && !s.c.Bool("verify") {
		line("  the signatures (%s) no longer hold and are dropped: sign it again", strings.Join(c.Signatures, ", "))
	}
}
