// SPDX-License-Identifier: Apache-2.0

package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// IsServer reports whether the name of a history is the URL of a PostgreSQL database.
func IsServer(name string) bool {
	return strings.HasPrefix(name, "postgres://") || strings.HasPrefix(name, "postgresql://")
}

// Name is the name of a history as it may be shown to everybody: a URL without password
// and options.
func Name(name string) string {
	if !IsServer(name) {
		return name
	}
	u, err := url.Parse(name)
	if err != nil {
		return "postgres://..."
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	if u.User != nil && u.User.Username() != "" {
		shown.User = url.User(u.User.Username())
	}
	return shown.String()
}

// server is a history in a PostgreSQL database, in a schema of its own. Writers of all
// hosts take turns by an advisory lock, which ends with their transaction or
// connection.
type server struct {
	schema  string
	secrets []string
}

// defaultSchema is where the tables are unless the URL has a search_path.
const defaultSchema = "obs_btf_guard"

// How long we wait for a connection and for other writers, and how long the server waits
// for an idle writer.
const (
	connectWait = 10 * time.Second
	lockWait    = 20 * time.Second
	silentWait  = 10 * time.Second
)

// openServer connects and brings the schema up to date. No error has the password.
func openServer(ctx context.Context, name string, migrations []string) (*DB, error) {
	config, err := pgx.ParseConfig(name)
	if err != nil {
		// The parser's error may quote the URL.
		return nil, errors.New("not a URL that PostgreSQL understands: postgres://USER@HOST:PORT/DATABASE?OPTIONS")
	}
	s := &server{schema: defaultSchema, secrets: secrets(name, config)}
	if path := config.RuntimeParams["search_path"]; path != "" {
		s.schema = path
		delete(config.RuntimeParams, "search_path")
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "obs-btf-guard"
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectWait
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // nothing is asked twice
	conn := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, fmt.Sprintf("SET search_path = %s; SET lock_timeout = %d; SET idle_in_transaction_session_timeout = %d",
			pgx.Identifier{s.schema}.Sanitize(), lockWait.Milliseconds(), silentWait.Milliseconds()))
		return err
	}))
	conn.SetMaxOpenConns(1)
	for since := s.start(); ; {
		err := s.prepare(ctx, conn, migrations)
		if err == nil {
			return &DB{engine: s, conn: conn}, nil
		}
		if _, retry := s.again(ctx, conn, err, since); !retry {
			conn.Close()
			return nil, s.named(err)
		}
	}
}

// secrets are the texts that must not be shown, plain and as written in a URL.
func secrets(name string, config *pgx.ConnConfig) (list []string) {
	add := func(secret string) {
		if secret != "" {
			list = append(list, secret, url.QueryEscape(secret), url.PathEscape(secret))
		}
	}
	add(config.Password)
	if u, err := url.Parse(name); err == nil {
		if u.User != nil {
			password, _ := u.User.Password()
			add(password)
		}
		for key, values := range u.Query() {
			for _, v := range values {
				if strings.Contains(key, "password") {
					add(v)
				}
			}
		}
	}
	return list
}

// prepare brings the tables to the newest schema.
func (s *server) prepare(ctx context.Context, conn *sql.DB, migrations []string) error {
	version, err := s.version(ctx, conn, len(migrations))
	if err != nil || version == len(migrations) {
		return err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := s.lock(ctx, tx); err != nil {
		return err
	}
	if version, err = s.version(ctx, tx, len(migrations)); err != nil {
		return err
	}
	if version == 0 {
		if err := s.create(ctx, tx); err != nil {
			return err
		}
	}
	for ; version < len(migrations); version++ {
		if _, err := tx.ExecContext(ctx, postgres.Replace(migrations[version])); err != nil {
			return fmt.Errorf("to schema %d: %w", version+1, err)
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("UPDATE version SET version = %d", version)); err != nil {
		return err
	}
	return tx.Commit()
}

// postgres has PostgreSQL's names for SQLite's column types. Texts are compared byte by
// byte, as in SQLite.
var postgres = strings.NewReplacer("TEXT", `TEXT COLLATE "C"`, "INTEGER", "BIGINT")

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// version reads which schema the tables have: 0 where there are none.
func (s *server) version(ctx context.Context, conn querier, newest int) (version int, err error) {
	var ours, others bool
	const there = "(SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r' AND c.relname %s) > 0"
	err = conn.QueryRowContext(ctx, "SELECT "+fmt.Sprintf(there, "= 'version'")+", "+fmt.Sprintf(there, "IN ('package', 'base', 'judgement', 'memo')"), s.schema).Scan(&ours, &others)
	switch {
	case err != nil:
		return 0, err
	case !ours && others:
		return 0, ErrForeign
	case !ours:
		return 0, nil
	}
	if err := conn.QueryRowContext(ctx, "SELECT version FROM version").Scan(&version); err != nil {
		return 0, err
	}
	if version > newest {
		return 0, fmt.Errorf("%w (schema %d, this one knows %d)", ErrNewer, version, newest)
	}
	return version, nil
}

// create makes the schema unless it exists: not everybody has the right to make it.
func (s *server) create(ctx context.Context, tx *sql.Tx) error {
	var there bool
	if err := tx.QueryRowContext(ctx, "SELECT count(*) > 0 FROM pg_namespace WHERE nspname = $1", s.schema).Scan(&there); err != nil {
		return err
	}
	if !there {
		if _, err := tx.ExecContext(ctx, "CREATE SCHEMA "+pgx.Identifier{s.schema}.Sanitize()); err != nil {
			return fmt.Errorf("schema %s is missing and cannot be made: %w", s.schema, err)
		}
	}
	_, err := tx.ExecContext(ctx, "CREATE TABLE version (version BIGINT NOT NULL); INSERT INTO version VALUES (0)")
	return err
}

// lock makes all other writers wait until the transaction ends.
func (s *server) lock(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, fmt.Sprintf("SELECT pg_advisory_xact_lock(%d, hashtext($1))", applicationID), s.schema)
	return err
}

func (s *server) begin(ctx context.Context, conn *sql.DB, write bool) (*sql.Tx, error) {
	if !write {
		return conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead})
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	if err := s.lock(ctx, tx); err != nil {
		tx.Rollback()
		return nil, err
	}
	return tx, nil
}

// query numbers the values of a query.
func (s *server) query(text string) string {
	parts := strings.Split(text, "?")
	var out strings.Builder
	for i, part := range parts {
		if i > 0 {
			fmt.Fprintf(&out, "$%d", i)
		}
		out.WriteString(part)
	}
	return out.String()
}

func (s *server) start() attempt { return attempt{at: time.Now()} }

// Conditions that pass (postgresql.org/docs/current/errcodes-appendix.html).
const (
	tooManyConnections  = "53300"
	cannotConnectNow    = "57P03" // it starts
	serializationFailed = "40001"
	deadlockDetected    = "40P01"
	lockNotAvailable    = "55P03"
)

// again reports whether to try once more what the server could not do at the moment.
func (s *server) again(ctx context.Context, conn *sql.DB, err error, since attempt) (*sql.DB, bool) {
	switch state(err) {
	case tooManyConnections, cannotConnectNow, serializationFailed, deadlockDetected:
	default:
		return conn, false
	}
	select {
	case <-ctx.Done():
		return conn, false
	case <-time.After(100 * time.Millisecond):
		return conn, time.Since(since.at) < maxWait
	}
}

func state(err error) string {
	if pe := (*pgconn.PgError)(nil); errors.As(err, &pe) {
		return pe.Code
	}
	return ""
}

// named names what is in the way, and never the password.
func (s *server) named(err error) error {
	if err == nil {
		return nil
	}
	if state(err) == lockNotAvailable {
		err = fmt.Errorf("%w (%w)", ErrLocked, err)
	}
	return hidden{err, s.secrets}
}

// hidden is an error with the secrets in its text replaced by stars.
type hidden struct {
	err     error
	secrets []string
}

func (h hidden) Error() string {
	text := h.err.Error()
	for _, secret := range h.secrets {
		text = strings.ReplaceAll(text, secret, "***")
	}
	return text
}

func (h hidden) Unwrap() error { return h.err }

// tidy does nothing: the server has its autovacuum.
func (s *server) tidy(context.Context, *sql.DB) error { return nil }

func (s *server) verify(context.Context, *sql.DB) error {
	return errors.New("PostgreSQL looks for damage by itself and with pg_amcheck; --verify is for files")
}

func (s *server) close() {}
