// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// full is an output that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// What could not be printed is an error in every command.
func TestFullOutput(t *testing.T) {
	const rebuilt, before = "../../testdata/incident/5.15.12-1.3", "../../testdata/incident/5.15.12-1.1"
	kernel := rebuilt + "/kernel-default-5.15.12-1.3.x86_64.rpm"
	dir := t.TempDir()
	data, err := os.ReadFile(kernel)
	if err != nil {
		t.Fatal(err)
	}
	copied, db := filepath.Join(dir, filepath.Base(kernel)), filepath.Join(dir, "history.db")
	if err := os.WriteFile(copied, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if status := run(t.Context(), []string{"obs-btf-guard", "check", "--db", db, rebuilt}, new(bytes.Buffer), new(bytes.Buffer)); status != exitOK {
		t.Fatalf("check: exit status %d", status)
	}
	for _, line := range []string{
		"check --no-db " + rebuilt, "check --no-db --format json " + rebuilt, "check --no-db --format html " + rebuilt,
		"check --no-db --format junit " + rebuilt, "check --no-db --format sarif " + rebuilt,
		"audit --no-db " + rebuilt, "audit --no-db --format json " + rebuilt,
		"fingerprint " + kernel, "fingerprint --format json " + kernel,
		"explain " + before + " " + rebuilt, "explain --format json " + before + " " + rebuilt,
		"stamp -n " + copied, "stamp --verify " + copied, "stamp " + copied, "stamp " + copied, "stamp --remove " + copied,
		"history --db " + db, "history --format json --db " + db,
		"rebuild --dry-run " + rebuilt, "--version", "--help", "check --help", "",
	} {
		var stderr bytes.Buffer
		args := append([]string{"obs-btf-guard"}, strings.Fields(line)...)
		if status := run(t.Context(), args, full{}, &stderr); status != exitError || !strings.Contains(stderr.String(), "standard output: no space left") {
			t.Errorf("%q: exit status %d, %q", line, status, stderr.String())
		}
	}
}

// With too few file descriptors the program says so, where Go's runtime would end with
// a trace.
func TestFewFiles(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh")
	}
	cmd := exec.Command(shell, "-c", `ulimit -n 7 && exec "$@"`, "sh", os.Args[0], "check", "../../testdata/incident/broken")
	cmd.Env = append(os.Environ(), probeFile+"="+filepath.Join(t.TempDir(), "probe"))
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != exitError || !strings.HasPrefix(string(out), "obs-btf-guard: at most 7 files may be open") {
		t.Errorf("%v\n%s", err, out)
	}
}
