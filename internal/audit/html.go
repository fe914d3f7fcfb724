// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/page"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// HTML writes the result as one HTML file: what needs attention, the matrix as a
// heat map, how bases changed, and each kernel with the packages that meet it.
func (r *Result) HTML(w io.Writer, version string, failOn []guard.Verdict) error {
	out := &page.Page{Title: r.title(), Mark: marks[r.outcome(failOn)], Word: r.word(failOn, badges), Tool: "obs-btf-guard " + version + ", audit"}
	if len(r.Problems) > 0 {
		out.Lead = append(out.Lead, "Not all could be read, see below. The result is incomplete.")
	}
	if counts := r.counts(); len(counts) > 0 {
		out.Lead = append(out.Lead, strings.Join(counts, ", ")+".")
	}
	if r.Since != nil {
		out.Lead = append(out.Lead, "Since "+strings.TrimPrefix(r.Since.sentence(r), "since ")+".")
	}
	out.Lead = append(out.Lead, r.Notes...)
	out.Lead = append(out.Lead, r.size()+".")
	list := r.List(version, failOn)
	for _, s := range []page.Section{
		{Title: headWhatToDo, Text: r.remedies()},
		{Title: headNotRead, Tables: []page.Table{list.ProblemsTable()}},
		{Title: headAttention, Tables: list.Tables(false)},
		r.matrixSection(),
		r.timeline(),
		{Title: headKernels, Tables: append([]page.Table{r.kernelTable()}, r.drillDown()...)},
		{Title: headSources, Tables: []page.Table{r.sourceTable()}},
	} {
		out.Add(s)
	}
	return out.Write(w)
}

// marks are the outcomes as a page marks them.
var marks = map[outcome]page.Mark{good: page.OK, noted: page.Warn, unknown: page.Unknown, failed: page.Fail}

// mostNamed is how many sources a title names.
const mostNamed = 3

// title names the sources, and the day on which the newest kernel was built.
func (r *Result) title() string {
	var names []string
	for _, s := range r.Sources {
		names = append(names, folder(s.Name))
	}
	title := prose.First(names, mostNamed)
	var built time.Time
	for _, k := range r.Kernels {
		if k.Package.Built.After(built) {
			built = k.Package.Built
		}
	}
	if !built.IsZero() {
		title += ", newest kernel of " + built.UTC().Format(time.DateOnly)
	}
	return strings.TrimPrefix(title+": which modules fit?", ": ")
}

// folder is a source's name, and that of the folder itself for one that is named by dots.
func folder(name string) string {
	if strings.Trim(name, "./") != "" {
		return name
	}
	if path, err := filepath.Abs(name); err == nil {
		return filepath.Base(path)
	}
	return name
}

// remedies say what each kind of finding means, and what to do.
func (r *Result) remedies() (out []string) {
	for _, kind := range Kinds {
		if slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Kind == kind }) {
			out = append(out, string(kind)+": "+explanations[kind].String()+".")
		}
	}
	return out
}

// cell is a cell of the matrix with its text and color.
func (c Cell) cell() page.Cell {
	text := map[guard.Verdict]string{guard.Fits: "fits", guard.Misfits: "does not fit", guard.Undecided: "unknown"}[c.Fit]
	mark := map[guard.Verdict]page.Mark{guard.Fits: page.OK, guard.Misfits: page.Fail, guard.Undecided: page.Unknown}[c.Fit]
	if c.Fit != guard.Fits && len(c.Counts) > 0 {
		text += ": " + c.Counts.String()
	}
	if c.Kernel.Package == c.Modules {
		text += " (its own)"
	}
	return page.Cell{Text: text, Mark: mark}
}

// mostCells is the largest matrix that a page shows.
const mostCells = 60_000

// matrixSection has a table for each architecture and flavor: packages of modules
// down, kernels across, older ones first.
func (r *Result) matrixSection() page.Section {
	type of struct{ arch, flavor string }
	s := page.Section{Title: headMatrix}
	var order []of
	rows := map[of][]*Row{}
	cut := map[of]bool{} // not all is listed
	for _, w := range r.Rows {
		k := of{w.Modules.arch(), w.Flavor}
		if rows[k] == nil {
			order = append(order, k)
		}
		rows[k] = append(rows[k], w)
		cut[k] = cut[k] || len(w.Cells) < w.Pairs()
	}
	dashes, newest := false, r.newest()
	words := map[bool]string{true: ", the newest"}
	for _, k := range order {
		t := page.Table{Caption: fmt.Sprintf("Packages with modules (down) and kernels (across), flavor %s, %s", k.flavor, k.arch), Grid: true, Head: page.Heads("Package with modules")}
		var kernels []*Kernel
		for _, kernel := range r.Kernels {
			if k == (of{kernel.Package.arch(), kernel.Flavor}) {
				kernels = append(kernels, kernel)
				t.Head = append(t.Head, page.Head{Text: kernel.Package.NEVRA, Sub: kernel.Release + words[newest[kernel]] + ", base " + kernel.Short()})
			}
		}
		if len(kernels)*len(rows[k]) > mostCells || cut[k] {
			of := "those that it meets"
			if cut[k] {
				of = fmt.Sprintf("packages to which it is one of the newest %d of those that fit, that do not, or that are unknown", few)
			}
			s.Text = append(s.Text, fmt.Sprintf("Flavor %s, %s: too many for a matrix, %s and %s; below, each kernel lists "+of+".",
				k.flavor, k.arch, prose.Several(len(rows[k]), "package"), prose.Several(len(kernels), "kernel")))
			continue
		}
		for _, w := range rows[k] {
			cells := map[*Kernel]page.Cell{}
			for _, c := range w.Cells {
				cells[c.Kernel] = c.cell()
			}
			line := []page.Cell{{Text: w.Modules.NEVRA}}
			for _, kernel := range kernels {
				c, ok := cells[kernel]
				if !ok {
					c.Text, dashes = "–", true
				}
				line = append(line, c)
			}
			t.Rows = append(t.Rows, line)
		}
		s.Tables = append(s.Tables, t)
	}
	s.Text = append(s.Text, r.means(func(*Package) bool { return true })...)
	if dashes {
		s.Text = append(s.Text, "Where there is a dash, the two never meet: the modules are for another kernelrelease, or for another repository of the project.")
	}
	return s
}

// timeline has the builds of each kernelrelease, oldest first.
func (r *Result) timeline() page.Section {
	s := page.Section{Title: headBuilds}
	for _, b := range r.Changes {
		step := page.Step{When: day(b.To.Package.Built), Mark: page.OK, Word: "same base"}
		bases := b.To.Short()
		if b.Changed() {
			step.Mark, step.Word = page.Warn, "base changed"
			bases = "from " + b.From.Short() + " to " + b.To.Short()
		}
		step.Text = fmt.Sprintf("%s (%s): %s from %s to %s, base %s", b.To.Release, b.To.Package.Arch, b.To.Package.Name,
			b.From.Package.versionRelease(), b.To.Package.versionRelease(), bases)
		s.Steps = append(s.Steps, step)
	}
	return s
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// kernelTable has a row for each kernel: its base, and how many packages fit it.
func (r *Result) kernelTable() page.Table {
	t := page.Table{Caption: "Every kernel", Head: page.Heads("Package", "Kernelrelease", "Architecture", "Base", "Known by", "Built", "Packages that fit")}
	for _, k := range r.Kernels {
		met := page.Cell{Text: prose.Number(k.fit) + " of " + prose.Number(k.met), Mark: page.OK}
		switch {
		case k.met == 0:
			met = page.Cell{Text: "meets none"}
		case k.fit < k.met:
			met.Mark = page.Warn
		}
		by := string(k.Known)
		if k.Known == guard.Unknown {
			by = "not known"
		}
		t.Rows = append(t.Rows, []page.Cell{{Text: k.Package.NEVRA}, {Text: k.Release}, {Text: k.Package.Arch}, {Text: k.Short()}, {Text: by}, {Text: day(k.Package.Built)}, met})
	}
	return t
}

// drillDown has a folded table for each kernel, with the packages that meet it.
func (r *Result) drillDown() []page.Table {
	rows := map[*Kernel][][]page.Cell{}
	for _, w := range r.Rows {
		for _, c := range w.Cells {
			by := string(c.By)
			if c.By == guard.Unknown {
				by = "not known"
			}
			rows[c.Kernel] = append(rows[c.Kernel], []page.Cell{{Text: c.Modules.NEVRA}, c.cell(), {Text: by}, {Text: c.Counts.String()}})
		}
	}
	var out []page.Table
	for _, k := range r.Kernels {
		t := page.Table{
			Caption: fmt.Sprintf("%s (%s), base %s: %s with modules", k.Package.NEVRA, k.Release, k.Short(), prose.Several(k.met, "package")),
			Fold:    true, Head: page.Heads("Package with modules", "Answer", "Known by", "Modules by verdict"), Rows: rows[k],
		}
		if n := len(t.Rows); n < k.met {
			t.Caption += fmt.Sprintf(", %s listed", prose.Number(n))
		}
		out = append(out, t)
	}
	return out
}

func (r *Result) sourceTable() page.Table {
	t := page.Table{Caption: "What was checked", Head: page.Heads("Source", "Kind", "Revision", "Packages")}
	for _, s := range r.Sources {
		t.Rows = append(t.Rows, []page.Cell{{Text: s.Name}, {Text: s.Kind}, {Text: s.Revision}, {Text: prose.Number(s.Packages)}})
	}
	return t
}
