// SPDX-License-Identifier: Apache-2.0

// Package findings holds what check, the post-build check and audit found, as one
// list that every format for machines and pages is written from: [Report.JUnit],
// [Report.SARIF], [Report.Lint] and [Report.Tables].
//
// Who asks makes the list once. What is OK is in it, too, since a report of
// tests names those that passed.
package findings

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/page"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// Report is all that is reported of one run.
type Report struct {
	Rules    []Rule // that findings may be of
	Findings []Finding
	Problems []guard.Problem // what could not be read or judged: never counted as good
	Notes    []string        // what a reader should know of the run
	Version  string          // of the program
	Exit     int             // status with which it ends
}

// Formats are those that [Report.Write] writes.
var Formats = []string{"lint", "junit", "sarif"}

// Write writes the report in a format; when is the time of the run.
func (r *Report) Write(w io.Writer, format string, when time.Time) error {
	switch format {
	case "lint":
		return r.Lint(w, 0)
	case "junit":
		return r.JUnit(w, when)
	case "sarif":
		return r.SARIF(w)
	}
	return fmt.Errorf("no format %q of findings", format)
}

// Rule is a kind of finding.
type Rule struct {
	Name     string // the word that people know it by, "rejected"
	Meaning  string // what it says of a module or package, without a full stop
	Remedy   string // what a packager can do; "" where nothing has to be done
	Severity guard.Severity
}

// ID is a rule's name among those of other programs: "btf-rejected".
func ID(name string) string {
	if strings.Contains(name, "btf") {
		return name
	}
	return "btf-" + name
}

// Finding is one answer: what is wrong with a module, a package or a kernel, or that
// nothing is. Its texts may come from anywhere; every format makes them printable.
type Finding struct {
	Rule     string         // name of one; "" of an answer that is none
	Severity guard.Severity // guard.OK where nothing is wrong
	Unknown  bool           // it is not known whether something is
	Ruling   *guard.Ruling  // who decided the severity, nil for the rule's own
	Own      guard.Severity // what it would be without

	Question Question
	Place    Place
	Message  string   // one line that says why; the place stands beside it
	Details  []string // lines: all that a reader may want
	// Same is what tells the finding from others of its rule and stays the same in the
	// next build: no version and no kernelrelease.
	Same []string
}

// Question is what the finding answers. Several may answer one.
type Question struct {
	Suite, Title string // of the suite of questions that it belongs to
	Class, Name  string
}

// Place is where a finding stands.
type Place struct {
	File    string // path, URL or place in OBS of a package or loose file
	Owner   string // the package as rpmlint names it, kernel-default.x86_64; or the file
	Package string // its name, version and architecture; "" for a loose file
	Path    string // of a file in the package, or of the loose file; "" for a package as a whole
	Name    string // of the module, package or kernel
	Kind    string // what that is, in SARIF's words: "module", "package"
	On      string // the kernel that it meets, "" without one
	Release string // kernelrelease, where nothing else says it
	Is      string // the place in words, where the above do not say it
}

// String is the place in words.
func (p Place) String() string {
	s := p.Is
	switch {
	case s != "":
	case p.Path != "":
		s = p.Path
	default:
		s = p.Package
	}
	if p.On != "" {
		s += " on " + p.On
	}
	return s
}

// qualified is the place so that no other has it.
func (p Place) qualified() string {
	switch {
	case p.Path == "":
		return p.Package
	case p.Package == "":
		return p.Path
	}
	return p.Package + ":" + p.Path
}

// Said is the place and why, in one line.
func (f *Finding) Said() string {
	if f.Message == "" {
		return f.Place.String()
	}
	return f.Place.String() + ": " + f.Message
}

// line is Said behind the rule's name.
func (f *Finding) line() string {
	if f.Rule == "" {
		return f.Said()
	}
	return f.Rule + ": " + f.Said()
}

// lighter reports whether somebody decided that it weighs less than by itself.
func (f *Finding) lighter() bool { return f.Ruling != nil && weight(f.Severity) < weight(f.Own) }

// ruled says who decided otherwise than the rule.
func (f *Finding) ruled() []string {
	if f.Ruling == nil {
		return nil
	}
	return []string{"by " + f.Ruling.Where + ": " + f.Ruling.Reason}
}

// details are the lines below a finding.
func (f *Finding) details() []string { return slices.Concat(f.Details, f.ruled()) }

// weight orders severities.
func weight(s guard.Severity) int { return slices.Index(guard.Severities, s) }

// Unreadable is the rule of what could not be read or judged.
var Unreadable = Rule{
	Name: "unreadable", Meaning: "it could not be read or checked", Severity: guard.Fail,
	Remedy: "It is not counted as good: give the file that is missing, or mend the one that is broken.",
}

// mostOpen is how many rows a table of a page may have before it is folded.
const mostOpen = 100

// Tables lists the findings on a page, a table for each suite of questions, without
// those that are well unless all is set.
func (r *Report) Tables(all bool) (out []page.Table) {
	meanings := map[string]string{}
	for _, rule := range r.Rules {
		meanings[rule.Name] = rule.Meaning
	}
	for rest := r.Findings; len(rest) > 0; {
		of := rest[0].Question
		n := slices.IndexFunc(rest, func(f Finding) bool { return f.Question.Suite != of.Suite || f.Question.Title != of.Title })
		if n < 0 {
			n = len(rest)
		}
		t := page.Table{Head: page.Heads("Name", "Finding", "Why", "File", "Package", "Kernelrelease")}
		for i := range rest[:n] {
			if f := &rest[i]; f.Rule != "" && (f.Severity != guard.OK || f.Ruling != nil || all) {
				t.Rows = append(t.Rows, f.row(meanings[f.Rule]))
			}
		}
		t.Caption = fmt.Sprintf("%s: %s (%s of %s listed)", of.Suite, of.Title, prose.Number(len(t.Rows)), prose.Number(n))
		shareFolder(&t)
		sharePackage(&t)
		t.DropEmpty()
		t.Fold = len(t.Rows) > mostOpen
		out, rest = append(out, t), rest[n:]
	}
	return out
}

// The columns of a table of findings.
const (
	fileColumn    = 3
	packageColumn = 4
)

// shareFolder leaves out of paths the folder that all of a table are in, and says it in
// the head.
func shareFolder(t *page.Table) {
	if len(t.Rows) < 2 {
		return
	}
	folder := t.Rows[0][fileColumn].Text
	for _, row := range t.Rows {
		for !strings.HasPrefix(row[fileColumn].Text, folder) || !strings.HasSuffix(folder, "/") {
			folder = strings.TrimSuffix(folder, "/")
			folder = folder[:strings.LastIndexByte(folder, '/')+1]
			if folder == "" || folder == "/" {
				return
			}
		}
	}
	t.Head[fileColumn].Sub = "below " + folder
	for _, row := range t.Rows {
		row[fileColumn].Text = strings.TrimPrefix(row[fileColumn].Text, folder)
	}
}

// sharePackage says in the caption which package all rows of a table are of.
func sharePackage(t *page.Table) {
	if len(t.Rows) < 2 || t.Rows[0][packageColumn].Text == "" {
		return
	}
	name := t.Rows[0][packageColumn].Text
	if slices.ContainsFunc(t.Rows, func(row []page.Cell) bool { return row[packageColumn].Text != name }) {
		return
	}
	t.Caption += ", all of " + name
	for _, row := range t.Rows {
		row[packageColumn].Text = ""
	}
}

func (f *Finding) row(meaning string) []page.Cell {
	word := page.Cell{Text: f.Rule + ", " + string(f.Severity), Mark: Marks[f.Severity]}
	why := page.Cell{Text: meaning, More: f.details()}
	if len(why.More) == 0 && f.Message != "" {
		why.More = []string{f.Message}
	}
	name := cmp.Or(f.Place.Is, f.Place.Name)
	return []page.Cell{{Text: name}, word, why, {Text: f.Place.Path}, {Text: f.Place.Package}, {Text: f.Place.Release}}
}

// ProblemsTable lists on a page what could not be read or checked.
func (r *Report) ProblemsTable() page.Table {
	t := page.Table{Caption: "What could not be read or checked", Head: page.Heads("File", "Result", "Why")}
	for _, p := range r.Problems {
		t.Rows = append(t.Rows, []page.Cell{{Text: p.Path}, {Text: "error", Mark: page.Fail}, {Text: p.Err.Error()}})
	}
	return t
}

// Marks are the severities as a page marks them.
var Marks = map[guard.Severity]page.Mark{guard.OK: page.OK, guard.Warn: page.Warn, guard.Rebuild: page.Warn, guard.Fail: page.Fail}
