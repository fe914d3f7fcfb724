// SPDX-License-Identifier: Apache-2.0

package history

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
	"modernc.org/sqlite"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
)

// Databases that Open leaves alone.
var (
	ErrNewer   = errors.New("written by a newer obs-btf-guard")
	ErrForeign = errors.New("not a history of obs-btf-guard, but something of another program")
)

// DB is an open history. Its methods may be called at the same time, and by
// several programs on one file: each record is a transaction of its own, which
// waits for others.
type DB struct {
	// Aside is about a damaged file that stood in the way and was renamed: what
	// was wrong with it, and where it is now. "" if there was none.
	Aside string

	conn *sql.DB
}

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

// Open opens the history at path. Where there is none it is made, with the
// folders to it, for its owner's eyes only: it tells which projects somebody
// builds, and where. An older schema is brought up to date.
//
// A damaged history is renamed to path.broken-<time> with its journal, and a new
// one begun. It is known by SQLite's and our mark at its beginning, or, without
// them, by its name, history.db. What is something else is never moved: a schema newer than this
// program's (ErrNewer), another program's database (ErrForeign), a folder, a file
// that may not be written are errors.
func Open(path string) (*DB, error) {
	db, err := open(path, migrations)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, regular.WithoutPath(err))
	}
	return db, nil
}

func open(path string, migrations []string) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // a link stays one
	}
	aside := ""
	for try := 0; ; try++ {
		info, err := place(path)
		if err != nil {
			return nil, err
		}
		db, err := attempt(path, migrations)
		if err == nil {
			db.Aside = aside
			return db, nil
		}
		if !broken(err) || try == 2 {
			return nil, err
		}
		to, moveErr := setAside(path, info)
		if errors.Is(moveErr, ErrForeign) {
			return nil, moveErr
		}
		if moveErr != nil {
			return nil, fmt.Errorf("%w, and cannot be set aside: %w", err, moveErr)
		}
		if to != "" {
			aside = fmt.Sprintf("%s: %v; it is kept as %s, and a new history begins", path, err, filepath.Base(to))
		}
	}
}

// place sees to it that there is a file, and says which.
func place(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		// SQLite would let others read it. Made without being opened: to close a file
		// gives up all locks that the process has on it.
		if err := unix.Mknod(path, unix.S_IFREG|0o600, 0); err != nil && err != unix.EEXIST {
			return nil, err
		}
		info, err = os.Stat(path)
	}
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a file")
	}
	return info, err
}

// attempt opens the file that is there.
func attempt(path string, migrations []string) (*DB, error) {
	// A journal that is rolled back, not WAL: it works on network file systems, can
	// be read where it cannot be written, and leaves one file.
	query := url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout(10000)", "trusted_schema(0)"}}
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query.Encode()}
	conn, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, err
	}
	conn.SetMaxOpenConns(1)
	if err := prepare(context.Background(), conn, migrations); err != nil {
		conn.Close()
		return nil, err
	}
	return &DB{conn: conn}, nil
}

// Close ends the use of the database.
func (db *DB) Close() error { return db.conn.Close() }

// Result codes of SQLite (sqlite.org/rescode.html).
const (
	sqliteError   = 1
	sqliteCorrupt = 11
	sqliteNotADB  = 26
)

// code is the result code of an error of SQLite, 0 for another error.
func code(err error) int {
	if se := (*sqlite.Error)(nil); errors.As(err, &se) {
		return se.Code() & 0xff
	}
	return 0
}

func broken(err error) bool {
	return errors.Is(err, errBroken) || code(err) == sqliteCorrupt || code(err) == sqliteNotADB
}

// setAside renames a broken database and what SQLite keeps beside it, which it
// would otherwise take for a part of the next one. It returns the new name, ""
// where another program was faster.
func setAside(path string, broken fs.FileInfo) (string, error) {
	// One at a time, as whoever comes second would take the new file for the broken
	// one. File systems without such locks leave it at the look at which file it is.
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	defer dir.Close()
	_ = unix.Flock(int(dir.Fd()), unix.LOCK_EX)
	if there, err := os.Stat(path); err != nil || !os.SameFile(broken, there) {
		return "", nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var header [72]byte // sqlite.org/fileformat2.html, 1.3
	n, _ := io.ReadFull(f, header[:])
	switch sqlite := n == len(header) && string(header[:16]) == "SQLite format 3\x00"; {
	case sqlite && binary.BigEndian.Uint32(header[68:]) != applicationID:
		return "", ErrForeign
	case !sqlite && filepath.Base(path) != historyName:
		return "", ErrForeign // perhaps not even a database: --db was mistyped
	}
	name := path + ".broken-" + time.Now().UTC().Format("20060102T150405Z")
	for i, first := 2, name; exists(name); i++ {
		name = fmt.Sprintf("%s-%d", first, i)
	}
	for _, suffix := range []string{"-journal", "-wal", "-shm"} {
		if err := os.Rename(path+suffix, name+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return name, os.Rename(path, name)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
