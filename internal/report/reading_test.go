// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// TestRules shows how a kernel reads BTF in every form: what tells each rule where
// all is shown, and once for each base that it is not what its version says.
func TestRules(t *testing.T) {
	r := result()
	b := r.Bases[0]
	b.Conflict = "this kernel calls itself 5.14.0 and reads BTF as Linux 6.8 does"
	b.Decisions = []verify.Decision{{Rule: "header", Value: "32 bytes", Source: verify.ByMarker, By: "STRUCT btf_header of 32 bytes", Contradicts: "24 bytes"}}
	const rule = " header 32 bytes (marker, STRUCT btf_header of 32 bytes; by its version 24 bytes)"
	for _, tc := range []struct {
		name      string
		write     func(out *bytes.Buffer) error
		conflicts int
		rules     bool
	}{
		{"text", func(out *bytes.Buffer) error { return Text(out, r, TextOptions{}) }, 1, false},
		{"verbose text", func(out *bytes.Buffer) error { return Text(out, r, TextOptions{Verbose: true}) }, 1, true},
		{"HTML", func(out *bytes.Buffer) error { return HTML(out, r, "1.0", false) }, 1, false},
	} {
		var out bytes.Buffer
		if err := tc.write(&out); err != nil {
			t.Fatal(err)
		}
		words := strings.Join(strings.Fields(out.String()), " ")
		if n := strings.Count(words, b.Conflict); n != tc.conflicts || strings.Contains(words, rule) != tc.rules {
			t.Errorf("%s: the conflict %d times in\n%s", tc.name, n, &out)
		}
	}
	var out bytes.Buffer
	if err := prose.JSON(&out, NewDocument(r, "1.0")); err != nil {
		t.Fatal(err)
	}
	var d Document
	if err := json.Unmarshal(out.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	want := b.Decisions[0]
	if got := d.Bases[0]; got.RulesConflict != b.Conflict || len(got.Rules) != 1 || got.Rules[0] != want {
		t.Errorf("%+v", got)
	}
}

// TestRulesDocumented holds that docs/json.md lists each rule and each value of it,
// and no other rule.
func TestRulesDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| `rule` | `value` |")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := map[string]string{}
	for line := range strings.Lines(table) {
		if rule, values, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "` | "); ok {
			rows[rule] = values
		}
	}
	for _, v := range []string{"5.10", "5.11", "5.12", "5.13", "5.16", "5.17", "5.18", "6.0", "6.1", "6.3", "6.4", "6.9", "6.12.0", "6.14", "6.15", "7.1", "7.3"} {
		version, err := verify.ParseVersion(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, allow := range []verify.Allow{verify.AllowNo, verify.AllowYes, verify.AllowUnknown} {
			read := verify.Witnesses{Version: version, Allow: allow}.Read()
			for _, d := range read.Decisions {
				if !strings.Contains(rows[d.Rule], "`"+d.Value+"`") {
					t.Errorf("docs/json.md: %q of the rule %q is missing", d.Value, d.Rule)
				}
			}
			if len(rows) != len(read.Decisions) {
				t.Fatalf("docs/json.md has %d rules, there are %d", len(rows), len(read.Decisions))
			}
		}
	}
}
