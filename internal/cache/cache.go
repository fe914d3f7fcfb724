// SPDX-License-Identifier: Apache-2.0

// Package cache keeps what was read of packages in a folder: an entry for each, found
// again by a digest of all that it depends on. An entry is written once and never
// changed, the folder has a limit, and whatever is missing or damaged in it costs
// time and nothing else.
package cache

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
)

// Limit is how many bytes a folder may have: some 40 kernels with their modules.
const Limit = 1 << 30

// A Dir is such a folder. Several programs may use it at the same time.
type Dir struct {
	root    string
	program string
	limit   int64
}

// DefaultPath is obs-btf-guard below $XDG_CACHE_HOME, else below ~/.cache, as the XDG
// base directory specification says; getenv is os.Getenv. "" if there is no such
// place.
func DefaultPath(getenv func(string) string) string {
	root := getenv("XDG_CACHE_HOME")
	if !filepath.IsAbs(root) {
		home := getenv("HOME")
		if !filepath.IsAbs(home) {
			return ""
		}
		root = filepath.Join(home, ".cache")
	}
	return filepath.Join(root, "obs-btf-guard")
}

// New is the folder at path, which is made once there is something to keep. Entries
// of another program, which may read otherwise, are not there for this one; program
// is a digest of it, in hex.
func New(path, program string) *Dir { return &Dir{path, program, Limit} }

func (d *Dir) path(key string) string { return filepath.Join(d.root, d.program, key) }

// Files in the folder: entries, and what becomes one.
const (
	suffix    = ".entry"
	temporary = ".new-"
)

// stale is when nobody writes a temporary file any more.
const stale = time.Hour

// Open opens the entry of a key, which is part of a file's name. It returns nil where there is none.
func (d *Dir) Open(key string) *Entry {
	path := d.path(key) + suffix
	f, err := regular.OpenItself(path)
	if err != nil {
		return nil
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // it was used
	return &Entry{file: f, left: info.Size()}
}

// Has reports whether there is an entry of a key, which may be damaged.
func (d *Dir) Has(key string) bool {
	e := d.Open(key)
	if e == nil {
		return false
	}
	e.Close()
	return true
}

// Drop removes the entry of a key, as one that is damaged.
func (d *Dir) Drop(key string) { _ = os.Remove(d.path(key) + suffix) }

// Create begins the entry of a key.
func (d *Dir) Create(key string) (*Writer, error) {
	to := d.path(key) + suffix
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(to), temporary)
	if err != nil {
		return nil, err
	}
	return &Writer{dir: d, to: to, file: f}, nil
}

// trim removes what was not used for the longest time until the rest is within the
// limit.
func (d *Dir) trim() error {
	type entry struct {
		path string
		size int64
		used time.Time
	}
	var entries []entry
	var total int64
	err := filepath.WalkDir(d.root, func(path string, f fs.DirEntry, err error) error {
		if err != nil || f.IsDir() {
			return err
		}
		info, err := f.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // another program was faster
		}
		if err != nil {
			return err
		}
		switch name := f.Name(); {
		case strings.HasSuffix(name, suffix):
			const block = 4096 // a small file takes as much
			entries = append(entries, entry{path, max(info.Size(), block), info.ModTime()})
			total += max(info.Size(), block)
		case strings.HasPrefix(name, temporary) && time.Since(info.ModTime()) > stale:
			return os.Remove(path)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Or(a.used.Compare(b.used), strings.Compare(a.path, b.path)) })
	for _, e := range entries {
		if total <= d.limit {
			break
		}
		if err := os.Remove(e.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		total -= e.size
		_ = os.Remove(filepath.Dir(e.path)) // of another program, if it was the last one
	}
	return nil
}
