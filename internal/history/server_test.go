// SPDX-License-Identifier: Apache-2.0

package history

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// What a database does with it is proven in e2e/postgres.

func TestName(t *testing.T) {
	for name, want := range map[string]string{
		"/home/me/history.db":                             "/home/me/history.db",
		"postgres.db":                                     "postgres.db",
		"postgres://db.example.org/guard":                 "postgres://db.example.org/guard",
		"postgresql://me@db.example.org:5433/guard":       "postgresql://me@db.example.org:5433/guard",
		"postgres://me:secret@db.example.org/guard":       "postgres://me@db.example.org/guard",
		"postgres://:secret@db.example.org/guard":         "postgres://db.example.org/guard",
		"postgres:///guard?host=/run&password=secret":     "postgres:///guard",
		"postgres://me:sec ret@db.example.org/guard":      "postgres://...",
		"postgres://me:secret@[::1/guard":                 "postgres://...",
		"postgres://me:sec%zzret@db.example.org/guard":    "postgres://...",
		"postgres://db.example.org/guard#password=secret": "postgres://db.example.org/guard",
	} {
		if got := Name(name); got != want {
			t.Errorf("%q is shown as %q, want %q", name, got, want)
		}
	}
}

// TestSecret has no error of a database show a password, however it is given, and no
// database is there.
func TestSecret(t *testing.T) {
	t.Setenv("PGPASSWORD", "")
	t.Setenv("PGCONNECT_TIMEOUT", "2")
	for _, name := range []string{
		"postgres://me:pa55%2Fword@127.0.0.1:1/db",
		"postgres://me:pa55/word@127.0.0.1:1/db",
		"postgres://me:pa55%zzword@127.0.0.1:1/db",
		"postgres://me:pa55word@[::1/db",
		"postgres://me:pa55word@127.0.0.1:port/db",
		"postgres://me@127.0.0.1:1/db?password=pa55word",
		"postgres://me@127.0.0.1:1/db?sslpassword=pa55word&sslmode=verify-full",
		"postgres://me:pa55word@127.0.0.1:1/db?sslmode=pa55word",
		"postgres://me:pa55word@127.0.0.1:1/pa55word?sslmode=disable",
		"postgres://me:pa55word@127.0.0.1:1/db?connect_timeout=pa55word",
		"postgres://me:pa55word@127.0.0.1:1/db?sslrootcert=/nowhere",
	} {
		_, err := Open(t.Context(), name, unexpected(t))
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		// As the name of the database it is shown: that is no secret.
		if text := strings.ReplaceAll(err.Error(), "127.0.0.1:1/pa55word", ""); strings.Contains(text, "pa55") || !strings.HasPrefix(text, "postgres://") {
			t.Errorf("%v", err)
		}
	}
}

func TestHidden(t *testing.T) {
	config, err := pgx.ParseConfig("postgres://me:a%2Fb@h/d?sslpassword=c+d")
	if err != nil {
		t.Fatal(err)
	}
	inner := errors.New("a/b, a%2Fb, c d, c+d and c%20d")
	got := hidden{inner, secrets("postgres://me:a%2Fb@h/d?sslpassword=c+d", config)}
	if got.Error() != "***, ***, ***, *** and ***" || !errors.Is(got, inner) {
		t.Errorf("%v", got)
	}
}

// TestSameQueries puts the schema and each query into PostgreSQL's words.
func TestSameQueries(t *testing.T) {
	s := &server{}
	if got := s.query("SELECT a FROM t WHERE b = ? AND (c, d) IN (VALUES (?, ?))"); got != "SELECT a FROM t WHERE b = $1 AND (c, d) IN (VALUES ($2, $3))" {
		t.Error(got)
	}
	for i, m := range migrations {
		text := postgres.Replace(m)
		if strings.Count(text, `TEXT COLLATE "C"`) != strings.Count(m, "TEXT") || strings.Contains(text, "INTEGER") || strings.Contains(m, "PRAGMA") || strings.Contains(m, "?") {
			t.Errorf("schema %d:\n%s", i+1, text)
		}
	}
}
