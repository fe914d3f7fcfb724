// SPDX-License-Identifier: Apache-2.0

package history

import (
	"strings"
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
	long := strings.Repeat("x", 2*maxText)
	keep(long+"a", "1")
	keep(long+"b", "2")
	recall(long+"a", "1")
	recall(long+"b", "2")
	var kind string
	if err := db.conn.QueryRow("SELECT typeof(value) FROM memo WHERE key = 'c'").Scan(&kind); err != nil || kind != "text" {
		t.Errorf("stored as %s (%v)", kind, err)
	}
}

// TestBounded keeps texts that both databases take, of headers that hold anything.
func TestBounded(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"text":         {"kernel", "kernel"},
		"zeros":        {"a\x00b", "ab"},
		"no text":      {"a\xff\xfeb", "a\ufffdb"},
		"long":         {strings.Repeat("x", 3*maxText), strings.Repeat("x", maxText)},
		"long no text": {strings.Repeat("x\xff", 2*maxText), strings.Repeat("x\ufffd", maxText/4)},
		"a cut letter": {strings.Repeat("x", maxText-1) + "ü", strings.Repeat("x", maxText-1)},
	} {
		if got := bounded(c.text); got != c.want {
			t.Errorf("%s: %d bytes, want %d", name, len(got), len(c.want))
		}
	}
}
