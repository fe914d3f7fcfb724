// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// kernelUname is what the generators of all rpm distributions have a package with
// a vmlinux provide. Some have a flavor in it, kernel-rt-uname-r.
const kernelUname = "kernel-uname-r"

// relevant picks the dependencies that name kernels and modules.
func relevant(name []byte) bool {
	plain := bytes.TrimLeft(name, "(")
	for _, prefix := range []string{"kernel-btf(", "kmod(", "ksym(", "kernel("} {
		if bytes.HasPrefix(plain, []byte(prefix)) {
			return true
		}
	}
	return bytes.HasPrefix(name, []byte("kernel-")) && bytes.HasSuffix(name, []byte("-uname-r")) || string(name) == collect.KMPInKernel
}

// newPackage takes over what a header or a repository says. The digest is the same for
// copies, "" if there is none; its part before the first colon says what it is a digest of.
func newPackage(source string, p *rpm.Package, digest string) (*Package, error) {
	p = plainEpoch(p)
	out := &Package{
		digest: digest,
		Source: source, Name: p.Name, NEVRA: p.NEVRA(), Arch: p.Arch, Built: p.BuildTime,
		evr:      p.EVR(),
		build:    collect.BuildOf(p),
		flavor:   kernel.PackageFlavor(p.Name, rpm.Names(slices.Concat(p.Provides, p.Requires))),
		Provides: tokens(p.Provides),
		Requires: tokens(slices.Concat(p.Requires, p.Recommends)),
		named:    fingerprint.Named(rpm.Names(slices.Concat(p.Requires, p.Recommends))),
	}
	for _, d := range p.Provides {
		if d.Name == kernelUname && d.Flags&^rpm.SenseFindProvides == rpm.SenseEqual {
			out.vmlinux = append(out.vmlinux, d.Version)
		}
	}
	slices.Sort(out.vmlinux)
	out.vmlinux = slices.Compact(out.vmlinux)
	out.maybe = kernel.MayHoldModules(p.Name, rpm.Names(p.Provides))
	named := 0
	for _, releases := range out.named {
		named += len(releases)
	}
	if n := max(len(out.vmlinux), len(out.Provides), len(out.Requires), named); n > collect.MaxTokens {
		return nil, fmt.Errorf(manyTold, n, collect.MaxTokens)
	}
	out.links(p)
	return out, nil
}

// plainEpoch writes a missing epoch in one way: rpm compares it as 0, and metadata has it
// as 0.
func plainEpoch(p *rpm.Package) *rpm.Package {
	if p.Epoch == "0" {
		plain := *p
		plain.Epoch = ""
		p = &plain
	}
	return p
}

// arch is the architecture of the kernels that a package has or has modules for.
func (p *Package) arch() string {
	if p.machine != "" {
		return p.machine
	}
	return kernel.PackageArch(p.Arch)
}

// matters reports whether a package has a kernel or modules, as far as is known.
func (p *Package) matters() bool {
	return p.Arch != "src" && p.Arch != "nosrc" && p.Arch != "noarch" &&
		(len(p.Provides)+len(p.Requires)+len(p.vmlinux) > 0 || p.image || p.maybe)
}

// list takes over which kernels and modules a package ships, by its file list.
func (p *Package) list(header *rpm.Package) {
	vmlinux, modules := collect.Ships(header)
	// OBS does not tell what is recommended.
	needs := slices.Concat(header.Requires, header.Recommends)
	p.ships(shipped{"header:" + header.HeaderDigest, tokens(needs), fingerprint.Named(rpm.Names(needs)), releases(vmlinux), releases(modules), collect.Outlives(header)})
}

// ships does what list does, from what was kept.
func (p *Package) ships(s shipped) {
	p.digest, p.Requires, p.vmlinux, p.modules = s.Digest, s.Requires, s.Vmlinux, s.Modules
	p.named, p.outlives = s.Named, s.Outlives
	p.listed, p.placed = true, true
	p.image, p.maybe = len(s.Vmlinux) > 0, len(s.Modules) > 0
}

func releases(ids map[guard.KernelID]bool) []string {
	var out []string
	for id := range ids {
		out = append(out, id.Release)
	}
	slices.Sort(out)
	return out
}

// tokens picks the kernel-btf(...) dependencies, each once.
func tokens(deps []rpm.Dependency) []string {
	return slices.Sorted(slices.Values(fingerprint.Tokens(rpm.Names(deps))))
}

// findKernels lists the vmlinux in a package and what its tokens say of them. A kernel
// that is listed already stays as it is.
func (p *Package) findKernels() {
	known := p.kernels
	p.kernels = nil
	for _, v := range guard.Kernels(guard.Vmlinux{Label: p.NEVRA, Build: p.build, Arch: p.arch(), Flavor: p.flavor, Symbols: p.symbols}, p.vmlinux, p.Provides, p.listed) {
		k := &Kernel{Vmlinux: *v, Package: p}
		if i := slices.IndexFunc(known, func(k *Kernel) bool { return k.Release == v.Release }); i >= 0 && v.Release != "" {
			k = known[i]
		}
		p.kernels = append(p.kernels, k)
	}
}

// cargo is what is known of the package's modules.
func (p *Package) cargo(linked func(*guard.Vmlinux) guard.Linked) *guard.Cargo {
	c := &guard.Cargo{
		Linked: linked,
		Build:  p.build, Arch: p.arch(), Flavor: p.flavor, Provides: p.Provides, Requires: p.Requires, Named: p.named,
		Modules: p.maybe, Releases: p.modules, Listed: p.listed, Content: p.content,
	}
	if p.missing {
		c.Unread = "could not be read"
	}
	for _, k := range p.kernels {
		c.Kernels = append(c.Kernels, &k.Vmlinux)
	}
	return c
}

// silent reports whether only its content tells what a package has.
func (p *Package) silent() bool {
	if slices.ContainsFunc(p.kernels, func(k *Kernel) bool { return k.Known == guard.Unknown || k.Release == "" }) {
		return true
	}
	return len(p.kernels) == 0 && (p.maybe || p.image) && len(p.Requires) == 0
}

// id is the same for copies of a package in all repositories, and for builds to which
// SOURCE_DATE_EPOCH gave the same time.
func (p *Package) id() string {
	return fmt.Sprint(p.NEVRA, " ", p.build, p.Provides, p.Requires)
}

// meets reports whether a machine can have both packages installed. Repositories of one
// project are alternatives unless each was named.
func (p *Package) meets(q *Package) bool {
	return p.whole == "" || p.whole != q.whole || p.repository == q.repository
}

// copyOf reports whether two packages are the same. If their digests are of different
// things (a header, a file), their tokens decide.
func (p *Package) copyOf(q *Package) bool {
	if p.whole != q.whole || p.repository != q.repository || p.size != q.size && p.size > 0 && q.size > 0 {
		return false // a file that was cut short has the same header
	}
	of, _, _ := strings.Cut(p.digest, ":")
	if other, _, _ := strings.Cut(q.digest, ":"); of == other && of != "" {
		return p.digest == q.digest && p.id() == q.id()
	}
	return p.id() == q.id() && len(p.Provides)+len(p.Requires) > 0
}

func (p *Package) String() string { return p.NEVRA }
