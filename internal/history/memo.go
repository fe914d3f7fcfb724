// SPDX-License-Identifier: Apache-2.0

package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// forget is after how many seconds what was kept is dropped.
const forget = 400 * 24 * 60 * 60

// Recall gives what was kept under a key, nil if nothing was.
func (db *DB) Recall(ctx context.Context, key string) ([]byte, error) {
	var value []byte
	err := db.conn.QueryRowContext(ctx, "SELECT value FROM memo WHERE key = ?", key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	return value, nil
}

// Keep keeps JSON under a key, for a year or so. The key has to name all that the
// value depends on, the program that found it included: nothing else makes it void.
func (db *DB) Keep(ctx context.Context, key string, value []byte) error {
	tx, err := db.conn.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	defer tx.Rollback()
	r := recorder{ctx: ctx, tx: tx, now: time.Now().Unix()}
	r.exec("DELETE FROM memo WHERE kept < ?", r.now-forget)
	r.exec("INSERT OR REPLACE INTO memo ("+memoColumns+") VALUES (?, CAST(? AS TEXT), ?)", key, value, r.now)
	if r.err == nil {
		r.err = tx.Commit()
	}
	if r.err != nil {
		return fmt.Errorf("history: %w", r.err)
	}
	return nil
}
