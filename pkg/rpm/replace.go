// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
	"unsafe"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
)

// ErrBusy says that another process, or goroutine, is rewriting the package.
var ErrBusy = errors.New("being rewritten by another process")

// A target is an open package file in a folder that stays the same whatever is renamed
// around it. If it is locked (flock, until it is closed), whoever has it open is the
// only one to rewrite it and owns its temporary file.
type target struct {
	*os.File
	root   *os.Root
	name   string // below root
	info   os.FileInfo
	locked bool
}

// openTarget opens the file of that name below root for reading and locks it if asked
// to. A symbolic link at its end is none. On a file system without locks it stays
// unlocked.
func openTarget(root *os.Root, name string, exclusive bool) (*target, error) {
	const most = 100 // who exchanges it again and again shall not hold us for ever
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

// lock locks the file and then makes sure that it is still the one of that
// name: who had the lock before may have renamed another over it.
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

// below has an error name the path from where the program stands: those of an os.Root
// name it from there.
func below(root *os.Root, err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		pe.Path = filepath.Join(root.Name(), pe.Path)
	}
	return err
}

// temporaryName is where the new content of the file at path is written. The
// leading dot and the suffix hide it from everything that looks for *.rpm.
func temporaryName(path string) string {
	dir, base := filepath.Split(path)
	return filepath.Join(dir, "."+base+".obs-btf-guard.tmp")
}

// replace replaces the file by what write puts into a new one. After an error
// the old file is there and the new one is gone; only a failure to make the
// rename last comes too late for that, and says so.
func (t *target) replace(write func(*os.File) error) (err error) {
	temporary := temporaryName(t.name)
	if t.locked { // then whoever made it is dead
		_ = t.root.Remove(temporary) // if it cannot, no other can be made
	}
	f, err := t.root.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return &fs.PathError{Op: "replace", Path: t.Name(), Err: fmt.Errorf("%s beside it: %w", filepath.Base(temporary), regular.WithoutPath(err))}
	}
	defer func() {
		f.Close()
		if err != nil {
			t.root.Remove(temporary)
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := likeOld(f, t.info); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := t.root.Rename(temporary, t.name); err != nil {
		return below(t.root, err)
	}
	return syncDirectory(t.root, filepath.Dir(t.name))
}

// likeOld gives f owner, mode and times of the old file. Only root can give a
// file away; for anyone else the new file is their own, and then loses the bits
// that would let it run as somebody.
func likeOld(f *os.File, info os.FileInfo) error {
	mode, accessed := info.Mode(), info.ModTime()
	if old, ok := info.Sys().(*syscall.Stat_t); ok {
		accessed = time.Unix(old.Atim.Unix())
		if err := f.Chown(int(old.Uid), int(old.Gid)); err != nil {
			if os.Geteuid() == 0 {
				return err
			}
			mode &^= os.ModeSetuid | os.ModeSetgid
		}
	}
	if err := f.Chmod(mode); err != nil {
		return err
	}
	return setTimes(f, accessed, info.ModTime())
}

// setTimes is futimens(2), which goes by the file and not by a name that may lead
// elsewhere by now.
func setTimes(f *os.File, accessed, modified time.Time) error {
	times := [2]syscall.Timespec{syscall.NsecToTimespec(accessed.UnixNano()), syscall.NsecToTimespec(modified.UnixNano())}
	if _, _, errno := syscall.Syscall6(syscall.SYS_UTIMENSAT, f.Fd(), 0, uintptr(unsafe.Pointer(&times)), 0, 0, 0); errno != 0 {
		return &fs.PathError{Op: "utimensat", Path: f.Name(), Err: errno}
	}
	return nil
}

// syncDirectory makes a rename in a folder last. Some file systems cannot and say
// EINVAL; there is nothing to be done about those.
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
