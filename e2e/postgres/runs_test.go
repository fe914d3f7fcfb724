// SPDX-License-Identifier: Apache-2.0

//go:build e2epostgres

package postgres

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestRunsAtOnce has all commands that use a history do so on one at the same time, in a
// database and in a file. None says that another was in its way, and what is remembered
// then is what they remember one after the other.
func TestRunsAtOnce(t *testing.T) {
	server, _ := newDatabase(t, "at_once")
	alone := filepath.Join(t.TempDir(), "history.db")
	for _, r := range runs {
		if o := run(t, nil, r.on(alone)...); o.Status != r.status {
			t.Fatalf("%q: exit status %d\n%s", r.args, o.Status, o.All())
		}
	}
	for kind, db := range map[string]string{"server": server, "file": filepath.Join(t.TempDir(), "history.db")} {
		t.Run(kind, func(t *testing.T) {
			var all sync.WaitGroup
			for range 4 {
				for _, r := range runs {
					all.Go(func() {
						o := run(t, nil, r.on(db)...)
						said := strings.ReplaceAll(o.Stderr, "obs-btf-guard: no earlier audit of these sources is remembered; everything is new\n", "")
						if o.Status != r.status && !(r.empty && o.Status == 2) || said != "" && !r.empty {
							t.Errorf("%q: exit status %d, want %d\n%s", r.args, o.Status, r.status, o.Stderr)
						}
						for _, word := range []string{"lock", "busy", "not remembered", "SQLSTATE"} {
							if strings.Contains(o.Stderr, word) {
								t.Errorf("%q: %s", r.args, o.Stderr)
							}
						}
					})
				}
			}
			all.Wait()
			if got, want := remembered(t, db), remembered(t, alone); got != want {
				t.Errorf("remembered at once:\n%s\none after the other:\n%s", got, want)
			}
			again := run(t, nil, "audit", "--db", db, "--since-last", "5.15.12-1.3", "broken")
			if again.Status != 0 || again.Stderr != "" || !strings.Contains(again.Stdout, ": 0 new findings, ") {
				t.Errorf("audit --since-last: exit status %d\n%s", again.Status, again.All())
			}
		})
	}
}

// runs are what is done at once.
var runs = []aRun{
	{[]string{"check", "5.15.12-1.3", "--against", "5.15.12-1.1"}, 1, false},
	{[]string{"check", "broken", "--against", "5.15.12-1.3"}, 1, false},
	{[]string{"audit", "5.15.12-1.3", "5.15.12-1.1"}, 1, false},
	{[]string{"audit", "--since-last", "--fail-on", "none", "5.15.12-1.3", "broken"}, 0, false},
	{[]string{"history"}, 0, true},
	{[]string{"history", "--prune", "100"}, 0, true},
}

// aRun is a call of the program.
type aRun struct {
	args   []string
	status int
	empty  bool // it may find nothing yet
}

func (r aRun) on(db string) []string {
	return append([]string{r.args[0], "--db", db}, r.args[1:]...)
}

// remembered is all of a history that does not depend on when it was written.
func remembered(t *testing.T, db string) string {
	t.Helper()
	o := run(t, nil, "history", "--db", db, "--format", "json")
	return fmt.Sprintf("exit status %d\n%s", o.Status, database.ReplaceAllString(seen.ReplaceAllString(o.Stdout, ""), ""))
}
