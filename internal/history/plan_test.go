// SPDX-License-Identifier: Apache-2.0

package history

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// asked notes what f asks of a database.
func asked(db *DB, f func()) (queries []string, args [][]any) {
	db.observe = func(query string, a []any) {
		queries = append(queries, query)
		args = append(args, a)
	}
	f()
	db.observe = nil
	return queries, args
}

// TestPlans has a run of check or audit, and a look at one kernel, ask few questions,
// as many of a large history as of a small one, and none that reads a whole table.
func TestPlans(t *testing.T) {
	db := openNew(t)
	inv, res := incident(t)
	for name, c := range map[string]struct {
		most int
		f    func() error
	}{
		"record": {5, func() error { return db.Record(t.Context(), inv, res) }},
		"recall": {1, func() error { _, err := db.Recall(t.Context(), "key"); return err }},
		"keep":   {2, func() error { return db.Keep(t.Context(), "key", []byte("{}")) }},
		"a kernel": {2, func() error {
			_, err := db.Lines(t.Context(), Filter{Kernel: "5.15.12-1-default", Arch: "x86_64", Flavor: "default"})
			return err
		}},
		"a pattern": {2, func() error { _, err := db.Lines(t.Context(), Filter{Kernel: "5.15.*"}); return err }},
		"a project": {2, func() error { _, err := db.Lines(t.Context(), Filter{Project: "openSUSE:Factory"}); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			queries, args := asked(db, func() { err = c.f() })
			if err != nil || len(queries) == 0 || len(queries) > c.most {
				t.Errorf("%d queries, at most %d: %v\n%s", len(queries), c.most, err, strings.Join(queries, "\n"))
			}
			for i, q := range queries {
				for _, step := range plan(t, db, q, args[i]) {
					if scan, ok := strings.CutPrefix(step, "SCAN "); ok && !strings.Contains(scan, "CONSTANT ROW") && !strings.Contains(scan, "ROW VALUES CLAUSE") && !strings.HasPrefix(scan, "picked") {
						t.Errorf("%s\nreads a whole table: %s", q, step)
					}
				}
			}
		})
	}
}

func plan(t *testing.T, db *DB, query string, args []any) (steps []string) {
	t.Helper()
	rows, err := db.conn.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	return steps
}

func TestPattern(t *testing.T) {
	for _, c := range []struct {
		pattern, release string
		want             bool
	}{
		{"", "5.15.12-1-default", true},
		{"5.15.12-1-default", "5.15.12-1-default", true},
		{"5.15.12-1-default", "5.15.12-1-defaults", false},
		{"5.15.12-1-default", "5x15.12-1-default", false},
		{"5.15.*", "5.15.12-1-default", true},
		{"5.15.*", "5.14.21-1-default", false},
		{"*-default", "5.15.12-1-default", true},
		{"*-default", "5.15.12-1-default-x", false},
		{"5.1?.*", "5.15.12", true},
		{"5.1?.*", "5.1.12", false},
		{"5.1[3-5].*", "5.15.12", true},
		{"5.1[^3-5].*", "5.15.12", false},
		{"5.1[^3-5].*", "5.16.12", true},
		{"5.[]5]", "5.]", false},
		{"5.[^]5]", "5.]", false},
		{"[", "[", false},
		{"[]", "[]", false},
		{"[9-0]", "5", false},
		{"\\[5]", "[5]", true},
		{"5.15[[:alpha:]]", "5.15a]", true},
		{"ü*", "üx", true},
		{"(?i)A", "a", false},
	} {
		f := Filter{Kernel: c.pattern}
		if got := f.like(c.release); got != c.want {
			t.Errorf("%q like %q: %v, want %v", c.release, c.pattern, got, c.want)
		}
	}
}

// TestPatternSQL picks in SQL all that is like a pattern.
func TestPatternSQL(t *testing.T) {
	for pattern, want := range map[string]string{
		"":             "WHERE 1 = 1 []",
		"*":            "WHERE 1 = 1 []",
		"[56]*":        "WHERE 1 = 1 []",
		"5.15":         "WHERE 1 = 1 AND kernelrelease = ? [5.15]",
		"5.1?.*-x[ab]": "WHERE 1 = 1 AND kernelrelease >= ? AND kernelrelease < ? [5.1 5.2]",
	} {
		where, args := Filter{Kernel: pattern}.condition()
		if got := where + " " + fmt.Sprint(args); got != want && (len(args) > 0 || where+" []" != want) {
			t.Errorf("%q: %s, want %s", pattern, got, want)
		}
	}
}

// TestHeldLock does not wait long for a lock that is held by something that writes
// nothing, and says what is in the way. Who reads does not wait at all.
func TestHeldLock(t *testing.T) {
	path := t.TempDir() + "/history.db"
	db, other := openAt(t, path), openAt(t, path)
	if err := recordOne(db, "aa"); err != nil {
		t.Fatal(err)
	}
	tx, err := other.conn.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if n := len(builds(t, openAt(t, path), Filter{})); n != 2 {
		t.Errorf("%d builds", n)
	}
	if err := recordOne(db, "bb"); err == nil || !strings.Contains(err.Error(), "another program holds its lock") {
		t.Errorf("%v", err)
	}
}

// TestPrune removes what nobody recorded for long, and nothing that belongs to what
// stays.
func TestPrune(t *testing.T) {
	db := openNew(t)
	for _, digest := range []string{"aa", "bb", "cc"} {
		if err := recordOne(db, digest); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"old", "new"} {
		if err := db.Keep(t.Context(), key, []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	exec := func(query string) {
		t.Helper()
		if _, err := db.conn.Exec(query); err != nil {
			t.Fatal(err)
		}
	}
	exec("UPDATE package SET used = used - 1000, seen = seen - 5000 WHERE digest = 'aa'; UPDATE package SET seen = seen - 5000; UPDATE memo SET kept = kept - 1000 WHERE key = 'old'")
	before := time.Now().Add(-500 * time.Second)
	if p, err := db.Prune(t.Context(), before); err != nil || p != (Pruned{Packages: 1, Kernels: 1, Judgements: 2, Memos: 1}) {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err := db.Prune(t.Context(), before); err != nil || p != (Pruned{}) {
		t.Errorf("again: %+v, %v", p, err)
	}
	got := map[string]int{}
	for _, b := range builds(t, db, Filter{}) {
		got[b.Digest] = b.Judgements[0].Modules
	}
	if len(got) != 3 || got["bb"] != 1 || got["cc"] != 1 || got["shared"] != 2 {
		t.Errorf("%v", got)
	}
}

// TestVerify finds damage wherever it is, which Open does not look for, and leaves
// the file as it is.
func TestVerify(t *testing.T) {
	path := t.TempDir() + "/history.db"
	write(t, path, recorded(t))
	if err := openAt(t, path).Verify(t.Context()); err != nil {
		t.Error(err)
	}
	data := recorded(t)
	clear(data[len(data)/2&^4095:][:4096])
	damaged := t.TempDir() + "/history.db"
	write(t, damaged, data)
	if err := openAt(t, damaged).Verify(t.Context()); err == nil || !broken(err) {
		t.Errorf("%v", err)
	}
}
