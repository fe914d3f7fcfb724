// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// readPackage reads the kernels and modules of an RPM in one pass over its
// payload, or takes over what is kept of an earlier pass. A package without any is not
// read beyond its header.
func (c *collector) readPackage(f file) error {
	o, ok := opened{}, false
	if f.named && f.origin == guard.New && c.sources.built != nil {
		o, ok = c.sources.built.opened[f.tree]
	}
	if !ok {
		o = open(f.path)
	}
	if o.err != nil {
		return o.err
	}
	if o.pkg != nil {
		c.addPackage(f, o.pkg)
	}
	if o.rpm == nil {
		c.sources.Progress.advance(f.size)
		return nil
	}
	defer o.rpm.Close()
	roles, err := c.roles(o.rpm.Package, f.origin)
	if err != nil {
		c.drop(o.pkg)
		return err
	}
	if len(roles) == 0 || c.sources.headers {
		c.sources.Progress.advance(f.size)
		return nil
	}
	pr := newPackageReader(c, o.rpm, o.pkg, f.size)
	defer pr.close()
	key := c.keyOf(o.rpm)
	if pr.recall(o.rpm, key) {
		c.sources.Progress.advance(f.size)
	} else {
		pr.keeping = c.keep(key, f.origin)
		err := pr.readRPM(o.rpm, roles)
		pr.keeping.end(pr, o.rpm.Package, err == nil)
		if err != nil {
			c.drop(o.pkg)
			return err
		}
	}
	pr.addBases(o.rpm.Package.Provides)
	return nil
}

// drop has nothing count that was read from a package.
func (c *collector) drop(p *guard.Package) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken[p] = true
}

// addPackage notes a package that was found.
func (c *collector) addPackage(f file, p *guard.Package) {
	p.Path, p.Origin, p.Tree = f.path, f.origin, f.tree
	if c.sources.built != nil && f.origin == guard.New {
		p.Build = "the build" // however many times it was packaged
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inv.Packages = append(c.inv.Packages, p)
}

// maxTokens bounds the kernel-btf(...) dependencies of one package. Real ones have one
// for each kernel that they are for.
const maxTokens = 64

// describe keeps what matters of a header.
func describe(r *rpm.Package) (*guard.Package, error) {
	p := &guard.Package{
		Digest: r.HeaderDigest,
		Flavor: kernel.PackageFlavor(r.Name, rpm.Names(slices.Concat(r.Provides, r.Requires))),
		Name:   r.Name, NEVRA: r.NEVRA(), Arch: r.Arch,
		Source:         r.SourceName(),
		DistURL:        r.DistURL,
		Built:          r.BuildTime,
		Host:           r.BuildHost,
		VersionRelease: r.Version + "-" + r.Release,
		// One run of rpmbuild stamps its packages with one time and host.
		Build:        fmt.Sprintf("%s %d %s", r.SourceRPM, r.BuildTime.Unix(), r.BuildHost),
		SourceHashes: named(r.Provides, "kernel-srchash-"),
		SourceID:     r.SourcePackageID,
		InKernel:     InKernel(r),
		Provides:     tokens(r.Provides),
		Requires:     append(tokens(r.Requires), tokens(r.Recommends)...),
	}
	if n := max(len(p.Provides), len(p.Requires)); n > maxTokens {
		return nil, fmt.Errorf("%d kernel-btf(...) dependencies, at most %d are believed", n, maxTokens)
	}
	return p, nil
}

// KMPInKernel is what KMPs that were built from the kernel's own spec file provide,
// which weak-modules2 leaves alone.
const KMPInKernel = "kmp_in_kernel"

// InKernel reports whether a package of modules says that it was built with the
// kernel.
func InKernel(p *rpm.Package) bool {
	return slices.ContainsFunc(p.Provides, func(d rpm.Dependency) bool { return d.Name == KMPInKernel })
}

// named picks the dependencies whose names begin alike.
func named(deps []rpm.Dependency, prefix string) []string {
	var out []string
	for _, d := range deps {
		if strings.HasPrefix(d.Name, prefix) {
			out = append(out, d.Name)
		}
	}
	return out
}

// tokens picks the kernel-btf(...) dependencies, each once.
func tokens(deps []rpm.Dependency) []string {
	return fingerprint.Tokens(rpm.Names(deps))
}

// role is what a packaged file is. Links and files that are not in the payload
// are nothing.
func role(f *rpm.File) kernel.Role {
	if !f.IsRegular() || f.Ghost() {
		return kernel.RoleNone
	}
	return kernel.ClassifyPath(f.Path)
}

// Ships tells by a package's header of which kernels it has a vmlinux or boot
// image, and of which it has modules.
func Ships(p *rpm.Package) (vmlinux, modules map[guard.KernelID]bool) {
	vmlinux, modules = map[guard.KernelID]bool{}, map[guard.KernelID]bool{}
	for i := range p.Files {
		release, _ := kernel.ReleaseFromPath(p.Files[i].Path)
		switch id := (guard.KernelID{Release: release, Arch: kernel.PackageArch(p.Arch)}); role(&p.Files[i]) {
		case kernel.RoleVmlinux, kernel.RoleBootImage:
			vmlinux[id] = true
		case kernel.RoleModule:
			modules[id] = true
		}
	}
	return vmlinux, modules
}

// Outlives reports by a package's header whether it has modules that may be linked
// into other kernels.
func Outlives(p *rpm.Package) bool {
	return slices.ContainsFunc(p.Files, func(f rpm.File) bool { return role(&f) == kernel.RoleModule && kernel.Outlives(f.Path) })
}

// roles picks the files to read by their paths in the header. Where a kernel has
// a vmlinux, its boot image, which holds the same, is left alone.
func (c *collector) roles(p *rpm.Package, origin guard.Origin) (map[string]kernel.Role, error) {
	roles := map[string]kernel.Role{}
	vmlinux := map[string]string{} // the first of each kernelrelease
	for i := range p.Files {
		f := &p.Files[i]
		role := role(f)
		if role == kernel.RoleNone || role == kernel.RoleModule && (c.sources.basesOnly || kernelsOnly(origin)) {
			continue
		}
		if release, _ := kernel.ReleaseFromPath(f.Path); role == kernel.RoleVmlinux {
			if vmlinux[release] != "" {
				continue
			}
			vmlinux[release] = f.Path
		}
		if roles[f.Path] = role; len(roles) > maxFiles {
			return nil, errFiles
		}
	}
	for path, role := range roles {
		if release, _ := kernel.ReleaseFromPath(path); role == kernel.RoleBootImage && vmlinux[release] != "" {
			delete(roles, path)
		}
	}
	return roles, nil
}

// maxFiles bounds the kernels and modules of one package. A kernel has some 6,000.
const maxFiles = 50_000

var errFiles = fmt.Errorf("more than %d kernels and modules in one package, the rest is not read", maxFiles)

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
