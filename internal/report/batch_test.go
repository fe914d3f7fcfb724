// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"cmp"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/history"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// TestBatch has a history that reads a report know what one knows that was written
// by the run itself.
func TestBatch(t *testing.T) {
	const dir = "../../testdata/incident/"
	inv, err := collect.Read(t.Context(), collect.Sources{Paths: []string{dir + "5.15.12-1.3"}, Against: []string{dir + "5.15.12-1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	res, err := guard.Judge(t.Context(), inv, guard.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := NewDocument(res, "1.0")
	d.History = history.Remember(res.Bases)
	var text bytes.Buffer
	if err := d.Compact(&text); err != nil {
		t.Fatal(err)
	}
	read, err := ReadDocument(&text)
	if err != nil {
		t.Fatal(err)
	}
	lines := func(record func(*history.DB) error) []history.Line {
		t.Helper()
		db, err := history.Open(t.Context(), filepath.Join(t.TempDir(), "history.db"), func(s string) { t.Error(s) })
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for range 2 {
			if err := record(db); err != nil {
				t.Fatal(err)
			}
		}
		lines, err := db.Lines(t.Context(), history.Filter{})
		if err != nil || len(lines) != 1 || len(lines[0].Steps) != 2 {
			t.Fatalf("%+v, %v", lines, err)
		}
		for i := range lines[0].Steps {
			lines[0].Steps[i].Seen = lines[0].Steps[0].Seen
		}
		return lines
	}
	want := lines(func(db *history.DB) error { return db.Record(t.Context(), inv, res) })
	got := lines(func(db *history.DB) error { return db.Add(t.Context(), read.Batch()) })
	got[0].Steps[0].Seen, got[0].Steps[1].Seen = want[0].Steps[0].Seen, want[0].Steps[1].Seen
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("-by the run +by its report\n%s", diff)
	}
}

// TestBatchPartly remembers what has a header digest, and nothing of older reports.
func TestBatchPartly(t *testing.T) {
	d, err := ReadDocument(strings.NewReader(`{"schema": 1,
		"packages": [{"side": "new", "package": "kmp-1.x86_64", "header_digest": "aa"}, {"side": "against", "package": "kmp-1.x86_64", "header_digest": "bb"}, {"side": "new", "package": "old"}],
		"verdicts": [
			{"package": "kmp-1.x86_64", "side": "against", "pairing": "rebuild", "verdict": "misread", "severity": "fail"},
			{"package": "kmp-1.x86_64", "side": "against", "pairing": "rebuild", "verdict": "misread", "severity": "fail"},
			{"package": "kmp-1.x86_64", "side": "new", "pairing": "build", "verdict": "same-base", "severity": "ok"},
			{"package": "old", "side": "new", "pairing": "build", "verdict": "same-base", "severity": "ok"},
			{"package": "unknown", "side": "new", "pairing": "build", "verdict": "same-base", "severity": "ok"}],
		"history": [{"package": "kernel-1", "kernelrelease": "6.4", "arch": "x86_64"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	b := d.Batch()
	slices.SortFunc(b.Outcomes, func(x, y history.Outcome) int { return cmp.Compare(x.Digest, y.Digest) })
	want := []history.Outcome{
		{Judged: history.Judged{Digest: "aa", Pairing: "build"}, Verdict: "same-base", Severity: "ok", Modules: 1},
		{Judged: history.Judged{Digest: "bb", Pairing: "rebuild"}, Verdict: "misread", Severity: "fail", Modules: 2},
	}
	if diff := gocmp.Diff(want, b.Outcomes); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
