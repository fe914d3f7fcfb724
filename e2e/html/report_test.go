// SPDX-License-Identifier: Apache-2.0

//go:build e2ehtml

package html

import (
	"slices"
	"strings"
	"testing"
)

// reports are what the program writes of the incident. The word to filter by is in
// some rows, the folded one is shown when asked for, and names are the first
// column of the table to sort.
var reports = []struct {
	name, word, folded string
	args               []string
	table              string // what its caption begins with
}{
	{"check", "misread", "failed to validate module [ipheth] BTF: -22", []string{"check", "--no-db", "5.15.12-1.3", "--against", "5.15.12-1.1"}, "5.15.12-1-default (x86_64): update: new modules"},
	{"audit", "extra-5.15.12-1.4", "Modules by verdict", []string{"audit", "--no-db", "5.15.12-1.3", "5.15.12-1.1", "broken"}, "What was checked"},
}

// TestReports are rendered and work, for all who read them.
func TestReports(t *testing.T) {
	for _, r := range reports {
		t.Run(r.name, func(t *testing.T) {
			page := written(t, r.args...)
			t.Run("as delivered", func(t *testing.T) {
				if dom := document(t, page); !strings.Contains(dom, `class="controls"`) {
					t.Error("its script did not run")
				}
			})
			t.Run("structure", func(t *testing.T) {
				var faults []string
				ask(t, page, `say(structure())`, &faults)
				for _, f := range faults {
					t.Error(f)
				}
			})
			t.Run("filter", func(t *testing.T) {
				var got struct {
					All, Shown, Wrong int
					Counted           string
				}
				ask(t, page, `
					const all = rows().length;
					type("`+r.word+`", () => ({
						All: all, Shown: rows().length, Counted: counted(),
						Wrong: tables.flatMap(t => [...t.tBodies[0].rows]).filter(r => r.hidden === r.textContent.includes("`+r.word+`")).length,
					}))`, &got)
				if got.Shown == 0 || got.Shown == got.All || got.Wrong > 0 {
					t.Errorf("%+v", got)
				}
			})
			t.Run("only what needs attention", func(t *testing.T) {
				var got struct{ All, Shown, Good int }
				ask(t, page, `
					const all = rows().length;
					only.click();
					say({All: all, Shown: rows().length, Good: rows().filter(r => !r.querySelector(".fail, .warn, .unknown")).length})`, &got)
				if got.Shown == 0 || got.Shown == got.All || got.Good > 0 {
					t.Errorf("%+v", got)
				}
			})
			t.Run("sort", func(t *testing.T) {
				var got struct {
					Before, Up, Down []string
					Sorts            []string
				}
				ask(t, page, `
					const t = tables.find(t => t.caption.textContent.startsWith("`+r.table+`"));
					const names = () => column([...t.tBodies[0].rows], 0), heads = [...t.tHead.rows[0].cells], sorts = [];
					const click = n => { heads[n].querySelector("button").click(); sorts.push(heads.map(th => th.ariaSort ?? "-").join(" ")); };
					const before = names();
					click(0);
					const up = names();
					click(0);
					const down = names();
					click(1);
					say({Before: before, Up: up, Down: down, Sorts: sorts})`, &got)
				want := slices.Sorted(slices.Values(got.Before))
				if slices.Equal(got.Before, want) || !slices.Equal(got.Up, want) {
					t.Errorf("%q became %q", got.Before, got.Up)
				}
				if slices.Reverse(want); !slices.Equal(got.Down, want) {
					t.Errorf("backwards, %q", got.Down)
				}
				rest := strings.Repeat(" -", strings.Count(got.Sorts[0], " ")-1)
				if want := []string{"ascending -" + rest, "descending -" + rest, "- ascending" + rest}; !slices.Equal(got.Sorts, want) {
					t.Errorf("aria-sort %q, want %q", got.Sorts, want)
				}
			})
			for name, scheme := range map[string]struct {
				flag string
				dark bool
			}{"light": {"1", false}, "dark": {"0", true}} {
				t.Run(name, func(t *testing.T) {
					var got struct {
						Texts                int
						Lowest, Badges, Page float64
						Faint                []string
					}
					ask(t, page, `say(contrasts())`, &got, "--blink-settings=preferredColorScheme="+scheme.flag)
					if (got.Page < 0.2) != scheme.dark {
						t.Errorf("the page has the luminance %.2f", got.Page)
					}
					for _, f := range got.Faint {
						t.Errorf("contrast %s", f)
					}
					if got.Texts < 100 || got.Badges == 0 {
						t.Errorf("%+v", got)
					}
					t.Logf("%d texts, contrast at least %.1f, of badges %.1f", got.Texts, got.Lowest, got.Badges)
				})
			}
			t.Run("400 pixels", func(t *testing.T) {
				got := framed(t, page, 400)
				if got.Window != 400 || got.Page > got.Window {
					t.Errorf("%+v", got)
				}
				for _, text := range got.Out {
					t.Errorf("out of view: %q", text)
				}
			})
			t.Run("without scripts", func(t *testing.T) {
				dom := document(t, without(page))
				if strings.Contains(dom, "<button") || strings.Count(dom, "<tr") != strings.Count(page, "<tr") {
					t.Errorf("document\n%s", dom)
				}
			})
			t.Run("print", func(t *testing.T) {
				for name, page := range map[string]string{"with scripts": page, "without": without(page)} {
					text := printed(t, page)
					if !strings.Contains(strings.Join(strings.Fields(text), " "), r.folded) {
						t.Errorf("%s, no %q in\n%s", name, r.folded, text)
					}
					if strings.Contains(text, "↕") || strings.Contains(text, "Filter rows") {
						t.Errorf("%s, there is something to click on", name)
					}
				}
			})
		})
	}
}
