// SPDX-License-Identifier: Apache-2.0

package history

import (
	"testing"
)

// TestMemo keeps the last value of each key, and drops what nobody kept for long.
func TestMemo(t *testing.T) {
	db := openNew(t)
	recall := func(key, want string) {
		t.Helper()
		if got, err := db.Recall(t.Context(), key); err != nil || string(got) != want || (got == nil) != (want == "") {
			t.Errorf("%s: %q (%v), want %q", key, got, err, want)
		}
	}
	keep := func(key, value string) {
		t.Helper()
		if err := db.Keep(t.Context(), key, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	recall("a", "")
	keep("a", "{}")
	keep("b", `["old"]`)
	keep("b", `["new"]`)
	recall("a", "{}")
	recall("b", `["new"]`)
	if _, err := db.conn.Exec("UPDATE memo SET kept = kept - ? WHERE key = 'a'", forget+60); err != nil {
		t.Fatal(err)
	}
	keep("c", "1")
	recall("a", "")
	recall("b", `["new"]`)
	recall("c", "1")
	var kind string
	if err := db.conn.QueryRow("SELECT typeof(value) FROM memo WHERE key = 'c'").Scan(&kind); err != nil || kind != "text" {
		t.Errorf("stored as %s (%v)", kind, err)
	}
}
