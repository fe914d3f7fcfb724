// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// Unlinked is a kernel of the right flavor into which weak-modules does not link
// the modules of a package.
type Unlinked struct {
	Modules *Package
	Kernel  *Kernel
	Why     string
}

// inKernel is what KMPs that were built from the kernel's own spec file provide,
// which weak-modules2 leaves alone.
const inKernel = "kmp_in_kernel"

// links takes over what a package's dependencies say of its symbols: those that its
// kernel has, or those that its modules need.
func (p *Package) links(header *rpm.Package) {
	if len(p.vmlinux) > 0 {
		if s := kernel.NewSymvers(kernel.Ksyms(rpm.Versions(header.Provides))); s.Len() > 0 {
			p.symbols = s
		}
		return
	}
	if kernel.IsKernelPackage(p.Name) || slices.ContainsFunc(header.Provides, func(d rpm.Dependency) bool { return d.Name == inKernel }) {
		return
	}
	l := &guard.Linkable{
		Name: p.Name, NEVRA: p.NEVRA, Version: p.versionRelease(), Arch: p.arch(), Exports: map[string]uint32{},
		Flavor: kernel.FlavorOf(p.Name, slices.Collect(rpm.Names(header.Requires))),
	}
	for symbol, crc := range kernel.Ksyms(rpm.Versions(header.Provides)) {
		l.Exports[symbol] = crc
	}
	for symbol, crc := range kernel.Ksyms(rpm.Versions(header.Requires)) {
		if _, own := l.Exports[symbol]; !own {
			l.Needs = append(l.Needs, kernel.Import{Symbol: symbol, CRC: crc})
		}
	}
	if len(l.Needs) > 0 {
		p.linkable = l
	}
}

// linker answers which packages weak-modules links into which kernels.
type linker struct {
	*audit
	packages []*guard.Linkable
	of       map[*guard.Linkable]*Package
	done     map[*Kernel]linksOf
}

type linksOf struct {
	linked map[*guard.Linkable]bool
	apart  map[*guard.Linkable]string
}

// newLinker completes what is known of packages by the kernels that are here.
func (a *audit) newLinker() *linker {
	l := &linker{audit: a, of: map[*guard.Linkable]*Package{}, done: map[*Kernel]linksOf{}}
	for _, p := range a.packages {
		if p.linkable == nil || p.listed && !p.outlives {
			continue
		}
		p.linkable.Releases = p.builtFor(a.res.Kernels)
		if p.linkable.Flavor == "" {
			p.linkable.Flavor = p.flavor()
		}
		l.packages = append(l.packages, p.linkable)
		l.of[p.linkable] = p
	}
	return l
}

// builtFor lists the kernelreleases that a package has modules for: by its file
// list, else those of the kernels with the base that it requires.
func (p *Package) builtFor(kernels []*Kernel) []string {
	if p.listed {
		return p.modules
	}
	var out []string
	for _, k := range kernels {
		if k.Release != "" && k.Known != guard.Unknown && slices.Contains(p.Requires, fingerprint.Token(k.Flavor, k.Base)) {
			out = append(out, k.Release)
		}
	}
	return out
}

// flavor is the one that the package's modules or tokens are of.
func (p *Package) flavor() string {
	for _, t := range p.Requires {
		flavor, _, _ := fingerprint.ParseToken(t)
		return flavor
	}
	for _, r := range p.modules {
		return kernel.Flavor(r)
	}
	return kernel.Flavor("")
}

// linked says whether a package's modules are linked into a kernel.
func (l *linker) linked(p *Package, k *Kernel) guard.Linked {
	if l.of[p.linkable] == nil || k.Release == "" {
		return guard.Linked{}
	}
	t := guard.Tree{Release: k.Release, Flavor: k.Flavor, Arch: k.Arch, Symbols: k.Symbols}
	switch {
	case !p.linkable.Meets(t):
		return guard.Linked{}
	case k.Symbols == nil:
		return guard.Linked{Unknown: true}
	}
	r, ok := l.done[k]
	if !ok {
		var together []*guard.Linkable
		for _, o := range l.packages {
			if l.of[o].meets(k.Package) {
				together = append(together, o)
			}
		}
		r.linked, r.apart = guard.Link(t, together)
		l.done[k] = r
	}
	return guard.Linked{Is: r.linked[p.linkable], Why: r.apart[p.linkable]}
}

// weakKernels lists the kernels of other kernelreleases that a package's modules are
// linked into, or may be: then the newest few.
func (l *linker) weakKernels(p *Package) (out []*Kernel) {
	const most = 8
	unknown := 0
	for _, k := range slices.Backward(l.res.Kernels) {
		switch {
		case !p.meets(k.Package):
		case p.linkable == nil && p.outlives && k.Arch == p.arch() && k.Flavor == p.flavor() && !slices.Contains(p.modules, k.Release),
			l.linked(p, k).Unknown:
			if unknown++; unknown <= most {
				out = append(out, k)
			}
		case l.linked(p, k).Is:
			out = append(out, k)
		}
	}
	return out
}
