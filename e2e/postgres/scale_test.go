// SPDX-License-Identifier: Apache-2.0

//go:build e2epostgres

package postgres

import (
	"flag"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/history"
)

var sizes = flag.String("rows", "", "measure histories of so many rows, separated by commas")

// TestScale measures histories that have rows already: 20 writers at once, half of which
// are killed, beside one alone, and what a look at one kernel takes. Nothing that was said
// to be recorded may be missing. It prints a table for docs/performance.md.
func TestScale(t *testing.T) {
	if *sizes == "" {
		t.Skip("-rows names no sizes: a million rows take minutes")
	}
	var table strings.Builder
	table.WriteString("| rows | in | records | s, 20 writers | records/s | records/s, one writer | 20 / one | one kernel s | missing |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, s := range strings.Split(*sizes, ",") {
		rows, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{"SQLite", "PostgreSQL"} {
			name := filepath.Join(t.TempDir(), "history.db")
			if kind == "PostgreSQL" {
				name, _ = newDatabase(t, fmt.Sprint("scale", rows))
			}
			fill(t, name, rows)
			alone := writeAlone(t, name)
			began := time.Now()
			said := writeTogether(t, name)
			took := time.Since(began).Seconds()
			missing, look := missingOf(t, name, said)
			if missing > 0 {
				t.Errorf("%d rows in %s: %d of %d records are missing", rows, kind, missing, len(said))
			}
			rate := float64(len(said)) / took
			fmt.Fprintf(&table, "| %d | %s | %d | %.2f | %.0f | %.0f | %.2f | %.3f | %d |\n", rows, kind, len(said), took, rate, alone, rate/alone, look, missing)
		}
	}
	t.Logf("\n%s", &table)
}

func openHistory(t *testing.T, name string) *history.DB {
	t.Helper()
	db, err := history.Open(t.Context(), name, func(notice string) { t.Error(notice) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// fill makes a history of so many rows: three for each build.
func fill(t *testing.T, name string, rows int) {
	t.Helper()
	db := openHistory(t, name)
	var b history.Batch
	for i := range rows / 3 {
		one := build(fmt.Sprintf("filled-%d", i))
		one.KernelRelease = fmt.Sprintf("6.%d.0-1-default", i/10)
		b.Builds = append(b.Builds, one)
		b.Outcomes = append(b.Outcomes, history.Outcome{
			Judged:  history.Judged{Digest: one.Digest, Base: one.Digest, Fingerprint: one.Fingerprint, Pairing: "build"},
			Verdict: "same-base", Severity: "ok", Modules: 2,
		})
		b.Modules = append(b.Modules, one.RPM)
		if len(b.Builds) == 1000 || i == rows/3-1 {
			if err := db.Add(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			b = history.Batch{}
		}
	}
}

// writeAlone has one program record as much as two writers, and gives records per second.
func writeAlone(t *testing.T, name string) float64 {
	t.Helper()
	db := openHistory(t, name)
	const n = 2 * records
	began := time.Now()
	for i := range n {
		one := build(fmt.Sprintf("alone-%d", i))
		if err := db.Add(t.Context(), history.Batch{Builds: []history.Build{one}, Modules: []history.RPM{one.RPM}}); err != nil {
			t.Fatal(err)
		}
	}
	return n / time.Since(began).Seconds()
}

// missingOf counts what was said to be recorded and is not there, and gives the seconds
// that a look at one kernel takes.
func missingOf(t *testing.T, name string, said []string) (missing int, look float64) {
	t.Helper()
	db := openHistory(t, name)
	steps, err := db.Builds(t.Context(), history.Filter{Kernel: "6.4.0-1-default"})
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, s := range steps {
		there[s.Digest] = true
	}
	for _, digest := range said {
		if !there[digest] {
			missing++
		}
	}
	began := time.Now()
	lines, err := db.Lines(t.Context(), history.Filter{Kernel: "6.7.0-1-default"})
	if err != nil || len(lines) != 1 {
		t.Fatal(len(lines), err)
	}
	return missing, time.Since(began).Seconds()
}
