// SPDX-License-Identifier: Apache-2.0

package history

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
)

// Databases that Open leaves alone.
var (
	ErrNewer   = errors.New("written by a newer obs-btf-guard")
	ErrForeign = errors.New("not a history of obs-btf-guard, but something of another program")
)

// Errors of a database that is as it should be.
var (
	ErrLocked   = errors.New("another program holds its lock") // for long, while it writes nothing
	ErrReadOnly = errors.New("it may be read, but not written")
)

// DefaultPath is obs-btf-guard/history.db below $XDG_STATE_HOME, else below
// ~/.local/state, as the XDG base directory specification says; getenv is
// os.Getenv.
func DefaultPath(getenv func(string) string) (string, error) {
	state := getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		home := getenv("HOME")
		if !filepath.IsAbs(home) {
			return "", errors.New("no place for the history: neither XDG_STATE_HOME nor HOME is an absolute path")
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "obs-btf-guard", historyName), nil
}

// historyName is the name of the default file.
const historyName = "history.db"

// CanBe says why what somebody names can hold no history: a path whose folder is missing,
// or a file of another program. Nothing is waited for.
func CanBe(name string) error {
	if IsServer(name) {
		return nil
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if folder := filepath.Dir(name); !exists(folder) {
			return fmt.Errorf("%s: there is no folder %s", name, folder)
		}
		return nil
	case err != nil:
		return fmt.Errorf("%s: %w", name, regular.WithoutPath(err))
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: not a file", name)
	case info.Size() == 0:
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil // Open says what it is
	}
	defer f.Close()
	if foreign(f, name) {
		return fmt.Errorf("%s: %w", name, ErrForeign)
	}
	return nil
}

// Open opens a history: a SQLite file by its path, or a PostgreSQL database by its
// URL, postgres://..., that many hosts write to. An older schema is brought up to date.
//
// A file that does not exist is made, with its folders, readable by its owner only: it
// tells which projects somebody builds, and where. In a PostgreSQL database, the tables are
// made in the schema obs_btf_guard, or in the search_path of the URL.
//
// A damaged file is renamed to path.broken-<time> with its journal, and a new one
// begun: by Open if it cannot be opened, by any method that fails because of it
// after that. notice gets a message. It is known by SQLite's and our mark at its beginning,
// or, without them, by its name, history.db. What is something else is never moved: a
// schema newer than this program's (ErrNewer), another program's database
// (ErrForeign), a folder, a file that may not be written are errors. No error has a
// password in it.
func Open(ctx context.Context, name string, notice func(string)) (db *DB, err error) {
	if IsServer(name) {
		db, err = openServer(ctx, name, migrations)
	} else {
		db, err = openFile(ctx, name, migrations, notice)
		err = regular.WithoutPath(err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Name(name), err)
	}
	db.name = Name(name)
	return db, nil
}
