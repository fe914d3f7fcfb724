// SPDX-License-Identifier: Apache-2.0

package page

import (
	"html"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestPolicy allows the page's own style and script by their hashes, which
// have to be those of what was written.
func TestPolicy(t *testing.T) {
	var out strings.Builder
	if err := (&Page{Title: "A page", Sections: []Section{{Title: "A table", Tables: []Table{{Caption: "of one row", Head: Heads("Name"), Rows: [][]Cell{{{Text: "x"}}}}}}}}).Write(&out); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	policy := html.UnescapeString(regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page)[1])
	for _, part := range []string{"style", "script"} {
		_, rest, _ := strings.Cut(page, "<"+part+">")
		text, _, ok := strings.Cut(rest, "</"+part+">")
		if want := part + "-src " + sourceHash(text) + ";"; !ok || !strings.Contains(policy, want) {
			t.Errorf("no %q in %q", want, policy)
		}
	}
	if !strings.HasPrefix(policy, "default-src 'none';") {
		t.Errorf("policy %q", policy)
	}
}

// TestLong has each row of a long table once, in parts with one head, and little more
// than what the rows hold.
func TestLong(t *testing.T) {
	table := Table{Caption: "of many rows", Head: Heads("Name", "Finding", "File")}
	held := 0
	for i := range 8000 {
		row := []Cell{{Text: "module" + strconv.Itoa(i) + "x"}, {Text: "misread, fail", Mark: Fail}, {Text: "kernel/drivers/hid/module.ko.xz"}}
		for _, c := range row {
			held += len(c.Text)
		}
		table.Rows = append(table.Rows, row)
	}
	var out strings.Builder
	if err := (&Page{Title: "A page", Sections: []Section{{Title: "A table", Tables: []Table{table}}}}).Write(&out); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	for i, m := range regexp.MustCompile(`module(\d+)x`).FindAllStringSubmatch(page, -1) {
		if m[1] != strconv.Itoa(i) || i >= len(table.Rows) {
			t.Fatalf("row %d is %s", i, m[0])
		}
	}
	if n := strings.Count(page, "<tr"); n != len(table.Rows)+8000/chunkRows {
		t.Errorf("%d rows", n)
	}
	if parts := strings.Count(page, "<thead>"); parts != 8000/chunkRows {
		t.Errorf("%d parts", parts)
	}
	if most := 4 * held; len(page) > most {
		t.Errorf("%d bytes, of which %d are texts", len(page), held)
	}
	widths := 0
	for _, w := range table.Widths() {
		widths += w
	}
	if widths > shares || widths < shares-len(table.Head) {
		t.Errorf("widths %v", table.Widths())
	}
}

// TestDropEmpty leaves out columns in which nothing stands.
func TestDropEmpty(t *testing.T) {
	table := Table{Head: Heads("Name", "Package", "Why"), Rows: [][]Cell{{{Text: "a"}, {}, {}}, {{Text: "b"}, {}, {Text: "so"}}}}
	table.DropEmpty()
	if len(table.Head) != 2 || table.Head[1].Text != "Why" || len(table.Rows[0]) != 2 || table.Rows[1][1].Text != "so" {
		t.Errorf("%+v", table)
	}
}
