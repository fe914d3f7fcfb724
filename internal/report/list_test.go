// SPDX-License-Identifier: Apache-2.0

package report

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// ruledResult is that of result with a label, and with findings that a policy
// weighed otherwise.
func ruledResult() *guard.Result {
	r := result()
	ruling := &guard.Ruling{Reason: "known & <wanted>", Where: "btf-guard.conf:3"}
	ignored, warned := r.Findings[2], r.Findings[2]
	ignored.Severity, ignored.Ruling = guard.OK, ruling
	warned.Severity, warned.Ruling = guard.Warn, ruling
	m := *ignored.Module
	m.Path = "ignored.ko"
	ignored.Module = &m
	r.Findings = append(r.Findings, ignored, warned)
	r.Labels = []guard.Label{{
		Package: r.Bases[0].Package, Verdict: guard.Mislabeled, Severity: guard.Fail, Reasons: []string{"names\x1b another base"},
	}}
	r.Findings[2].Kernel = &guard.Response{Version: "6.1", Errno: -22, Log: []string{"BPF: Invalid name_offset:1"}}
	return r
}

// TestMeanings has the words of docs/verdicts.md for each verdict.
func TestMeanings(t *testing.T) {
	page, err := os.ReadFile("../../docs/verdicts.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(page), "`", "")
	for _, v := range append(slices.Clone(guard.Verdicts), guard.Unlabeled, guard.Mislabeled) {
		row := regexp.MustCompile(`(?m)^\| ` + string(v) + ` \| (.*) \| \**(\w+)\** \|$`).FindStringSubmatch(text)
		if row == nil || row[1] != meanings[v] || row[2] != string(v.Severity()) {
			t.Errorf("%s: %q on the page, %q here", v, row, meanings[v])
		}
		if (remedies[v] == "") != (v.Severity() == guard.OK) {
			t.Errorf("%s: remedy %q", v, remedies[v])
		}
	}
}

// TestList has each finding once, the worst of a kernel and pairing first.
func TestList(t *testing.T) {
	list := List(ruledResult(), "1.0")
	var got []string
	for _, f := range list.Findings {
		line := string(f.Severity) + " " + f.Rule + " " + f.Question.Suite + " " + f.Said()
		if f.Ruling != nil {
			line += " by " + f.Ruling.Where + ", else " + string(f.Own)
		}
		got = append(got, line)
	}
	want := []string{
		"fail misread 1-default (x86_64) first.ko on kernel-default-1-1.x86_64: BPF: Invalid name_offset:1",
		"fail misread 1-default (x86_64) second\x1b[2J.ko on kernel-default-1-1.x86_64",
		"ok misread 1-default (x86_64) ignored.ko on kernel-default-1-1.x86_64 by btf-guard.conf:3, else fail",
		"warn misread 1-default (x86_64) first.ko on kernel-default-1-1.x86_64 by btf-guard.conf:3, else fail",
		"warn btf-lost 1-default (x86_64) lost.ko on kernel-default-1-1.x86_64",
		"ok same-base 1-default (x86_64) good.ko on kernel-default-1-1.x86_64",
		"fail mislabeled packages kernel-default-1-1.x86_64: names\x1b another base",
	}
	if !slices.Equal(got, want) {
		t.Errorf("list\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(list.Problems) != 1 || list.Exit != 2 {
		t.Errorf("%d problems, exit %d", len(list.Problems), list.Exit)
	}
	if got := strings.Join(list.Findings[0].Details, "\n"); got != "Linux 6.1 will log:\n| BPF: Invalid name_offset:1\nloads\nlibbpf refuses" {
		t.Errorf("details %q", got)
	}
	rules := map[string]bool{}
	for _, r := range list.Rules {
		rules[r.Name] = true
	}
	if len(rules) != len(guard.Verdicts)+len(guard.Rules)+3 { // Refused, Unlabeled, Mislabeled
		t.Errorf("rules %v", rules)
	}
}

// TestListNextBuild has what stays the same when the package is built again, and differs
// between modules.
func TestListNextBuild(t *testing.T) {
	same := func(release, name, version string) []string {
		p := &guard.Package{Path: "kernel-" + version + ".rpm", Name: "kernel-default", Arch: "x86_64", NEVRA: "kernel-default-" + version + ".x86_64"}
		m := &guard.Module{Package: p, Name: name, Release: release, Path: "/usr/lib/modules/" + release + "/" + name + ".ko"}
		f := guard.Finding{Pairing: guard.PairBuild, Module: m, Verdict: guard.Rejected, Severity: guard.Fail}
		return List(&guard.Result{Findings: []guard.Finding{f}}, "").Findings[0].Same
	}
	first := same("5.15.12-1-default", "xpad", "1.1")
	if again := same("5.15.13-1-default", "xpad", "1.3"); !slices.Equal(again, first) {
		t.Errorf("%s became %s", first, again)
	}
	if other := same("5.15.12-1-default", "ipheth", "1.1"); slices.Equal(other, first) {
		t.Errorf("two modules have %s", other)
	}
}
