// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// Sources says what to collect and what is known beforehand.
type Sources struct {
	Paths   []string // files, packages and folders that are judged
	Against []string // an older build, or a kernel, to hold them against
	Base    string   // one vmlinux, raw table or package that every module is held against
	OwnBase string   // likewise, that modules of no known build were built on

	Kernel verify.Version // the kernel to assume; zero: what each vmlinux says
	Allow  verify.Allow   // CONFIG_MODULE_ALLOW_BTF_MISMATCH; unknown: what each config says

	// BasesOnly leaves the modules inside packages unread.
	BasesOnly bool

	Progress *Progress // may be nil
}

// Collect reads everything that the sources name. What cannot be read becomes a
// Problem and the rest is read all the same; the only error is that of ctx.
func Collect(ctx context.Context, s Sources) (*Inventory, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &collector{
		ctx: ctx, sources: s,
		inv:  &Inventory{},
		seed: maphash.MakeSeed(),
		seen: map[string]bool{},
		jobs: make(chan job),
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
	seed    maphash.Seed // of all function symbols
	jobs    chan job
	buffers sync.Pool // of *[]byte: modules on their way from a payload to a Loader

	mu   sync.Mutex // guards what is below
	inv  *Inventory
	seen map[string]bool // header digests of packages
}

func (c *collector) problem(path string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inv.Problems = append(c.inv.Problems, Problem{path, err})
}

// find lists the files to read: the new ones before the older build's, so that a
// package which is given on both sides counts as new.
func (c *collector) find() {
	listed := map[string]bool{}
	if c.sources.Base != "" {
		c.walk(listed, c.sources.Base, Given)
	}
	if c.sources.OwnBase != "" {
		c.walk(listed, c.sources.OwnBase, Own)
	}
	for _, tree := range c.sources.Paths {
		c.walk(listed, tree, New)
	}
	for _, tree := range c.sources.Against {
		c.walk(listed, tree, Against)
	}
}

// walk lists the files of one argument. Symbolic links are followed only where
// the argument itself is one: below /lib/modules they lead to other kernels.
func (c *collector) walk(listed map[string]bool, tree string, origin Origin) {
	root, err := filepath.EvalSymlinks(tree)
	if err != nil {
		c.problem(tree, withoutPath(err))
		return
	}
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			var info fs.FileInfo
			if info, err = d.Info(); err == nil {
				abs, _ := filepath.Abs(path)
				if id := fmt.Sprint(origin.named(), origin == Own, abs); !listed[id] {
					listed[id] = true
					c.files = append(c.files, file{path, tree, origin, path == root, info.Size()})
				}
			}
		} else if err == nil && path == root && !d.IsDir() {
			err = errors.New("neither a file nor a folder")
		}
		if err != nil {
			c.problem(path, withoutPath(err))
		}
		return nil
	})
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
		c.problem(f.path, withoutPath(err))
	}
}

func (c *collector) readFile(f file) error {
	if strings.HasSuffix(f.path, ".rpm") {
		return c.readPackage(f)
	}
	defer c.sources.Progress.advance(f.size)
	r, err := os.Open(f.path)
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
	case f.origin.named():
		return c.readLooseImage(f, r)
	case kind == kernel.KindBTF:
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
	for _, name := range []string{"vmlinux", "vmlinuz", "bzImage", "Image"} {
		rest, ok := strings.CutPrefix(base, name)
		if ok && (rest == "" || rest[0] == '-' || rest == ".gz" || rest == ".xz" || rest == ".zst" || rest == ".bz2") {
			return true
		}
	}
	return false
}
