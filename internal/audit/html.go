// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// HTML writes the result as one HTML file: what needs attention, the matrix as a
// heat map, how bases changed, and each kernel with the packages that meet it.
func (r *Result) HTML(w io.Writer, version string, failOn []guard.Verdict) error {
	page := &report.Page{Title: "Which modules fit which kernels", Mark: report.MarkOK, Word: "OK", Tool: "obs-btf-guard " + version + ", audit"}
	switch r.outcome(failOn) {
	case noted:
		page.Mark, page.Word = report.MarkWarn, "NOTE"
	case unknown:
		page.Mark, page.Word = report.MarkUnknown, "UNKNOWN"
	case failed:
		page.Mark, page.Word = report.MarkFail, "FAIL"
	}
	if r.Exit(failOn) == 2 {
		page.Word = "INCOMPLETE"
		page.Lead = append(page.Lead, "Not all could be read, see below: what is well is not known to be all.")
	}
	if counts := r.counts(); len(counts) > 0 {
		page.Lead = append(page.Lead, strings.Join(counts, ", ")+".")
	}
	page.Lead = append(page.Lead, r.Notes...)
	page.Lead = append(page.Lead, fmt.Sprintf("%s of %s, %s with modules.",
		number(len(r.Kernels), "kernel"), number(r.releases(), "kernelrelease"), number(len(r.Modules), "package")))
	for _, s := range []report.Section{
		{Title: "Not read", Tables: []report.Table{r.problemTable()}},
		r.findingSection(failOn),
		r.matrixSection(),
		r.timeline(),
		{Title: "Kernels", Tables: append([]report.Table{r.kernelTable()}, r.drillDown()...)},
		{Title: "Sources", Tables: []report.Table{r.sourceTable()}},
	} {
		page.Add(s)
	}
	return page.Write(w)
}

func (r *Result) problemTable() report.Table {
	t := report.Table{Caption: "What could not be read", Head: report.Heads("File", "Result", "Why")}
	for _, p := range r.Problems {
		t.Rows = append(t.Rows, []report.Cell{{Text: p.Path}, {Text: "error", Mark: report.MarkFail}, {Text: p.Err.Error()}})
	}
	return t
}

func (r *Result) findingSection(failOn []guard.Verdict) report.Section {
	s := report.Section{Title: "What needs attention"}
	t := report.Table{Caption: "Findings, heaviest first", Head: report.Heads("Package or kernel", "Kind", "Kernelrelease", "Architecture", "Why")}
	seen := map[guard.Verdict]bool{}
	for _, f := range r.Findings {
		if !seen[f.Kind] {
			seen[f.Kind] = true
			s.Text = append(s.Text, string(f.Kind)+": "+explanations[f.Kind].String()+".")
		}
		name := f.Release
		if f.Package != nil {
			name = f.Package.NEVRA
		}
		kind := report.Cell{Text: string(f.Kind) + ", note", Mark: report.MarkWarn}
		if slices.Contains(failOn, f.Kind) {
			kind = report.Cell{Text: string(f.Kind) + ", fail", Mark: report.MarkFail}
		}
		t.Rows = append(t.Rows, []report.Cell{{Text: name}, kind, {Text: f.Release}, {Text: f.Arch}, {Text: strings.Join(f.Reasons, "; ")}})
	}
	s.Tables = []report.Table{t}
	return s
}

// cell is a cell of the matrix, in words and color.
func (c Cell) cell() report.Cell {
	text := map[guard.Verdict]string{guard.Fits: "fits", guard.Misfits: "does not fit", guard.Undecided: "unknown"}[c.Fit]
	mark := map[guard.Verdict]report.Mark{guard.Fits: report.MarkOK, guard.Misfits: report.MarkFail, guard.Undecided: report.MarkUnknown}[c.Fit]
	if c.Fit != guard.Fits && len(c.Counts) > 0 {
		text += ": " + c.Counts.String()
	}
	if c.Kernel.Package == c.Modules {
		text += " (its own)"
	}
	return report.Cell{Text: text, Mark: mark}
}

// mostCells is how large a matrix a browser is given.
const mostCells = 60_000

// matrixSection has a table for each architecture and flavor: packages of modules
// down, kernels across, older ones first.
func (r *Result) matrixSection() report.Section {
	type of struct{ arch, flavor string }
	s := report.Section{Title: "Modules and the kernels they meet"}
	var order []of
	rows := map[of][]*row{}
	for _, w := range r.rows() {
		k := of{w.modules.arch(), w.flavor}
		if rows[k] == nil {
			order = append(order, k)
		}
		rows[k] = append(rows[k], w)
	}
	dashes := false
	for _, k := range order {
		t := report.Table{Caption: fmt.Sprintf("Packages with modules (down) and kernels (across), flavor %s, %s", k.flavor, k.arch), Grid: true, Head: report.Heads("Package with modules")}
		var kernels []*Kernel
		for _, kernel := range r.Kernels {
			if k == (of{kernel.Package.arch(), kernel.Flavor}) {
				kernels = append(kernels, kernel)
				t.Head = append(t.Head, report.Head{Text: kernel.Package.NEVRA, Sub: kernel.Release + ", base " + kernel.Short()})
			}
		}
		if len(kernels)*len(rows[k]) > mostCells {
			s.Text = append(s.Text, fmt.Sprintf("Flavor %s, %s: too many for a matrix, %s and %s; below, each kernel lists those that it meets.",
				k.flavor, k.arch, number(len(rows[k]), "package"), number(len(kernels), "kernel")))
			continue
		}
		for _, w := range rows[k] {
			cells := map[*Kernel]report.Cell{}
			for _, c := range w.cells {
				cells[c.Kernel] = c.cell()
			}
			line := []report.Cell{{Text: w.modules.NEVRA}}
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
	if dashes {
		s.Text = append(s.Text, "Where there is a dash, the two never meet: the modules are for another kernelrelease, or for another repository of the project.")
	}
	return s
}

// timeline has the builds of each kernelrelease, oldest first.
func (r *Result) timeline() report.Section {
	s := report.Section{Title: "Built again"}
	for _, b := range r.Changes {
		step := report.Step{When: day(b.To.Package.Built), Mark: report.MarkOK, Word: "same base"}
		bases := b.To.Short()
		if b.Changed() {
			step.Mark, step.Word = report.MarkWarn, "base changed"
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
func (r *Result) kernelTable() report.Table {
	t := report.Table{Caption: "Every kernel", Head: report.Heads("Package", "Kernelrelease", "Architecture", "Base", "Known by", "Built", "Packages that fit")}
	fits, all := map[*Kernel]int{}, map[*Kernel]int{}
	for _, c := range r.Cells {
		all[c.Kernel]++
		if c.Fit == guard.Fits {
			fits[c.Kernel]++
		}
	}
	for _, k := range r.Kernels {
		met := report.Cell{Text: fmt.Sprintf("%d of %d", fits[k], all[k]), Mark: report.MarkOK}
		switch {
		case all[k] == 0:
			met = report.Cell{Text: "meets none"}
		case fits[k] < all[k]:
			met.Mark = report.MarkWarn
		}
		by := string(k.Known)
		if k.Known == guard.Unknown {
			by = "not known"
		}
		t.Rows = append(t.Rows, []report.Cell{{Text: k.Package.NEVRA}, {Text: k.Release}, {Text: k.Package.Arch}, {Text: k.Short()}, {Text: by}, {Text: day(k.Package.Built)}, met})
	}
	return t
}

// drillDown has a folded table for each kernel, with the packages that meet it.
func (r *Result) drillDown() []report.Table {
	rows := map[*Kernel][][]report.Cell{}
	for _, c := range r.Cells {
		by := string(c.By)
		if c.By == guard.Unknown {
			by = "not known"
		}
		rows[c.Kernel] = append(rows[c.Kernel], []report.Cell{{Text: c.Modules.NEVRA}, c.cell(), {Text: by}, {Text: c.Counts.String()}})
	}
	var out []report.Table
	for _, k := range r.Kernels {
		out = append(out, report.Table{
			Caption: fmt.Sprintf("%s (%s), base %s: %s with modules", k.Package.NEVRA, k.Release, k.Short(), number(len(rows[k]), "package")),
			Fold:    true, Head: report.Heads("Package with modules", "Answer", "Known by", "Modules by verdict"), Rows: rows[k],
		})
	}
	return out
}

func (r *Result) sourceTable() report.Table {
	t := report.Table{Caption: "What was looked over", Head: report.Heads("Source", "Kind", "Revision", "Packages")}
	for _, s := range r.Sources {
		t.Rows = append(t.Rows, []report.Cell{{Text: s.Name}, {Text: s.Kind}, {Text: s.Revision}, {Text: fmt.Sprint(s.Packages)}})
	}
	return t
}
