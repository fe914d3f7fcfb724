// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// A machine may run 32 bit programs on a 64 bit kernel. Then packages of the smaller
// architecture have kernels and modules of the larger one. Their files show it, and so does
// a base that they require.

// isFor takes over the architecture of a package's files. It reports whether it is not
// the one assumed so far.
func (p *Package) isFor(inv *guard.Inventory, of map[string]*Package) bool {
	before := p.arch()
	for _, b := range inv.Bases {
		if packageOf(of, b.Package) == p && slices.Contains(wider[before], b.Arch) {
			p.machine = b.Arch
		}
	}
	for _, m := range inv.Modules {
		if packageOf(of, m.Package) == p && slices.Contains(wider[before], m.Arch) {
			p.machine = m.Arch
		}
	}
	for _, k := range p.kernels {
		k.Arch = p.arch()
	}
	return p.arch() != before
}

// wider are the architectures of 64 bits on which programs of 32 bits run.
var wider = map[string][]string{
	"i686": {"x86_64"}, "armv6hl": {"aarch64"}, "armv7hl": {"aarch64"}, "ppc": {"ppc64", "ppc64le"},
	"s390": {"s390x"}, "sparc": {"sparc64"}, "mips": {"mips64"}, "mipsel": {"mips64el"},
}

// mayBeWider reports whether a package may have modules of the larger architecture: it
// requires a base of a flavor of which there are kernels of that one only, and nobody has
// seen its files.
func (a *audit) mayBeWider(p *Package) bool {
	if len(p.kernels) > 0 || p.machine != "" || len(p.content) > 0 || wider[p.arch()] == nil {
		return false
	}
	there := func(arches ...string) bool {
		return slices.ContainsFunc(a.res.Kernels, func(k *Kernel) bool {
			return p.meets(k.Package) && slices.Contains(arches, k.Arch) && slices.ContainsFunc(p.Requires, func(t string) bool {
				flavor, _, _ := fingerprint.ParseToken(t)
				return flavor == k.Flavor
			})
		})
	}
	return there(wider[p.arch()]...) && !there(p.arch())
}

// findMachines does the same by tokens: if no kernel of a package's architecture has a
// base that it requires, but one of the larger architecture has, the package is for that.
func (a *audit) findMachines() {
	of := byToken(a.res.Kernels)
	for _, p := range a.packages {
		if len(p.kernels) > 0 || len(p.Requires) == 0 || p.machine != "" {
			continue
		}
		own, machine := false, ""
		for _, token := range p.Requires {
			for _, k := range of[token] {
				own = own || k.Arch == p.arch()
				if slices.Contains(wider[p.arch()], k.Arch) {
					machine = k.Arch
				}
			}
		}
		if !own {
			p.machine = machine
		}
	}
}

// byToken lists the kernels by the token of their base.
func byToken(kernels []*Kernel) map[string][]*Kernel {
	of := map[string][]*Kernel{}
	for _, k := range kernels {
		if k.Known != guard.Unknown {
			token := fingerprint.Token(k.Flavor, k.Base)
			of[token] = append(of[token], k)
		}
	}
	return of
}
