// SPDX-License-Identifier: Apache-2.0

//go:build e2ehtml

// Package html opens the HTML reports in a headless Chromium.
//
//	go test -tags e2ehtml ./e2e/html
//
// Installs Debian's chromium and poppler-utils where they are missing and it may,
// and skips otherwise.
package html

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

var (
	program string // the binary under test
	missing string // why there is no browser
)

func TestMain(m *testing.M) {
	harness.Main(m, func(b *harness.Bench) error {
		program = b.Program
		_, err := harness.Script("../install.sh", "chromium=chromium", "pdftotext=poppler-utils")
		if harness.Unreachable(err) {
			missing = err.Error()
			return nil
		}
		return err
	})
}

// needs skips a test that lacks a program.
func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not here (%s)", program, missing)
	}
}

//go:embed probe.js
var probe string

var (
	pageScript = regexp.MustCompile(`(?s)<script>(.*)</script>`)
	scriptHash = regexp.MustCompile(`script-src &#39;\S*&#39;;`)
)

// asking is a page that runs a script behind its own, and the probe before it: its
// policy has the hash of all three.
func asking(t *testing.T, page, script string) string {
	t.Helper()
	own := pageScript.FindStringSubmatch(page)
	if own == nil {
		t.Fatal("the page has no script")
	}
	script = own[1] + "\n{\n" + probe + script + "\n}\n"
	sum := sha256.Sum256([]byte(script))
	hash := "script-src &#39;sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "&#39;;"
	page = pageScript.ReplaceAllLiteralString(page, "<script>"+script+"</script>")
	return scriptHash.ReplaceAllLiteralString(page, hash)
}

// without is a page without its script.
func without(page string) string { return pageScript.ReplaceAllLiteralString(page, "") }

// chromium loads a page without a window. Whatever the page says on the console is
// an error, a refusal by its Content-Security-Policy for one.
func chromium(t *testing.T, page string, flags ...string) string {
	t.Helper()
	needs(t, "chromium")
	dir := t.TempDir()
	path := filepath.Join(dir, "page.html")
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	flags = append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir=" + t.TempDir(),
		"--enable-logging=stderr", "--virtual-time-budget=5000"}, flags...)
	cmd := exec.CommandContext(t.Context(), "chromium", append(flags, "file://"+path)...)
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

// document is a page's document after its scripts ran.
func document(t *testing.T, page string, flags ...string) string {
	t.Helper()
	return chromium(t, page, append(flags, "--dump-dom")...)
}

var answer = regexp.MustCompile(`(?s)<html[^>]* data-answer="([^"]*)"`)

// ask has a script say something of a page.
func ask(t *testing.T, page, script string, into any, flags ...string) {
	t.Helper()
	m := answer.FindStringSubmatch(document(t, asking(t, page, script), flags...))
	if m == nil {
		t.Fatal("no answer")
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(m[1])), into); err != nil {
		t.Fatal(err)
	}
}

// narrow is what a page of some width has: its own width, and the results that are out
// of view.
type narrow struct {
	Window, Page float64
	Out          []string
}

// framed opens a page in a frame of so many pixels: headless, a window has at least 500.
func framed(t *testing.T, page string, width int) (got narrow) {
	t.Helper()
	wrapper := fmt.Sprintf(`<!DOCTYPE html><html><body><iframe width="%d" height="800" style="border: 0" srcdoc="%s"></iframe><script>
		const frame = document.querySelector("iframe");
		addEventListener("load", () => {
			const page = frame.contentDocument, window = frame.contentWindow.innerWidth;
			for (const d of page.querySelectorAll("details")) d.open = true;
			const out = [...page.querySelectorAll(".word, .badge")].filter(e => e.getBoundingClientRect().right > window).map(e => e.textContent);
			document.documentElement.dataset.answer = JSON.stringify({Window: window, Page: page.documentElement.scrollWidth, Out: out});
		});
		</script></body></html>`, width, html.EscapeString(page))
	m := answer.FindStringSubmatch(document(t, wrapper, "--hide-scrollbars"))
	if m == nil {
		t.Fatal("no answer")
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(m[1])), &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// printed is the text of a page on paper.
func printed(t *testing.T, page string) string {
	t.Helper()
	needs(t, "pdftotext")
	path := filepath.Join(t.TempDir(), "page.pdf")
	chromium(t, page, "--print-to-pdf="+path)
	out, err := exec.Command("pdftotext", "-layout", path, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// written is what the program writes of the incident; it exits with 1.
func written(t *testing.T, args ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(program, append(args, "--format", "html")...)
	cmd.Dir, cmd.Stderr = "../../testdata/incident", &stderr
	out, err := cmd.Output()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 1 {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	return string(out)
}
