// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
)

// TestReadOnly has every command that writes do so on a file system that takes
// nothing: the message has the path once, and what is the case.
func TestReadOnly(t *testing.T) {
	dir := packagesToWrite(t)
	frozen := frozenIn(t, dir)
	t.Chdir(dir)
	var out bytes.Buffer
	if status := run(t.Context(), strings.Fields("obs-btf-guard audit --since-last --db since.db ."), &out, &out); status != exitOK {
		t.Fatalf("audit: exit status %d\n%s", status, &out)
	}
	minute := time.Now().UTC().Format("2006-01-02 15:04")
	for _, tt := range []struct {
		args   string
		status int
		want   []string // lines on standard error
	}{
		{"stamp kernel.rpm", exitError, []string{"kernel.rpm: .kernel.rpm.obs-btf-guard.tmp beside it: read-only file system"}},
		{"stamp .", exitError, []string{"kernel.rpm: .kernel.rpm.obs-btf-guard.tmp beside it: read-only file system"}},
		{"stamp --verify kernel.rpm", exitFail, nil},
		{"distill --in-place --base vmlinux.xz ipheth.ko", exitError, []string{"ipheth.ko: writing it: read-only file system"}},
		{"distill --output out --base vmlinux.xz ipheth.ko", exitError, []string{"out: read-only file system"}},
		{"fingerprint --write base.btf vmlinux.xz", exitError, []string{"fingerprint: --write: base.btf: read-only file system"}},
		{"check kernel.rpm", exitOK, nil},
		{"check --db history.db kernel.rpm", exitOK, []string{"not remembered (--no-db does without): history.db: it may be read, but not written"}},
		{"check --db other.db kernel.rpm", exitOK, []string{"not remembered (--no-db does without): other.db: read-only file system"}},
		{"audit --db history.db .", exitOK, []string{"not remembered (--no-db does without): history.db: it may be read, but not written"}},
		{"audit --since-last .", exitError, []string{"the last audit: there is no history to find it in: DIR/state/obs-btf-guard/history.db: read-only file system"}},
		{"audit --since-last --db since.db .", exitError, []string{
			"not remembered: since.db: it may be read, but not written",
			"--since-last: this audit is not remembered; the next one will be compared with the audit of MINUTE again"}},
		{"audit --since-last --db since.db kernel.rpm", exitError, []string{
			"no earlier audit of these sources is remembered; everything is new",
			"not remembered: since.db: it may be read, but not written",
			"--since-last: this audit is not remembered; to the next one everything will be new again"}},
		{"history --db history.db", exitOK, nil},
		{"history --db history.db --verify", exitOK, nil},
		{"history --db history.db --prune 400", exitError, []string{"history.db: it may be read, but not written"}},
		{"history import --db history.db report.json", exitError, []string{"history.db: it may be read, but not written"}},
	} {
		cmd := frozen(strings.Fields(tt.args)...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		_ = cmd.Run()
		var want strings.Builder
		for _, line := range tt.want {
			want.WriteString("obs-btf-guard: " + strings.NewReplacer("DIR", dir, "MINUTE", minute).Replace(line) + "\n")
		}
		if status := cmd.ProcessState.ExitCode(); status != tt.status || stderr.String() != want.String() {
			t.Errorf("%s: exit status %d, want %d, and\n%swant\n%s", tt.args, status, tt.status, &stderr, &want)
		}
	}
}

// TestBusy has a package and a history held by another program.
func TestBusy(t *testing.T) {
	dir := packagesToWrite(t)
	t.Chdir(dir)
	f, err := os.Open("kernel.rpm")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Skipf("no locks here: %v", err)
	}
	for args, want := range map[string]string{
		"stamp kernel.rpm": "obs-btf-guard: kernel.rpm: being rewritten by another process\n",
		"stamp .":          "obs-btf-guard: kernel.rpm: being rewritten by another process\n",
	} {
		var stderr bytes.Buffer
		status := run(t.Context(), append([]string{"obs-btf-guard"}, strings.Fields(args)...), new(bytes.Buffer), &stderr)
		if status != exitError || stderr.String() != want {
			t.Errorf("%s: exit status %d, %q, want %q", args, status, &stderr, want)
		}
	}
}

// packagesToWrite is a folder with a file for each command that writes.
func packagesToWrite(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	testdata := fixture.Testdata(t)
	for to, from := range map[string]string{
		"kernel.rpm": "incident/5.15.12-1.3/kernel-default-5.15.12-1.3.x86_64.rpm",
		"ipheth.ko":  "distil/ipheth.ko",
		"vmlinux.xz": "distil/vmlinux-1.1.xz",
	} {
		data, err := os.ReadFile(filepath.Join(testdata, from))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, to), data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var report bytes.Buffer
	args := []string{"obs-btf-guard", "check", "--format", "json", "--db", filepath.Join(dir, "history.db"), filepath.Join(dir, "kernel.rpm")}
	if status := run(t.Context(), args, &report, os.Stderr); status != exitOK {
		t.Fatalf("check: exit status %d", status)
	}
	if err := os.WriteFile(filepath.Join(dir, "report.json"), report.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// frozenIn gives commands of the program that run in dir and find it on a file system
// that is read-only, in a mount namespace of their own.
func frozenIn(t *testing.T, dir string) func(args ...string) *exec.Cmd {
	t.Helper()
	frozen := func(args ...string) *exec.Cmd {
		const freeze = `mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && cd "$0" && exec "$@"`
		cmd := exec.Command("unshare", append([]string{"-rm", "sh", "-c", freeze, dir}, args...)...)
		cmd.Env = append(os.Environ(), "CI=", "XDG_STATE_HOME="+filepath.Join(dir, "state"), probeFile+"="+os.DevNull)
		return cmd
	}
	if out, err := frozen("sh", "-c", "! touch file 2>/dev/null").CombinedOutput(); err != nil {
		t.Skipf("no read-only file systems can be made here: %v: %s", err, out)
	}
	program, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	return func(args ...string) *exec.Cmd { return frozen(append([]string{program}, args...)...) }
}
