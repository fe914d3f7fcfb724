// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestKilled kills what writes files at any moment, 500 times each: there is the old
// file or the new one, whole, and the next run does what is left to do. It runs with
// -hostile.
func TestKilled(t *testing.T) {
	if !*allHostile {
		t.Skip("make hostile runs it")
	}
	const times = 500
	read := func(t *testing.T, file string) []byte {
		t.Helper()
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	write := func(t *testing.T, file string, data []byte) {
		t.Helper()
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	start := func(t *testing.T, args ...string) *exec.Cmd {
		t.Helper()
		cmd := exec.Command(os.Args[0], args...)
		cmd.Env = append(os.Environ(), probeFile+"="+os.DevNull)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	// finish runs a command to its end, which is to be a success, and returns how long
	// that took: it is killed within that time, or a little after it.
	finish := func(t *testing.T, args ...string) time.Duration {
		t.Helper()
		begin := time.Now()
		if err := start(t, args...).Wait(); err != nil {
			t.Fatalf("%s: %v", args, err)
		}
		return time.Since(begin)
	}
	// kill starts a command again and again until it was ended so many times before
	// its end. prepare is called before each start and look after it. within is how long
	// it takes, which is learned anew: it is less where others have less to do.
	kill := func(t *testing.T, within time.Duration, prepare, look func(), args ...string) {
		t.Helper()
		killed, started := 0, 0
		for ; killed < times && started < 3*times; started++ {
			prepare()
			cmd := start(t, args...)
			time.Sleep(rand.N(within))
			cmd.Process.Kill()
			if cmd.Wait() == nil {
				within -= within / 8
			} else {
				killed++
				within += within / 64
			}
			look()
		}
		t.Logf("%d of %d were killed", killed, started)
		if killed < times {
			t.Errorf("only %d were killed", killed)
		}
	}
	for _, tt := range []struct {
		name, from, file string
		args             []string // and the file
	}{
		{"stamp", "../../testdata/incident/5.15.12-1.3/kernel-default-5.15.12-1.3.x86_64.rpm", "kernel.rpm", []string{"stamp"}},
		{"distill", "../../testdata/distil/ipheth.ko", "ipheth.ko", []string{"distill", "--in-place", "--base", "../../testdata/distil/vmlinux-1.1.xz"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, tt.file)
			args := append(tt.args, file)
			before := read(t, tt.from)
			write(t, file, before)
			took := finish(t, args...)
			after := read(t, file)
			if bytes.Equal(before, after) {
				t.Fatal("nothing was written")
			}
			done := 0
			kill(t, took, func() { write(t, file, before) }, func() {
				switch now := read(t, file); {
				case bytes.Equal(now, after):
					done++
				case !bytes.Equal(now, before):
					t.Fatalf("neither the old file nor the new one: %d bytes", len(now))
				}
			}, args...)
			t.Logf("%d had written", done)
			write(t, file, before)
			finish(t, args...)
			if !bytes.Equal(read(t, file), after) {
				t.Error("the last run did not do it")
			}
			if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
				t.Errorf("left: %v, %v", list, err)
			}
		})
	}
	t.Run("history", func(t *testing.T) {
		dir := t.TempDir()
		args := []string{"check", "--db", filepath.Join(dir, "history.db"), "../../testdata/incident/5.15.12-1.3"}
		took := finish(t, args...)
		runs := 0
		kill(t, took, func() {
			if runs++; runs%10 == 1 { // begin anew
				for _, suffix := range []string{"", "-journal", "-wal", "-shm"} {
					os.Remove(filepath.Join(dir, "history.db"+suffix))
				}
			}
		}, func() {}, args...)
		finish(t, args...)
		finish(t, "history", "--db", filepath.Join(dir, "history.db"))
		list, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if strings.Contains(e.Name(), "broken") {
				t.Errorf("a history was damaged: %s", e.Name())
			}
		}
	})
}
