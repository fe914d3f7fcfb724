// SPDX-License-Identifier: Apache-2.0

//go:build e2epostgres

package postgres

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/history"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

const (
	writers = 20
	records = 40 // by each that is not killed
)

// build is a kernel that nobody built.
func build(digest string) history.Build {
	return history.Build{
		RPM: history.RPM{
			Digest: digest, Package: "kernel-default-1-1." + digest + ".x86_64", Release: "1-1." + digest,
			DistURL: "obs://build.example.org/P/standard/0123456789abcdef0123456789abcdef-kernel-default",
		},
		Path: "/usr/lib/modules/6.4.0-1-default/vmlinux", Arch: "x86_64", KernelRelease: "6.4.0-1-default", Flavor: "default",
		Fingerprint: fingerprint.Digest{1}, TypeCount: 1, StringBytes: 1,
	}
}

// writer records builds of its own, all of which judge their modules on one that is
// everybody's. It says of each that it is recorded, when it is.
func writer() error {
	ctx := context.Background()
	os.Stdin.Read(make([]byte, 1)) // until all are there
	db, err := history.Open(ctx, os.Getenv("WRITER_DB"), func(notice string) { fmt.Fprintln(os.Stderr, notice) })
	if err != nil {
		return err
	}
	defer db.Close()
	for i := 0; i < records || os.Getenv("WRITER_ENDLESS") != ""; i++ {
		own, shared := build(fmt.Sprintf("%s-%d", os.Getenv("WRITER_NAME"), i)), build("shared")
		outcome := func(on history.Build, verdict string) history.Outcome {
			return history.Outcome{
				Judged:  history.Judged{Digest: own.Digest, Base: on.Digest, Fingerprint: on.Fingerprint, Pairing: "rebuild"},
				Verdict: verdict, Severity: "ok", Modules: 2,
			}
		}
		err := db.Add(ctx, history.Batch{
			Builds: []history.Build{own, shared}, Modules: []history.RPM{own.RPM},
			Outcomes: []history.Outcome{outcome(own, "same-base"), outcome(shared, "compatible")},
		})
		if err != nil {
			return err
		}
		fmt.Println(own.Digest)
	}
	return nil
}

// TestWriters has 20 programs begin one history together and write to it. Half of them
// are killed, wherever they are just then. All that any of them said is recorded is
// there, nothing is half there, and the others go on. In a file it is the same.
func TestWriters(t *testing.T) {
	server, _ := newDatabase(t, "writers")
	for kind, name := range map[string]string{"server": server, "file": filepath.Join(t.TempDir(), "history.db")} {
		t.Run(kind, func(t *testing.T) {
			began := time.Now()
			said := writeTogether(t, name)
			took := time.Since(began)
			db, err := history.Open(t.Context(), name, func(notice string) { t.Error(notice) })
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			steps, err := db.Builds(t.Context(), history.Filter{})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d writers, half of them killed: %d records in %.1f s", writers, len(said), took.Seconds())
			shared := 0
			there := map[string]bool{}
			for _, s := range steps {
				there[s.Digest] = true
				switch {
				case len(s.Judgements) == 0:
					t.Errorf("%s: half a record: no judgement", s.Digest)
				case s.Digest == "shared":
					for _, j := range s.Judgements {
						shared += j.Modules
					}
				case len(s.Judgements) != 1 || s.Judgements[0].Modules != 2:
					t.Errorf("%s: %v", s.Digest, s.Judgements)
				}
			}
			for _, digest := range said {
				if !there[digest] {
					t.Errorf("%s was recorded and is not there", digest)
				}
			}
			// Each that was killed may have had no time to say it of one more.
			if n := len(steps) - 1; n < len(said) || n > len(said)+writers/2 || shared != 2*n {
				t.Errorf("%d builds, %d said, %d modules on the shared one", n, len(said), shared)
			}
		})
	}
}

// writeTogether starts the writers, kills every second and gives what all said.
func writeTogether(t *testing.T, name string) (said []string) {
	t.Helper()
	gate, open, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range writers {
		killed := i%2 == 1
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "WRITER_DB="+name, fmt.Sprintf("WRITER_NAME=w%d", i))
		if killed {
			cmd.Env = append(cmd.Env, "WRITER_ENDLESS=1")
		}
		cmd.Stdin = gate
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			n := 0
			for lines := bufio.NewScanner(out); lines.Scan(); n++ {
				mu.Lock()
				said = append(said, lines.Text())
				mu.Unlock()
				if killed && n == 3*i {
					cmd.Process.Kill()
				}
			}
			if err := cmd.Wait(); !killed && (err != nil || n != records) {
				t.Errorf("writer %d: %v after %d records\n%s", i, err, n, stderr.String())
			} else if killed && stderr.Len() > 0 {
				t.Errorf("writer %d: %s", i, stderr.String())
			}
		})
	}
	open.Close() // they read the end of it
	wg.Wait()
	gate.Close()
	return said
}
