// SPDX-License-Identifier: Apache-2.0

// Package collect reads what [guard.Judge] judges: the kernels and modules in
// packages, folders and files. Whatever they claim, memory stays bounded, nothing
// is written to disk, and one file that cannot be read costs no other.
package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/obs-btf-guard/obs-btf-guard/internal/deb"
	"github.com/obs-btf-guard/obs-btf-guard/internal/parallel"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// place is a path, and what it was given for.
type place struct {
	path   string
	origin guard.Origin
}

// Read reads everything that the sources name. What cannot be read becomes a
// Problem and the rest is read all the same; the only error is that of ctx.
func Read(ctx context.Context, s Sources) (*guard.Inventory, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &collector{
		room: newRoom(),
		ctx:  ctx, sources: s,
		inv:    &guard.Inventory{Arguments: s.arguments(), Labeled: s.labeled},
		listed: map[place]bool{},
		broken: map[*guard.Package]bool{},
		jobs:   make(chan job),
	}
	if s.Cache != nil {
		c.inv.Memory = judged{s.Cache}
	}
	workers := runtime.GOMAXPROCS(0)
	var openers sync.WaitGroup
	for range workers {
		openers.Go(c.openModules)
	}
	c.find()
	s.Progress.expect(c.files)
	// Without the one base that was named there is nothing to check the rest on.
	if c.readFiles(workers, c.of(true)); c.basesClear() {
		c.readFiles(workers, c.of(false))
	}
	for _, p := range s.Remembered {
		c.readRemembered(p) // by all cores
	}
	close(c.jobs)
	openers.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.finish()
	return c.inv, nil
}

// readFiles reads files, so many at once.
func (c *collector) readFiles(workers int, list []file) {
	parallel.Each(c.ctx, len(list), workers, func(i int) { c.read(list[i]) })
}

// file is a file on disk that is to be read.
type file struct {
	path     string
	argument string // that it was found under
	origin   guard.Origin
	named    bool // it was named itself, not found in a folder
	size     int64
	link     string // what path leads to, of a module in the tree of another kernel
}

// place says what a loose file belongs together with, until [tellApart] knows better.
func (f file) place() guard.Place { return guard.Place{Argument: f.argument, Tree: f.argument} }

// shown is the path for people: as it was given, even if it is a link.
func (f file) shown() string {
	if f.named {
		return f.argument
	}
	return f.path
}

type collector struct {
	ctx     context.Context
	sources Sources
	files   []file
	listed  map[place]bool // files by their absolute path
	jobs    chan job
	room    *room
	buffers sync.Pool // of *[]byte: modules on their way from a payload to a Loader

	tables atomic.Int64 // bytes of .BTF kept so far

	unpacking sync.Mutex // held while an image is unpacked: two would be twice the memory

	mu     sync.Mutex // guards what is below
	inv    *guard.Inventory
	broken map[*guard.Package]bool // the payload ended in an error: nothing read from it counts
}

func (c *collector) problem(path string, origin guard.Origin, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inv.Problems = append(c.inv.Problems, guard.Problem{Path: path, Err: err, Origin: origin})
}

// find lists the files to read.
func (c *collector) find() {
	for i := range c.inv.Arguments {
		c.walk(&c.inv.Arguments[i])
	}
}

// walk lists the files of one argument. Below a folder only symbolic links to
// packages are followed, and those of weak-modules, which put modules into the trees of
// other kernels; one that would hide something is a problem. Debug information is passed over, as in packages.
func (c *collector) walk(a *guard.Argument) {
	root, err := regular.Resolve(a.Path)
	if err != nil {
		c.problem(a.Path, a.Origin, NotThere(a.Path, regular.WithoutPath(err)))
		return
	}
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		var info fs.FileInfo
		var link string
		switch {
		case err != nil:
		case d.IsDir() && path != root && kernel.IsDebugFolder(path):
			return fs.SkipDir
		case d.Type()&fs.ModeSymlink != 0 && !strings.HasSuffix(path, ".rpm"):
			if link, info = weakLink(path); info == nil {
				err = c.unfollowed(path)
			}
		case d.Type().IsRegular(), d.Type()&fs.ModeSymlink != 0 && strings.HasSuffix(path, ".rpm"):
			info, err = os.Stat(path)
		case path == root && !d.IsDir():
			err = errors.New("neither a file nor a folder")
		}
		if err != nil {
			if path == root {
				path = a.Path // as it was given, even if it is a link
			}
			c.problem(path, a.Origin, regular.WithoutPath(err))
		} else if info != nil && info.Mode().IsRegular() {
			c.list(a, file{path: path, argument: a.Path, origin: a.Origin, named: path == root, size: info.Size(), link: link})
		}
		return nil
	})
}

// list notes a file to read, once on each side.
func (c *collector) list(a *guard.Argument, f file) {
	abs, err := filepath.Abs(f.path)
	if err != nil {
		abs = f.path
	}
	if id := (place{abs, a.Origin}); c.listed[id] {
		a.Copies = true
	} else {
		c.listed[id] = true
		c.files = append(c.files, f)
	}
}

// weakLink is where a link of weak-modules leads to, and what is there; nil for another
// link, and for one whose module is gone. What is absolute in an unpacked system leads
// to a place in it.
func weakLink(path string) (target string, info fs.FileInfo) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", nil
	}
	root, ok := kernel.CutWeakLink(path)
	if !ok {
		return "", nil
	}
	target, err = os.Readlink(path)
	if err != nil {
		return "", nil
	}
	if filepath.IsAbs(target) {
		target = root + target
	} else {
		target = filepath.Join(filepath.Dir(path), target)
	}
	if info, err = os.Lstat(target); err != nil || !info.Mode().IsRegular() {
		return "", nil
	}
	return target, info
}

// unfollowed is the error of a link that hides modules or packages: one in a tree of
// modules, or to a folder that has some, that leads out of all arguments. Each kernel has the
// links build and source to what it was built from.
func (c *collector) unfollowed(path string) error {
	real := func(path string) string {
		abs, err := filepath.Abs(path)
		if err == nil {
			abs, err = filepath.EvalSymlinks(abs)
		}
		if err != nil {
			return ""
		}
		return abs
	}
	target := real(path)
	if target == "" { // it leads nowhere
		return nil
	}
	if slices.ContainsFunc(c.inv.Arguments, func(a guard.Argument) bool {
		within, err := filepath.Rel(real(a.Path), target)
		return err == nil && filepath.IsLocal(within)
	}) {
		return nil // it is found there
	}
	info, err := os.Stat(target)
	if err != nil {
		return nil
	}
	inTree := strings.Contains("/"+path, "/lib/modules/")
	ofKernel := filepath.Base(filepath.Dir(filepath.Dir(path))) == "modules" && slices.Contains([]string{"build", "source"}, filepath.Base(path))
	switch {
	case info.IsDir() && (inTree && !ofKernel || !inTree && holdsOurs(target)):
		return fmt.Errorf("a link to the folder %s, which is not followed; give that as well", target)
	case info.Mode().IsRegular() && isModule(filepath.Base(path)):
		return fmt.Errorf("a link to %s, which is not followed; give that as well", target)
	}
	return nil
}

// holdsOurs reports whether a folder itself has packages or modules.
func holdsOurs(folder string) bool {
	list, err := os.ReadDir(folder)
	return err == nil && slices.ContainsFunc(list, func(d fs.DirEntry) bool {
		return strings.HasSuffix(d.Name(), ".rpm") || isModule(d.Name())
	})
}

// isModule reports whether a file is named as a module is.
func isModule(base string) bool {
	return strings.HasSuffix(base, ".ko") || strings.Contains(base, ".ko.")
}

// read reads one file, by its content where it was named itself and by its name
// too where it was found in a folder: a build tree holds thousands of objects
// that are no modules.
func (c *collector) read(f file) {
	if c.ctx.Err() != nil {
		return
	}
	if err := c.readFile(f); err != nil && c.ctx.Err() == nil {
		c.problem(f.shown(), f.origin, regular.WithoutPath(err))
	}
}

func (c *collector) readFile(f file) error {
	if strings.HasSuffix(f.path, ".rpm") {
		return c.readPackage(f)
	}
	advance := f.size // what is read whole is not counted on the way
	defer func() { c.sources.Progress.advance(advance) }()
	opened, err := regular.Open(cmp.Or(f.link, f.path))
	if err != nil {
		return err
	}
	defer opened.Close()
	r := regular.Sized{ReaderAt: opened, Size: f.size}
	prefix := make([]byte, min(f.size, kernel.IdentifyLen))
	if _, err := r.ReadAt(prefix, 0); err != nil {
		return err
	}
	kind := kernel.Identify(prefix)
	base := filepath.Base(f.path)
	known := contained(prefix, base)
	if known == nil && kind == kernel.KindCompressed && f.named {
		known = contained(inside(prefix, io.NewSectionReader(r, 0, f.size)), base)
	}
	switch {
	case strings.HasPrefix(string(prefix), deb.Magic) && c.sources.rpms && f.origin == guard.New:
		return errDebian
	case strings.HasPrefix(string(prefix), deb.Magic):
		advance = 0
		return c.readDeb(f)
	case kind == kernel.KindRPM && f.named:
		return c.readPackage(f)
	case known != nil && (f.named || namedAsKernel(base)):
		return known
	case kernelsOnly(f.origin), kind == kernel.KindBTF && c.sources.explain:
	case kind == kernel.KindBTF && f.origin == guard.New:
		return c.readTable(f, r)
	case isModule(base), kind == kernel.KindModule && f.named:
		return c.readLooseModule(f, r)
	case f.named, looksLikeImage(base):
	default:
		return nil
	}
	err = c.readLooseImage(f, r)
	switch {
	case !errors.Is(err, kernel.ErrNotImage):
		return err
	case f.named && kernelsOnly(f.origin):
		return Stranger(prefix, f.size, "a kernel", err)
	case f.named:
		return Stranger(prefix, f.size, wanted, err)
	case f.size == 0 && looksLikeImage(base) && kernel.ClassifyPath(f.path) != kernel.RoleNone:
		return errEmpty // at the place of a kernel
	}
	return nil
}

// kernelsOnly reports whether of what is found only the kernels count.
func kernelsOnly(o guard.Origin) bool { return o.Named() || o == guard.Installed }

// looksLikeImage tells the kernels of a build or /boot folder by name.
func looksLikeImage(base string) bool {
	role := namedLike(base)
	return role == kernel.RoleVmlinux || role == kernel.RoleBootImage
}

// namedLike is the role that a file would have in one of the folders of kernels.
func namedLike(base string) kernel.Role {
	if role := kernel.ClassifyPath("/boot/" + base); role != kernel.RoleNone {
		return role
	}
	return kernel.ClassifyPath("/lib/modules/any/" + base)
}
