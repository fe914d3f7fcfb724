// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"context"
	"io"
	"os"
	"path/filepath"
)

// Rewrite changes the dependencies in the header of the binary package at path,
// of format 4 or 6. All else in the header and every byte of the payload stay;
// digests and sizes in the signature header are made anew; signatures are
// removed, since they no longer hold, and named in the Change. If there is
// nothing to change, the file is not touched and its payload not read.
//
// It is done atomically: a new file is written next to the old one, synced, and
// renamed over it. Killed at any moment, Rewrite leaves the old or the new file,
// whole; what else it may leave, ".<name>.obs-btf-guard.tmp", the next Rewrite
// of that package removes. Mode and times are kept, the owner as far as the
// process may set it; extended attributes are not. Of a symbolic link the target
// is rewritten. Other hard links to the file keep the old content.
//
// The package is refused, and the file stays as it is, if any of its digests is
// wrong, if it is a source package, or if its headers do not have rpm's layout, so that
// they could not be written back byte for byte. Two calls for one package exclude each
// other: the second returns [ErrBusy]. The only error after the rename is that the
// directory could not be synced.
//
// Errors of the file system name the path; all others say only what is wrong
// inside.
func Rewrite(ctx context.Context, path string, e Edit) (Change, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return Change{}, err
	}
	dir, name := filepath.Split(path)
	root, err := os.OpenRoot(filepath.Clean(dir))
	if err != nil {
		return Change{}, err
	}
	defer root.Close()
	return RewriteIn(ctx, root, name, e)
}

// RewriteIn does the same with the package of that name below root, and writes nothing
// outside of it: symbolic links that lead there are errors, as is one at the end.
func RewriteIn(ctx context.Context, root *os.Root, name string, e Edit) (Change, error) {
	if err := e.validate(); err != nil {
		return Change{}, err
	}
	t, err := openTarget(root, name, !e.DryRun)
	if err != nil {
		return Change{}, err
	}
	defer t.Close()

	w, err := e.planFile(t)
	if err != nil || w.change.Empty() {
		return Change{}, err
	}
	if e.DryRun {
		err = w.write(ctx, nowhere{}, t)
	} else {
		err = t.replace(func(out *os.File) error { return w.write(ctx, out, t) })
	}
	if err != nil {
		return Change{}, err
	}
	return w.change, nil
}

// planFile plans the edit of a package and leaves t at the payload.
func (e *Edit) planFile(t *target) (*rewriting, error) {
	h, err := readHeader(t)
	if err != nil {
		return nil, err
	}
	start, err := t.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, err
	}
	lead := make([]byte, leadSize)
	if _, err := t.ReadAt(lead, 0); err != nil {
		return nil, err
	}
	return e.plan(h, lead, t.info.Size()-start)
}
