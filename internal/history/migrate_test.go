// SPDX-License-Identifier: Apache-2.0

package history

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// old makes a file of a schema that was released, from what "sqlite3 .dump" and
// the two pragmas said of it.
func old(t *testing.T, dump string) string {
	t.Helper()
	text, err := os.ReadFile(dump)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "history.db")
	conn, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Exec(string(text)); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOldFiles reads every schema that was ever released, and writes to it.
func TestOldFiles(t *testing.T) {
	dumps, err := filepath.Glob("testdata/schema-*.sql")
	if err != nil || len(dumps) != len(migrations) {
		t.Fatalf("%d files for %d schemas (%v)", len(dumps), len(migrations), err)
	}
	for _, dump := range dumps {
		db := openAt(t, old(t, dump))
		inv, res := incident(t)
		lines, err := db.Lines(t.Context(), Filter{Kernel: "5.15.12-1-default"})
		if err != nil || len(lines) != 1 || lines[0].Changes() != 1 || lines[0].Steps[1].Build.TypeCount != 540 ||
			!slices.Contains(lines[0].Steps[1].Judgements, Judgement{"rebuild", "5.15.12-1.1", "misread", "fail", 2}) {
			t.Errorf("%s: %+v, %v", dump, lines, err)
		}
		if err := db.Record(t.Context(), inv, res); err != nil {
			t.Error(err)
		}
		if n := len(builds(t, db, Filter{})); n != 2 {
			t.Errorf("%s: %d builds", dump, n)
		}
	}
}

// TestMigrate brings an old file up to date with all that is in it, once however
// often it is opened.
func TestMigrate(t *testing.T) {
	path := old(t, "testdata/schema-1.sql")
	next := slices.Concat(migrations, []string{
		"ALTER TABLE package ADD COLUMN note TEXT NOT NULL DEFAULT 'none'; UPDATE package SET note = release",
		"CREATE TABLE extra (x INTEGER); INSERT INTO extra VALUES (1)",
	})
	for range 2 {
		db, err := openFile(t.Context(), path, next, unexpected(t))
		if err != nil {
			t.Fatal(err)
		}
		var note string
		var rows, version int
		err = db.conn.QueryRow("SELECT max(note), (SELECT count(*) FROM extra), user_version FROM package, pragma_user_version").Scan(&note, &rows, &version)
		if err != nil || note != "5.15.12-1.3" || rows != 1 || version != len(next) || len(builds(t, db, Filter{})) != 2 {
			t.Errorf("%q, %d rows, schema %d, %v", note, rows, version, err)
		}
		db.Close()
	}
	// To a program that does not know these schemas, the file is a newer one's.
	if _, err := Open(t.Context(), path, unexpected(t)); err == nil || !strings.Contains(err.Error(), "newer") {
		t.Errorf("%v", err)
	}
}

// TestMigrateFails leaves the old file as it was where a step fails.
func TestMigrateFails(t *testing.T) {
	path := old(t, "testdata/schema-1.sql")
	_, err := openFile(t.Context(), path, slices.Concat(migrations, []string{"CREATE TABLE extra (x INTEGER)", "INSERT INTO missing VALUES (1)"}), unexpected(t))
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("to schema %d: ", len(migrations)+2)) {
		t.Errorf("%v", err)
	}
	db := openAt(t, path)
	if n := len(builds(t, db, Filter{})); n != 2 {
		t.Errorf("%d builds", n)
	}
	if err := db.Record(t.Context(), &guard.Inventory{Bases: []*guard.Base{made("aa", "1.1", 1, 1, nil)}}, nil); err != nil {
		t.Error(err)
	}
}
