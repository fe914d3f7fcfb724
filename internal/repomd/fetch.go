// SPDX-License-Identifier: Apache-2.0

package repomd

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"
	"path/filepath"
)

// Place is where a package lies: a path, or a URL without user and query.
func (r *Repo) Place(p *Package) string {
	if r.at.url == nil {
		return filepath.Join(r.at.dir, filepath.FromSlash(p.Location))
	}
	return place{url: r.at.address(p.Location)}.String()
}

// Fetch gets a package and returns the path of the file, whose size and checksum
// are those of the metadata. From a URL it is downloaded into dir; from a folder
// it is read where it lies.
func (r *Repo) Fetch(ctx context.Context, p *Package, dir string) (file string, err error) {
	fail := func(err error) (string, error) {
		return "", fmt.Errorf("%s: %w", p.Location, err)
	}
	switch {
	case p.Base != "":
		return fail(errors.New("lies outside of the repository (xml:base) and is not looked for there"))
	case p.Size <= 0 || p.Size > maxPackage:
		return fail(fmt.Errorf("size %d in the metadata; it has to be said, and at most %d bytes are read", p.Size, int64(maxPackage)))
	}
	if err := p.Sum.check(); err != nil {
		return fail(err)
	}
	var sum hash.Hash
	var to *os.File
	if r.at.url != nil {
		// The checksum as the folder's name keeps equal names of different packages
		// apart, and leaves the file its own, which messages show.
		folder := filepath.Join(dir, p.Sum.Hex)
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return "", err
		}
		if to, err = os.Create(filepath.Join(folder, path.Base(p.Location))); err != nil {
			return "", err
		}
		defer func() {
			err = errors.Join(err, to.Close())
			if err != nil {
				os.Remove(to.Name())
				file = ""
			}
		}()
		file = to.Name()
	} else {
		file = r.Place(p)
	}
	err = r.at.read(ctx, p.Location, p.Size, func() (io.Writer, error) {
		if sum, err = p.Sum.new(); err != nil || to == nil {
			return sum, err
		}
		_, err := to.Seek(0, io.SeekStart)
		return io.MultiWriter(sum, to), errors.Join(err, to.Truncate(0))
	})
	if err != nil {
		return "", err
	}
	if err := p.Sum.matches(sum); err != nil {
		return fail(err)
	}
	return file, nil
}
