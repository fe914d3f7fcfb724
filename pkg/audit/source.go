// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/repomd"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// source lists the packages of one source.
func (a *audit) source(ctx context.Context, name string) error {
	if t, ok, err := inOBS(name); ok {
		if err != nil {
			return err
		}
		return a.project(ctx, name, t)
	}
	if repomd.IsURL(name) {
		return a.repository(ctx, name)
	}
	info, err := os.Stat(name)
	if err != nil {
		return withoutPath(err)
	}
	if info.IsDir() {
		if _, err := os.Stat(filepath.Join(name, "repodata", "repomd.xml")); err == nil {
			return a.repository(ctx, name)
		}
	}
	return a.directory(ctx, name)
}

// repository reads the metadata of a repository.
func (a *audit) repository(ctx context.Context, name string) error {
	a.tell("reading %s", repomd.Name(name))
	repo, err := repomd.Open(ctx, name, a.Web)
	if err != nil {
		return err
	}
	s := Source{Name: repo.Source, Kind: "repository", Revision: repo.Revision}
	// Where the metadata breaks off nothing is known of the rest, and what came
	// before it is looked over all the same.
	defer func() { a.res.Sources = append(a.res.Sources, s) }()
	for p, err := range repo.Packages(ctx, relevant) {
		if err != nil {
			return err
		}
		s.Packages++
		pkg, err := newPackage(s.Name, &p.Package)
		if err != nil {
			a.problem(s.Name, fmt.Errorf("%s: %w", p.NEVRA(), err))
			continue
		}
		if !pkg.matters() {
			continue
		}
		if len(a.packages) == maxPackages {
			return errPackages
		}
		pkg.fetch = func(ctx context.Context) (string, error) {
			if repo.Remote() {
				a.tell("downloading %s", pkg)
				if err := a.download(p.Size); err != nil {
					return "", fmt.Errorf("%s: %w", p.Location, err)
				}
			}
			return repo.Fetch(ctx, p, a.Dir)
		}
		a.packages = append(a.packages, pkg)
	}
	return nil
}

// Bounds on what a source may ask for.
const (
	maxPackages  = 50_000   // that have kernels or modules
	maxDownloads = 64 << 30 // bytes
)

var (
	errNothing  = errors.New("holds no RPM and is no repository (it has no repodata/repomd.xml)")
	errPackages = fmt.Errorf("more than %d packages of kernels and modules; the rest is not looked at", maxPackages)
)

// download accounts for bytes that are to be downloaded.
func (a *audit) download(size int64) error {
	if a.downloaded += size; a.downloaded > maxDownloads {
		return fmt.Errorf("not downloaded: all downloads together would have more than %d bytes; --metadata-only downloads nothing", int64(maxDownloads))
	}
	return nil
}

// directory reads the headers of all RPMs in a folder, or of one.
func (a *audit) directory(ctx context.Context, name string) error {
	root, err := filepath.EvalSymlinks(name)
	if err != nil {
		return withoutPath(err)
	}
	var paths []string
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			a.problem(path, withoutPath(err))
		} else if !d.IsDir() && (strings.HasSuffix(path, ".rpm") || path == root) {
			paths = append(paths, path)
		}
		return nil
	})
	if err == nil && len(paths) == 0 {
		err = errNothing
	}
	if err != nil {
		return err
	}
	a.tell("reading the headers of %d packages", len(paths))
	packages, errs := make([]*Package, len(paths)), make([]error, len(paths))
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				packages[i], errs[i] = readHeader(name, paths[i])
			}
		})
	}
	for i := range paths {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	a.res.Sources = append(a.res.Sources, Source{Name: name, Kind: "directory", Packages: len(paths)})
	for i, p := range packages {
		if errs[i] != nil {
			a.problem(paths[i], withoutPath(errs[i]))
		}
		if p == nil {
			continue
		}
		if len(a.packages) == maxPackages {
			return errPackages
		}
		a.packages = append(a.packages, p)
	}
	return ctx.Err()
}

// readHeader describes the RPM at a path, nil if it has neither kernel nor
// modules.
func readHeader(source, path string) (*Package, error) {
	r, err := rpm.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	p, err := newPackage(source, r.Package)
	if err != nil {
		return nil, err
	}
	p.list(r.Package)
	p.file = path
	if !p.matters() {
		return nil, nil
	}
	return p, nil
}

// withoutPath takes the path out of an error that will be printed behind one.
func withoutPath(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
