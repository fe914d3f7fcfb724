// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"

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

// links takes over what a package's dependencies say of symbols: those that it adds to its
// kernel, or those that its modules need of a kernel.
func (p *Package) links(header *rpm.Package) {
	p.inKernel = collect.InKernel(header)
	if len(p.vmlinux) > 0 || kernel.IsKernelPackage(p.Name) || p.inKernel {
		if s := kernel.NewSymvers(kernel.Ksyms(rpm.Versions(header.Provides))); s.Len() > 0 {
			p.symbols = s
		}
	}
	if !p.mayOutlive() {
		return
	}
	l := &guard.Linkable{
		Name: p.Name, NEVRA: p.NEVRA, Version: p.versionRelease(), Exports: map[string]uint32{},
		Flavor: kernel.KMPFlavor(p.Name),
	}
	for symbol, crc := range kernel.Ksyms(rpm.Versions(header.Provides)) {
		l.Exports[symbol] = crc
	}
	for _, d := range header.Provides {
		if module, ok := strings.CutPrefix(d.Name, "kmod("); ok {
			l.Modules = append(l.Modules, kernel.ModuleName(strings.TrimSuffix(module, ")")))
		}
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

// mayOutlive reports whether weak-modules may link modules of the package into other
// kernels: by their folder, or if that is not known, by the package's name. Of a kernel's
// own packages, RHEL has the modules of kernel-modules-extra in extra/.
func (p *Package) mayOutlive() bool {
	switch {
	case p.inKernel || kernel.IsLivepatch(p.Name):
		return false
	case p.placed:
		return p.outlives
	}
	return len(p.vmlinux) == 0 && (!kernel.IsKernelPackage(p.Name) || strings.HasSuffix(p.Name, "-modules-extra"))
}

// linker answers which packages weak-modules links into which kernels.
type linker struct {
	*audit
	packages []*guard.Linkable
	of       map[*guard.Linkable]*Package
	bases    map[string][]*Kernel        // by the tokens that they provide
	built    map[*Package][]string       // kernelreleases that packages have modules for, where no file list says it
	brought  map[build][]*kernel.Symvers // by packages of modules to the kernels of their build
	trees    map[*Kernel]tree            // made when one of them is asked for
}

// build is what a kernel's modules in other packages share with it.
type build struct{ name, arch, flavor string }

// tree is a kernel among those that the same packages meet, by its number.
type tree struct {
	links  *guard.Links
	number int
}

// newLinker completes what is known of packages with the kernels that are here.
func (a *audit) newLinker() *linker {
	l := &linker{
		audit: a, of: map[*guard.Linkable]*Package{}, bases: byToken(a.res.Kernels), built: map[*Package][]string{},
		brought: map[build][]*kernel.Symvers{}, trees: map[*Kernel]tree{},
	}
	for _, p := range a.packages {
		if p.symbols != nil && len(p.kernels) == 0 {
			b := build{p.build, p.arch(), p.flavor}
			l.brought[b] = append(l.brought[b], p.symbols)
		}
		if p.linkable == nil || !p.mayOutlive() {
			continue
		}
		p.linkable.Arch, p.linkable.Releases = p.arch(), l.builtFor(p)
		l.packages = append(l.packages, p.linkable)
		l.of[p.linkable] = p
	}
	return l
}

// symbols are those of a kernel and of the modules in other packages that were built with
// it; nil where they are not known.
func (l *linker) symbols(k *Kernel) *kernel.Symvers {
	s := k.Symbols
	for _, more := range l.brought[build{k.Package.build, k.Arch, k.Package.flavor}] {
		s = s.With(more)
	}
	return s
}

// plant makes trees of all kernels that the same packages meet as one of them.
func (l *linker) plant(one *Kernel) {
	var kernels []*Kernel
	var trees []guard.Tree
	for _, k := range l.res.Kernels {
		if k.Package.whole == one.Package.whole && k.Package.repository == one.Package.repository {
			kernels = append(kernels, k)
			trees = append(trees, guard.Tree{Release: k.Release, Flavor: k.Flavor, Arch: k.Arch, Symbols: l.symbols(k)})
		}
	}
	var together []*guard.Linkable
	for _, o := range l.packages {
		if l.of[o].meets(one.Package) {
			together = append(together, o)
		}
	}
	links := guard.NewLinks(trees, together)
	for i, k := range kernels {
		l.trees[k] = tree{links, i}
	}
}

// builtFor lists the kernelreleases that a package has modules for: by its file list or
// dependencies, else those of the kernels with the base that it requires.
func (l *linker) builtFor(p *Package) []string {
	if p.listed {
		return p.modules
	}
	out, ok := l.built[p]
	if ok {
		return out
	}
	for _, releases := range p.named {
		out = append(out, releases...)
	}
	if out == nil {
		for _, token := range p.Requires {
			for _, k := range l.bases[token] {
				if k.Release != "" {
					out = append(out, k.Release)
				}
			}
		}
	}
	l.built[p] = out
	return out
}

// mayMeet reports whether weak-modules may link a package, by its name, into a kernel.
func (l *linker) mayMeet(p *Package, k *Kernel) bool {
	only := kernel.KMPFlavor(p.Name)
	return k.Arch == p.arch() && (only == "" || only == k.Flavor) && !slices.Contains(l.builtFor(p), k.Release)
}

// doubts reports whether dependencies alone do not tell which kernels a package's modules
// are linked into. A package of unknown kernelrelease meets all kernels of its flavor
// anyway.
func (l *linker) doubts(p *Package) bool {
	return len(l.builtFor(p)) > 0 && slices.ContainsFunc(l.res.Kernels, func(k *Kernel) bool { return p.meets(k.Package) && l.linked(p, k).Unknown })
}

// linked says whether a package's modules are linked into a kernel.
func (l *linker) linked(p *Package, k *Kernel) guard.Linked {
	for _, c := range p.content { // its modules know best what it needs
		if why := c.Apart[&k.Vmlinux]; why != "" {
			return guard.Linked{Why: func() string { return why }}
		}
	}
	switch {
	case k.Release == "" || !p.mayOutlive():
		return guard.Linked{}
	case l.of[p.linkable] != nil:
	case p.maybe && len(p.content) == 0 && l.mayMeet(p, k):
		return guard.Linked{Unknown: true, Why: func() string { return linkUnlisted }}
	default:
		return guard.Linked{}
	}
	if !p.linkable.Meets(guard.Tree{Release: k.Release, Flavor: k.Flavor, Arch: k.Arch}) {
		return guard.Linked{}
	}
	t, ok := l.trees[k]
	if !ok {
		l.plant(k)
		t = l.trees[k]
	}
	answer := t.links.At(p.linkable, t.number)
	if answer.Why != nil && !answer.Unknown && p.linkable.Flavor == "" && len(p.linkable.Modules) != 1 {
		return guard.Linked{Unknown: true, Why: func() string {
			return linkOneByOne + answer.Why()
		}}
	}
	return answer
}

// weakKernels lists the kernels of other kernelreleases that a package's modules are
// linked into, or may be: then the newest few.
func (l *linker) weakKernels(p *Package) (out []*Kernel) {
	const most = 8
	unknown := 0
	for _, k := range slices.Backward(l.res.Kernels) {
		switch {
		case !p.meets(k.Package):
		case p.linkable == nil && p.outlives && l.mayMeet(p, k), l.linked(p, k).Unknown:
			if unknown++; unknown <= most {
				out = append(out, k)
			}
		case l.linked(p, k).Is:
			out = append(out, k)
		}
	}
	return out
}
