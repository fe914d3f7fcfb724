// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"fmt"
	"slices"
	"strings"

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
		o, ok = c.sources.built.opened[f.argument]
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
	p.Path, p.Origin, p.Tree = f.path, f.origin, f.argument
	if c.sources.built != nil && f.origin == guard.New {
		p.Build = "the build" // however many times it was packaged
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inv.Packages = append(c.inv.Packages, p)
}

// MaxTokens bounds the kernel-btf(...) dependencies of one package, and the kernelreleases
// that it names. Real packages have one of each for each kernel that they are for.
const MaxTokens = 64

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
		Build:          BuildOf(r),
		SourceHashes:   named(r.Provides, "kernel-srchash-"),
		SourceID:       r.SourcePackageID,
		InKernel:       InKernel(r),
		Provides:       tokens(r.Provides),
		Requires:       append(tokens(r.Requires), tokens(r.Recommends)...),
	}
	if n := max(len(p.Provides), len(p.Requires)); n > MaxTokens {
		return nil, fmt.Errorf("%d kernel-btf(...) dependencies, at most %d are believed", n, MaxTokens)
	}
	return p, nil
}

// BuildOf is a [guard.Package]'s Build: the same for all packages of one run of rpmbuild,
// which stamps them with one time and host.
func BuildOf(p *rpm.Package) string {
	return fmt.Sprintf("%s %d %s", p.SourceRPM, p.BuildTime.Unix(), p.BuildHost)
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
