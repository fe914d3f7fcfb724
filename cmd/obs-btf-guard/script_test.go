// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write what the program prints into the scripts")

func TestMain(m *testing.M) {
	if file := os.Getenv(probeFile); file != "" {
		os.Exit(probed(file))
	}
	if filepath.Base(os.Args[0]) != "obs-btf-guard" {
		os.Setenv("XDG_CACHE_HOME", os.DevNull) // no test keeps anything in somebody's home
	}
	testscript.Main(m, map[string]func(){"obs-btf-guard": main})
}

// TestScripts runs the program as a person does: testdata/script holds command,
// input and expected output on one page each. They start in testdata, where the
// fixtures are; $WORK is theirs to write to.
func TestScripts(t *testing.T) {
	fixtures, err := filepath.Abs("../../testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("FIXTURES", fixtures)
			e.Setenv("XDG_STATE_HOME", filepath.Join(e.WorkDir, "state"))
			e.Cd = fixtures
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"cut":   cut,
			"flip":  flip,
			"unrpm": unrpm,
		},
	})
}

// exits runs a program that must end with the given status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// unrpm unpacks the files of a package into a folder.
func unrpm(ts *testscript.TestScript, _ bool, args []string) {
	r, err := rpm.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer r.Close()
	for {
		e, err := r.Next()
		if err == io.EOF {
			return
		}
		ts.Check(err)
		if e.Size == 0 {
			continue
		}
		data, err := io.ReadAll(r)
		ts.Check(err)
		path := filepath.Join(ts.MkAbs(args[1]), e.Path())
		ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
		ts.Check(os.WriteFile(path, data, 0o644))
	}
}

// cut writes the first N bytes of a file into another.
func cut(ts *testscript.TestScript, _ bool, args []string) {
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), data[:n], 0o644))
}

// flip writes a copy of a file in which every bit of one byte is turned over.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	data[at] ^= 0xff
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), data, 0o644))
}
