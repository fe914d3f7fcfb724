// SPDX-License-Identifier: Apache-2.0

//go:build e2ehtml

package html

import (
	"fmt"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/page"
)

func pageOf(t *testing.T, table page.Table) string {
	t.Helper()
	var b strings.Builder
	page := &page.Page{Title: "t", Sections: []page.Section{{Title: "s", Tables: []page.Table{table}}}}
	if err := page.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestTable sorts and filters.
func TestTable(t *testing.T) {
	page := pageOf(t, page.Table{
		Caption: "c", Head: page.Heads("Name", "Answer"),
		Rows: [][]page.Cell{
			{{Text: "m10"}, {Text: "fits", Mark: page.OK}},
			{{Text: "m9"}, {Text: "misfits", Mark: page.Fail}},
			{{Text: "M2"}, {Text: "unknown", Mark: page.Unknown}},
			{{Text: "m1"}, {Text: "fits", Mark: page.OK}},
		},
	})
	const names = `column(rows(), 0).join(" ")`
	for _, tt := range []struct{ name, script, want string }{
		{"as written", `say(` + names + ` + "; " + counted())`, "m10 m9 M2 m1; 4 rows"},
		{"sorted by name", `document.querySelectorAll("th button")[0].click(); say(` + names + ` + " " + document.querySelectorAll("th")[0].getAttribute("aria-sort"))`, "m1 M2 m9 m10 ascending"},
		{"backwards", `const b = document.querySelectorAll("th button")[0]; b.click(); b.click(); say(` + names + `)`, "m10 m9 M2 m1"},
		{"heaviest first", `document.querySelectorAll("th button")[1].click(); say(` + names + `)`, "m9 M2 m10 m1"},
		{"only what needs attention", `only.click(); say(` + names + `)`, "m9 M2"},
		{"filtered", `type("M1 FITS", () => ` + names + ` + "; " + counted())`, "m10 m1; 2 of 4 rows"},
		{"nothing left", `type("x", () => rows().length + " " + document.querySelector(".scroll").hidden)`, "0 true"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got string
			if ask(t, page, tt.script, &got); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// large is a table of as many modules as a kernel and its rebuild have.
func large(fold bool) page.Table {
	table := page.Table{Caption: "c", Fold: fold, Head: page.Heads("Module", "Verdict", "Why")}
	for i := range 8000 {
		table.Rows = append(table.Rows, []page.Cell{
			{Text: fmt.Sprintf("module_%d", i)}, {Text: "rejected, fail", Mark: page.Fail},
			{Text: "the kernel refuses its BTF", More: []string{"| BPF:[554] Invalid name_offset:8078"}},
		})
	}
	return table
}

// TestLarge filters and sorts thousands of rows, folded or not, and lays out those in
// view only. Without scripts all of them are there.
func TestLarge(t *testing.T) {
	for name, fold := range map[string]bool{"folded": true, "open": false} {
		t.Run(name, func(t *testing.T) {
			page := pageOf(t, large(fold))
			var found int
			if ask(t, page, `type("module_799", () => rows().length)`, &found); found != 11 {
				t.Errorf("%d rows", found)
			}
			var got struct {
				First, Last, Counted string
				Skipped, Parts       int
				Widths               []int
			}
			ask(t, page, `
				unfold();
				document.querySelectorAll("th button")[0].click();
				document.querySelectorAll("th button")[0].click();
				const names = column(rows(), 0), parts = [...document.querySelectorAll(".chunk")];
				say({
					First: names[0], Last: names.at(-1), Counted: counted(), Parts: parts.length,
					Skipped: parts.filter(p => !p.querySelector("td").checkVisibility({contentVisibilityAuto: true})).length,
					Widths: [...new Set(parts.slice(0, 3).map(p => Math.round(p.querySelector("thead th").getBoundingClientRect().width)))],
				})`, &got)
			if got.First != "module_7999" || got.Last != "module_0" || got.Counted != "8,000 rows" {
				t.Errorf("sorted: %+v", got)
			}
			if got.Parts < 20 || got.Skipped < got.Parts/2 {
				t.Errorf("%d of %d parts are not laid out", got.Skipped, got.Parts)
			}
			if len(got.Widths) != 1 {
				t.Errorf("columns of the parts are %v pixels wide", got.Widths)
			}
			dom := document(t, without(page))
			for i := range 8000 {
				if !strings.Contains(dom, fmt.Sprintf("module_%d<", i)) {
					t.Fatalf("without scripts, module_%d is not there", i)
				}
			}
		})
	}
}
