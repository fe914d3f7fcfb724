// SPDX-License-Identifier: Apache-2.0

package fingerprint_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

// TestRecomputation runs the recipe of docs/fingerprint.md for recomputing a
// fingerprint: its last line must be ours.
func TestRecomputation(t *testing.T) {
	recipe := shellBlock(t, "<!-- recompute -->")
	for _, tool := range []string{"sh", "objcopy", "od", "dd", "sha256sum", "sed", "head"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	switch runtime.GOARCH {
	case "s390x", "ppc64", "mips", "mips64":
		t.Skip("od reads numbers in this machine's byte order, the vmlinux has the other")
	}
	for _, build := range fixture.Builds {
		t.Run(build, func(t *testing.T) {
			b := fixture.Load(t, build)
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "vmlinux"), b.Vmlinux, 0o644); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", recipe)
			cmd.Dir = dir
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v after %q", err, out)
			}
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			if got, want := lines[len(lines)-1], fingerprint.Of(b.Base).Base.String(); got != want {
				t.Errorf("the recipe says %q, we say %s", got, want)
			}
			// The recipe leaves the kernel as it was.
			if after, err := os.ReadFile(filepath.Join(dir, "vmlinux")); err != nil || string(after) != string(b.Vmlinux) {
				t.Errorf("vmlinux was changed, %v", err)
			}
		})
	}
}

// shellBlock cuts out the shell block that directly follows a line of the page.
func shellBlock(t *testing.T, mark string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(fixture.Testdata(t), "..", "docs", "fingerprint.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "\n"+mark+"\n```sh\n")
	block, _, closed := strings.Cut(rest, "\n```\n")
	if !ok || !closed {
		t.Fatalf("docs/fingerprint.md has no block of sh behind %s", mark)
	}
	return block
}
