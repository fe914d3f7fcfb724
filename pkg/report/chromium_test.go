// SPDX-License-Identifier: Apache-2.0

//go:build e2ehtml

package report

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// chromium loads a page without a window and gives its document after the scripts
// ran. Whatever the page says on the console is an error, a refusal by its
// Content-Security-Policy for one.
func chromium(t *testing.T, page *Page, script string) string {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	path := filepath.Join(t.TempDir(), "page.html")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := page.write(f, script); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+t.TempDir(),
		"--enable-logging=stderr", "--virtual-time-budget=5000", "--dump-dom", "file://"+path)
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &log, 10*time.Second
	if err := cmd.Run(); err != nil {
		t.Fatalf("chromium: %v\n%s", err, &log)
	}
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "CONSOLE") {
			t.Errorf("console: %s", line)
		}
	}
	return out.String()
}

func answer(dom string) string {
	m := regexp.MustCompile(`(?s)data-answer="([^"]*)"`).FindStringSubmatch(dom)
	if m == nil {
		return "no answer"
	}
	return m[1]
}

// TestChromium sorts and filters in a real browser.
func TestChromium(t *testing.T) {
	const start = `
{
  const box = document.querySelector(".controls input[type=search]"), only = document.querySelector(".controls input[type=checkbox]");
  const rows = () => [...document.querySelectorAll("table.data")].flatMap(t => [...t.tBodies[0].rows]).filter(r => !r.hidden && !r.closest("[hidden]"));
  const names = n => rows().map(r => r.cells[n].textContent).join(" ");
  const say = s => document.documentElement.dataset.answer = s;
  const type = s => { box.value = s; box.dispatchEvent(new Event("input")); };
`
	small := &Page{Title: "t", Sections: []Section{{Title: "s", Tables: []Table{{
		Caption: "c", Head: Heads("Name", "Answer"),
		Rows: [][]Cell{
			{{Text: "m10"}, {Text: "fits", Mark: MarkOK}},
			{{Text: "m9"}, {Text: "misfits", Mark: MarkFail}},
			{{Text: "M2"}, {Text: "unknown", Mark: MarkUnknown}},
			{{Text: "m1"}, {Text: "fits", Mark: MarkOK}},
		},
	}}}}}
	for _, tt := range []struct{ name, script, want string }{
		{"as written", `say(names(0) + "; " + document.querySelector("output").textContent)`, "m10 m9 M2 m1; 4 rows"},
		{"sorted by name", `document.querySelectorAll("th button")[0].click(); say(names(0) + " " + document.querySelectorAll("th")[0].getAttribute("aria-sort"))`, "m1 M2 m9 m10 ascending"},
		{"backwards", `const b = document.querySelectorAll("th button")[0]; b.click(); b.click(); say(names(0))`, "m10 m9 M2 m1"},
		{"heaviest first", `document.querySelectorAll("th button")[1].click(); say(names(0))`, "m9 M2 m10 m1"},
		{"only what needs attention", `only.click(); say(names(0))`, "m9 M2"},
		{"filtered", `type("M1 FITS"); setTimeout(() => say(names(0) + "; " + document.querySelector("output").textContent), 500)`, "m10 m1; 2 of 4 rows"},
		{"nothing left", `type("x"); setTimeout(() => say(rows().length + " " + document.querySelector(".scroll").hidden), 500)`, "0 true"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := answer(chromium(t, small, pageJS+start+tt.script+"}")); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	t.Run("without scripts", func(t *testing.T) {
		if dom := chromium(t, small, "0"); strings.Contains(dom, "<button") || strings.Count(dom, "<tr") != 5 {
			t.Errorf("document\n%s", dom)
		}
	})
	for name, r := range map[string]*guard.Result{"as delivered": ruledResult(), "large": large()} {
		t.Run(name, func(t *testing.T) {
			if dom := chromium(t, newCheckPage(r, "1.0", false), pageJS); !strings.Contains(dom, `class="controls"`) {
				t.Error("the script did not run")
			}
		})
	}
	t.Run("large, filtered", func(t *testing.T) {
		script := start + `type("module_399"); setTimeout(() => say(String(rows().length)), 500)}`
		if got := answer(chromium(t, newCheckPage(large(), "1.0", false), pageJS+script)); got != "11" {
			t.Errorf("%s rows", got)
		}
	})
}
