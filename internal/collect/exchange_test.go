// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// TestExchanged puts FIFOs in the place of files after they were found: nobody
// will ever write to them, and they must not be waited for.
func TestExchanged(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, kernel13, 1)
	for _, name := range []string{"vmlinux", "crc7.ko", "named"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("something"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := &collector{
		room: newRoom(),
		ctx:  t.Context(), sources: Sources{Paths: []string{dir, dir + "/named"}, installed: []InstalledKernel{{Path: dir + "/vmlinux"}}},
		inv: &guard.Inventory{}, listed: map[place]bool{}, jobs: make(chan job),
	}
	c.inv.Arguments = c.sources.arguments()
	c.find()
	if len(c.files) != 5 {
		t.Fatalf("found %d files, want each and vmlinux twice: %v", len(c.files), c.files)
	}
	for _, f := range c.files {
		if err := errors.Join(os.RemoveAll(f.path), syscall.Mkfifo(f.path, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range c.files {
		c.read(f)
	}
	if len(c.inv.Problems) != len(c.files) {
		t.Errorf("%d problems, want one for each file", len(c.inv.Problems))
	}
	for _, p := range c.inv.Problems {
		if p.Err.Error() != "is a FIFO, not a regular file" {
			t.Errorf("%s: %v", p.Path, p.Err)
		}
	}
}

// TestInterrupted ends when its context does.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, kernel13, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if inv, err := Read(ctx, Sources{Paths: []string{dir}}); !errors.Is(err, context.Canceled) {
		t.Errorf("Read = %v, %v", inv, err)
	}
}
