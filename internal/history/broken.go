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
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// begun makes room for a new file by setting the damaged one aside.
func (f *file) begun(info fs.FileInfo, damage error) error {
	to, err := setAside(f.path, info)
	switch {
	case errors.Is(err, ErrForeign):
		return err
	case err != nil:
		return fmt.Errorf("%w, and cannot be set aside: %w", damage, err)
	case to != "":
		f.notice(fmt.Sprintf("%s: %v; it is kept as %s, and a new history begins", f.path, damage, filepath.Base(to)))
	}
	return nil
}

func (f *file) verify(ctx context.Context, conn *sql.DB) error {
	return verify(ctx, conn, "PRAGMA integrity_check(20)")
}

// verify asks SQLite what is wrong.
func verify(ctx context.Context, conn *sql.DB, pragma string) error {
	rows, err := conn.QueryContext(ctx, pragma)
	if err != nil {
		return err
	}
	defer rows.Close()
	var says []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return err
		}
		says = append(says, line)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if text := strings.Join(says, "; "); text != "ok" {
		return fmt.Errorf("%w: %s", errBroken, text)
	}
	return nil
}

// again waits for other writers, and begins a new file if this one is damaged. It checks
// the file only after something failed.
func (f *file) again(ctx context.Context, conn *sql.DB, err error, since attempt) (*sql.DB, bool) {
	if f.waits(err, since) {
		return conn, true
	}
	if !broken(err) {
		return conn, false
	}
	info, statErr := os.Stat(f.path)
	damage := verify(ctx, conn, "PRAGMA quick_check(1)")
	if statErr != nil || damage == nil || !broken(damage) {
		return conn, false
	}
	conn.Close()
	f.close()
	if f.begun(info, damage) != nil {
		return conn, false
	}
	fresh, openErr := f.open(ctx)
	if openErr != nil {
		return conn, false
	}
	return fresh, true
}

func broken(err error) bool {
	return errors.Is(err, errBroken) || code(err) == sqliteCorrupt || code(err) == sqliteNotADB
}

// setAside renames a broken database and what SQLite keeps beside it, which it
// would otherwise take for a part of the next one. It returns the new name, ""
// where another program was faster.
func setAside(path string, broken fs.FileInfo) (string, error) {
	there := func() bool {
		info, err := os.Stat(path)
		return err == nil && os.SameFile(broken, info)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	defer dir.Close()
	// One program at a time, and not while others have the file open. If others have
	// opened a new file in its place, there is nothing to do.
	for until := time.Now().Add(busyWait * time.Millisecond); there(); time.Sleep(5 * time.Millisecond) {
		err := unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err != unix.EWOULDBLOCK { // some file systems have no such locks
			break
		}
		if time.Now().After(until) {
			return "", errors.New("another program has it open")
		}
	}
	if !there() {
		return "", nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if foreign(f, path) {
		return "", ErrForeign
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

// foreign reports whether a file is something else than a history, by its beginning. A
// damaged history may begin with anything, and is one by the default file's name.
func foreign(f io.Reader, path string) bool {
	var header [72]byte // sqlite.org/fileformat2.html, 1.3
	n, _ := io.ReadFull(f, header[:])
	if n == len(header) && string(header[:16]) == "SQLite format 3\x00" {
		return binary.BigEndian.Uint32(header[68:]) != applicationID
	}
	return filepath.Base(path) != historyName // perhaps not even a database: --db was mistyped
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
