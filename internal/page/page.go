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

// chunkRows is how many rows a browser lays out at once: of a table with more, what is
// out of view waits until it is scrolled to.
const chunkRows = 200

// Chunks are the rows in parts, each with the number of its first row. Without a script
// they are tables below each other.
func (t Table) Chunks() [][][]Cell {
	if t.Grid {
		return [][][]Cell{t.Rows}
	}
	return slices.Collect(slices.Chunk(t.Rows, chunkRows))
}

// Long reports whether a table has several parts, which need columns of one width.
func (t Table) Long() bool { return len(t.Rows) > chunkRows && !t.Grid }

// shares is how many parts the width of a long table has.
const shares = 24

// Widths are the shares of the columns of a long table, by the longest texts in them.
func (t Table) Widths() []int {
	const most = 60 // columns of a text that wraps
	longest, sum := make([]int, len(t.Head)), 0
	for i, h := range t.Head {
		longest[i] = len(h.Text) + 2
		for _, row := range t.Rows {
			longest[i] = max(longest[i], min(len(row[i].Text), most))
		}
		longest[i] += 2 // for the space beside it
		sum += longest[i]
	}
	for i := range longest {
		longest[i] = max(1, longest[i]*shares/max(1, sum))
	}
	return longest
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

// Label is the heading of a cell where a screen is too narrow for columns. Texts that
// say themselves what they are need none: paths, packages, sentences, and marked ones.
func (t Table) Label(column int, c Cell) string {
	if t.Grid && c.Text != "" {
		return t.Head[column].Text
	}
	if c.Mark != "" || c.More != nil || c.Text == "" || len(c.Text) > mostBare || strings.Contains(c.Text, "/") {
		return ""
	}
	return t.Head[column].Text
}

// mostBare is how long a text is that needs a label, in bytes.
const mostBare = 24

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
