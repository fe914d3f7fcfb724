// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// result has one finding of each severity and a problem, with names that nobody
// should print as they are.
func result() *guard.Result {
	p := &guard.Package{NEVRA: "kernel-default-1-1.x86_64", VersionRelease: "1-1"}
	b := &guard.Base{Package: p, Path: "vmlinux", Arch: "x86_64", Release: "1-default"}
	finding := func(name string, v guard.Verdict, consequence string) guard.Finding {
		m := &guard.Module{Package: p, Path: name + ".ko", Name: name, Release: "1-default"}
		return guard.Finding{Pairing: guard.PairBuild, Module: m, Base: b, Verdict: v, Severity: v.Severity(), Consequence: consequence}
	}
	return &guard.Result{
		Bases: []*guard.Base{b},
		Findings: []guard.Finding{
			finding("good", guard.SameBase, ""),
			finding("lost", guard.BTFLost, "loads"),
			finding("first", guard.Misread, "loads\nlibbpf refuses"),
			finding("second\x1b[2J", guard.Misread, "loads"),
		},
		Problems: []guard.Problem{{Path: "x.rpm", Err: errors.New("cut short")}},
	}
}

// TestDocument has no null in it, and counts what it holds.
func TestDocument(t *testing.T) {
	var out bytes.Buffer
	if err := prose.JSON(&out, NewDocument(result(), "1.0")); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "null") {
		t.Errorf("a null in\n%s", &out)
	}
	var d Document
	if err := json.Unmarshal(out.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	if d.Schema != 1 || d.Exit != 2 || d.Summary["modules"] != 4 || d.Summary["misread"] != 2 || len(d.Verdicts) != 4 || len(d.Errors) != 1 {
		t.Errorf("%+v", d)
	}
}

// TestTextConsequences says of how many modules each consequence holds.
func TestTextConsequences(t *testing.T) {
	var out bytes.Buffer
	if err := Text(&out, result(), TextOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"FAIL build ", "2 misread, 1 btf-lost, 1 same-base",
		"=> each: loads\n", "=> first: libbpf refuses\n",
		`likewise second\x1b[2J`,
		"4 modules, 4 checks: 1 ok, 1 warn, 2 fail; 1 not read or not checked, see standard error",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Errorf("an escape without color in\n%q", &out)
	}
	out.Reset()
	if err := Text(&out, result(), TextOptions{Color: true}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "\x1b[31mFAIL\x1b[0m") || strings.Contains(out.String(), "\x1b[2J") {
		t.Errorf("color:\n%q", &out)
	}
}
