// SPDX-License-Identifier: Apache-2.0

package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// DB is an open history. Its methods may be called by several goroutines, and several
// programs may use one database: each record is a transaction of its own, which waits for
// others.
type DB struct {
	name   string // as Name gives it
	engine engine

	mu   sync.RWMutex // of conn
	conn *sql.DB

	observe func(query string, args []any) // for tests: what is asked
}

// engine is what differs between kinds of databases.
type engine interface {
	// begin begins a transaction; one that writes excludes other writers.
	begin(ctx context.Context, conn *sql.DB, write bool) (*sql.Tx, error)
	// again reports whether to try again after an error, on the connection that it
	// returns: conn, or a new one if conn was closed.
	again(ctx context.Context, conn *sql.DB, err error, since attempt) (*sql.DB, bool)
	// named is an error as it may be shown to people.
	named(err error) error
	// start is the state that again compares with.
	start() attempt
	// query writes a query in the engine's dialect.
	query(text string) string
	// tidy frees the space of what was deleted.
	tidy(ctx context.Context, conn *sql.DB) error
	// verify looks for damage in the whole database.
	verify(ctx context.Context, conn *sql.DB) error
	close()
}

// Close ends the use of the database.
func (db *DB) Close() error {
	err := db.conn.Close()
	db.engine.close()
	return err
}

// Verify reads the whole database and says what is damaged. It changes nothing.
func (db *DB) Verify(ctx context.Context) error {
	db.mu.RLock()
	defer db.mu.RUnlock()
	return db.wrap(db.engine.verify(ctx, db.conn))
}

func (db *DB) wrap(err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", db.name, db.engine.named(err))
	}
	return nil
}

// mode is what a transaction is for.
type mode int

const (
	single  mode = iota // one query, and no transaction
	reading             // several that see one moment
	writing             // other writers wait
)

// do calls f in a transaction. f may be called again, after an error that may pass or
// a database that was begun anew: it has to forget what it read before.
func (db *DB) do(ctx context.Context, m mode, f func(*tx)) error {
	since := db.engine.start()
	for {
		db.mu.RLock()
		conn := db.conn
		err := db.once(ctx, conn, m, f)
		db.mu.RUnlock()
		if err == nil || ctx.Err() != nil {
			return db.wrap(err)
		}
		db.mu.Lock()
		retry := db.conn != conn // another goroutine has done it
		if !retry {
			db.conn, retry = db.engine.again(ctx, conn, err, since)
		}
		db.mu.Unlock()
		if !retry {
			return db.wrap(err)
		}
	}
}

func (db *DB) once(ctx context.Context, conn *sql.DB, m mode, f func(*tx)) error {
	if m == single {
		t := &tx{ctx: ctx, on: conn, db: db}
		f(t)
		return t.err
	}
	sqlTx, err := db.engine.begin(ctx, conn, m == writing)
	if err != nil {
		return err
	}
	defer sqlTx.Rollback()
	t := &tx{ctx: ctx, on: sqlTx, db: db}
	f(t)
	if t.err == nil {
		t.err = sqlTx.Commit()
	}
	return t.err
}

// tx is a transaction. After the first error it does nothing more.
type tx struct {
	ctx context.Context
	on  interface {
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	}
	db  *DB
	err error
}

// exec gives how many rows were changed.
func (t *tx) exec(query string, args ...any) int64 {
	if t.err != nil {
		return 0
	}
	query, args = t.prepare(query, args)
	res, err := t.on.ExecContext(t.ctx, query, args...)
	if err != nil {
		t.err = err
		return 0
	}
	n, err := res.RowsAffected()
	t.err = err
	return n
}

// rows calls scan for each row that is found.
func (t *tx) rows(scan func(*sql.Rows) error, query string, args ...any) {
	if t.err != nil {
		return
	}
	query, args = t.prepare(query, args)
	rows, err := t.on.QueryContext(t.ctx, query, args...)
	if err != nil {
		t.err = err
		return
	}
	defer rows.Close()
	for rows.Next() {
		if t.err = scan(rows); t.err != nil {
			return
		}
	}
	t.err = errors.Join(rows.Err(), rows.Close())
}

// maxText bounds what is kept of one text, in bytes: a header may hold megabytes, and
// PostgreSQL takes no more than 2,704 bytes into an entry of an index.
const maxText = 2000

func bounded(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "")
	return strings.ToValidUTF8(text[:min(len(text), maxText)], "")
}

// document is JSON, which is kept whole.
type document string

// prepare makes valid texts of bounded length: a header may have any bytes, and
// PostgreSQL takes only UTF-8 without zeros.
func (t *tx) prepare(query string, args []any) (string, []any) {
	for i, a := range args {
		if text, ok := a.(string); ok {
			args[i] = bounded(text)
		}
		if document, ok := a.(document); ok {
			args[i] = string(document)
		}
	}
	if t.db.observe != nil {
		t.db.observe(query, args)
	}
	return t.db.engine.query(query), args
}

// mostValues is how many values one statement gets; SQLite takes 32,766 and
// PostgreSQL 65,535.
const mostValues = 10_000

// each calls f with the rows in parts that fit into one statement: as the text
// "(?, ?), (?, ?)", and its values.
func (t *tx) each(rows [][]any, f func(values string, args []any)) {
	for len(rows) > 0 && t.err == nil {
		n := min(len(rows), mostValues/len(rows[0]))
		var args []any
		for _, r := range rows[:n] {
			args = append(args, r...)
		}
		one := "(" + strings.Repeat(", ?", len(rows[0]))[2:] + ")"
		f(strings.Repeat(", "+one, n)[2:], args)
		rows = rows[n:]
	}
}

// insert writes rows; conflict says what to do with rows that exist already.
func (t *tx) insert(table, columns string, rows [][]any, conflict string) {
	t.each(rows, func(values string, args []any) {
		t.exec("INSERT INTO "+table+" ("+columns+") VALUES "+values+" ON CONFLICT "+conflict, args...)
	})
}

// delete removes the rows whose columns have the values of one of rows.
func (t *tx) delete(table, columns string, rows [][]any) {
	t.each(rows, func(values string, args []any) {
		t.exec("DELETE FROM "+table+" WHERE ("+columns+") IN (VALUES "+values+")", args...)
	})
}
