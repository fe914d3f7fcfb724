// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// TestPassing: in CI and in builds no history is begun.
func TestPassing(t *testing.T) {
	built := t.TempDir()
	if err := os.Symlink("home/abuild/rpmbuild", filepath.Join(built, ".build.packages")); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, variable, value, root string
		want                        bool
	}{
		{"at home", "", "", t.TempDir(), false},
		{"CI", "CI", "true", t.TempDir(), true},
		{"CI that is denied", "CI", "false", t.TempDir(), false},
		{"rpmbuild", "RPM_BUILD_ROOT", "/buildroot", t.TempDir(), true},
		{"a check of obs-build", "BUILD_ROOT", "/var/tmp/build-root", t.TempDir(), true},
		{"inside of a build root", "", "", built, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			getenv := func(name string) string {
				if name == tc.variable {
					return tc.value
				}
				return ""
			}
			if got := passing(getenv, tc.root); got != tc.want {
				t.Errorf("%v, want %v", got, tc.want)
			}
		})
	}
}

// TestMemorySays: a history that begins is announced once, to somebody who watches
// and did not ask for it.
func TestMemorySays(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	opens := func(quiet bool, args ...string) string {
		t.Helper()
		var errs bytes.Buffer
		set := flag.NewFlagSet("", flag.ContinueOnError)
		set.String("db", "", "")
		if err := set.Parse(args); err != nil {
			t.Fatal(err)
		}
		c := cli.NewContext(&cli.App{ErrWriter: &errs}, set, nil)
		c.Context = t.Context()
		m := &memory{c: c, quiet: quiet}
		defer m.close()
		if !m.open() {
			t.Fatalf("no history: %s", &errs)
		}
		return errs.String()
	}
	const says = "remembered from now on, in "
	if got := opens(false, "--db", filepath.Join(t.TempDir(), "h.db")); got != "" {
		t.Errorf("asked for: %q", got)
	}
	if got := opens(false); !strings.Contains(got, says+os.Getenv("XDG_STATE_HOME")) {
		t.Errorf("the first time: %q", got)
	}
	if got := opens(false); got != "" {
		t.Errorf("the second time: %q", got)
	}
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	if got := opens(true); got != "" {
		t.Errorf("nobody watches: %q", got)
	}
}
