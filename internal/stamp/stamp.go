// SPDX-License-Identifier: Apache-2.0

// Package stamp writes into the headers of packages which bases they provide and which
// they need, by their content, for all of them or for none. [Run] is all of it.
package stamp

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/generator"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// Mode is what is done where metadata and content disagree.
type Mode int

// The modes.
const (
	Write  Mode = iota // the metadata is written
	DryRun             // nothing: what would be written is found out
	Verify             // nothing: it is an error of the packages
)

// Options say what metadata the packages are to have.
type Options struct {
	Mode     Mode
	Strength generator.Strength // of what modules need
	Remove   bool               // they are to have none, whatever is in them
}

// Result is what became of the packages.
type Result struct {
	Mode     Mode
	Changes  []Change         // of each package that is, or can be made, as it should be
	Left     []*guard.Package // Write: those that are as before, since something is wrong
	Problems []guard.Problem  // those of the inventory first
}

// Change is what was done to a package, or would be; it may be nothing.
type Change struct {
	Package *guard.Package
	rpm.Change
}

// Run stamps all new packages of an inventory, of which res was judged, or none: half a
// build would be published with packages that require what no other provides, or that
// install anywhere. So each is tried before the first is written, and the first that
// cannot be written after that, on a full disk, ends it. The error is that of ctx; the
// result has what was done until then.
func Run(ctx context.Context, inv *guard.Inventory, res *guard.Result, o Options) (*Result, error) {
	all := guard.Metadata(inv, res)
	r := &Result{Mode: o.Mode, Problems: slices.Clone(inv.Problems)}
	if len(all) == 0 && len(inv.Problems) == 0 {
		path := inv.Arguments[0].Path
		r.problem(path, nothingAt(path))
	}
	tried, err := r.each(ctx, all, o, true)
	if o.Mode != Write {
		r.Changes = tried
		return r, err
	}
	if err == nil && len(r.Problems) == 0 {
		r.Changes, err = r.each(ctx, all, o, false)
	}
	for _, t := range all[len(r.Changes):] {
		r.Left = append(r.Left, t.Package)
	}
	return r, err
}

// nothingAt says why there is no package at path.
func nothingAt(path string) error {
	if r, err := rpm.Open(path); err == nil {
		defer r.Close()
		if r.Package.IsSource {
			return errors.New("a source package; give the packages that were built from it")
		}
	}
	return errors.New("no RPM was found")
}

// Disagree reports whether metadata was to agree with content and does not.
func (r *Result) Disagree() bool {
	return r.Mode == Verify && slices.ContainsFunc(r.Changes, func(c Change) bool { return !c.Empty() })
}

func (r *Result) problem(path string, err error) {
	r.Problems = append(r.Problems, guard.Problem{Path: path, Err: err})
}

// each stamps one package after the other, or with dryRun only tries to. It gives the
// changes of those that went well, and notes a problem for each other; where packages are
// written, the first problem ends it.
func (r *Result) each(ctx context.Context, all []guard.Tokens, o Options, dryRun bool) (changes []Change, err error) {
	for _, t := range all {
		if err := ctx.Err(); err != nil {
			return changes, err
		}
		change, err := o.stamp(ctx, t, dryRun)
		if err == nil {
			changes = append(changes, Change{t.Package, change})
			continue
		}
		r.problem(t.Package.Path, err)
		if !dryRun {
			break
		}
	}
	return changes, nil
}

// stamp brings one package's metadata in line with its content, or with dryRun only finds
// out whether it can.
func (o Options) stamp(ctx context.Context, t guard.Tokens, dryRun bool) (rpm.Change, error) {
	if t.Err != nil && !o.Remove {
		return rpm.Change{}, t.Err
	}
	return rewrite(ctx, t.Package, rpm.Edit{
		Add: o.relations(t),
		Drop: func(r rpm.Relation) bool {
			// A package may say that it needs what it provides itself.
			self := r.Kind != rpm.Provides && slices.Contains(t.Provides, r.Name) && !o.Remove
			return fingerprint.IsOurs(r.Name) && !self
		},
		DryRun: dryRun,
	})
}

// rewrite changes a package that was named itself wherever it lies, and one that was
// found in a folder only within that: a link there may lead anywhere. No error has a
// path.
func rewrite(ctx context.Context, p *guard.Package, e rpm.Edit) (change rpm.Change, err error) {
	defer func() { err = regular.WithoutPath(err) }()
	folder, err := filepath.EvalSymlinks(p.Tree)
	if err != nil {
		return rpm.Change{}, err
	}
	if folder == p.Path {
		return rpm.Rewrite(ctx, p.Path, e)
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
	return rpm.RewriteIn(ctx, root, name, e)
}

// relations are the dependencies that the package should have.
func (o Options) relations(t guard.Tokens) []rpm.Relation {
	if o.Remove {
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
	need := func(kind rpm.Kind, needs ...guard.Need) {
		for _, n := range needs {
			add(kind, n.Dependency())
		}
	}
	switch o.Strength {
	case generator.Auto:
		need(rpm.Requires, t.Requires...)
		need(rpm.Recommends, t.Recommends...)
	case generator.Requires:
		need(rpm.Requires, slices.Concat(t.Requires, t.Recommends)...)
	case generator.Recommends:
		need(rpm.Recommends, slices.Concat(t.Requires, t.Recommends)...)
	}
	return out
}
