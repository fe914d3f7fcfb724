// SPDX-License-Identifier: Apache-2.0

package history

import (
	"context"
	"time"
)

// Pruned counts what was removed.
type Pruned struct {
	Packages   int64 `json:"packages"`
	Kernels    int64 `json:"kernels"`
	Judgements int64 `json:"judgements"`
	Memos      int64 `json:"memos"`
}

// Prune removes the packages that were last recorded before a time, with their kernels
// and verdicts, and what was kept before it. The database gets smaller.
func (db *DB) Prune(ctx context.Context, before time.Time) (p Pruned, err error) {
	const old = "(SELECT digest FROM package WHERE used < ?)"
	at := before.Unix()
	err = db.do(ctx, writing, func(t *tx) {
		p.Judgements = t.exec("DELETE FROM judgement WHERE digest IN "+old+" OR base IN "+old, at, at)
		p.Kernels = t.exec("DELETE FROM base WHERE digest IN "+old, at)
		p.Packages = t.exec("DELETE FROM package WHERE used < ?", at)
		p.Memos = t.exec("DELETE FROM memo WHERE kept < ?", at)
	})
	if err != nil || p == (Pruned{}) {
		return p, err
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	return p, db.wrap(db.engine.tidy(ctx, db.conn))
}
