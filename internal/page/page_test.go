// SPDX-License-Identifier: Apache-2.0

package page

import (
	"html"
	"regexp"
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

// TestDropEmpty leaves out columns in which nothing stands.
func TestDropEmpty(t *testing.T) {
	table := Table{Head: Heads("Name", "Package", "Why"), Rows: [][]Cell{{{Text: "a"}, {}, {}}, {{Text: "b"}, {}, {Text: "so"}}}}
	table.DropEmpty()
	if len(table.Head) != 2 || table.Head[1].Text != "Why" || len(table.Rows[0]) != 2 || table.Rows[1][1].Text != "so" {
		t.Errorf("%+v", table)
	}
}
