// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/findings"
	"github.com/obs-btf-guard/obs-btf-guard/internal/page"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// HTML writes the result as one HTML file. Modules with which nothing is wrong are
// counted and, unless verbose, not listed.
func HTML(w io.Writer, r *guard.Result, version string, verbose bool) error {
	out := &page.Page{Title: pageTitle(r), Tool: "obs-btf-guard " + version + ", check"}
	out.Mark, out.Word = findings.Marks[r.Worst()], strings.ToUpper(string(r.Worst()))
	if r.Incomplete() {
		out.Mark, out.Word = page.Fail, incomplete
	}
	if len(r.Problems) > 0 {
		out.Lead = append(out.Lead, prose.Several(len(r.Problems), "thing")+" could not be read or checked, see below. The result is incomplete.")
	}
	out.Lead = append(out.Lead, counted(r)+".")
	all := groups(r.Findings)
	todo := page.Section{Title: headWhatToDo}
	for _, p := range (&text{}).advice(r, all) {
		todo.Text = append(todo.Text, p.lines()...)
	}
	out.Add(todo)
	out.Add(page.Section{Title: "Summary", Tables: []page.Table{summaryTable(all)}})
	list := List(r, version)
	out.Add(page.Section{Title: "Not read or not checked", Tables: []page.Table{list.ProblemsTable()}})
	out.Add(page.Section{Title: "Findings", Tables: list.Tables(verbose)})
	out.Add(page.Section{Title: "What changed in the bases", Text: changeTexts(r.Changes)})
	out.Add(page.Section{Title: "Kernels", Text: conflicts(r.Bases), Tables: []page.Table{basesTable(r.Bases)}})
	return out.Write(w)
}

// pageTitle names the newest of the packages that were checked, or the first file, and when
// it was built.
func pageTitle(r *guard.Result) string {
	name, built := "", time.Time{}
	for _, b := range r.Bases {
		if b.Origin == guard.New && (name == "" || b.Package != nil && b.Package.Built.After(built)) {
			name = b.Label()
			if b.Package != nil {
				built = b.Package.Built
			}
		}
	}
	for _, f := range r.Findings {
		if name == "" && f.Module.Origin == guard.New {
			name = cmp.Or(f.Module.Tree, f.Module.Label())
		}
	}
	if name == "" {
		return "Kernel modules and their BTF"
	}
	if !built.IsZero() {
		name += " of " + built.UTC().Format(time.DateOnly)
	}
	return name + ": do the modules fit?"
}

// oneLine is the title in one line: "build: modules on their own vmlinux".
func (g group) oneLine() string {
	words := strings.Fields(g.title(whole))
	if words[0] == g[0].Pairing.Word() {
		words[0] += ":"
	}
	return strings.Join(words, " ")
}

func summaryTable(all []group) page.Table {
	t := page.Table{Caption: "Which modules on which vmlinux", Head: page.Heads("Checked", "Result", "Verdicts", "Kernel")}
	for _, g := range all {
		t.Rows = append(t.Rows, []page.Cell{{Text: g.oneLine()}, {Text: string(g.worst()), Mark: findings.Marks[g.worst()]}, {Text: g.counts()}, {Text: g.kernel()}})
	}
	return t
}

func changeTexts(changes []guard.Change) []string {
	var out []string
	for _, c := range changes {
		out = append(out, fmt.Sprintf("%s (%s), %s", c.To.Release, c.To.Arch, change(c, whole)))
	}
	return out
}

// conflicts lists the kernels that do not read BTF as their versions would have it.
func conflicts(bases []*guard.Base) []string {
	var out []string
	for _, b := range bases {
		if b.Conflict != "" {
			out = append(out, b.Label()+": "+b.Conflict)
		}
	}
	return out
}

func basesTable(bases []*guard.Base) page.Table {
	t := page.Table{Caption: "Every vmlinux that was read", Head: page.Heads("Kernel", "Architecture", "Found in", "Base", "Types")}
	for _, b := range bases {
		base, types := "no BTF", ""
		if !b.Fingerprint.Base.IsZero() {
			base, types = b.Fingerprint.Base.Short(), prose.Number(count(b))
		}
		t.Rows = append(t.Rows, []page.Cell{{Text: b.Release}, {Text: b.Arch}, {Text: b.Label()}, {Text: base}, {Text: types}})
	}
	return t
}
