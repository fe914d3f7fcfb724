// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/history"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/urfave/cli/v2"
)

func databaseFlag(does string) *cli.StringFlag {
	return &cli.StringFlag{Name: "db", Usage: does + " the history in `FILE`, or in a PostgreSQL database (postgres://...), instead of $XDG_STATE_HOME/obs-btf-guard/history.db"}
}

// databaseFlags are those of the commands that remember what they read.
func databaseFlags() []cli.Flag {
	either := func(c *cli.Context, no bool) error {
		if no && c.IsSet("db") {
			return misuse(c, "--db and --no-db; give one of them")
		}
		return nil
	}
	db := databaseFlag("keep")
	db.Action = func(c *cli.Context, name string) error { // before the work, which may be long
		if err := history.CanBe(name); err != nil {
			return misuse(c, "--db %v", err)
		}
		return nil
	}
	return []cli.Flag{db, &cli.BoolFlag{Name: "no-db", Usage: "do not remember what is read, and use nothing that is remembered", Action: either}, cacheFlag()}
}

// databasePath is the file of --db, or where the history is by default.
func databasePath(c *cli.Context) (string, error) {
	if path := c.String("db"); path != "" {
		return path, nil
	}
	return history.DefaultPath(os.Getenv)
}

// openHistory opens the history. What was in its way is said, now or later.
func openHistory(c *cli.Context, path string) (*history.DB, error) {
	return history.Open(c.Context, path, func(notice string) {
		fmt.Fprintf(c.App.ErrWriter, "obs-btf-guard: %s\n", prose.Printable(notice))
	})
}

// memory is the history to a command that remembers. It is opened when it is first
// needed. No result depends on it: what goes wrong is said once, and after that
// nothing is remembered.
type memory struct {
	c       *cli.Context
	db      *history.DB // nil until it is open, and where it cannot be
	tried   bool
	unsaid  error  // why db cannot be opened, where nobody asked for it; who watches is told
	quiet   bool   // nobody watches, who would want to know that a history begins
	program string // digest of this program
}

// newMemory is nil with --no-db, and without --db where nobody looks at a history
// later: in CI and inside of a build root.
func newMemory(c *cli.Context) *memory {
	if c.Bool("no-db") || !c.IsSet("db") && passing(os.Getenv, "/") {
		return nil
	}
	return &memory{c: c, quiet: !isTerminal(c.App.ErrWriter)}
}

// passing reports whether what is written to a home directory goes with the machine,
// or is the result of a build: by the variable that CI systems set (GitHub, GitLab,
// Travis and others), those of rpmbuild (rpm's build.c) and obs-build, and what
// obs-build leaves in its root.
func passing(getenv func(string) string, root string) bool {
	if ci := getenv("CI"); ci != "" && ci != "false" && ci != "0" {
		return true
	}
	if getenv("RPM_BUILD_ROOT") != "" || getenv("BUILD_ROOT") != "" {
		return true
	}
	_, err := os.Lstat(filepath.Join(root, ".build.packages"))
	return err == nil
}

// open reports whether there is a history to work with.
func (m *memory) open() bool {
	if m == nil || m.tried {
		return m != nil && m.db != nil
	}
	m.tried = true
	asked := m.c.IsSet("db")
	path, err := databasePath(m.c)
	if err == nil && !asked && !ownHome("XDG_STATE_HOME") {
		return false
	}
	var db *history.DB
	begins := false
	if err == nil {
		_, missing := os.Lstat(path)
		begins = errors.Is(missing, fs.ErrNotExist)
		db, err = openHistory(m.c, path)
	}
	switch {
	case err == nil:
		m.db = db
		if begins && !m.quiet && !asked {
			fmt.Fprintf(m.c.App.ErrWriter, "obs-btf-guard: what is read is remembered from now on, in %s (--no-db does without)\n", prose.Printable(path))
		}
	case asked, errors.Is(err, history.ErrNewer), errors.Is(err, history.ErrForeign), errors.Is(err, history.ErrLocked):
		m.failed(err)
	default: // no home, or one that cannot be written: nobody asked for more
		m.unsaid = err
		if !m.quiet && !m.c.Bool("since-last") { // which says so itself
			m.failed(err)
		}
	}
	return m.db != nil
}

// failed says what went wrong, and ends it.
func (m *memory) failed(err error) {
	if err == nil {
		return
	}
	if m.c.Context.Err() == nil {
		without := " (--no-db does without)"
		if m.c.Bool("since-last") { // which does not
			without = ""
		}
		fmt.Fprintf(m.c.App.ErrWriter, "obs-btf-guard: not remembered%s: %s\n", without, prose.Printable(err.Error()))
	}
	if m.db != nil {
		m.db.Close()
		m.db = nil
	}
}

// last gives what any version of the program kept under a key. Whoever asks for it
// needs it, so an error is his.
func (m *memory) last(key string) ([]byte, error) {
	if !m.open() {
		if m.unsaid != nil {
			return nil, fmt.Errorf("there is no history to find it in: %w", m.unsaid)
		}
		return nil, errors.New("there is no history to find it in")
	}
	return m.db.Recall(m.c.Context, key)
}

// next keeps JSON for last, and reports whether it could. Why not was said.
func (m *memory) next(key string, value []byte) bool {
	if m.open() {
		m.failed(m.db.Keep(m.c.Context, key, value))
	}
	return m.db != nil
}

func (m *memory) close() {
	if m != nil && m.db != nil {
		m.failed(m.db.Close())
		m.db = nil
	}
}

// Record notes the kernels that were read and the verdicts on them; res may be
// nil.
func (m *memory) Record(inv *guard.Inventory, res *guard.Result) {
	if !slices.ContainsFunc(inv.Bases, func(b *guard.Base) bool { return b.Package != nil }) || !m.open() {
		return
	}
	m.failed(m.db.Record(m.c.Context, inv, res))
}

// Recall gives what this very program kept under a key.
func (m *memory) Recall(key string) []byte {
	if !m.open() || m.self() == "" {
		return nil
	}
	value, err := m.db.Recall(m.c.Context, m.self()+" "+key)
	m.failed(err)
	return value
}

// Keep keeps JSON under a key.
func (m *memory) Keep(key string, value []byte) {
	if m.open() && m.self() != "" {
		m.failed(m.db.Keep(m.c.Context, m.self()+" "+key, value))
	}
}

// self is what this program is known by.
func (m *memory) self() string {
	if m.program == "" {
		m.program = programDigest()
	}
	return m.program
}
