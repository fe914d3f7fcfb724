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

// TestLarge filters thousands of rows that are folded.
func TestLarge(t *testing.T) {
	table := page.Table{Caption: "c", Fold: true, Head: page.Heads("Module", "Verdict", "Why")}
	for i := range 4000 {
		table.Rows = append(table.Rows, []page.Cell{
			{Text: fmt.Sprintf("module_%d", i)}, {Text: "rejected, fail", Mark: page.Fail},
			{Text: "the kernel refuses its BTF", More: []string{"| BPF:[554] Invalid name_offset:8078"}},
		})
	}
	var got int
	if ask(t, pageOf(t, table), `type("module_399", () => rows().length)`, &got); got != 11 {
		t.Errorf("%d rows", got)
	}
}
