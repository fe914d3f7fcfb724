// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// packageReader reads one package's payload.
type packageReader struct {
	*collector
	content io.Reader // of the file that is being read
	pkg     *guard.Package
	size    int64 // of its file in bytes
	decoder decompress.Decoder
	keeping *keeping // nil if nothing is kept

	opening sync.WaitGroup // an image is on its way into images
	unpack  decompress.Decoder
	images  []openedImage
	configs map[string]kernel.Config // by kernelrelease
	symvers map[string]symvers       // likewise
}

// openedImage waits for its config, which may come later in the payload.
type openedImage struct {
	paths []string // its names
	image *kernel.Image

	ksymtab, compilers []string // see explain
}

func newPackageReader(c *collector, content io.Reader, p *guard.Package, size int64) *packageReader {
	return &packageReader{collector: c, content: content, pkg: p, size: size, configs: map[string]kernel.Config{}, symvers: map[string]symvers{}}
}

func (r *packageReader) close() {
	r.decoder.Close()
	r.unpack.Close()
}

// addBases adds the kernels that were found, under each of their names, once their
// configs and symbols are known. A boot image holds the same as the vmlinux beside it.
func (r *packageReader) addBases(provides []rpm.Dependency) {
	type packaged struct {
		base *guard.Base
		of   openedImage
	}
	var found []packaged
	vmlinux := map[string]bool{}
	for _, i := range r.images {
		for _, path := range i.paths {
			b := &guard.Base{Package: r.pkg, Path: path, Origin: r.pkg.Origin}
			b.Release, _ = kernel.ReleaseFromPath(path)
			b.BootImage = kernel.ClassifyPath(path) == kernel.RoleBootImage
			vmlinux[b.Release] = vmlinux[b.Release] || !b.BootImage
			found = append(found, packaged{b, i})
		}
	}
	for _, p := range found {
		b, image := p.base, p.of.image
		if b.BootImage && vmlinux[b.Release] {
			continue
		}
		if r.sources.explain {
			b.Exports.Ksymtab, b.Compilers = p.of.ksymtab, p.of.compilers
		}
		r.exports(b, r.symvers[b.Release], image, provides)
		r.addBase(b, image, r.config(b.Release, image))
	}
}

// readRPM reads the files that have a role, by their paths.
func (r *packageReader) readRPM(p *rpm.Reader, roles map[string]kernel.Role) error {
	progress := func() int64 {
		n, _ := p.Progress()
		return n
	}
	return eachFile(r, p.Next, progress, func(entry *rpm.Entry) error {
		names := map[kernel.Role][]string{}
		for _, f := range entry.Files {
			if role, ok := roles[f.Path]; ok {
				names[role] = append(names[role], f.Path)
			}
		}
		return r.file(names, entry.Size)
	})
}

// eachFile reads what next gives of a package, to its end.
func eachFile[F any](r *packageReader, next func() (F, error), progress func() int64, read func(F) error) error {
	defer r.opening.Wait()
	var before int64
	for r.ctx.Err() == nil {
		f, err := next()
		n := progress()
		r.sources.Progress.advance(n - before)
		before = n
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = read(f)
		}
		if err != nil {
			return err
		}
	}
	return r.ctx.Err()
}

// file reads one file of the payload under all its names: kernels of two
// kernelreleases may share a module by a hard link.
func (r *packageReader) file(names map[kernel.Role][]string, size int64) error {
	switch {
	case len(names) == 0:
		return nil
	case names[kernel.RoleModule] != nil:
		var modules []*guard.Module
		for _, path := range names[kernel.RoleModule] {
			modules = append(modules, r.module(path))
		}
		return r.send(modules, r.content, size, r.size, r.keeping)
	case names[kernel.RoleConfig] != nil:
		return r.readConfig(names[kernel.RoleConfig], size)
	case names[kernel.RoleSymvers] != nil:
		return r.readSymvers(names[kernel.RoleSymvers], size)
	}
	return r.readImage(append(names[kernel.RoleVmlinux], names[kernel.RoleBootImage]...), size)
}

func (r *packageReader) readConfig(paths []string, size int64) error {
	if size > maxConfig {
		r.problem(r.pkg.Path, r.pkg.Origin, fmt.Errorf("%s: %d bytes, a kernel config has at most %d", paths[0], size, maxConfig))
		return nil
	}
	text, err := io.ReadAll(r.content)
	if err != nil {
		return err
	}
	for _, path := range paths {
		release, _ := kernel.ReleaseFromPath(path)
		r.configs[release] = kernel.ParseConfig(text)
	}
	return nil
}

// readSymvers reads what a kernel exports. What cannot be read of it is a problem
// of its own.
func (r *packageReader) readSymvers(paths []string, size int64) error {
	if size > maxConfig {
		r.problem(r.pkg.Path, r.pkg.Origin, fmt.Errorf("%s: %d bytes, a symvers has at most %d", paths[0], size, maxConfig))
		return nil
	}
	packed, err := io.ReadAll(r.content)
	if err != nil {
		return err
	}
	symbols, err := parseSymvers(packed, &r.decoder)
	if err != nil {
		r.problem(r.pkg.Path, r.pkg.Origin, fmt.Errorf("%s: %w", paths[0], err))
		return nil
	}
	for _, path := range paths {
		release, _ := kernel.ReleaseFromPath(path)
		r.symvers[release] = symbols
	}
	return nil
}

// readImage reads a vmlinux or boot image and has it opened while the payload goes
// on: unpacking takes a second, in which no module would come.
func (r *packageReader) readImage(paths []string, size int64) error {
	if most := decompress.Bound(r.size, kernel.MaxUnpacked); size > most {
		r.problem(r.pkg.Path, r.pkg.Origin, fmt.Errorf("%s: %d bytes, a kernel image out of a package of %d bytes has at most %d", paths[0], size, r.size, most))
		return nil
	}
	// Room for all of it at once, but not for more than there is of the package: growing
	// would take as much once more.
	data, err := decompress.AppendFrom(make([]byte, 0, min(size, r.size)), r.content, size)
	if err != nil {
		return err
	}
	r.opening.Wait()
	r.opening.Go(func() {
		r.openImage(paths, data)
		if size > 1<<20 {
			// Unpacked it was a third of the heap, which Go would let grow by half of that
			// before it looks again.
			runtime.GC()
		}
	})
	return nil
}

// openImage opens a vmlinux or boot image. One that cannot be understood is a
// problem of its own and does not end the package.
func (r *packageReader) openImage(paths []string, data []byte) {
	r.unpacking.Lock()
	defer r.unpacking.Unlock()
	image, err := kernel.OpenImage(ending{r.ctx, bytes.NewReader(data)}, int64(len(data)), &r.unpack, verify.Texts()...)
	if err != nil {
		r.problem(r.pkg.Path, r.pkg.Origin, fmt.Errorf("%s: %w", paths[0], err))
		return
	}
	opened := openedImage{paths: paths, image: image}
	if r.sources.explain || r.keeping != nil {
		opened.ksymtab, opened.compilers = explain(image)
	}
	image.ELF = nil // it holds on to all of the unpacked file
	r.images = append(r.images, opened)
}

// config finds the config of a kernel: the file of its kernelrelease, or the one
// inside the image.
func (r *packageReader) config(release string, image *kernel.Image) kernel.Config {
	if c, ok := r.configs[release]; ok {
		return c
	}
	return image.Config
}
