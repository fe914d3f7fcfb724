// SPDX-License-Identifier: Apache-2.0

package regular_test

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
)

// TestOpen opens all that can lie at a path, in each of the three ways.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(
		os.WriteFile(dir+"/file", []byte("content"), 0o644),
		syscall.Mkfifo(dir+"/fifo", 0o644),
		os.Mkdir(dir+"/dir", 0o755),
		os.Symlink("file", dir+"/link"),
		os.Symlink("fifo", dir+"/link to fifo"),
	); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", dir+"/socket")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	const isLink = "is a symbolic link, not a regular file"
	for name, want := range map[string]struct{ open, itself string }{
		"file":         {"", ""},
		"fifo":         {"is a FIFO, not a regular file", "is a FIFO, not a regular file"},
		"dir":          {"is a directory, not a regular file", "is a directory, not a regular file"},
		"socket":       {"is a socket, not a regular file", "is a socket, not a regular file"},
		"link":         {"", isLink},
		"link to fifo": {"is a FIFO, not a regular file", isLink},
		"nothing":      {"no such file or directory", "no such file or directory"},
	} {
		path := filepath.Join(dir, name)
		f, err := regular.Open(path)
		check(t, "Open "+name, f, err, want.open)
		f, err = regular.OpenItself(path)
		check(t, "OpenItself "+name, f, err, want.itself)
		f, err = regular.OpenIn(root, name)
		check(t, "OpenIn "+name, f, err, want.itself)
	}
	f, err := regular.Open(os.DevNull)
	check(t, "Open a device", f, err, "is a device, not a regular file")
	f, err = regular.OpenIn(root, "../x")
	check(t, "OpenIn outside", f, err, "path escapes from parent")
}

func check(t *testing.T, what string, f *os.File, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		defer f.Close()
		if data, err := io.ReadAll(f); err != nil || string(data) != "content" {
			t.Errorf("%s: read %q, %v", what, data, err)
		}
		return
	}
	pe := (*fs.PathError)(nil)
	if err == nil || !strings.HasSuffix(err.Error(), want) || !errors.As(err, &pe) {
		t.Errorf("%s: %v, want an fs.PathError with %q", what, err, want)
	}
}
