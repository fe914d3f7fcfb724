// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// Commenter is where comments on packages are kept; api.Client is one.
type Commenter interface {
	User() string
	DepInfo(ctx context.Context, project, repository, arch string) ([]api.Dependencies, error)
	Comments(ctx context.Context, project, pkg string) ([]api.Comment, error)
	AddComment(ctx context.Context, project, pkg, text string) error
	DeleteComment(ctx context.Context, id int) error
}

// CommentOptions say what is commented on, and how.
type CommentOptions struct {
	Names  []string // of the sources, which tell its comments from those of others
	FailOn []guard.Verdict
	DryRun bool                             // nothing is written
	Say    func(format string, args ...any) // what is done, or would be
}

// Comment writes one comment on each package in OBS that fails. It replaces the comment
// of the last audit of the same sources. Where nothing is new and nothing is gone, the old
// comment stays. Where all findings are gone, the comment says so; after an audit that
// could not read everything, nothing counts as gone.
//
// The error is that of the first package that failed. The others still get their comments.
func (r *Result) Comment(ctx context.Context, to Commenter, o CommentOptions) error {
	c := &commenting{r, o, to, map[api.Target][]api.Dependencies{}}
	var failed error
	subjects := c.subjects(ctx)
	for _, at := range slices.SortedFunc(maps.Keys(subjects), compareSubjects) {
		err := c.write(ctx, at, subjects[at])
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			err = fmt.Errorf("comment on %s/%s: %w", at.Project, at.Package, err)
			failed = cmp.Or(failed, err)
		}
	}
	return failed
}

type commenting struct {
	*Result
	CommentOptions
	to      Commenter
	depInfo map[api.Target][]api.Dependencies // by part
}

// subject is a package in OBS, as it has comments.
type subject struct{ Project, Package string }

func compareSubjects(a, b subject) int {
	return cmp.Or(strings.Compare(a.Project, b.Project), strings.Compare(a.Package, b.Package))
}

// news is what an audit has to say of a package in OBS.
type news struct {
	found []Finding // that fail
	new   map[int]bool
	gone  bool // a finding of the last audit is gone
}

// subjects gathers the news by package.
func (c *commenting) subjects(ctx context.Context) map[subject]*news {
	out := map[subject]*news{}
	at := func(p *Package) *news {
		s, ok := c.subject(ctx, p)
		if !ok {
			return nil
		}
		if out[s] == nil {
			out[s] = &news{new: map[int]bool{}}
		}
		return out[s]
	}
	add := func(f Finding, isNew bool) {
		if !slices.Contains(c.FailOn, f.Kind) {
			return
		}
		about := f.Packages
		if f.Package != nil {
			about = []*Package{f.Package}
		}
		seen := map[*news]bool{}
		for _, p := range about {
			if n := at(p); n != nil && !seen[n] {
				seen[n] = true
				n.new[len(n.found)] = isNew
				n.found = append(n.found, f)
			}
		}
	}
	for _, f := range c.Findings {
		add(f, true)
	}
	for _, f := range c.Known {
		add(f, false)
	}
	if c.Since == nil {
		return out
	}
	gone := map[Known]bool{}
	for _, k := range c.Since.gone {
		if slices.Contains(c.FailOn, k.Kind) {
			gone[Known{Name: k.Name, Arch: k.Arch}] = true
		}
	}
	for _, p := range c.everything() {
		if gone[Known{Name: p.Name, Arch: p.Arch}] {
			if n := at(p); n != nil {
				n.gone = true
			}
		}
	}
	return out
}

// everything lists all packages, of modules and of kernels.
func (r *Result) everything() []*Package {
	out := slices.Clone(r.Modules)
	for _, k := range r.Kernels {
		out = append(out, k.Package)
	}
	return out
}

// subject is the package in OBS that an RPM comes out of: what OBS says, or else what its
// source package is called. ok is false of one that is not in OBS.
func (c *commenting) subject(ctx context.Context, p *Package) (s subject, ok bool) {
	if p.part.Project == "" {
		return s, false
	}
	deps, asked := c.depInfo[p.part]
	if !asked {
		deps, _ = c.to.DepInfo(ctx, p.part.Project, p.part.Repository, p.part.Arch)
		c.depInfo[p.part] = deps
	}
	s = subject{p.part.Project, p.origin}
	for _, d := range deps {
		if slices.Contains(d.Subpackages, p.Name) {
			s.Package, _, _ = strings.Cut(d.Package, ":") // without its flavor
			break
		}
	}
	return s, true
}

// marker is the line by which our comment is found again. The page does not show it.
func (c *commenting) marker() string {
	sources := slices.Sorted(slices.Values(c.Names))
	return "<!-- obs-btf-guard audit " + strings.ReplaceAll(prose.Printable(strings.Join(sources, " ")), ">", "") + " -->"
}

// ours lists our comments on a package, oldest first.
func (c *commenting) ours(ctx context.Context, at subject) ([]api.Comment, error) {
	all, err := c.to.Comments(ctx, at.Project, at.Package)
	return slices.DeleteFunc(all, func(m api.Comment) bool {
		return c.to.User() != "" && m.Who != c.to.User() || !slices.Contains(lines(m.Text), c.marker())
	}), err
}

// lines are those of a text that OBS may have stored with other line ends.
func lines(text string) []string {
	return strings.Split(strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")), "\n")
}

// write writes the comment that is due. It does so before it removes the old one: if it
// is interrupted, there is one comment too many, which the next audit removes.
func (c *commenting) write(ctx context.Context, at subject, n *news) error {
	if len(n.found) > 0 && !n.gone && !n.hasNew() {
		return nil
	}
	ours, err := c.ours(ctx, at)
	if err != nil {
		return err
	}
	text := c.text(n)
	stands := len(ours) > 0 && slices.Equal(lines(ours[len(ours)-1].Text), lines(text))
	verb := "new"
	switch {
	case stands:
		verb = "stays"
		ours = ours[:len(ours)-1]
	case len(n.found) == 0 && len(ours) == 0:
		return nil // nobody was told
	case len(n.found) == 0:
		verb = "resolved"
	case len(ours) > 0:
		verb = "updated"
	}
	would := ""
	if c.DryRun {
		would = " (dry run)"
	}
	c.Say("comment on %s/%s: %s%s", at.Project, at.Package, verb, would)
	if c.DryRun {
		for _, line := range lines(text) {
			c.Say("  | %s", line)
		}
		return nil
	}
	if !stands {
		if err := c.to.AddComment(ctx, at.Project, at.Package, text); err != nil {
			return err
		}
	}
	for _, old := range ours {
		if err := c.to.DeleteComment(ctx, old.ID); err != nil {
			return fmt.Errorf("the one before, %d: %w", old.ID, err)
		}
	}
	return nil
}

func (n *news) hasNew() bool {
	return slices.Contains(slices.Collect(maps.Values(n.new)), true)
}

// Bounds of one comment: OBS takes 65,535 bytes.
const (
	maxCommented = 20  // findings
	maxReasons   = 4   // of each
	maxReason    = 400 // bytes of each
)

// text is the comment. Names of packages stand in blocks of code, where they are neither
// markup nor mentions.
func (c *commenting) text(n *news) string {
	var b strings.Builder
	sources := strings.Join(c.Names, " ")
	if len(n.found) == 0 {
		fmt.Fprintf(&b, "**obs-btf-guard**: resolved. Nothing fails of this package any more in:\n\n%s\n\n%s\n", code(sources), c.marker())
		return b.String()
	}
	fmt.Fprintf(&b, "**obs-btf-guard**: %s of this package %s in:\n\n%s\n\n", prose.Several(len(n.found), "finding"), fails(len(n.found)), code(sources))
	for i, f := range n.found[:min(len(n.found), maxCommented)] {
		mark := ""
		if n.new[i] && c.Since != nil {
			mark = "new, "
		}
		fmt.Fprintf(&b, "%s\n", code(mark+string(f.Kind)+": "+f.about()))
		for _, reason := range f.Reasons[:min(len(f.Reasons), maxReasons)] {
			if len(reason) > maxReason {
				reason = strings.ToValidUTF8(reason[:maxReason], "") + "..."
			}
			fmt.Fprintf(&b, "%s\n", code("  "+reason))
		}
	}
	if more := len(n.found) - maxCommented; more > 0 {
		fmt.Fprintf(&b, "%s\n", code(fmt.Sprintf("and %s more", prose.Number(more))))
	}
	b.WriteString("\n")
	for _, kind := range Kinds {
		if slices.ContainsFunc(n.found, func(f Finding) bool { return f.Kind == kind }) {
			fmt.Fprintf(&b, "- **%s**: %s.\n", kind, explanations[kind])
		}
	}
	fmt.Fprintf(&b, "\nThis comment is updated when that changes.\n\n%s\n", c.marker())
	return b.String()
}

func fails(n int) string {
	if n == 1 {
		return "fails"
	}
	return "fail"
}

// code writes a line of a block of code. OBS notifies the person of an @name.
func code(line string) string {
	return "    " + strings.ReplaceAll(prose.Printable(line), "@", "(at)")
}
