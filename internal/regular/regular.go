// SPDX-License-Identifier: Apache-2.0

// Package regular opens regular files and nothing else, without ever waiting.
//
// The check of a build runs as root on files of the build user, who can put
// something else in the place of a file at any time. Opening a FIFO waits for a
// writer that never comes, and no signal ends that; opening a device does
// whatever its driver likes.
package regular

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Open opens the regular file at path for reading. Symbolic links are followed,
// and one regular file may take the place of another meanwhile.
func Open(path string) (*os.File, error) { return open(path, os.Stat, os.OpenFile, false) }

// OpenItself does the same, but a symbolic link at the end of path is none.
func OpenItself(path string) (*os.File, error) { return open(path, os.Lstat, os.OpenFile, true) }

// OpenIn opens the regular file of that name below r for reading. A symbolic
// link at its end is none.
func OpenIn(r *os.Root, name string) (*os.File, error) { return open(name, r.Lstat, r.OpenFile, true) }

// open opens what is seen there, if it is a regular file, and makes sure that it
// was one, and with itself that one, what it opened.
func open(name string, look func(string) (fs.FileInfo, error), with func(string, int, fs.FileMode) (*os.File, error), itself bool) (*os.File, error) {
	seen, err := look(name)
	if err != nil {
		return nil, err
	}
	if !seen.Mode().IsRegular() {
		return nil, NotA("regular file", name, seen)
	}
	f, err := with(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	opened, err := f.Stat()
	if err == nil && !opened.Mode().IsRegular() {
		err = NotA("regular file", name, opened)
	} else if err == nil && itself && !os.SameFile(seen, opened) {
		err = Exchanged(name)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// NotA is the error of a name that does not stand for what was wanted there: an
// fs.PathError whose Err says what it is instead.
func NotA(what, name string, is fs.FileInfo) error {
	kind := "special file"
	switch is.Mode().Type() {
	case 0:
		kind = "regular file"
	case fs.ModeDir:
		kind = "directory"
	case fs.ModeSymlink:
		kind = "symbolic link"
	case fs.ModeNamedPipe:
		kind = "FIFO"
	case fs.ModeSocket:
		kind = "socket"
	case fs.ModeDevice, fs.ModeDevice | fs.ModeCharDevice:
		kind = "device"
	}
	return &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("is a %s, not a %s", kind, what)}
}

// ErrExchanged is what [Exchanged] wraps.
var ErrExchanged = errors.New("was exchanged while it was opened")

// Exchanged is the error of a name that stood for something else a moment ago.
func Exchanged(name string) error {
	return &fs.PathError{Op: "open", Path: name, Err: ErrExchanged}
}

// WithoutPath takes the path out of an error that will be printed behind one.
func WithoutPath(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// Resolve follows the symbolic links in a path to their end. Its errors are those of the
// file system.
func Resolve(path string) (string, error) {
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		if _, why := os.Stat(path); why != nil { // EvalSymlinks has words of its own for a circle
			err = why
		}
	}
	return resolved, err
}
