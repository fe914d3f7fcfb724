// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"github.com/obs-btf-guard/obs-btf-guard/internal/repomd"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// source lists the packages of one source.
func (a *audit) source(ctx context.Context, name string) error {
	if _, ok, err := inOBS(name); ok {
		if err != nil {
			return err
		}
		return a.project(ctx, name)
	}
	if repomd.IsURL(name) {
		if strings.HasSuffix(name, ".rpm") {
			return errOnePackage
		}
		return a.repository(ctx, name)
	}
	info, err := os.Stat(name)
	if err != nil {
		return collect.NotThere(name, regular.WithoutPath(err))
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
	// If the metadata breaks off, nothing is known of the rest. What came before is still
	// checked.
	defer func() { a.res.Sources = append(a.res.Sources, s) }()
	var unlisted map[string]bool
	if !repo.Remote() {
		if unlisted, err = a.rpmsBelow(repo.Source); err != nil {
			return err
		}
	}
	if repo.FileLists() == "" {
		a.note(noteNoFileLists, repo.Source)
	}
	// Metadata by itself is enough; a folder with packages should have all of them.
	here, from := len(unlisted) > 0, len(a.packages)
	key := repositoryKey(repo, unlisted)
	var known repositoryKnown
	if a.recall(key, &known) && !slices.ContainsFunc(known.Entries, func(e repositoryEntry) bool { return e.Package == nil }) {
		s.Packages = known.Packages
		for _, e := range known.Entries {
			if _, err := a.inRepository(repo, e); err != nil {
				return err
			}
		}
	} else {
		problems := len(a.res.Problems)
		if known, err = a.readRepository(ctx, repo, unlisted, &s.Packages); err != nil {
			return err
		}
		if !known.tooLarge && len(a.res.Problems) == problems {
			a.keep(key, known)
		}
	}
	if known.Unlisted > 0 {
		more := ""
		if known.Unlisted > 1 {
			more = fmt.Sprintf(" and %d more", known.Unlisted-1)
		}
		a.note(noteUnlisted, s.Name, known.FirstUnlisted, more)
	}
	if here {
		a.noteGone(s.Name, a.packages[from:])
	}
	return nil
}

// noteGone names packages that the metadata lists and that are not there.
func (a *audit) noteGone(name string, packages []*Package) {
	var gone []string
	for _, p := range packages {
		if _, err := os.Stat(p.place); errors.Is(err, fs.ErrNotExist) {
			gone = append(gone, p.NEVRA)
		}
	}
	if len(gone) > 0 {
		a.note(noteGone, name, prose.First(gone, 4))
	}
}

// repositoryKnown keeps what the metadata of a repository says. As long as the metadata is
// unchanged, it is not read again.
type repositoryKnown struct {
	Packages      int // in it
	Entries       []repositoryEntry
	Unlisted      int // RPMs in its folder that it does not list
	FirstUnlisted string

	names    int // bytes of names in dependencies
	tooLarge bool
}

// repositoryEntry is a package that matters, and what the list of all files says of it.
type repositoryEntry struct {
	Package *repomd.Package
	Holds   uint8
}

// maxNames bounds what is kept of one repository's dependencies, in bytes. Most of it is
// of packages that require each symbol of the kernel by name.
const maxNames = 16 << 20

// add takes an entry with all its dependencies.
func (k *repositoryKnown) add(e repositoryEntry) {
	for _, list := range [][]rpm.Dependency{e.Package.Provides, e.Package.Requires, e.Package.Recommends} {
		for _, d := range list {
			k.names += len(d.Name) + len(d.Version)
		}
	}
	if k.tooLarge = k.tooLarge || k.names > maxNames; k.tooLarge {
		k.Entries = nil
		return
	}
	k.Entries = append(k.Entries, e)
}

// repositoryKey names all that the answers depend on.
func repositoryKey(repo *repomd.Repo, unlisted map[string]bool) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(unlisted)) {
		fmt.Fprintf(h, "%q\n", name)
	}
	return fmt.Sprintf("repository 2 %q %q %x", repo.Metadata(), repo.FileLists(), h.Sum(nil))
}

// readRepository reads all metadata. If it breaks off, what came before still counts.
func (a *audit) readRepository(ctx context.Context, repo *repomd.Repo, unlisted map[string]bool, packages *int) (known repositoryKnown, err error) {
	holding, err := a.holding(ctx, repo)
	if ctx.Err() != nil {
		return known, ctx.Err()
	}
	if err != nil {
		a.problem(repo.Source, err)
	}
	for p, err := range repo.Packages(ctx, relevant) {
		if err != nil {
			return known, err
		}
		*packages++
		delete(unlisted, path.Clean(p.Location))
		e := repositoryEntry{p, holding[p.Checksum()]}
		kept := *p
		switch matters, err := a.inRepository(repo, e); {
		case errors.Is(err, errPackages):
			return known, err
		case err != nil:
			a.problem(repo.Source, fmt.Errorf("%s: %w", p.NEVRA(), err))
		case matters:
			known.add(repositoryEntry{&kept, e.Holds})
		}
	}
	known.Packages = *packages
	if known.Unlisted = len(unlisted); known.Unlisted > 0 {
		known.FirstUnlisted = slices.Min(slices.Collect(maps.Keys(unlisted)))
	}
	return known, nil
}

// inRepository adds a package of a repository, if it matters.
func (a *audit) inRepository(repo *repomd.Repo, e repositoryEntry) (matters bool, err error) {
	p := e.Package
	pkg, err := newPackage(repo.Source, &p.Package, p.Digest())
	p.Provides, p.Requires, p.Recommends = nil, nil, nil // p stays, to be fetched
	if err != nil {
		return false, err
	}
	// Its provides may not mention the modules, as in kmods that were built without a
	// generator.
	pkg.image, pkg.maybe = e.Holds&hasKernel != 0, pkg.maybe || e.Holds&hasModules != 0
	pkg.placed, pkg.outlives = repo.FileLists() != "", e.Holds&hasOutliving != 0
	if !pkg.matters() {
		return false, nil
	}
	if a.full() {
		return false, a.tooMany()
	}
	pkg.size, pkg.known = p.Size, p.Digest() // a weak dependency alone is no reason to fetch it
	pkg.place = repo.Place(p)
	pkg.fetch = func(ctx context.Context) (string, error) {
		if !repo.Remote() {
			return repo.Fetch(ctx, p, "")
		}
		a.tell("downloading %s", pkg)
		if err := a.download(p.Size); err != nil {
			return "", fmt.Errorf("%s: %w", p.Location, err)
		}
		dir, err := a.downloadsDir()
		if err != nil {
			return "", err
		}
		return repo.Fetch(ctx, p, dir)
	}
	a.packages = append(a.packages, pkg)
	return true, nil
}

// What a package of a repository has, by the list of all files.
const (
	hasKernel uint8 = 1 << iota
	hasModules
	hasOutliving // modules that may be linked into other kernels
)

// holding finds the packages of a repository with a kernel or modules by its list of all
// files. The result is kept: the list has some hundred megabytes, more than all other
// metadata.
func (a *audit) holding(ctx context.Context, repo *repomd.Repo) (map[string]uint8, error) {
	id := repo.FileLists()
	if id == "" {
		return nil, nil
	}
	holding := map[string]uint8{}
	key := "filelists 2 " + id
	if a.recall(key, &holding) {
		return holding, nil
	}
	holding, err := repo.Holding(ctx, func(path []byte) uint8 {
		if !bytes.Contains(path, []byte("/modules/")) && !bytes.HasPrefix(path, []byte("/boot/")) && !bytes.Contains(path, []byte("/kpatch/")) {
			return 0 // nearly all
		}
		switch kernel.ClassifyPath(string(path)) {
		case kernel.RoleVmlinux, kernel.RoleBootImage:
			return hasKernel
		case kernel.RoleModule:
			if kernel.Outlives(string(path)) {
				return hasModules | hasOutliving
			}
			return hasModules
		}
		return 0
	})
	if err == nil {
		a.keep(key, holding)
	}
	return holding, err
}

// rpmsBelow finds the RPMs in a repository's folder, by their slash-separated
// paths in it.
func (a *audit) rpmsBelow(dir string) (map[string]bool, error) {
	root, err := regular.Resolve(dir)
	if err != nil {
		return nil, regular.WithoutPath(err)
	}
	out := map[string]bool{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".rpm") || isFolderLink(path, d) {
			return nil // only what the metadata lists has to be readable
		}
		rel, err := filepath.Rel(root, path)
		out[filepath.ToSlash(rel)] = true
		return err
	})
	return out, err
}
