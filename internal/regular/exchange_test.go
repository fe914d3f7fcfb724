// SPDX-License-Identifier: Apache-2.0

package regular

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestExchange exchanges a file between the look at it and the opening.
func TestExchange(t *testing.T) {
	for _, tc := range []struct {
		name string
		put  func(path string) error
		err  string
	}{
		{"for a FIFO", func(path string) error { return syscall.Mkfifo(path, 0o644) }, "is a FIFO, not a regular file"},
		{"for another file", func(path string) error { return os.Rename(path+".other", path) }, "was exchanged while it was opened"},
		{"for a link to another file", func(path string) error { return os.Symlink(path+".other", path) }, "was exchanged while it was opened"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := t.TempDir() + "/file"
			if err := errors.Join(os.WriteFile(path, nil, 0o644), os.WriteFile(path+".other", nil, 0o644)); err != nil {
				t.Fatal(err)
			}
			look := func(name string) (fs.FileInfo, error) {
				seen, err := os.Lstat(name)
				return seen, errors.Join(err, os.Remove(name), tc.put(name))
			}
			f, err := open(path, look, os.OpenFile, true)
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("open = %v, %v, want %q", f, err, tc.err)
			}
		})
	}
}

// TestReplaced opens a file that took the place of another, as packages do that
// are stamped meanwhile.
func TestReplaced(t *testing.T) {
	path := t.TempDir() + "/file"
	if err := errors.Join(os.WriteFile(path, nil, 0o644), os.WriteFile(path+".other", []byte("other"), 0o644)); err != nil {
		t.Fatal(err)
	}
	look := func(name string) (fs.FileInfo, error) {
		seen, err := os.Stat(name)
		return seen, errors.Join(err, os.Rename(path+".other", path))
	}
	f, err := open(path, look, os.OpenFile, false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() != 5 {
		t.Errorf("%v, %v", info, err)
	}
}
