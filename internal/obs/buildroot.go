// SPDX-License-Identifier: Apache-2.0

// Package obs knows what obs-build leaves behind for its post-build checks:
// [Find] gives the build root as a [BuildRoot], whose methods read and write the
// files that pass between builds.
//
// Post-build checks run as root on what the build user made. Nothing is read or
// written outside of the build root, symbolic links that the build user could
// have planted are refused, and nothing but regular files is opened.
package obs

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// ErrNoBuildRoot says that obs-build was not here.
var ErrNoBuildRoot = errors.New("not a build root of obs-build: no /.build.packages")

// Stage is how far a build is whose results OBS signs: it then builds twice, the
// second time to put the signatures into the packages of the first
// (openSUSE/pesign-obs-integration).
type Stage string

// The stages. An ordinary build has none.
const (
	Unsigned Stage = "unsigned" // the first of two: the signer gets the results
	Signed   Stage = "signed"   // the second of two, which packages the first one's results again
)

// BuildRoot is the root that obs-build leaves behind for its post-build checks.
// All paths are below Root and can be opened as they are.
type BuildRoot struct {
	Root    string   // "/" for a check that runs inside
	TopDir  string   // rpmbuild's %_topdir
	Package string   // name of the source package, "" if nothing says it
	RPMs    []string // the built packages, sorted; a source package among them says so in its header
	Sources string   // what was built; after signing, the first build's results instead
	Old     []string // directories with former results, in the order of obs-build's --oldpackages
	Stage   Stage
}

// What brp-99-pesign leaves in OTHER for the signer, and what the second build
// is given as its sources.
const (
	toSign         = ".cpio.rsasign"
	signatures     = ".cpio.rsasign.sig"
	repackage      = "pesign-repackage"
	repackageSpec  = repackage + ".spec"
	oldPackagesDir = ".build.oldpackages"
)

// Find looks at the build root, which must be named: "/" for a check that runs
// inside. Of the environment only what obs-build exports for its checks is asked
// for. Where obs-build did not build, the error is an ErrNoBuildRoot.
func Find(root string, getenv func(string) string) (*BuildRoot, error) {
	if root == "" {
		return nil, errors.New("no build root named")
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	to, err := topDir(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", root, err)
	}
	top, err := openDir(r, to)
	if err != nil {
		return nil, fmt.Errorf("%s: leads to %s: %w", filepath.Join(root, topLink), to, err)
	}
	defer top.Close()

	b := &BuildRoot{Root: root, TopDir: filepath.Join(root, to), Sources: filepath.Join(root, to, "SOURCES")}
	if b.RPMs, err = b.findRPMs(r, top); err != nil {
		return nil, err
	}
	if b.Old, err = findOld(r, root); err != nil {
		return nil, err
	}
	// What cannot be read here is nothing that the signer left.
	sources, _ := regularFiles(top, "SOURCES")
	others, _ := regularFiles(top, "OTHER")
	signed := func(name string) bool { return strings.HasSuffix(name, signatures) }
	switch {
	case slices.Contains(sources, repackageSpec) && slices.ContainsFunc(sources, signed):
		b.Stage = Signed
	case slices.ContainsFunc(others, func(name string) bool { return strings.HasSuffix(name, toSign) }):
		b.Stage = Unsigned
	}
	b.Package = b.findPackage(top, getenv("PNAME"), sources)
	return b, nil
}

// topLink is what obs-build makes last before it starts a build (its build
// script): a link, relative to the root, to what rpm takes for %_topdir there,
// /home/abuild/rpmbuild or /usr/src/packages.
const topLink = ".build.packages"

// topDir is where .build.packages leads, relative to the root. This link is made
// by root. No other is followed on the way: obs-build makes the directories anew
// for each build, and they stand where the build user can exchange them.
func topDir(r *os.Root) (string, error) {
	info, err := r.Lstat(topLink)
	if errors.Is(err, fs.ErrNotExist) {
		return "", ErrNoBuildRoot
	}
	if err != nil || info.Mode().Type() != fs.ModeSymlink {
		return topLink, err
	}
	target, err := r.Readlink(topLink)
	return cmp.Or(path.Clean("/" + target)[1:], "."), err
}

// maxDepth is how deep directories below RPMS may go; rpmbuild makes one level.
const maxDepth = 32

// findRPMs lists the regular files named *.rpm at any depth below RPMS, as
// obs-build does for its checks, each file once. A directory in which it would look for none,
// because only a symbolic link leads there, is an error.
func (b *BuildRoot) findRPMs(r, top *os.Root) ([]string, error) {
	var found []string
	again := otherNames()
	var list func(above *os.Root, name string, depth int) error
	list = func(above *os.Root, name string, depth int) error {
		if depth > maxDepth {
			return fmt.Errorf("%s: is more than %d directories deep", name, maxDepth)
		}
		dir, err := openChild(above, path.Base(name))
		if err != nil {
			return err
		}
		defer dir.Close()
		entries, err := fs.ReadDir(dir.FS(), ".")
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, e := range entries {
			name := path.Join(name, e.Name())
			full := filepath.Join(b.TopDir, name)
			switch e.Type() {
			case 0:
				if strings.HasSuffix(name, ".rpm") && !again(e) {
					found = append(found, full)
				}
			case fs.ModeDir:
				if err := list(dir, name, depth+1); err != nil {
					return err
				}
			case fs.ModeSymlink:
				if leadsToDir(r, strings.TrimPrefix(full, b.Root)) {
					return fmt.Errorf("%s: is a symbolic link to a directory, packages in there would not be looked at", name)
				}
			}
		}
		return nil
	}
	if _, err := top.Lstat("RPMS"); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err := list(top, "RPMS", 0); err != nil {
		return nil, fmt.Errorf("%s: %w", b.TopDir, err)
	}
	slices.Sort(found)
	return found, nil
}

// otherNames reports of the second and further names of a file that they are: they are
// no other package, cost nothing to make, and each would be read.
func otherNames() func(fs.DirEntry) bool {
	type file struct{ device, inode uint64 }
	seen := map[file]bool{}
	return func(e fs.DirEntry) bool {
		info, err := e.Info()
		if err != nil {
			return false
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok || st.Nlink < 2 {
			return false
		}
		f := file{uint64(st.Dev), st.Ino}
		known := seen[f]
		seen[f] = true
		return known
	}
}

// findOld lists the directories with former results: the first has no number,
// those of further --oldpackages options count from 1.
func findOld(r *os.Root, root string) ([]string, error) {
	entries, err := fs.ReadDir(r.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", root, err)
	}
	byNumber := map[int]string{}
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), oldPackagesDir)
		if !ok || !e.IsDir() {
			continue
		}
		n, err := strconv.Atoi(cmp.Or(digits, "0"))
		if digits != "" && (err != nil || strconv.Itoa(n) != digits || n < 1) {
			continue
		}
		byNumber[n] = filepath.Join(root, e.Name())
	}
	var old []string
	for _, n := range slices.Sorted(maps.Keys(byNumber)) {
		old = append(old, byNumber[n])
	}
	return old, nil
}

// findPackage gives the name of the source package. obs-build exports PNAME for
// its RPM checks only. It takes the name from the last source package, which in
// the second build of a signing build may be the one of pesign-repackage.spec,
// which the worker throws away afterwards: what was signed then says the name.
func (b *BuildRoot) findPackage(top *os.Root, pname string, sources []string) string {
	if pname != "" && !(b.Stage == Signed && pname == repackage) {
		return pname
	}
	if b.Stage == Signed {
		for _, name := range sources {
			if of, ok := strings.CutSuffix(name, signatures); ok && of != "" {
				return of
			}
		}
	}
	srpms, _ := regularFiles(top, "SRPMS")
	for _, name := range slices.Backward(srpms) {
		if strings.HasSuffix(name, "src.rpm") { // nosrc.rpm, too
			if p := readHeader(top, path.Join("SRPMS", name)); p != nil && p.Name != "" {
				return p.Name
			}
		}
	}
	for _, file := range b.RPMs {
		below, err := filepath.Rel(b.TopDir, file)
		if err != nil {
			continue
		}
		if p := readHeader(top, below); p != nil {
			if name := p.SourceName(); name != "" {
				return name
			}
		}
	}
	return ""
}

// readHeader reads the facts of a package, nil if it cannot be read.
func readHeader(top *os.Root, name string) *rpm.Package {
	f, err := regular.OpenIn(top, name)
	if err != nil {
		return nil
	}
	defer f.Close()
	r, err := rpm.NewReader(f)
	if err != nil {
		return nil
	}
	defer r.Close()
	return r.Package
}

// regularFiles lists the regular files of a directory, sorted.
func regularFiles(r *os.Root, dir string) ([]string, error) {
	d, err := openDir(r, dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	entries, err := fs.ReadDir(d.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	var found []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			found = append(found, e.Name())
		}
	}
	return found, nil
}

// openTop opens the top directory, whatever was put there after Find.
func (b *BuildRoot) openTop() (*os.Root, error) {
	r, err := os.OpenRoot(b.Root)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	below, err := filepath.Rel(b.Root, b.TopDir)
	if err != nil {
		return nil, err
	}
	top, err := openDir(r, below)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Root, err)
	}
	return top, nil
}
