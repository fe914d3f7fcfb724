// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"unicode/utf8"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// What is said of arguments that are something else than kernels, modules, packages
// and folders: what they are, and what to give instead.

// notThere is for a path that is none.
func notThere(path string, err error) error {
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

// stranger says what a file is that somebody named and that is no kernel: prefix is
// its beginning, size in bytes. err is what the reader of kernels says of it.
func stranger(prefix []byte, size int64, err error) error {
	switch {
	case size == 0:
		return errors.New("an empty file")
	case len(prefix) > 262 && string(prefix[257:262]) == "ustar":
		return errors.New("a tar archive, which is not looked into; unpack it and give the folder")
	case bytes.HasPrefix(prefix, []byte("PK\x03\x04")):
		return errors.New("a zip archive, which is not looked into; unpack it and give the folder")
	case isText(prefix):
		return errors.New("a text file, not a kernel, module or package")
	}
	return err
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

// errBaseNotModule is for a raw base among the files that are checked. It does not say
// which kernel it is of, so that it is paired with nothing.
var errBaseNotModule = errors.New("a raw base, which does not say which kernel it is of. Give it with --base")

// baseMissing reports whether a base was named and none was found: nothing can be
// checked on it then.
func (c *collector) baseMissing() bool {
	for _, a := range c.inv.Arguments {
		if !a.Origin.Named() {
			continue
		}
		found := false
		for _, b := range c.inv.Bases {
			found = found || b.Origin == a.Origin
		}
		if !found {
			return true
		}
	}
	return false
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
