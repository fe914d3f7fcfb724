// SPDX-License-Identifier: Apache-2.0

package regular

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ReplaceIn puts new content in the place of the regular file of that name below r:
// a temporary file beside it is written and renamed over it, so that there is the old
// or the new file at any moment, whole. It is not synced to disk. Mode and times are kept, the owner as far
// as the process may set it. old is the file as it was read: one that was exchanged
// or written to since stays as it is, which is an error. After an error nothing is
// left behind.
func ReplaceIn(r *os.Root, name string, old fs.FileInfo, data []byte) (err error) {
	dir, base := filepath.Split(name)
	temp := dir + "." + base + ".obs-btf-guard.tmp"
	// What a run that was killed left is in nobody's way.
	if err := r.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := r.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			r.Remove(temp)
		}
	}()
	_, err = f.Write(data)
	if st, ok := old.Sys().(*syscall.Stat_t); ok && err == nil {
		if chown := f.Chown(int(st.Uid), int(st.Gid)); chown != nil && os.Geteuid() == 0 {
			err = chown
		}
	}
	if err == nil {
		err = f.Chmod(old.Mode().Perm() | old.Mode()&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky))
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = r.Chtimes(temp, old.ModTime(), old.ModTime())
	}
	if err != nil {
		return err
	}
	now, err := r.Lstat(name)
	if err != nil {
		return err
	}
	if !os.SameFile(old, now) || now.Size() != old.Size() || !now.ModTime().Equal(old.ModTime()) {
		return Exchanged(name)
	}
	return r.Rename(temp, name)
}
