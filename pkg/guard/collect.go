// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"context"
	"errors"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// Sources says what to collect and what is known beforehand.
type Sources struct {
	Paths   []string // files, packages and folders that are judged
	Against []string // an older build, or a kernel, to hold them against
	Base    string   // one vmlinux, raw table or package that every module is held against
	OwnBase string   // likewise, that modules of no known build were built on

	// Installed are kernels of other packages that the modules will meet.
	Installed []InstalledKernel
	// OneBuild: all packages in Paths come out of one build, even where parts of it
	// were packaged at different times, as a build that signs does.
	OneBuild bool
	// Apart: Paths and Against are builds of their own, which may hold the same
	// package: it counts on both sides.
	Apart bool
	// Labeled: each of them should carry its kernel-btf(...) tokens.
	Labeled bool

	Kernel verify.Version // the kernel to assume; zero: what each vmlinux says
	Allow  verify.Allow   // CONFIG_MODULE_ALLOW_BTF_MISMATCH; unknown: what each config says

	// BasesOnly leaves the modules inside packages unread.
	BasesOnly bool
	// Explain keeps what tells of a base beside its types: the symbols that it
	// exports, and the compilers of its objects.
	Explain bool

	Progress *Progress // may be nil
}

// InstalledKernel is the vmlinux of an installed package.
type InstalledKernel struct {
	Path  string
	Owner string // NEVRA of the package, "" if it is not known
}

// Collect reads everything that the sources name. What cannot be read becomes a
// Problem and the rest is read all the same; the only error is that of ctx.
func Collect(ctx context.Context, s Sources) (*Inventory, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &collector{
		ctx: ctx, sources: s,
		inv:    &Inventory{copies: map[argument]bool{}, apart: s.Apart, Labeled: s.Labeled},
		listed: map[argument]bool{},
		seed:   maphash.MakeSeed(),
		jobs:   make(chan job),
	}
	workers := runtime.GOMAXPROCS(0)
	var readers, openers sync.WaitGroup
	for range workers {
		openers.Go(c.openModules)
	}
	c.find()
	s.Progress.expect(c.files)
	files := make(chan file)
	for range workers {
		readers.Go(func() {
			for f := range files {
				c.read(f)
			}
		})
	}
	for _, f := range c.files {
		if ctx.Err() != nil {
			break
		}
		files <- f
	}
	close(files)
	readers.Wait()
	close(c.jobs)
	openers.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.inv.finish()
	return c.inv, nil
}

// file is a file on disk that is to be read.
type file struct {
	path   string
	tree   string // the argument it was found under
	origin Origin
	named  bool // it was named itself, not found in a folder
	size   int64
}

type collector struct {
	ctx     context.Context
	sources Sources
	files   []file
	listed  map[argument]bool // files by their absolute path
	seed    maphash.Seed      // of all function symbols
	jobs    chan job
	buffers sync.Pool // of *[]byte: modules on their way from a payload to a Loader

	tables atomic.Int64 // bytes of .BTF kept so far

	unpacking sync.Mutex // held while a loose image is unpacked: two would be twice the memory

	mu  sync.Mutex // guards what is below
	inv *Inventory
}

func (c *collector) problem(path string, origin Origin, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inv.Problems = append(c.inv.Problems, Problem{path, err, origin})
}

// find lists the files to read.
func (c *collector) find() {
	for _, a := range c.sources.arguments() {
		c.walk(a)
	}
}

// walk lists the files of one argument. Below a folder only symbolic links to
// packages are followed: those below /lib/modules lead to other kernels.
func (c *collector) walk(a argument) {
	root, err := filepath.EvalSymlinks(a.path)
	if err != nil {
		c.problem(a.path, a.origin, withoutPath(err))
		return
	}
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		var info fs.FileInfo
		switch {
		case err != nil:
		case d.Type().IsRegular(), d.Type()&fs.ModeSymlink != 0 && strings.HasSuffix(path, ".rpm"):
			info, err = os.Stat(path)
		case path == root && !d.IsDir():
			err = errors.New("neither a file nor a folder")
		}
		if err != nil {
			c.problem(path, a.origin, withoutPath(err))
		} else if info != nil && info.Mode().IsRegular() {
			c.list(a, path, path == root, info.Size())
		}
		return nil
	})
}

// list notes a file to read, once on each side.
func (c *collector) list(a argument, path string, named bool, size int64) {
	abs, err := filepath.Abs(path)
	if err != nil {
		abs = path
	}
	if id := (argument{abs, a.origin}); c.listed[id] {
		c.inv.copies[a] = true
	} else {
		c.listed[id] = true
		c.files = append(c.files, file{path, a.path, a.origin, named, size})
	}
}

// withoutPath takes the path out of an error that will be printed behind one.
func withoutPath(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// read reads one file, by its content where it was named itself and by its name
// too where it was found in a folder: a build tree holds thousands of objects
// that are no modules.
func (c *collector) read(f file) {
	if c.ctx.Err() != nil {
		return
	}
	if err := c.readFile(f); err != nil && c.ctx.Err() == nil {
		c.problem(f.path, f.origin, withoutPath(err))
	}
}

func (c *collector) readFile(f file) error {
	if strings.HasSuffix(f.path, ".rpm") {
		return c.readPackage(f)
	}
	defer c.sources.Progress.advance(f.size)
	r, err := regular.Open(f.path)
	if err != nil {
		return err
	}
	defer r.Close()
	prefix := make([]byte, min(f.size, kernel.IdentifyLen))
	if _, err := io.ReadFull(r, prefix); err != nil {
		return err
	}
	kind := kernel.Identify(prefix)
	base := filepath.Base(f.path)
	isModule := strings.HasSuffix(base, ".ko") || strings.Contains(base, ".ko.")
	switch {
	case kind == kernel.KindRPM && f.named:
		return c.readPackage(f)
	case f.origin.kernels():
		return c.readLooseImage(f, r)
	case kind == kernel.KindBTF && f.origin == New:
		return c.readTable(f, r)
	case isModule, kind == kernel.KindModule && f.named:
		return c.readLooseModule(f, r)
	case f.named, looksLikeImage(base):
		err := c.readLooseImage(f, r)
		if errors.Is(err, kernel.ErrNotImage) && !f.named {
			return nil
		}
		return err
	}
	return nil
}

// looksLikeImage tells the kernels of a build or /boot folder by name.
func looksLikeImage(base string) bool {
	for _, dir := range []string{"/boot/", "/lib/modules/any/"} {
		switch kernel.ClassifyPath(dir + base) {
		case kernel.RoleVmlinux, kernel.RoleBootImage:
			return true
		}
	}
	return false
}
