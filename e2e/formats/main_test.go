// SPDX-License-Identifier: Apache-2.0

// Package formats compares what the program writes for CI and code scanning with
// what consumers read: SARIF against its JSON schema, JUnit by the parsers of two
// others. It is a module of its own, so that the program's has none of theirs.
//
//	go test ./...
//
// On Debian, it installs one of the parsers.
package formats

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/joshdk/go-junit"
	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// program is the binary under test, work a folder with its inputs.
var program, work string

func TestMain(m *testing.M) {
	harness.Main(m, func(b *harness.Bench) error {
		program, work = b.Program, filepath.Join(b.Dir, "work")
		return inputs()
	})
}

// rules let one misfit pass without a word and others with one.
const rules = `
[[rule]]
verdict = "rejected"
module = "ipheth"
action = "ignore"
reason = "known & <wanted>"

[[rule]]
verdict = "misread"
action = "warn"
reason = "nobody has it"
`

// inputs makes the folder that the program runs in: the incident's two builds, old
// and new, the new one stamped, and a package that is cut short.
func inputs() error {
	for _, dir := range []string{"old", "new", "stamped", "torn"} {
		from := "../../testdata/incident/5.15.12-1.3"
		if dir == "old" {
			from = "../../testdata/incident/5.15.12-1.1"
		}
		if err := os.CopyFS(filepath.Join(work, dir), os.DirFS(from)); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(work, "rules.conf"), []byte(rules), 0o644); err != nil {
		return err
	}
	torn := filepath.Join(work, "torn", "kernel-default-extra-5.15.12-1.3.x86_64.rpm")
	info, err := os.Stat(torn)
	if err != nil {
		return err
	}
	if err := os.Truncate(torn, info.Size()-100); err != nil {
		return err
	}
	stamp := exec.Command(program, "stamp", "stamped")
	stamp.Dir = work
	if out, err := stamp.CombinedOutput(); err != nil {
		return fmt.Errorf("stamp: %w\n%s", err, out)
	}
	return nil
}

const (
	rejected = "rejected: /usr/lib/modules/5.15.12-1-default/kernel/net/ipv4/tcp_bbr.ko on kernel-default-5.15.12-1.1.x86_64: failed to validate module [tcp_bbr] BTF: -22"
	sameName = "incident: 5.15.12-1-default (x86_64): builds of one kernelrelease have different bases and share a folder below /lib/modules, so that modules of one do not fit the vmlinux of the other"
	unread   = "unknown: kernel-default-extra-5.15.12-1.3.x86_64: carries no kernel-btf(...) dependency, and its content was not read"
	cutShort = "payload: cut short, 5321 of 5421 bytes of header and payload are there; download or build the file again"
)

// trials are runs of the program with what they have to say, in any format.
var trials = []struct {
	name   string
	args   []string
	status int
	cases  junit.Totals   // by outcome
	levels map[string]int // of the results of SARIF
	hushed int            // those of them that are suppressed
	// fails is what a failed case says, alert the first line of a result. Where there
	// is none, there must be no such case or result.
	fails, alert string
}{
	{
		"check/incident", []string{"check", "--no-db", "new", "--against", "old"}, 1,
		junit.Totals{Passed: 9, Failed: 14}, map[string]int{"error": 14}, 0,
		rejected, rejected,
	},
	{
		"check/policy", []string{"check", "--no-db", "new", "--against", "old", "--policy", "rules.conf"}, 1,
		junit.Totals{Passed: 9, Skipped: 4, Failed: 10}, map[string]int{"error": 12, "warning": 2}, 2,
		rejected, rejected,
	},
	{
		"check/well", []string{"check", "--no-db", "new"}, 0,
		junit.Totals{Passed: 8}, map[string]int{}, 0,
		"", "",
	},
	{
		"check/torn", []string{"check", "--no-db", "torn"}, 2,
		junit.Totals{Passed: 6, Error: 1}, map[string]int{"error": 1}, 0,
		cutShort, "unreadable: torn/kernel-default-extra-5.15.12-1.3.x86_64.rpm: " + cutShort,
	},
	{
		"audit/incident", []string{"audit", "--no-db", "new", "old"}, 1,
		junit.Totals{Passed: 11, Failed: 1}, map[string]int{"error": 1, "warning": 4}, 0,
		sameName, sameName,
	},
	{
		"audit/nothing is to fail", []string{"audit", "--no-db", "--fail-on", "none", "new", "old"}, 0,
		junit.Totals{Passed: 12}, map[string]int{"warning": 5}, 0,
		"", sameName,
	},
	{
		"audit/well", []string{"audit", "--no-db", "stamped"}, 0,
		junit.Totals{Passed: 5}, map[string]int{}, 0,
		"", "",
	},
	{
		"audit/unread", []string{"audit", "--no-db", "--metadata-only", "--fail-on", "all", "new"}, 1,
		junit.Totals{Passed: 2, Failed: 3}, map[string]int{"error": 3}, 0,
		unread, unread,
	},
	{
		"audit/torn", []string{"audit", "--no-db", "torn", "old"}, 2,
		junit.Totals{Passed: 9, Failed: 1, Error: 1}, map[string]int{"error": 2, "warning": 3}, 0,
		cutShort, "unreadable: torn/kernel-default-extra-5.15.12-1.3.x86_64.rpm: " + cutShort,
	},
}

// output is what a run writes in a format.
func output(t *testing.T, args []string, status int, format string) []byte {
	t.Helper()
	cmd := exec.Command(program, append(args, "--format", format)...)
	cmd.Dir = work
	o := harness.Try(t, cmd)
	if o.Status != status {
		t.Fatalf("exit status %d, want %d\n%s", o.Status, status, o.Stderr)
	}
	return []byte(o.Stdout)
}

// installed has a command of a Debian package installed, or skips the test.
func installed(t *testing.T, command, pkg string) {
	t.Helper()
	_, err := harness.Script("../install.sh", command+"="+pkg)
	harness.SkipUnreachable(t, err)
	if err != nil {
		t.Fatal(err)
	}
}

// holds reports whether a list has a line, or has none where there is to be none.
func holds(list []string, line string) bool {
	return line == "" && len(list) == 0 || slices.Contains(list, line)
}
