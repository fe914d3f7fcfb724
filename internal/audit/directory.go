// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/deb"
	"github.com/obs-btf-guard/obs-btf-guard/internal/parallel"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
)

// isFolderLink reports whether an entry of a folder is a link to another folder.
func isFolderLink(path string, d fs.DirEntry) bool {
	if d.Type()&fs.ModeSymlink == 0 {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// directory reads the headers of all RPMs in a folder, or of one.
func (a *audit) directory(ctx context.Context, name string) error {
	root, err := regular.Resolve(name)
	if err != nil {
		return collect.NotThere(name, regular.WithoutPath(err))
	}
	var paths []string
	unread := false
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			a.problem(path, regular.WithoutPath(err))
			unread = true
		} else if isFolderLink(path, d) {
			a.note(noteLink, path)
		} else if !d.IsDir() && (strings.HasSuffix(path, ".rpm") || strings.HasSuffix(path, ".deb") || path == root) {
			paths = append(paths, path)
		}
		return nil
	})
	if err == nil && len(paths) == 0 && !unread {
		err = errNothing
	}
	if err != nil {
		return err
	}
	a.tell("reading the headers of %s", prose.Several(len(paths), "package"))
	packages, errs := make([]*Package, len(paths)), make([]error, len(paths))
	parallel.Each(ctx, len(paths), runtime.GOMAXPROCS(0), func(i int) {
		packages[i], errs[i] = describe(ctx, name, paths[i])
	})
	kind := "directory"
	if len(paths) == 1 && paths[0] == root {
		kind = "package"
		if errs[0] != nil && !strings.HasSuffix(root, ".rpm") && !strings.HasSuffix(root, ".deb") {
			return collect.StrangerAt(root, wanted, regular.WithoutPath(errs[0]))
		}
	}
	a.res.Sources = append(a.res.Sources, Source{Name: name, Kind: kind, Packages: len(paths)})
	for i, p := range packages {
		if errs[i] != nil {
			a.problem(paths[i], regular.WithoutPath(errs[i]))
		}
		if p == nil {
			continue
		}
		if a.full() {
			return a.tooMany()
		}
		a.packages = append(a.packages, p)
	}
	return ctx.Err()
}

// describe describes the package at a path, nil if it has neither kernel nor modules.
func describe(ctx context.Context, source, path string) (*Package, error) {
	read := readHeader
	debian, err := isDebian(path)
	if err != nil {
		return nil, err
	}
	if debian {
		read = func(source, path string) (*Package, error) { return readDebian(ctx, source, path) }
	}
	p, err := read(source, path)
	if err != nil {
		return nil, err
	}
	p.place, p.file = path, path
	if info, err := os.Stat(path); err == nil {
		p.size, p.changed = info.Size(), info.ModTime().UnixNano()
	}
	if !p.matters() {
		return nil, nil
	}
	return p, nil
}

func readHeader(source, path string) (*Package, error) {
	r, err := collect.OpenRPM(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	p, err := newPackage(source, r.Package, "")
	if err != nil {
		return nil, err
	}
	p.list(r.Package)
	return p, nil
}

// isDebian decides by the first bytes or, for a damaged file, by its name.
func isDebian(path string) (bool, error) {
	if strings.HasSuffix(path, ".deb") {
		return true, nil
	}
	f, err := regular.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	begin := make([]byte, len(deb.Magic))
	n, _ := io.ReadFull(f, begin)
	return string(begin[:n]) == deb.Magic, nil
}

// readDebian reads a Debian package's list of files. No module is linked into kernels it
// was not built for: Debian has no weak-modules.
func readDebian(ctx context.Context, source, path string) (*Package, error) {
	header, pkg, err := collect.Header(ctx, path)
	if err != nil {
		return nil, err
	}
	p, err := newPackage(source, header, "")
	if err != nil {
		return nil, err
	}
	p.list(header)
	p.NEVRA, p.build, p.outlives, p.debian = pkg.NEVRA, pkg.Build, false, true
	return p, nil
}
