// SPDX-License-Identifier: Apache-2.0

// Package page writes a report as one HTML file: headings, tables, a timeline.
package page

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
)

// Page is a report as one HTML file that needs nothing else: tables that can be
// read without scripts, and a script that filters and sorts them. Its texts may
// come from anywhere; they are made printable and escaped.
type Page struct {
	Title    string
	Mark     Mark     // of the whole
	Word     string   // beside the mark
	Lead     []string // paragraphs below the title
	Sections []Section
	Tool     string // who wrote it
}

// Add appends a section, unless it has nothing to say; tables without rows are left out.
func (p *Page) Add(s Section) {
	s.Tables = slices.DeleteFunc(s.Tables, func(t Table) bool { return len(t.Rows) == 0 })
	if len(s.Tables)+len(s.Text)+len(s.Steps) > 0 {
		p.Sections = append(p.Sections, s)
	}
}

// Section is a part of a page with a heading.
type Section struct {
	Title  string
	Text   []string // paragraphs
	Steps  []Step   // a timeline, oldest first
	Tables []Table
}

// Step is an event of a timeline.
type Step struct {
	When string
	Mark Mark
	Word string
	Text string
}

// Table has a caption and a head; the first cell of each row is its heading.
type Table struct {
	Caption string
	Fold    bool // shown when asked for
	Grid    bool // a matrix, whose columns are alike
	Head    []Head
	Rows    [][]Cell
}

// DropEmpty leaves out the columns in which no row has anything.
func (t *Table) DropEmpty() {
	for i := len(t.Head) - 1; i >= 0; i-- {
		if slices.ContainsFunc(t.Rows, func(row []Cell) bool { return row[i].Text != "" }) {
			continue
		}
		t.Head = slices.Delete(t.Head, i, i+1)
		for n, row := range t.Rows {
			t.Rows[n] = slices.Delete(row, i, i+1)
		}
	}
}

// Head is the heading of a column, with a second line if there is one.
type Head struct{ Text, Sub string }

// Cell is what a table holds in one place.
type Cell struct {
	Text string
	Mark Mark
	More []string // lines below the text, shown when asked for
}

// Mark is how good something is, for its color; words have to say it as well.
type Mark string

// The marks.
const (
	OK      Mark = "ok"
	Unknown Mark = "unknown"
	Warn    Mark = "warn"
	Fail    Mark = "fail"
)

var marks = []Mark{"", OK, Unknown, Warn, Fail}

// Sort orders marked cells, heaviest first; others by their text.
func (c Cell) Sort() string {
	if c.Mark == "" {
		return ""
	}
	return strconv.Itoa(len(marks)-slices.Index(marks, c.Mark)) + " " + prose.Printable(c.Text)
}

// Class is the cell's class in the style sheet.
func (c Cell) Class() string {
	if c.More != nil || c.Mark == "" && len(c.Text) > 40 { // room for a sentence or a path
		return strings.TrimSpace(string(c.Mark) + " wide")
	}
	return string(c.Mark)
}

// attention reports whether a row is not simply well.
func attention(row []Cell) bool {
	return slices.ContainsFunc(row, func(c Cell) bool { return c.Mark != "" && c.Mark != OK })
}

var (
	//go:embed page.html.tmpl
	pageTemplate string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string

	pageParsed = template.Must(template.New("page").Funcs(template.FuncMap{"p": prose.Printable, "attention": attention}).Parse(pageTemplate))
)

// Write writes the page. Its policy lets a browser run the page's own script and
// nothing else, and load nothing.
func (p *Page) Write(w io.Writer) error {
	b := bufio.NewWriter(w)
	err := pageParsed.Execute(b, struct {
		*Page
		CSS    template.CSS
		JS     template.JS
		Policy string
	}{p, template.CSS(pageCSS), template.JS(pageJS),
		"default-src 'none'; style-src " + sourceHash(pageCSS) + "; script-src " + sourceHash(pageJS) + "; base-uri 'none'; form-action 'none'"})
	if err != nil {
		return err
	}
	return b.Flush()
}

// sourceHash is an inline part as Content-Security-Policy names it.
func sourceHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Heads are headings without a second line.
func Heads(texts ...string) []Head {
	var out []Head
	for _, s := range texts {
		out = append(out, Head{Text: s})
	}
	return out
}
