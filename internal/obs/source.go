// SPDX-License-Identifier: Apache-2.0

package obs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// MaxSource is how large a source file may be that is read.
const MaxSource = 1 << 20

// Source reads a source file that speaks to the check, such as btf-guard.conf.
// If there is none, the error is an fs.ErrNotExist; a symbolic link, a special
// file or one above MaxSource is another error.
//
// In the second build of a signing build the package's sources are absent: the
// worker gives it the first build's results (getfollowupsources in bs_worker). A
// file is then found here only if the first build left it with CarrySource.
func (b *BuildRoot) Source(name string) ([]byte, error) {
	if !fs.ValidPath(name) || name == "." || strings.Contains(name, "/") {
		return nil, fmt.Errorf("%s: %q: %w", b.Sources, name, fs.ErrInvalid)
	}
	top, err := b.openTop()
	if err != nil {
		return nil, err
	}
	defer top.Close()
	sources, err := openDir(top, "SOURCES")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.TopDir, err)
	}
	defer sources.Close()
	data, err := readRegular(sources, name, MaxSource)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Sources, err)
	}
	return data, nil
}

// CarrySource makes sure that the second build of a signing build finds a source file: the
// first build puts a copy among its results, in OTHER. In other builds it does nothing. A
// file that does not exist is no error.
func (b *BuildRoot) CarrySource(name string) error {
	if b.Stage != Unsigned {
		return nil
	}
	data, err := b.Source(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = b.writeOther(name, data)
	return err
}

// System reads a file of the system in the build root, such as
// /etc/obs-btf-guard.conf, as a process inside of it would: symbolic links are
// followed, and lead nowhere else. If there is none, the error is an
// fs.ErrNotExist; a special file or one above MaxSource is another error.
func (b *BuildRoot) System(name string) ([]byte, error) {
	r, err := os.OpenRoot(b.Root)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	to, err := resolve(r, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Root, err)
	}
	data, err := readRegular(r, to, MaxSource)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Root, err)
	}
	return data, nil
}
