// SPDX-License-Identifier: Apache-2.0

package history

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"time"
)

// forget is the age in seconds at which what was kept is dropped.
const forget = 400 * 24 * 60 * 60

// Recall returns what was kept under a key, nil if there is nothing.
func (db *DB) Recall(ctx context.Context, key string) (value []byte, err error) {
	err = db.do(ctx, single, func(t *tx) {
		value = nil
		t.rows(func(rows *sql.Rows) error { return rows.Scan(&value) }, "SELECT value FROM memo WHERE key = ?", memoKey(key))
	})
	return value, err
}

// Keep keeps JSON under a key, for a year or so. The key has to name all that the
// value depends on, including the program that found it: nothing else invalidates it.
func (db *DB) Keep(ctx context.Context, key string, value []byte) error {
	return db.do(ctx, writing, func(t *tx) {
		now := time.Now().Unix()
		t.exec("DELETE FROM memo WHERE kept < ?", now-forget)
		t.insert("memo", memoColumns, [][]any{{memoKey(key), document(value), now}}, "(key) DO UPDATE SET value = excluded.value, kept = excluded.kept")
	})
}

// memoKey is the key, or a digest of one that is longer than texts may be.
func memoKey(key string) string {
	if len(key) <= maxText/2 {
		return key
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(key)))
}
