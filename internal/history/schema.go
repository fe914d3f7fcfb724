// SPDX-License-Identifier: Apache-2.0

package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// applicationID marks a SQLite file as ours: "BTFH" at byte 68.
const applicationID = 0x42544648

// migrations lead from each schema to the next; PRAGMA user_version is how many
// of them a file has seen. One that was released is never edited.
var migrations = []string{`
CREATE TABLE package (  -- an RPM that was read
	digest   TEXT PRIMARY KEY,  -- SHA-256 of its header, in hex
	package  TEXT NOT NULL,     -- name-[epoch:]version-release.arch
	source   TEXT NOT NULL,     -- name of the source package
	release  TEXT NOT NULL,     -- version-release
	disturl  TEXT NOT NULL,
	project  TEXT NOT NULL,     -- of OBS, from disturl
	host     TEXT NOT NULL,     -- that it was built on
	built    INTEGER NOT NULL,  -- seconds since 1970, 0: unknown
	seen     INTEGER NOT NULL,  -- likewise, when it was first recorded
	complete INTEGER NOT NULL   -- 1: every vmlinux in it is in base
);
CREATE TABLE base (  -- a vmlinux in a package
	digest        TEXT NOT NULL REFERENCES package,
	path          TEXT NOT NULL,
	arch          TEXT NOT NULL,
	kernelrelease TEXT NOT NULL,
	flavor        TEXT NOT NULL,
	fingerprint   TEXT NOT NULL,     -- sha256:..., '' without .BTF
	types         TEXT NOT NULL,
	strings       TEXT NOT NULL,
	type_count    INTEGER NOT NULL,  -- void not counted
	string_bytes  INTEGER NOT NULL,
	compiler      TEXT NOT NULL,     -- as its config says, '' where it does not
	linker        TEXT NOT NULL,
	pahole        TEXT NOT NULL,
	PRIMARY KEY (digest, path)
);
CREATE INDEX base_fingerprint ON base (fingerprint);
CREATE TABLE judgement (  -- how many modules of a package came to what verdict on a vmlinux
	digest      TEXT NOT NULL REFERENCES package,  -- the modules' package
	base        TEXT NOT NULL,     -- digest of the vmlinux's package, '' for a loose file or none
	fingerprint TEXT NOT NULL,     -- of the vmlinux, '' without .BTF or none
	pairing     TEXT NOT NULL,
	verdict     TEXT NOT NULL,
	severity    TEXT NOT NULL,
	modules     INTEGER NOT NULL,
	judged      INTEGER NOT NULL,  -- seconds since 1970
	PRIMARY KEY (digest, base, fingerprint, pairing, verdict, severity)
);
CREATE INDEX judgement_base ON judgement (base, fingerprint);
`, `
CREATE TABLE memo (  -- what programs found out with effort; any row may be deleted
	key   TEXT PRIMARY KEY,  -- made of all that it depends on
	value TEXT NOT NULL,     -- JSON
	kept  INTEGER NOT NULL   -- seconds since 1970
);
`, `
ALTER TABLE package ADD COLUMN used INTEGER NOT NULL DEFAULT 0;  -- seconds since 1970, when it was last recorded
UPDATE package SET used = seen;
CREATE INDEX package_used ON package (used);
CREATE INDEX package_project ON package (project);
CREATE INDEX base_kernelrelease ON base (kernelrelease);
CREATE INDEX memo_kept ON memo (kept);
`}

// errBroken is a database with our mark and other tables than ours.
var errBroken = errors.New("damaged")

// prepare brings a file to the newest schema and checks the definitions of its tables;
// to check their content would take long. A file that cannot be used is not written to.
func prepare(ctx context.Context, conn *sql.DB, migrations []string) error {
	version, err := schemaOf(ctx, conn, len(migrations))
	if err != nil {
		return err
	}
	if version < len(migrations) {
		if err := migrate(ctx, conn, migrations); err != nil {
			return err
		}
	}
	rows, err := conn.QueryContext(ctx, "SELECT 1 FROM (SELECT "+packageColumns+" FROM package) AS p, (SELECT "+baseColumns+" FROM base) AS b, "+
		"(SELECT "+judgementColumns+" FROM judgement) AS j, (SELECT "+memoColumns+" FROM memo) AS m LIMIT 0")
	if err != nil {
		if ctx.Err() == nil && code(err) == sqliteError {
			err = fmt.Errorf("%w: %w", errBroken, err)
		}
		return err
	}
	return rows.Close()
}

// schemaOf is schema of a file that others may write to.
func schemaOf(ctx context.Context, conn *sql.DB, newest int) (int, error) {
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	return schema(ctx, tx, newest)
}

// schema reads which schema a file has: 0 for an empty file, an error for one
// newer than newest and for a database of another program. It reads in one transaction,
// so that it does not see half of a migration.
func schema(ctx context.Context, tx *sql.Tx, newest int) (version int, err error) {
	var tables, id int
	for _, q := range []struct {
		query string
		to    *int
	}{{"SELECT count(*) FROM sqlite_schema", &tables}, {"PRAGMA application_id", &id}, {"PRAGMA user_version", &version}} {
		if err := tx.QueryRowContext(ctx, q.query).Scan(q.to); err != nil {
			return 0, err
		}
	}
	switch {
	case id == 0 && version == 0 && tables == 0:
		return 0, nil
	case id != applicationID:
		return 0, ErrForeign
	case version > newest:
		return 0, fmt.Errorf("%w (schema %d, this one knows %d)", ErrNewer, version, newest)
	case version < 1:
		return 0, fmt.Errorf("%w: schema %d", errBroken, version)
	}
	return version, nil
}

// migrate takes all steps or none. Of several programs that try, one does it and the
// others find it done.
func migrate(ctx context.Context, conn *sql.DB, migrations []string) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	version, err := schema(ctx, tx, len(migrations))
	if err != nil {
		return err
	}
	for ; version < len(migrations); version++ {
		if _, err := tx.ExecContext(ctx, migrations[version]); err != nil {
			return fmt.Errorf("to schema %d: %w", version+1, err)
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, version)); err != nil {
		return err
	}
	return tx.Commit()
}
