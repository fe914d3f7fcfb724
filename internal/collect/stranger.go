// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/obs-btf-guard/obs-btf-guard/internal/deb"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// What is said of arguments that are something else than kernels, modules, packages
// and folders: what they are, and what to give instead.

// NotThere says why there is nothing at a path, which err says as the system does.
func NotThere(path string, err error) error {
	switch {
	case !errors.Is(err, fs.ErrNotExist):
		return err
	case path == "-":
		return errors.New("standard input is not read. Give the name of a file")
	case strings.HasPrefix(path, "obs:"):
		return errors.New("that is a project of OBS, which \"audit\" and \"rebuild\" look at. Give files or folders here")
	case strings.Contains(path, "://"):
		return errors.New("that is a URL. Download it first; \"audit\" looks at whole repositories by URL")
	}
	return err
}

// wanted is what most commands read.
const wanted = "a kernel, module or package"

// Stranger says what a file is that somebody named and that is not what was wanted:
// prefix is its beginning, size in bytes. err is what the reader says of it, which
// stands where the file is not known.
func Stranger(prefix []byte, size int64, want string, err error) error {
	kind := kernel.Identify(prefix)
	switch {
	case size == 0:
		return errEmpty
	case len(prefix) > 262 && string(prefix[257:262]) == "ustar":
		return errors.New("a tar archive, which is not looked into; unpack it and give the folder")
	case bytes.HasPrefix(prefix, []byte("PK\x03\x04")):
		return errors.New("a zip archive, which is not looked into; unpack it and give the folder")
	case isText(prefix):
		return errors.New("a text file, not " + want)
	case bytes.HasPrefix(prefix, []byte(deb.Magic)):
		return errors.New("a Debian package, not " + want)
	case kind == kernel.KindRPM:
		return errors.New("an RPM, not " + want)
	case kind == kernel.KindModule:
		return errors.New("a kernel module, not " + want)
	case kind == kernel.KindBTF:
		return errors.New("a raw .BTF, not " + want)
	case kind == kernel.KindVmlinux && !errors.Is(err, kernel.ErrNotImage):
		return errors.New("a kernel or another program, not " + want)
	case kind == kernel.KindUnknown:
		return errors.New("not " + want)
	}
	return err
}

var errEmpty = errors.New("an empty file")

// errDebian is for a Debian package where RPMs are changed.
var errDebian = errors.New("a Debian package, which has no kernel-btf(...) dependencies. Give RPMs")

// StrangerAt is Stranger of a file that nobody has open.
func StrangerAt(path, want string, err error) error {
	f, opened := regular.Open(path)
	if opened != nil {
		return err
	}
	defer f.Close()
	info, stat := f.Stat()
	if stat != nil {
		return err
	}
	prefix := make([]byte, min(info.Size(), kernel.IdentifyLen))
	if _, read := io.ReadFull(f, prefix); read != nil {
		return err
	}
	return Stranger(prefix, info.Size(), want, err)
}

// OpenRPM is rpm.Open, and says of a file that only has the name of a package what it is.
func OpenRPM(path string) (*rpm.Reader, error) {
	r, err := rpm.Open(path)
	if errors.Is(err, rpm.ErrNotRPM) {
		err = StrangerAt(path, "an RPM package", err)
	}
	return r, err
}

// isText reports whether a file begins as text does.
func isText(prefix []byte) bool {
	for len(prefix) > 0 {
		r, n := utf8.DecodeRune(prefix)
		if r == utf8.RuneError && n == 1 && len(prefix) >= utf8.UTFMax || r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f' {
			return false
		}
		prefix = prefix[n:]
	}
	return true
}

// isBase reports whether a raw table is a whole base: a split one has names beyond its
// own strings, which no kernel takes.
func isBase(data []byte) bool {
	t, err := btf.Parse(data, nil)
	if err != nil || t.Len() == 0 || len(t.StringSection()) == 0 || t.StringSection()[0] != 0 {
		return false
	}
	return verify.Base(data, t.Order, verify.Witnesses{Base: t}.Read().Rules).Accepted()
}

// ofModule reports whether a raw table is that of a module: its strings go on where those of
// its base end, and do not begin with an empty one.
func ofModule(data []byte) bool {
	t, err := btf.Parse(data, nil)
	return err == nil && len(t.StringSection()) > 0 && t.StringSection()[0] != 0
}

// errOfModule is for the table of a module that is given as a base.
var errOfModule = errors.New("the .BTF of a module, not of a kernel. Give a vmlinux, or its .BTF")

// errBaseNotModule is for a raw base among the files that are checked. It does not say
// which kernel it is of, so that it is paired with nothing.
var errBaseNotModule = errors.New("a raw .BTF of a kernel, not a module. Give it with --base, and modules to check on it")

// basesClear reports whether each path that was to name a base has exactly one:
// else nothing can be checked on it.
func (c *collector) basesClear() bool {
	dropBootImages(c.inv)
	found := map[guard.Origin]int{}
	for _, b := range c.inv.Bases {
		found[b.Origin]++
	}
	return !slices.ContainsFunc(c.inv.Arguments, func(a guard.Argument) bool { return a.Origin.Named() && found[a.Origin] != 1 })
}

// of picks the files of named bases, or all others.
func (c *collector) of(named bool) []file {
	var out []file
	for _, f := range c.files {
		if f.origin.Named() == named {
			out = append(out, f)
		}
	}
	return out
}
