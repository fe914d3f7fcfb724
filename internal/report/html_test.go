// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

func checkPage(t *testing.T, r *guard.Result, verbose bool) string {
	t.Helper()
	var out bytes.Buffer
	if err := HTML(&out, r, "1.0", verbose); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestHTML lists what is not ok, and has the structure that readers without eyes
// or scripts need.
func TestHTML(t *testing.T) {
	page := checkPage(t, ruledResult(), false)
	for _, want := range []string{
		">FAIL<", "The result is incomplete", "misread, fail", "misread, ok", "btf-lost, warn", "| BPF: Invalid name_offset:1", "cut short",
		`second\x1b[2J`, `names\x1b another base`, "by btf-guard.conf:3: known &amp; &lt;wanted&gt;",
		"5 modules, 6 checks: 2 ok, 2 warn, 2 fail; 2 decided by the policy.",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(page, "good.ko") || !strings.Contains(checkPage(t, ruledResult(), true), "good.ko") {
		t.Error("what is ok is listed, or not when asked for")
	}
	if n := strings.Count(page, "<h1"); n != 1 {
		t.Errorf("%d h1", n)
	}
	if tables, captions := strings.Count(page, "<table"), strings.Count(page, "<caption"); tables != captions || tables == 0 {
		t.Errorf("%d tables, %d captions", tables, captions)
	}
	if regexp.MustCompile(`<th(>| [^s])`).MatchString(page) {
		t.Error("a th without scope")
	}
	if regexp.MustCompile(` (style|on[a-z]+)=|(src|href)="[^#]`).MatchString(page) {
		t.Error("an inline style or handler, or something that is loaded")
	}
}

// TestHTMLHostile escapes what comes out of packages, wherever it stands.
func TestHTMLHostile(t *testing.T) {
	const evil = "\"'><script>alert(1)</script>\x1b{{.}}\u202e"
	r := ruledResult()
	r.Bases[0].Release, r.Bases[0].Arch = evil, evil
	for i := range r.Findings {
		f := &r.Findings[i]
		m := *f.Module
		m.Name, m.Path, m.Release = evil, evil, evil
		f.Module, f.Reasons, f.Consequence = &m, []string{evil}, evil
	}
	r.Problems[0].Path = evil
	r.Bases[0].Package.NEVRA = evil
	page := checkPage(t, r, true)
	if n := strings.Count(page, "<script"); n != 1 {
		t.Errorf("%d scripts", n)
	}
	if strings.ContainsAny(page, "\x1b\u202e") {
		t.Error("something that is not printable")
	}
	if !strings.Contains(page, "&lt;script&gt;alert(1)") {
		t.Error("the text itself is missing")
	}
}

// large has 4,000 modules on their own base, and as many on another one.
func large() *guard.Result {
	r := result()
	r.Problems = nil
	b := *r.Bases[0]
	b.Origin = guard.Against
	r.Bases = append(r.Bases, &b)
	template := r.Findings[0]
	r.Findings = nil
	for i := range 4000 {
		m := *template.Module
		m.Name = fmt.Sprintf("module_%d", i)
		m.Path = "/usr/lib/modules/5.15.12-1-default/kernel/drivers/" + m.Name + ".ko.zst"
		good, bad := template, template
		good.Module, bad.Module = &m, &m
		bad.Pairing, bad.Base, bad.Verdict, bad.Severity = guard.PairRebuild, &b, guard.Rejected, guard.Fail
		bad.Kernel = &guard.Response{Version: "5.15.12", Errno: -22, Log: []string{"BPF:[554] Invalid name_offset:8078", "failed to validate module BTF: -22"}}
		r.Findings = append(r.Findings, good, bad)
	}
	return r
}

// TestHTMLLarge folds a table of thousands of modules, and lists no good ones.
func TestHTMLLarge(t *testing.T) {
	page := checkPage(t, large(), false)
	if n := strings.Count(page, `<tr data-attention>`); n != 4001 {
		t.Errorf("%d rows that need attention", n)
	}
	if n := strings.Count(page, "<details class=\"fold\">"); n != 1 {
		t.Errorf("%d folded tables", n)
	}
	if len(page) > 4<<20 {
		t.Errorf("%d bytes", len(page))
	}
}
