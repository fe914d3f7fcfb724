// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

func finding(kind guard.Verdict, nevra, release string) Finding {
	return Finding{Kind: kind, Package: &Package{NEVRA: nevra, Name: nameIn(nevra), Arch: "x86_64"}, Release: release, Arch: "x86_64", Reasons: []string{"a reason"}}
}

// TestCompare keeps what an earlier audit had apart, also of a later build, and has
// the exit status follow what is new. The document has all, for the audit after it.
func TestCompare(t *testing.T) {
	first := &Result{Findings: []Finding{
		finding(guard.Stale, "a-kmp-default-1.0-1.1.x86_64", "6.4.0-1-default"),
		finding(guard.Stale, "b-kmp-default-1.0-1.1.x86_64", "6.4.0-1-default"),
		{Kind: guard.Incident, Release: "6.4.0-1-default", Arch: "x86_64", Reasons: []string{}, Packages: []*Package{{NEVRA: "kernel-default-6.4.0-1.1.x86_64"}}},
	}}
	second := func() *Result {
		return &Result{Findings: []Finding{
			finding(guard.Stale, "a-kmp-default-1.0-1.2.x86_64", "6.4.0-1-default"),     // built again
			finding(guard.Stale, "a-kmp-default-1.0-1.2.x86_64", "6.4.0-2-default"),     // of another kernel
			finding(guard.Unlabeled, "a-kmp-default-1.0-1.2.x86_64", "6.4.0-1-default"), // another kind
			finding(guard.Stale, "a-kmp-default-sub-1.0-1.2.x86_64", "6.4.0-1-default"), // another package
			{Kind: guard.Incident, Release: "6.4.0-1-default", Arch: "x86_64", Packages: []*Package{{NEVRA: "kernel-default-6.4.0-1.2.x86_64"}}},
		}}
	}
	var text bytes.Buffer
	if err := first.JSON(&text, "1.0", DefaultFailOn); err != nil {
		t.Fatal(err)
	}
	read, err := ReadSnapshot(&text)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := json.Marshal(first.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	var recalled Snapshot
	if err := json.Unmarshal(kept, &recalled); err != nil {
		t.Fatal(err)
	}
	for name, earlier := range map[string]Snapshot{"its document": read, "as it was kept": recalled} {
		r := second()
		r.Compare(earlier, "then")
		if len(r.Findings) != 3 || len(r.Known) != 2 || r.Since.Gone != 1 || r.Exit(DefaultFailOn) != 1 {
			t.Errorf("%s: %d new, %d known, %d gone", name, len(r.Findings), len(r.Known), r.Since.Gone)
		}
		var text bytes.Buffer
		if err := r.JSON(&text, "1.0", DefaultFailOn); err != nil {
			t.Fatal(err)
		}
		whole, err := ReadSnapshot(&text)
		if err != nil || len(whole) != 5 {
			t.Errorf("%s: the document has %d findings (%v)", name, len(whole), err)
		}
		again := second()
		again.Compare(whole, "now")
		if len(again.Findings) != 0 || len(again.Known) != 5 || again.Exit(Kinds) != 0 || again.outcome(Kinds) != noted {
			t.Errorf("%s, again: %d new, %d known", name, len(again.Findings), len(again.Known))
		}
	}
}

func TestNameIn(t *testing.T) {
	for nevra, want := range map[string]string{
		"kernel-default-6.4.0-1.1.x86_64": "kernel-default",
		"kernel-default-1:6.4.0-1.noarch": "kernel-default",
		"x":                               "x",
		"":                                "",
	} {
		if got := nameIn(nevra); got != want {
			t.Errorf("%q: %q, want %q", nevra, got, want)
		}
	}
}

// TestReadSnapshot takes documents of audits and nothing else.
func TestReadSnapshot(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                "",
		"a list":                 "[]",
		"cut off":                `{"schema": 1, "matrix": [], "findings": [{"kind": "stale"}`,
		"a newer schema":         `{"schema": 2, "matrix": [], "findings": []}`,
		"a report of check":      `{"schema": 1, "bases": [], "verdicts": []}`,
		"findings are no list":   `{"schema": 1, "matrix": [], "findings": {}}`,
		"a finding is no object": `{"schema": 1, "matrix": [], "findings": [1]}`,
		"a finding is too large": `{"schema": 1, "matrix": [], "findings": [{"kind": "` + strings.Repeat("x", 2*maxValue) + `"}]}`,
		"deep":                   `{"matrix": ` + strings.Repeat("[", 100_000),
	} {
		if s, err := ReadSnapshot(strings.NewReader(text)); err == nil {
			t.Errorf("%s: %v", name, s)
		}
	}
	const good = `{"schema": 1, "new": {"a": [{}, null]}, "matrix": [{}], "findings": [{"kind": "stale", "package": "a-1-1.x", "arch": "x", "new": 1}, {"kind": "incident"}]}`
	if s, err := ReadSnapshot(strings.NewReader(good)); err != nil || len(s) != 2 || !s[Known{Kind: "stale", Name: "a", Arch: "x"}] {
		t.Errorf("%v, %v", s, err)
	}
}
