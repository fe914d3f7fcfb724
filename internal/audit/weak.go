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

// links takes over what a package's dependencies say of its symbols: those that it
// has as a part of a kernel, or those that its modules need of one.
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
// kernels: by where they lie, or where that is not known by its name. Of a kernel's own,
// RHEL has those of kernel-modules-extra in extra/.
func (p *Package) mayOutlive() bool {
	switch {
	case p.inKernel || kernel.IsLivepatch(p.Name):
		return false
	case p.placed:
		return p.outlives
	}
	return len(p.vmlinux) == 0 && (!kernel.IsKernelPackage(p.Name) || strings.HasSuffix(p.Name, "-modules-extra"))
}

// symbols are those that a kernel has, with the modules that were built with it and
// are in other packages: nil where nothing tells.
func (a *audit) symbols(k *Kernel) *kernel.Symvers {
	s := k.Symbols
	for _, p := range a.packages {
		if p.symbols != nil && len(p.kernels) == 0 && p.arch() == k.Arch && p.build == k.Package.build && p.flavor == k.Package.flavor {
			s = s.With(p.symbols)
		}
	}
	return s
}

// linker answers which packages weak-modules links into which kernels. Of pairs, which
// are many, it keeps two bits, and of each package why not for the newest kernels, which
// is all that a report has.
type linker struct {
	*audit
	packages guard.Linkables
	of       map[*guard.Linkable]*Package
	number   map[*guard.Linkable]int
	pairs    map[*Kernel][]byte // four packages in a byte, by number; nil before anybody asks
	told     [][]told           // by number
	last     struct {           // the kernel that an older reason was asked of
		*Kernel
		found []guard.Linked
	}
	bases map[string][]*Kernel  // by the tokens that they provide
	built map[*Package][]string // kernelreleases that packages have modules for, where no list says it
}

// told is why a package is not linked into a kernel, or may be.
type told struct {
	kernel *Kernel
	guard.Linked
}

// The two bits of a pair.
const (
	notLinked = iota // nor would weak-modules try
	isLinked
	maybeLinked
	keptApart
)

// newLinker completes what is known of packages by the kernels that are here.
func (a *audit) newLinker() *linker {
	l := &linker{audit: a, of: map[*guard.Linkable]*Package{}, number: map[*guard.Linkable]int{}, bases: byToken(a.res.Kernels), built: map[*Package][]string{}}
	var all []*guard.Linkable
	for _, p := range a.packages {
		if p.linkable == nil || !p.mayOutlive() {
			continue
		}
		p.linkable.Arch, p.linkable.Releases = p.arch(), l.builtFor(p)
		l.of[p.linkable] = p
		all = append(all, p.linkable)
	}
	l.packages = guard.NewLinkables(all)
	for i, o := range l.packages {
		l.number[o] = i
	}
	return l
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

// doubts reports whether more than dependencies is needed to tell which kernels a
// package's modules are linked into. One of which no kernelrelease is known meets all
// kernels of its flavor as it is.
func (l *linker) doubts(p *Package) bool {
	return len(l.builtFor(p)) > 0 && slices.ContainsFunc(l.res.Kernels, func(k *Kernel) bool { return p.meets(k.Package) && l.linked(p, k).Unknown })
}

// linked says whether a package's modules are linked into a kernel.
func (l *linker) linked(p *Package, k *Kernel) guard.Linked {
	for _, c := range p.content { // what it needs is known best by its modules
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
	t := guard.Tree{Release: k.Release, Flavor: k.Flavor, Arch: k.Arch}
	if !p.linkable.Meets(t) {
		return guard.Linked{}
	}
	answer := l.pair(k, l.number[p.linkable])
	if answer.Why != nil && !answer.Unknown && p.linkable.Flavor == "" && len(p.linkable.Modules) != 1 {
		return guard.Linked{Unknown: true, Why: func() string {
			return linkOneByOne + answer.Why()
		}}
	}
	return answer
}

// pair is the answer for the package with a number and a kernel.
func (l *linker) pair(k *Kernel, n int) guard.Linked {
	if l.pairs == nil {
		l.linkAll()
	}
	why := func() string { return l.why(k, n) }
	switch l.pairs[k][n/4] >> (n % 4 * 2) & 3 {
	case isLinked:
		return guard.Linked{Is: true}
	case maybeLinked:
		return guard.Linked{Unknown: true, Why: why}
	case keptApart:
		return guard.Linked{Why: why}
	}
	return guard.Linked{}
}

// linkAll goes through all kernels, the newest first.
func (l *linker) linkAll() {
	l.pairs, l.told = map[*Kernel][]byte{}, make([][]told, len(l.packages))
	for _, k := range slices.Backward(l.res.Kernels) {
		pairs := make([]byte, (len(l.packages)+3)/4)
		for n, answer := range l.link(k) {
			state := byte(notLinked)
			switch {
			case answer.Is:
				state = isLinked
			case answer.Unknown:
				state = maybeLinked
			case answer.Why != nil:
				state = keptApart
			}
			pairs[n/4] |= state << (n % 4 * 2)
			if answer.Why != nil && l.tells(n, answer.Unknown) {
				l.told[n] = append(l.told[n], told{k, answer})
			}
		}
		l.pairs[k] = pairs
	}
}

// tells reports whether one more reason is kept of a package: the newest few of each kind.
func (l *linker) tells(n int, unknown bool) bool {
	same := 0
	for _, t := range l.told[n] {
		if t.Unknown == unknown {
			same++
		}
	}
	return same < maxUnlinked
}

// why says why a package is not linked into a kernel, or may be.
func (l *linker) why(k *Kernel, n int) string {
	for _, t := range l.told[n] {
		if t.kernel == k {
			return t.Why()
		}
	}
	if l.last.Kernel != k {
		l.last.Kernel, l.last.found = k, l.link(k)
	}
	return l.last.found[n].Why()
}

// link finds which packages are linked into a kernel, by their number.
func (l *linker) link(k *Kernel) []guard.Linked {
	t := guard.Tree{Release: k.Release, Flavor: k.Flavor, Arch: k.Arch, Symbols: l.symbols(k)}
	return l.packages.Link(t, func(o *guard.Linkable) bool { return l.of[o].meets(k.Package) })
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
