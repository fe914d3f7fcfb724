// SPDX-License-Identifier: Apache-2.0

package history

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

const (
	writers = 6 // processes
	threads = 2 // in each, with a database of their own each
	records = 8 // by each
)

// TestMain lets the tests start this program as a writer.
func TestMain(m *testing.M) {
	path := os.Getenv("HISTORY_WRITER_PATH")
	if path == "" {
		os.Exit(m.Run())
	}
	if err := writer(path, os.Getenv("HISTORY_WRITER_NAME")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// writer records builds of its own and one that all record, keeps a memo of each, and
// between reads and prunes, as runs of all commands do on one file.
func writer(path, name string) error {
	os.Stdin.Read(make([]byte, 1)) // until all are there
	errs := make([]error, threads)
	var wg sync.WaitGroup
	for thread := range threads {
		wg.Go(func() {
			errs[thread] = func() error {
				db, err := Open(context.Background(), path, func(string) {})
				if err != nil {
					return err
				}
				defer db.Close()
				for i := range atoi(os.Getenv("HISTORY_WRITER_RECORDS"), records) {
					if err := recordOne(db, fmt.Sprintf("%s-%d-%d", name, thread, i)); err != nil {
						return err
					}
					fmt.Printf("%s-%d-%d\n", name, thread, i)
				}
				return nil
			}()
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func atoi(s string, otherwise int) int {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	return otherwise
}

func recordOne(db *DB, digest string) error {
	ctx := context.Background()
	b, shared := made(digest, "1.1", 1, 1, nil), made("shared", "1.2", 1, 2, nil)
	b.Package.NEVRA += "-" + digest // of one name and time, they would be one, signed
	m := &guard.Module{Package: b.Package}
	err := db.Record(ctx, &guard.Inventory{Bases: []*guard.Base{b, shared}}, &guard.Result{Findings: []guard.Finding{
		{Pairing: guard.PairBuild, Module: m, Base: b, Verdict: guard.SameBase, Severity: guard.OK},
		{Pairing: guard.PairRebuild, Module: m, Base: shared, Verdict: guard.Rejected, Severity: guard.Fail},
	}})
	if err != nil {
		return err
	}
	list, err := complete(ctx, db, digest)
	if err == nil && len(list) == 0 {
		err = errors.New(digest + " was recorded and is not known")
	}
	if err != nil {
		return err
	}
	if err := db.Keep(ctx, digest, []byte(`"`+digest+`"`)); err != nil {
		return err
	}
	if _, err := db.Prune(ctx, time.Unix(1, 0)); err != nil { // nothing is as old
		return err
	}
	_, err = db.Lines(ctx, Filter{Kernel: "5.15.*"})
	return err
}

// memos are those of the records that are kept.
func memos(t *testing.T, db *DB) (n int) {
	t.Helper()
	for writer := range writers {
		for thread := range threads {
			for i := range records {
				key := fmt.Sprintf("%d-%d-%d", writer, thread, i)
				value, err := db.Recall(t.Context(), key)
				if err != nil {
					t.Fatal(err)
				}
				if string(value) == `"`+key+`"` {
					n++
				}
			}
		}
	}
	return n
}

// write together starts the writers on one file and waits for them.
func writeTogether(t *testing.T, path string) {
	t.Helper()
	gate, open, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range writers {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "HISTORY_WRITER_PATH="+path, "HISTORY_WRITER_NAME="+strconv.Itoa(i))
		cmd.Stdin = gate
		var out strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			if err := cmd.Wait(); err != nil {
				t.Errorf("writer %d: %v\n%s", i, err, out.String())
			}
		})
	}
	open.Close() // they read the end of it
	wg.Wait()
	gate.Close()
}

// TestConcurrent has many processes make, migrate and write one file at the same
// time; nothing is missing from it. Where the file is broken to begin with, one of
// them sets it aside.
func TestConcurrent(t *testing.T) {
	for name, begin := range map[string]func(t *testing.T, path string){
		"no file": func(*testing.T, string) {},
		"a broken file": func(t *testing.T, path string) {
			write(t, path, []byte("garbage"))
		},
		"a truncated file": func(t *testing.T, path string) {
			write(t, path, recorded(t)[:4096])
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state", "history.db")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			begin(t, path)
			broken := 0
			if exists(path) {
				broken = 1
			}
			writeTogether(t, path)
			db := openAt(t, path)
			list := builds(t, db, Filter{})
			if want := writers*threads*records + 1; len(list) != want {
				t.Errorf("%d builds, want %d", len(list), want)
			}
			if n := memos(t, db); n != writers*threads*records {
				t.Errorf("%d memos, want %d", n, writers*threads*records)
			}
			for _, b := range list {
				want := Judgement{"build", "1.1", "same-base", "ok", 1}
				if b.Digest == "shared" {
					want = Judgement{"rebuild", "1.1", "rejected", "fail", writers * threads * records}
				}
				if len(b.Judgements) != 1 || b.Judgements[0] != want {
					t.Errorf("%s: %v", b.Digest, b.Judgements)
				}
			}
			kept, _ := filepath.Glob(path + ".broken-*Z") // their logs beside them
			if len(kept) != broken {
				t.Errorf("set aside: %q", kept)
			}
		})
	}
}

// TestKilled loses nothing that was recorded when a writer is killed, wherever it
// is just then.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	total := 0
	for round := range 10 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "HISTORY_WRITER_PATH="+path, fmt.Sprintf("HISTORY_WRITER_NAME=%d", round), "HISTORY_WRITER_RECORDS=1000000")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for range 5 + round {
			lines.Scan()
		}
		cmd.Process.Kill()
		for n := 5 + round; ; n++ { // what it said until it died
			if !lines.Scan() {
				total += n
				break
			}
		}
		cmd.Wait()
		db := openAt(t, path)
		// Each thread may have recorded one more than it had time to say.
		if n := len(builds(t, db, Filter{})) - 1; n < total || n > total+threads {
			t.Errorf("round %d: %d builds, %d said", round, n, total)
		} else {
			total = n
		}
		db.Close()
	}
}

// TestMigrateTogether opens an old file in many goroutines: one step is taken once.
func TestMigrateTogether(t *testing.T) {
	path := old(t, "testdata/schema-1.sql")
	next := append(migrations[:len(migrations):len(migrations)], "CREATE TABLE extra (x INTEGER)", "INSERT INTO extra VALUES (1)")
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			db, err := openFile(t.Context(), path, next, unexpected(t))
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			var n int
			if err := db.conn.QueryRow("SELECT count(*) FROM extra").Scan(&n); err != nil || n != 1 {
				t.Errorf("%d, %v", n, err)
			}
		})
	}
	wg.Wait()
}

// TestPruneBeside is no error where others write, who keep the file from getting smaller.
func TestPruneBeside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	db, other := openAt(t, path), openAt(t, path)
	tx, err := other.conn.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if err := db.engine.tidy(t.Context(), db.conn); err != nil {
		t.Error(err)
	}
}

// TestCanceled ends a record that waits for another, and keeps nothing of it.
func TestCanceled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	db, other := openAt(t, path), openAt(t, path)
	tx, err := other.conn.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- db.Record(ctx, &guard.Inventory{Bases: []*guard.Base{made("aa", "1.1", 1, 1, nil)}}, nil)
	}()
	cancel()
	if err := <-done; err == nil {
		t.Error("no error")
	}
	tx.Rollback()
	if list := builds(t, db, Filter{}); len(list) != 0 {
		t.Errorf("%d builds", len(list))
	}
}
