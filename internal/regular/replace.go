// SPDX-License-Identifier: Apache-2.0

package regular

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
	"unsafe"
)

// Replace puts a new file in the place of that of the given name below r, if there is
// one: write fills the file of the temporary name, which is new, and it is renamed then.
// So there is the old or the new file at any moment, whole; whether it lasts is up to
// write, which may sync and close it. After an error nothing is left behind.
func Replace(r *os.Root, name, temporary string, write func(*os.File) error) (err error) {
	f, err := r.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		f.Close()
		if err != nil {
			r.Remove(temporary)
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return err
	}
	return r.Rename(temporary, name)
}

// Temporary is where the new content of the file at path is written. The leading dot and
// the suffix hide it from everything that looks for *.rpm or *.ko.
func Temporary(path string) string {
	dir, base := filepath.Split(path)
	return dir + "." + base + ".obs-btf-guard.tmp"
}

// ReplaceIn replaces the regular file of that name below r by data, as [Replace] does. It
// is not synced to disk; owner, mode and times are as [Like] has them. old is the file as
// it was read: one that was exchanged or written to since stays as it is, which is an
// error.
func ReplaceIn(r *os.Root, name string, old fs.FileInfo, data []byte) error {
	temporary := Temporary(name)
	// What a run that was killed left is in nobody's way.
	if err := r.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return Replace(r, name, temporary, func(f *os.File) error {
		if _, err := f.Write(data); err != nil {
			return err
		}
		if err := Like(f, old); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
		now, err := r.Lstat(name)
		if err == nil && (!os.SameFile(old, now) || now.Size() != old.Size() || !now.ModTime().Equal(old.ModTime())) {
			err = Exchanged(name)
		}
		return err
	})
}

// Like gives f owner, mode and times of the old file. Only root can give a file
// away; for anyone else the new file is their own, and then loses the bits that would
// let it run as somebody.
func Like(f *os.File, old fs.FileInfo) error {
	mode, accessed := old.Mode(), old.ModTime()
	if st, ok := old.Sys().(*syscall.Stat_t); ok {
		accessed = time.Unix(st.Atim.Unix())
		if err := f.Chown(int(st.Uid), int(st.Gid)); err != nil {
			if os.Geteuid() == 0 {
				return err
			}
			mode &^= os.ModeSetuid | os.ModeSetgid
		}
	}
	if err := f.Chmod(mode); err != nil {
		return err
	}
	return setTimes(f, accessed, old.ModTime())
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
