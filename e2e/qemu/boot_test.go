// SPDX-License-Identifier: Apache-2.0

//go:build e2eqemu

package qemu

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/qemu/wire"
)

// bootTime is how long one kernel may take for all its trials.
const bootTime = 20 * time.Minute

// boot starts a kernel on an initramfs and returns what came of it: the output of
// the program, if there was one, and then a result for each trial. The kernel may
// end before it is through: the error says how.
func boot(t *testing.T, m machine, vmlinuz string, files []byte) ([]wire.Result, error) {
	t.Helper()
	port, err := run(t, m, vmlinuz, files, start{})
	results, end := readResults[wire.Result](t, port)
	switch {
	case end.Done:
		return results, nil
	case end.Fatal != "":
		return results, fmt.Errorf("init: %s", end.Fatal)
	}
	return results, fmt.Errorf("behind result %d: %w", len(results), err)
}

// start is what a kernel starts with beside its initramfs.
type start struct {
	qemu   []string // options
	append string   // to its command line
}

// run starts a kernel on an initramfs and returns the file with what came through the
// serial port. The error says how the kernel ended.
func run(t *testing.T, m machine, vmlinuz string, files []byte, with start) (port string, err error) {
	t.Helper()
	dir := t.TempDir()
	initrd := filepath.Join(dir, "initrd")
	if err := os.WriteFile(initrd, files, 0o644); err != nil {
		t.Fatal(err)
	}
	console := filepath.Join(dir, "console")
	port = filepath.Join(dir, "results")
	memory := "2G"
	if len(files) > 500<<20 {
		memory = "4G"
	}
	ctx, cancel := context.WithTimeout(t.Context(), bootTime)
	defer cancel()
	// Only the kernel's alerts go to the console: it is slow.
	args := slices.Concat(m.qemu[1:], []string{
		"-accel", "tcg", "-cpu", "max", "-m", memory, "-smp", "1", "-no-reboot", "-display", "none", "-nic", "none",
		"-kernel", vmlinuz, "-initrd", initrd,
		"-append", "console=" + m.console + " results=" + m.port + " loglevel=2 printk.devkmsg=on panic=-1 oops=panic log_buf_len=8M mitigations=off " + with.append,
	}, m.serial(console, port), with.qemu)
	cmd := exec.CommandContext(ctx, m.qemu[0], args...)
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return port, fmt.Errorf("not done after %v", bootTime)
	}
	return port, fmt.Errorf("the kernel ended: qemu: %v %s\n%s", err, out, tail(console))
}

// readResults reads what came through the serial port, and the last word, which is none
// where the kernel ended before it. Firmware writes to the port, too, before it begins.
func readResults[T interface{ Last() wire.End }](t *testing.T, path string) (results []T, last wire.End) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		return nil, wire.End{}
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for begun := false; lines.Scan(); {
		line := bytes.TrimSpace(lines.Bytes())
		if begun = begun || bytes.HasPrefix(line, []byte("{")); !begun {
			continue
		}
		var r T
		if err := json.Unmarshal(line, &r); err != nil {
			t.Logf("serial port: %q: %v", line, err)
			break
		}
		if last := r.Last(); last != (wire.End{}) {
			return results, last
		}
		results = append(results, r)
	}
	return results, wire.End{}
}

// tail is the end of a file.
func tail(path string) []byte {
	data, _ := os.ReadFile(path)
	return data[max(0, len(data)-4000):]
}
