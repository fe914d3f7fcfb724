// SPDX-License-Identifier: Apache-2.0

package obs

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestEnter tries to open a FIFO that came into the place of a directory after
// that was looked at: nobody will ever write to it.
func TestEnter(t *testing.T) {
	dir := t.TempDir()
	r, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := errors.Join(syscall.Mkfifo(dir+"/fifo", 0o644), os.Mkdir(dir+"/real", 0o755)); err != nil {
		t.Fatal(err)
	}
	if d, err := enter(r, "fifo"); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("a FIFO: %v, %v", d, err)
	}
	d, err := enter(r, "real")
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
}
