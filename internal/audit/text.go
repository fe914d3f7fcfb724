// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// TextOptions say how an audit for people is written.
type TextOptions struct {
	Verbose bool // the whole matrix and all kernels, not only what does not fit
	Color   bool
	FailOn  []guard.Verdict
}

// Text writes the result for people: a summary, what needs attention, heaviest first,
// which kernels changed when they were built again, and which packages do not fit which
// kernels.
func (r *Result) Text(w io.Writer, o TextOptions) error {
	t := &text{r, o, prose.NewWriter(w, o.Color), false}
	t.summary()
	t.findings()
	t.rebuilds()
	if o.Verbose {
		t.kernels()
	}
	t.matrix()
	t.unlinked()
	t.notes()
	t.Line("")
	t.closing()
	return t.Flush()
}

type text struct {
	*Result
	TextOptions
	*prose.Writer
	explained bool // what happens to modules that do not fit
}

// row writes a line of a list, wrapped on a terminal. Continuation lines are indented
// further than the next row.
func (t *text) row(indent, format string, args ...any) {
	t.Item(prose.Styled(indent), len(indent)+2, fmt.Sprintf(format, args...))
}

func (t *text) summary() {
	for _, s := range t.Sources {
		t.Line("%s: %s, %s", s.Name, s.Kind, prose.Several(s.Packages, "package"))
	}
	t.Line("%s", t.size())
	if t.Since != nil {
		t.Line("%s", t.Since.sentence(t.Result))
	}
}

// news picks the packages that are shown: in a comparison, not those that are known.
func (t *text) news() func(*Package) bool {
	if t.Since == nil || t.Verbose {
		return func(*Package) bool { return true }
	}
	found := map[*Package]bool{}
	for _, f := range t.Findings {
		found[f.Package] = true
	}
	return func(p *Package) bool { return found[p] }
}

// releases counts what modules can be for.
func (r *Result) releases() int {
	ids := map[guard.KernelID]bool{}
	for _, k := range r.Kernels {
		ids[k.id()] = true
	}
	return len(ids)
}

func (t *text) findings() {
	for _, kind := range Kinds {
		found := t.of(kind)
		if len(found) == 0 {
			continue
		}
		o := noted
		if slices.Contains(t.FailOn, kind) {
			o = failed
		}
		t.Marked(colors[o], outcomes[o], " "+string(kind)+": ", explanations[kind].String())
		for _, same := range alike(found) {
			t.finding(same[0])
			if len(same) > 1 {
				var others []string
				for _, f := range same[1:] {
					others = append(others, f.about())
				}
				t.Paragraph("    ", "likewise "+strings.Join(others, ", "))
			}
		}
		if kind == guard.Stale || kind == guard.Broken {
			t.meanings()
		}
	}
}

// of picks the findings of one kind.
func (r *Result) of(kind guard.Verdict) (out []Finding) {
	for _, f := range r.Findings {
		if f.Kind == kind {
			out = append(out, f)
		}
	}
	return out
}

// alike puts together findings that say the same of many packages.
func alike(all []Finding) (out [][]Finding) {
	const many = 3
	reasons := func(f Finding) string { return strings.Join(f.Reasons, "\n") }
	same := map[string][]Finding{}
	for _, f := range all {
		same[reasons(f)] = append(same[reasons(f)], f)
	}
	for _, f := range all {
		switch group := same[reasons(f)]; {
		case len(group) >= many:
			out = append(out, group)
			same[reasons(f)] = nil
		case group != nil:
			out = append(out, []Finding{f})
		}
	}
	return out
}

// meanings says once what happens to modules that do not fit.
func (t *text) meanings() {
	if t.explained {
		return
	}
	t.explained = true
	for _, s := range t.means(t.news()) {
		t.row("  => ", "%s", s)
	}
}

func (t *text) finding(f Finding) {
	if len(f.Reasons) == 1 {
		t.row("  ", "%s: %s", f.about(), f.Reasons[0])
		return
	}
	t.row("  ", "%s", f.about())
	for _, reason := range f.Reasons {
		t.row("    ", "%s", reason)
	}
}

// about is what a finding is about: a package, or a kernelrelease.
func (f Finding) about() string {
	if f.Package != nil {
		return f.Package.NEVRA
	}
	return report.KernelName(f.Release, f.Arch)
}

func (t *text) rebuilds() {
	if len(t.Changes) == 0 {
		return
	}
	t.Headline("", headBuilds)
	for _, r := range t.Changes {
		t.row("  ", "%s (%s), %s from %s to %s: %s", r.To.Release, r.To.Package.Arch, r.To.Package.Name, r.From.Package.versionRelease(), r.To.Package.versionRelease(), r.became())
	}
}

func (p *Package) versionRelease() string { return p.evr[strings.IndexByte(p.evr, ':')+1:] }

func (t *text) kernels() {
	t.Headline("", headKernels)
	for _, k := range t.Kernels {
		by := ""
		if k.Known != guard.Unknown {
			by = ", by " + string(k.Known)
		}
		t.row("  ", "%s (%s): %s, %s%s", k.Release, k.Package.Arch, k.Package, k.Short(), by)
	}
}

// unlinked lists the kernels that modules of their flavor do not meet, and why.
func (t *text) unlinked() {
	if len(t.Unlinked) == 0 {
		return
	}
	if !t.Verbose {
		t.Headline("", headUnlinked+": "+prose.Several(t.Apart, "pair")+", with --verbose")
		return
	}
	t.Headline("", headUnlinked)
	for _, u := range t.Unlinked {
		t.row("  ", "%s into %s of %s: %s", u.Modules, u.Kernel.Release, u.Kernel.Package, u.Why)
	}
	if n := t.Apart - len(t.Unlinked); n > 0 {
		t.Line("  and %s with older kernels", prose.Several(n, "pair"))
	}
}

// matrix writes a line for each row.
func (t *text) matrix() {
	shown := false
	hasNews := t.news()
	for _, r := range t.Rows {
		if !hasNews(r.Modules) {
			continue
		}
		parts := r.words(t.Verbose)
		if len(parts) == 0 {
			continue
		}
		if !shown {
			shown = true
			t.Headline("", headMatrix)
		}
		t.row("  ", "%s; %s", r.head(), strings.Join(parts, "; "))
	}
	t.meanings()
}

func (t *text) notes() {
	if len(t.Notes) == 0 {
		return
	}
	t.Headline("", headNotes)
	for _, n := range t.Notes {
		t.row("  ", "%s", n)
	}
}

// outcome sums a result up.
type outcome int

// The outcomes, from good to bad.
const (
	good    outcome = iota // everything was checked, and is OK
	noted                  // there are findings, and none fails
	unknown                // something is unknown
	failed                 // a finding fails, or something could not be read
)

func (r *Result) outcome(failOn []guard.Verdict) outcome {
	out := good
	if len(r.Notes) > 0 || len(r.Known) > 0 {
		out = noted
	}
	if r.undecided() {
		out = unknown
	}
	for _, f := range r.Findings {
		if slices.Contains(unknowns, f.Kind) {
			out = max(out, unknown)
		}
		out = max(out, noted)
	}
	if r.Exit(failOn) > 0 {
		out = failed
	}
	return out
}

// counts says how many findings of each kind there are, heaviest first, and how much
// could not be read.
func (r *Result) counts() []string {
	var parts []string
	for _, kind := range Kinds {
		if n := len(r.of(kind)); n > 0 {
			parts = append(parts, prose.Number(n)+" "+string(kind))
		}
	}
	if n := len(r.Problems); n > 0 {
		parts = append(parts, prose.Number(n)+" could not be read")
	}
	if n := len(r.Known); n > 0 {
		parts = append(parts, prose.Number(n)+" known before")
	}
	return parts
}

// closing is the last line.
func (t *text) closing() {
	parts := t.counts()
	if len(parts) == 0 {
		parts = []string{t.nothingFound()}
	}
	t.Line("%s %s", t.Paint(colors[t.outcome(t.FailOn)], t.word(t.FailOn, outcomes)), strings.Join(parts, ", "))
}
