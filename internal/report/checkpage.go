// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// mostOpen is how many rows a table of the page may have before it is folded.
const mostOpen = 100

// HTML writes the result as one HTML file. Modules with which all is well are
// counted and, unless verbose, not listed.
func HTML(w io.Writer, r *guard.Result, version string, verbose bool) error {
	return newCheckPage(r, version, verbose).Write(w)
}

func newCheckPage(r *guard.Result, version string, verbose bool) *Page {
	page := &Page{Title: "Kernel modules and the BTF they meet", Tool: "obs-btf-guard " + version + ", check"}
	page.Mark, page.Word = severityMarks[r.Worst()], strings.ToUpper(string(r.Worst()))
	if len(r.Problems) > 0 {
		page.Mark, page.Word = MarkFail, "INCOMPLETE"
		page.Lead = append(page.Lead, several(len(r.Problems), "thing")+" could not be read or judged, see below: what is well is not known to be all.")
	}
	counts := map[guard.Severity]int{}
	for _, f := range r.Findings {
		counts[f.Worst()]++
	}
	lead := several(r.Modules(), "module") + " in " + several(len(r.Findings), "judgement") + ":"
	for _, s := range guard.Severities {
		if counts[s] > 0 || s == guard.OK {
			lead += " " + number(counts[s]) + " " + string(s) + ","
		}
	}
	page.Lead = append(page.Lead, strings.TrimSuffix(lead, ",")+".")
	all := groups(r.Findings)
	page.Add(Section{Title: "Summary", Tables: []Table{summaryTable(all)}})
	page.Add(Section{Title: "Not read or not judged", Tables: []Table{problemsTable(r.Problems)}})
	page.Add(Section{Title: "Kernels without usable BTF", Tables: []Table{refusalsTable(r.Refusals)}})
	page.Add(Section{Title: "Modules", Tables: findingTables(all, verbose)})
	page.Add(Section{Title: "Dependencies of the packages", Tables: []Table{labelsTable(r.Labels)}})
	page.Add(Section{Title: "What changed in the bases", Text: changeTexts(r.Changes)})
	page.Add(Section{Title: "What to do", Text: (&text{}).advice(r, all)})
	page.Add(Section{Title: "Kernels", Text: conflicts(r.Bases), Tables: []Table{basesTable(r.Bases)}})
	return page
}

var severityMarks = map[guard.Severity]Mark{guard.OK: MarkOK, guard.Warn: MarkWarn, guard.Rebuild: MarkWarn, guard.Fail: MarkFail}

func severityCell(s guard.Severity) Cell {
	return Cell{Text: string(s), Mark: severityMarks[s]}
}

// oneLine is the title in one line: "build: modules on their own vmlinux".
func (g group) oneLine() string {
	words := strings.Fields(g.title())
	if words[0] == string(g[0].Pairing) {
		words[0] += ":"
	}
	return strings.Join(words, " ")
}

func summaryTable(all []group) Table {
	t := Table{Caption: "Which modules on which vmlinux", Head: Heads("Kernel", "Judged", "Result", "Verdicts")}
	for _, g := range all {
		t.Rows = append(t.Rows, []Cell{{Text: g.kernel()}, {Text: g.oneLine()}, severityCell(g.worst()), {Text: g.counts()}})
	}
	return t
}

func problemsTable(list []guard.Problem) Table {
	t := Table{Caption: "What could not be read or judged", Head: Heads("File", "Result", "Why")}
	for _, p := range list {
		t.Rows = append(t.Rows, []Cell{{Text: p.Path}, {Text: "error", Mark: MarkFail}, {Text: p.Err.Error()}})
	}
	return t
}

func findingTables(all []group, verbose bool) []Table {
	var out []Table
	for _, g := range all {
		t := Table{Head: Heads("Module", "Verdict", "Package", "File", "Why")}
		for _, p := range g.parts() {
			for _, f := range p {
				if f.Worst() == guard.OK && p.ruling() == nil && !verbose {
					continue
				}
				t.Rows = append(t.Rows, findingRow(f))
			}
		}
		t.Fold = len(t.Rows) > mostOpen
		t.Caption = fmt.Sprintf("%s: %s (%s of %s listed)", g.kernel(), g.oneLine(), number(len(t.Rows)), number(len(g)))
		out = append(out, t)
	}
	return out
}

func findingRow(f guard.Finding) []Cell {
	verdict := Cell{Text: string(f.Verdict) + ", " + string(f.Worst()), Mark: severityMarks[f.Worst()]}
	pkg := "loose file"
	if f.Module.Package != nil {
		pkg = f.Module.Package.NEVRA
	}
	why := Cell{Text: meanings[f.Verdict], More: details(f)}
	return []Cell{{Text: f.Module.Name}, verdict, {Text: pkg}, {Text: f.Module.Path}, why}
}

func labelsTable(labels []guard.Label) Table {
	t := Table{Caption: "Packages whose kernel-btf(...) dependencies are not what their content calls for", Head: Heads("Package", "Verdict", "Why")}
	for _, l := range labels {
		verdict := Cell{Text: string(l.Verdict) + ", " + string(l.Severity), Mark: severityMarks[l.Severity]}
		t.Rows = append(t.Rows, []Cell{{Text: l.Package.NEVRA}, verdict, {Text: strings.Join(append(slices.Clone(l.Reasons), ruled(l.Ruling)...), "; ")}})
	}
	return t
}

func changeTexts(changes []guard.Change) []string {
	var out []string
	for _, c := range changes {
		out = append(out, fmt.Sprintf("%s (%s), %s", c.To.Release, c.To.Arch, change(c)))
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

func basesTable(bases []*guard.Base) Table {
	t := Table{Caption: "Every vmlinux that was read", Head: Heads("Kernel", "Architecture", "Found in", "Base", "Types")}
	for _, b := range bases {
		base, types := "no BTF", ""
		if !b.Fingerprint.Base.IsZero() {
			base, types = b.Fingerprint.Base.Short(), number(count(b))
		}
		t.Rows = append(t.Rows, []Cell{{Text: b.Release}, {Text: b.Arch}, {Text: b.Label()}, {Text: base}, {Text: types}})
	}
	return t
}
