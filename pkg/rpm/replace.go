// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
)

// ErrBusy says that another process, or goroutine, is rewriting the package.
var ErrBusy = errors.New("being rewritten by another process")

// A target is an open package file in an open folder, so that a rename of the folder does
// not matter. While it is locked (flock, until it is closed), nobody else rewrites it or
// uses its temporary file.
type target struct {
	*os.File
	root   *os.Root
	name   string // below root
	info   os.FileInfo
	locked bool
}

// openTarget opens the file of that name below root for reading and locks it if asked
// to. A symbolic link at the end of name is refused. On a file system without locks it
// stays unlocked.
func openTarget(root *os.Root, name string, exclusive bool) (*target, error) {
	const most = 100 // bounded: somebody may exchange it again and again
	for try := 0; ; try++ {
		f, err := regular.OpenIn(root, name)
		if errors.Is(err, regular.ErrExchanged) && try < most {
			continue // another process has just rewritten it
		}
		if err != nil {
			return nil, below(root, err)
		}
		t := &target{File: f, root: root, name: name}
		if t.info, err = t.Stat(); err == nil && exclusive {
			err = t.lock()
		}
		if err == nil {
			return t, nil
		}
		f.Close()
		if err != errReplaced || try == most {
			return nil, err
		}
	}
}

var errReplaced = errors.New("replaced in the meantime")

// lock locks the file and then makes sure that the name still leads to it: the last holder
// of the lock may have renamed another file over it.
func (t *target) lock() error {
	err := syscall.Flock(int(t.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == syscall.EWOULDBLOCK {
		return &fs.PathError{Op: "lock", Path: t.Name(), Err: ErrBusy}
	}
	t.locked = err == nil
	now, err := t.root.Lstat(t.name)
	if err != nil {
		return err
	}
	if !os.SameFile(t.info, now) {
		return errReplaced
	}
	return nil
}

// below makes an error name the whole path: errors of an os.Root name it from the root.
func below(root *os.Root, err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		pe.Path = filepath.Join(root.Name(), pe.Path)
	}
	return err
}

// replace replaces the file by a new one that write fills. After an error the old file is
// there and the new one is gone. Only if the rename cannot be made permanent, it is too late
// for that, and the error says so.
func (t *target) replace(write func(*os.File) error) error {
	temporary := regular.Temporary(t.name)
	if t.locked { // then the process that made it is dead
		_ = t.root.Remove(temporary) // if it cannot, no other can be made
	}
	made := false
	err := regular.Replace(t.root, t.name, temporary, func(f *os.File) error {
		made = true
		if err := write(f); err != nil {
			return err
		}
		if err := regular.Like(f, t.info); err != nil {
			return err
		}
		return f.Sync()
	})
	if !made {
		return &fs.PathError{Op: "replace", Path: t.Name(), Err: fmt.Errorf("%s beside it: %w", filepath.Base(temporary), regular.WithoutPath(err))}
	}
	if err != nil {
		return err
	}
	return syncDirectory(t.root, filepath.Dir(t.name))
}

// syncDirectory makes a rename in a folder permanent. Some file systems cannot do that and
// return EINVAL, which is not an error here.
func syncDirectory(root *os.Root, dir string) error {
	d, err := root.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return fmt.Errorf("replaced, but it may not survive a crash of the machine: %w", err)
	}
	return nil
}
