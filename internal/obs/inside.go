// SPDX-License-Identifier: Apache-2.0

package obs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
)

// The build user owns most of what a check looks at. os.Root keeps every access
// below the build root; what is here adds that nothing is waited for, that
// nothing but directories and regular files is opened, and that a symbolic link
// is followed only where one belongs.

// maxLinks is how many symbolic links one path may go through, as in Linux.
const maxLinks = 40

// resolve follows the symbolic links in a path the way a process that was put
// into the root with chroot would: an absolute target starts at the root, and
// ".." does not lead above it. The result is relative to the root, "." for the
// root itself. What it leads to need not exist.
func resolve(r *os.Root, name string) (string, error) {
	done, todo := ".", strings.Split(name, "/")
	for links := 0; len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			done = path.Dir(done)
			continue
		}
		next := path.Join(done, part)
		info, err := r.Lstat(next)
		if errors.Is(err, fs.ErrNotExist) {
			done = next
			continue
		}
		if err != nil {
			return "", err
		}
		if info.Mode().Type() != fs.ModeSymlink {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", &fs.PathError{Op: "resolve", Path: name, Err: syscall.ELOOP}
		}
		target, err := r.Readlink(next)
		if err != nil {
			return "", err
		}
		if path.IsAbs(target) {
			done = "."
		}
		todo = append(strings.Split(target, "/"), todo...)
	}
	return done, nil
}

// openDir opens a directory, none of whose path may be a symbolic link.
func openDir(r *os.Root, name string) (*os.Root, error) {
	d, err := openChild(r, ".")
	for part := range strings.SplitSeq(path.Clean(name), "/") {
		if err != nil {
			return nil, err
		}
		above := d
		d, err = openChild(above, part)
		above.Close()
	}
	return d, err
}

// openChild opens a directory by its name in another.
func openChild(r *os.Root, name string) (*os.Root, error) {
	seen, err := r.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !seen.IsDir() {
		return nil, regular.NotA("directory", name, seen)
	}
	d, err := enter(r, name)
	if err != nil {
		return nil, err
	}
	if opened, err := d.Stat("."); err != nil || !os.SameFile(seen, opened) {
		d.Close()
		return nil, regular.Exchanged(name)
	}
	return d, nil
}

// enter opens a directory, through a symbolic link too. OpenRoot by itself waits
// at a FIFO for a writer; with "/." behind the name it opens directories only.
func enter(r *os.Root, name string) (*os.Root, error) { return r.OpenRoot(name + "/.") }

// readRegular reads a regular file of at most limit bytes.
func readRegular(r *os.Root, name string, limit int64) ([]byte, error) {
	f, err := regular.OpenIn(r, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size()
	if size <= limit { // it may still grow
		data := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead)) // growing would take as much once more
		if _, err := data.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
			return nil, err
		}
		if size = int64(data.Len()); size <= limit {
			return data.Bytes(), nil
		}
	}
	return nil, fmt.Errorf("%s: has %d bytes or more, at most %d are read", name, size, limit)
}

// isRegular reports whether a name is that of a regular file.
func isRegular(r *os.Root, name string) bool {
	info, err := r.Lstat(name)
	return err == nil && info.Mode().IsRegular()
}

// leadsToDir reports whether a path leads to a directory, through all of its
// symbolic links.
func leadsToDir(r *os.Root, name string) bool {
	to, err := resolve(r, name)
	if err != nil {
		return false
	}
	info, err := r.Lstat(to)
	return err == nil && info.IsDir()
}
