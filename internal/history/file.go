// SPDX-License-Identifier: Apache-2.0

package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
)

// file is a history in a SQLite file.
type file struct {
	path       string
	migrations []string
	notice     func(string)
	// folder of the file, with a shared lock as long as it is open: no program sets aside
	// a file that another has open. SQLite would then delete the next file's log by its
	// name.
	folder *os.File
}

// openFile opens the file and brings it to the newest schema.
func openFile(ctx context.Context, path string, migrations []string, notice func(string)) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // a link stays one
	}
	f := &file{path: path, migrations: migrations, notice: notice}
	conn, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	return &DB{engine: f, conn: conn}, nil
}

// open opens the file. A damaged file is set aside.
func (f *file) open(ctx context.Context) (*sql.DB, error) {
	for try := 0; ; try++ {
		info, err := place(f.path)
		if err != nil {
			return nil, err
		}
		conn, err := f.connect(ctx, false)
		if err == nil {
			return conn, nil
		}
		if !broken(err) || try == 2 {
			return nil, err
		}
		if err := f.begun(info, err); err != nil {
			return nil, err
		}
	}
}

// place makes the file if there is none, and returns what it is.
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

// busyWait is how long SQLite waits for a lock, in milliseconds. If the lock is held
// longer and nothing is written, a program hangs or a person has the database open. While
// others write, we wait until maxWait.
const (
	busyWait = 1000
	maxWait  = 10 * time.Second
)

// connect opens the file that is there; immutable is one that nobody can write.
func (f *file) connect(ctx context.Context, immutable bool) (conn *sql.DB, err error) {
	if dir, err := os.Open(filepath.Dir(f.path)); err == nil { // some file systems have no such locks
		f.folder = dir
		_ = unix.Flock(int(dir.Fd()), unix.LOCK_SH)
	}
	query := url.Values{"_txlock": {"immediate"}, "_pragma": {fmt.Sprintf("busy_timeout(%d)", busyWait), "trusted_schema(0)"}}
	if immutable {
		query.Set("immutable", "1")
	}
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: f.path, RawQuery: query.Encode()}
	conn, err = sql.Open("sqlite", dsn.String())
	if err == nil {
		conn.SetMaxOpenConns(1)
		for since := f.start(); ; {
			if err = prepare(ctx, conn, f.migrations); err == nil {
				err = f.journal(ctx, conn)
			}
			if err == nil {
				return conn, nil
			}
			if ctx.Err() != nil || !f.waits(err, since) {
				break
			}
		}
		conn.Close()
	}
	f.close()
	// A file with a log can be read only with the right to write; without one it is whole.
	if c := code(err); (c == sqliteCantOpen || c == sqliteReadOnly) && !immutable && !exists(f.path+"-wal") && unix.Access(f.path, unix.R_OK) == nil {
		return f.connect(ctx, true)
	}
	return nil, f.named(err)
}

// named names what is in the way.
func (f *file) named(err error) error {
	switch code(err) {
	case sqliteBusy:
		return fmt.Errorf("%w (%w)", ErrLocked, err)
	case sqliteReadOnly:
		return ErrReadOnly
	case sqliteFull:
		return unix.ENOSPC
	case sqliteCantOpen: // SQLite does not say why
		for _, path := range []string{f.path, filepath.Dir(f.path)} {
			if why := unix.Access(path, unix.R_OK|unix.W_OK); why != nil {
				return why
			}
		}
	}
	return err
}

// hosted are file systems of one machine. SQLite's write-ahead log needs memory that all
// programs share, which programs on several machines do not have (sqlite.org/wal.html).
var hosted = []int64{
	unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC,
	unix.TMPFS_MAGIC, unix.OVERLAYFS_SUPER_MAGIC, unix.REISERFS_SUPER_MAGIC,
	0x2fc12fc1, // ZFS
	0xca451a4e, // bcachefs
}

// journal selects a write-ahead log where the file system allows one: readers do not
// wait, and a record costs no sync of the disk. Elsewhere it is a rollback journal.
func (f *file) journal(ctx context.Context, conn *sql.DB) error {
	var fs unix.Statfs_t
	want := "delete"
	if err := unix.Statfs(f.path, &fs); err == nil && slices.Contains(hosted, int64(fs.Type)) {
		want = "wal"
	}
	var is string
	if err := conn.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&is); err != nil {
		return err
	}
	if is != want {
		// It stays as it is where others are at work, or it cannot be written.
		_, err := conn.ExecContext(ctx, "PRAGMA busy_timeout = 0; PRAGMA journal_mode = "+want+fmt.Sprintf("; PRAGMA busy_timeout = %d", busyWait))
		if err != nil && broken(err) {
			return err
		}
		if _, err := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", busyWait)); err != nil {
			return err
		}
		if err := conn.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&is); err != nil {
			return err
		}
	}
	if is == "wal" {
		// The file is whole after a power cut, too; the last records may be missing.
		_, err := conn.ExecContext(ctx, "PRAGMA synchronous = NORMAL")
		return err
	}
	return nil
}

func (f *file) close() {
	if f.folder != nil {
		f.folder.Close()
		f.folder = nil
	}
}

func (f *file) query(text string) string { return text }

// begin begins with the lock of a writer, or has the first query take that of a
// reader.
func (f *file) begin(ctx context.Context, conn *sql.DB, write bool) (*sql.Tx, error) {
	return conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: !write})
}

// tidy does nothing while somebody writes: the rows are deleted anyway.
func (f *file) tidy(ctx context.Context, conn *sql.DB) error {
	_, err := conn.ExecContext(ctx, "VACUUM")
	if code(err) == sqliteBusy {
		return nil
	}
	return err
}

// attempt is when something was first tried, and what the file was like.
type attempt struct {
	at    time.Time
	stamp string
}

func (f *file) start() attempt { return attempt{time.Now(), f.stamp()} }

// stamp changes whenever somebody has written.
func (f *file) stamp() string {
	var s strings.Builder
	for _, path := range []string{f.path, f.path + "-wal"} {
		if info, err := os.Stat(path); err == nil {
			fmt.Fprintln(&s, info.Size(), info.ModTime().UnixNano())
		}
	}
	return s.String()
}

// waits reports whether it is worth waiting longer for a lock: others have written in the
// meantime.
func (f *file) waits(err error, since attempt) bool {
	return code(err) == sqliteBusy && time.Since(since.at) < maxWait && f.stamp() != since.stamp
}

// Result codes of SQLite (sqlite.org/rescode.html).
const (
	sqliteError    = 1
	sqliteBusy     = 5
	sqliteReadOnly = 8
	sqliteCorrupt  = 11
	sqliteFull     = 13
	sqliteCantOpen = 14
	sqliteNotADB   = 26
)

// code is the result code of an error of SQLite, 0 for another error.
func code(err error) int {
	if se := (*sqlite.Error)(nil); errors.As(err, &se) {
		return se.Code() & 0xff
	}
	return 0
}
