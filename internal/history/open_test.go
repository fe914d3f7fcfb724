// SPDX-License-Identifier: Apache-2.0

package history

import (
	"bytes"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

func TestDefaultPath(t *testing.T) {
	for name, c := range map[string]struct{ state, home, want string }{
		"XDG":           {"/var/state", "/home/me", "/var/state/obs-btf-guard/history.db"},
		"home":          {"", "/home/me", "/home/me/.local/state/obs-btf-guard/history.db"},
		"relative XDG":  {"state", "/home/me", "/home/me/.local/state/obs-btf-guard/history.db"},
		"nothing":       {"", "", ""},
		"relative home": {"", "me", ""},
	} {
		got, err := DefaultPath(func(name string) string {
			return map[string]string{"XDG_STATE_HOME": c.state, "HOME": c.home}[name]
		})
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestCanBe tells what was mistyped from what Open makes, opens or sets aside.
func TestCanBe(t *testing.T) {
	dir := t.TempDir()
	ours := filepath.Join(dir, "ours.db")
	openAt(t, ours).Close()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct{ name, says string }{
		{ours, ""},
		{filepath.Join(dir, "new.db"), ""},
		{"new.db", ""},
		{file("empty", ""), ""},
		{file("history.db", "damaged"), ""},
		{"postgres://nowhere.invalid/db", ""},
		{file("notes.txt", "hello"), "notes.txt: not a history of obs-btf-guard, but something of another program"},
		{file("other.db", "SQLite format 3\x00"+strings.Repeat("\x00", 84)), "other.db: not a history"},
		{dir, "not a file"},
		{filepath.Join(dir, "missing", "h.db"), "there is no folder " + filepath.Join(dir, "missing")},
		{filepath.Join(ours, "h.db"), "not a directory"},
	} {
		err := CanBe(c.name)
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
}

// TestOpen makes the folders and a file that only its owner reads, whatever its
// name, and finds in it what was recorded.
func TestOpen(t *testing.T) {
	for _, name := range []string{"history.db", "a b?c#d%41&e=f.db", "ü.db", "file:x.db"} {
		path := filepath.Join(t.TempDir(), "deep", "state", name)
		db := openAt(t, path)
		if err := db.Record(t.Context(), &guard.Inventory{Bases: []*guard.Base{made("aa", "1.1", 1, 1, nil)}}, nil); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
		again := openAt(t, path)
		n := len(builds(t, again, Filter{}))
		again.Close()
		db.Close()
		// SQLite takes away its log when the last one closes the file.
		if files, _ := os.ReadDir(filepath.Dir(path)); n != 1 || len(files) != 1 {
			t.Errorf("%s: %d builds, %d files", name, n, len(files))
		}
	}
}

// TestSQLite3 reads the file with SQLite's own program.
func TestSQLite3(t *testing.T) {
	program, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("asks sqlite3, which is not installed")
	}
	path := filepath.Join(t.TempDir(), "history.db")
	inv, res := incident(t)
	if err := openAt(t, path).Record(t.Context(), inv, res); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), program, path, "PRAGMA integrity_check; SELECT release, pairing, verdict, sum(modules) "+
		"FROM judgement JOIN package ON package.digest = base WHERE severity = 'fail' GROUP BY 1, 2, 3 ORDER BY 1, 3").CombinedOutput()
	want := "ok\n5.15.12-1.1|rebuild|rejected|7\n5.15.12-1.3|rebuild|misread|2\n5.15.12-1.3|rebuild|rejected|5\n"
	if err != nil || string(out) != want {
		t.Errorf("%v:\n%s", err, out)
	}
}

// recorded is the bytes of a history with 500 builds.
func recorded(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "history.db")
	db := openAt(t, path)
	inv := &guard.Inventory{}
	for i := range 500 {
		inv.Bases = append(inv.Bases, made(strings.Repeat("x", i+1), "1.1", 1, 1, nil))
	}
	if err := db.Record(t.Context(), inv, nil); err != nil {
		t.Fatal(err)
	}
	db.Close()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestBroken sets aside what is damaged, whole and with its journal, and goes on
// with a new file.
func TestBroken(t *testing.T) {
	good := recorded(t)
	edit := func(f func(data []byte)) []byte {
		data := slices.Clone(good)
		f(data)
		return data
	}
	statement := func(query string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			conn, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.Exec(query); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		data []byte
		then func(t *testing.T, path string)
	}{
		"garbage":                  {data: []byte("this is no database, and never was one\n")},
		"zeros":                    {data: make([]byte, 8192)},
		"truncated in the header":  {data: good[:50]},
		"truncated to a page":      {data: good[:4096]},
		"truncated by half":        {data: good[:len(good)/2]},
		"the last page is gone":    {data: good[:len(good)-4096]},
		"a page of zeros":          {data: edit(func(d []byte) { clear(d[len(d)/2&^4095:][:4096]) })},
		"a page of noise":          {data: edit(func(d []byte) { copy(d[len(d)/2&^4095:], bytes.Repeat([]byte{0xa5, 0x5a}, 2048)) })},
		"a table is missing":       {data: good, then: statement("DROP TABLE judgement")},
		"a column is missing":      {data: good, then: statement("ALTER TABLE base DROP COLUMN pahole")},
		"a column by another name": {data: good, then: statement("ALTER TABLE package RENAME COLUMN host TO machine")},
		"an impossible schema":     {data: good, then: statement("PRAGMA user_version = -1")},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "history.db")
			write(t, path, c.data)
			if c.then != nil {
				c.then(t, path)
			}
			was, _ := os.ReadFile(path)
			var notices []string
			db, err := Open(t.Context(), path, func(notice string) { notices = append(notices, notice) })
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			// All that is there is read only when it is asked for.
			if _, err := db.Lines(t.Context(), Filter{}); err != nil {
				t.Error(err)
			}
			kept, _ := filepath.Glob(path + ".broken-*Z")
			if len(kept) != 1 || len(notices) != 1 || !strings.Contains(notices[0], path+": ") || !strings.Contains(notices[0], filepath.Base(kept[0])) {
				t.Fatalf("kept %q, said %q", kept, notices)
			}
			if now, err := os.ReadFile(kept[0]); err != nil || !bytes.Equal(now, was) {
				t.Errorf("what is kept is not what was there (%v)", err)
			}
			if err := db.Record(t.Context(), &guard.Inventory{Bases: []*guard.Base{made("aa", "1.1", 1, 1, nil)}}, nil); err != nil {
				t.Error(err)
			}
			if n := len(builds(t, openAt(t, path), Filter{})); n != 1 {
				t.Errorf("%d builds", n)
			}
		})
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestSetAside takes along what SQLite keeps beside a file and would play back
// into the next one, and moves that file only which was found broken.
func TestSetAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	suffixes := []string{"", "-journal", "-wal", "-shm"}
	for range 2 { // both in one second
		for _, suffix := range suffixes {
			write(t, path+suffix, []byte("garbage"+suffix))
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		name, err := setAside(path, info)
		if err != nil || name == "" {
			t.Fatalf("%q, %v", name, err)
		}
		for _, suffix := range suffixes {
			if data, err := os.ReadFile(name + suffix); err != nil || string(data) != "garbage"+suffix || exists(path+suffix) {
				t.Errorf("%s: %q, %v", suffix, data, err)
			}
		}
		if name, err := setAside(path, info); name != "" || err != nil {
			t.Errorf("nothing there: %q, %v", name, err)
		}
		write(t, path, []byte("somebody's new file"))
		if name, err := setAside(path, info); name != "" || err != nil || !exists(path) {
			t.Errorf("another file: %q, %v", name, err)
		}
	}
	if all, _ := filepath.Glob(path + ".broken-*"); len(all) != 2*len(suffixes) {
		t.Errorf("%q", all)
	}
}

// TestLeftAlone does not touch what is not a broken history.
func TestLeftAlone(t *testing.T) {
	good := recorded(t)
	foreign := func(t *testing.T) []byte {
		path := filepath.Join(t.TempDir(), "other.db")
		conn, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Exec("CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES (zeroblob(20000))"); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}(t)
	newer := slices.Clone(good)
	newer[63]++ // user_version, sqlite.org/fileformat2.html 1.3
	for name, c := range map[string]struct {
		data []byte
		want error
		says string
	}{
		"a newer schema":               {newer, ErrNewer, "written by a newer obs-btf-guard (schema 4, this one knows 3)"},
		"another program's":            {foreign, ErrForeign, "something of another program"},
		"another program's, damaged":   {foreign[:8192], ErrForeign, "something of another program"},
		"our pages under another's id": {edit(good, 68, 1), ErrForeign, "something of another program"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "history.db")
			write(t, path, c.data)
			before, _ := os.Stat(path)
			db, err := Open(t.Context(), path, unexpected(t))
			if err == nil {
				db.Close()
			}
			if !errors.Is(err, c.want) || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
			after, _ := os.Stat(path)
			data, _ := os.ReadFile(path)
			files, _ := os.ReadDir(dir)
			if !bytes.Equal(data, c.data) || !after.ModTime().Equal(before.ModTime()) || len(files) != 1 {
				t.Errorf("was touched: %d bytes, %d files", len(data), len(files))
			}
		})
	}
}

func edit(data []byte, at int, b byte) []byte {
	data = slices.Clone(data)
	data[at] ^= b
	return data
}

// TestNoPlace says why there can be no history, and moves nothing.
func TestNoPlace(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), nil)
	if err := os.Symlink("loop", filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{
		dir:                                  "not a file",
		os.DevNull:                           "not a file",
		filepath.Join(dir, "file", "x.db"):   "not a directory",
		filepath.Join(dir, "loop"):           "too many levels of symbolic links",
		"/proc/obs-btf-guard/x/history.db":   "no such file or directory",
		filepath.Join(dir, "x\x00y", "x.db"): "invalid argument",
	} {
		db, err := Open(t.Context(), path, unexpected(t))
		if err == nil {
			db.Close()
		}
		if err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", path, err)
		}
	}
	if files, _ := os.ReadDir(dir); len(files) != 2 {
		t.Errorf("%d files", len(files))
	}
}

// TestReadOnly reads what it may not write, which is not broken for that.
func TestReadOnly(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "history.db")
	write(t, path, recorded(t))
	for _, p := range []string{path, dir} {
		if err := os.Chmod(p, 0o500); err != nil {
			t.Fatal(err)
		}
	}
	defer os.Chmod(dir, 0o700)
	db := openAt(t, path)
	if n := len(builds(t, db, Filter{})); n != 500 {
		t.Errorf("%d builds", n)
	}
	err := db.Record(t.Context(), &guard.Inventory{Bases: []*guard.Base{made("aa", "1.1", 1, 1, nil)}}, nil)
	if !errors.Is(err, ErrReadOnly) || !strings.HasPrefix(err.Error(), path+": ") {
		t.Errorf("%v", err)
	}
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, unexpected(t)); err == nil || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%d files", len(files))
	}
}

// TestLink follows a link to a history elsewhere, and leaves alone what is not
// known to be one: whoever put the link may have meant it.
func TestLink(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "elsewhere.db"), filepath.Join(dir, "history.db")
	write(t, real, []byte("garbage"))
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), link, unexpected(t)); !errors.Is(err, ErrForeign) {
		t.Errorf("%v", err)
	}
	if text, err := os.ReadFile(real); err != nil || string(text) != "garbage" {
		t.Errorf("%q, %v", text, err)
	}
	if err := os.Remove(real); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), real, unexpected(t)); err != nil {
		t.Fatal(err)
	}
	openAt(t, link)
	if to, err := os.Readlink(link); err != nil || to != real {
		t.Errorf("%q, %v", to, err)
	}
}
