// SPDX-License-Identifier: Apache-2.0

package history

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// TestWrongClock writes with a clock that stands in the year 2000, long before what is
// recorded, and then in 2200: nothing that was recorded is lost by it.
func TestWrongClock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	inv, res := incident(t)
	right := openAt(t, path)
	if err := right.Record(t.Context(), inv, res); err != nil {
		t.Fatal(err)
	}
	if err := right.Keep(t.Context(), "what an audit found", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	want := len(builds(t, right, Filter{}))
	carried := Remember(inv.Bases)
	right.Close()
	look := func(t *testing.T, db *DB) {
		t.Helper()
		if err := db.Record(t.Context(), inv, res); err != nil {
			t.Fatal(err)
		}
		if got := len(builds(t, db, Filter{})); got != want {
			t.Errorf("%d builds in %d, want %d", got, time.Now().Year(), want)
		}
		if value, err := db.Recall(t.Context(), "what an audit found"); err != nil || value == nil {
			t.Errorf("in %d: %q, %v", time.Now().Year(), value, err)
		}
		if got := Remember(nil, carried); len(got) != len(carried) {
			t.Errorf("%d builds are carried on in %d, want %d", len(got), time.Now().Year(), len(carried))
		}
	}
	synctest.Test(t, func(t *testing.T) {
		db, err := Open(t.Context(), path, unexpected(t))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		look(t, db)
		if p, err := db.Prune(t.Context(), time.Now().AddDate(0, 0, -1)); err != nil || p != (Pruned{}) {
			t.Errorf("pruned by a slow clock: %+v, %v", p, err)
		}
		time.Sleep(200 * 365 * 24 * time.Hour)
		look(t, db)
	})
	// What the slow clock recorded again is as new as it was.
	right = openAt(t, path)
	if p, err := right.Prune(t.Context(), time.Now().AddDate(0, 0, -1)); err != nil || p.Packages != 0 {
		t.Errorf("pruned by the right clock: %+v, %v", p, err)
	}
}

// TestSlowClock carries former builds on where the clock of the build host is behind
// them all.
func TestSlowClock(t *testing.T) {
	b := made("digest", "1.3", 3, 3, nil)
	b.Origin = guard.New
	former := Remember([]*guard.Base{made("former", "1.2", 2, 1, nil), made("older", "1.1", 1, 2, nil)})
	synctest.Test(t, func(t *testing.T) {
		var got []string
		for _, b := range Remember([]*guard.Base{b}, former) {
			got = append(got, b.Digest)
		}
		if len(got) != 3 || got[0] != "digest" || got[1] != "former" {
			t.Errorf("%q", got)
		}
	})
}
