// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// finish drops what came out of broken packages, what is there twice, and orders
// the rest by place.
func (c *collector) finish() {
	inv := c.inv
	slices.SortFunc(inv.Packages, func(a, b *guard.Package) int {
		return cmp.Or(cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Path, b.Path))
	})
	// Of copies the first counts: one that is given on both sides is new. Where the
	// sides are builds of their own, a package may come out of both alike.
	seen := map[string]string{} // where
	for _, p := range inv.Packages {
		id := p.Digest
		if p.Origin.Named() || c.sources.apart {
			id += fmt.Sprint(p.Origin)
		}
		if first := seen[id]; first != "" && !c.broken[p] {
			c.broken[p] = true
			if c.sources.rpms && p.Origin == guard.New { // each is to be changed
				c.problem(p.Path, p.Origin, fmt.Errorf("the same package as %s; give one of them", first))
			}
			if i := slices.IndexFunc(inv.Arguments, func(a guard.Argument) bool { return a.Path == p.Tree && a.Origin == p.Origin }); i >= 0 {
				inv.Arguments[i].Copies = true // else it is one of Sources.Remembered
			}
		}
		if seen[id] == "" && !c.broken[p] {
			seen[id] = p.Path
		}
	}
	broken := func(p *guard.Package) bool { return c.broken[p] }
	inv.Packages = slices.DeleteFunc(inv.Packages, broken)
	inv.Bases = slices.DeleteFunc(inv.Bases, func(b *guard.Base) bool { return broken(b.Package) })
	inv.Modules = slices.DeleteFunc(inv.Modules, func(m *guard.Module) bool { return broken(m.Package) })

	slices.SortFunc(inv.Bases, func(a, b *guard.Base) int {
		return cmp.Or(cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Label(), b.Label()), cmp.Compare(a.Path, b.Path))
	})
	slices.SortFunc(inv.Modules, func(a, b *guard.Module) int {
		return cmp.Or(cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Label(), b.Label()), cmp.Compare(a.Path, b.Path))
	})
	slices.SortStableFunc(inv.Problems, func(a, b guard.Problem) int { return cmp.Compare(a.Path, b.Path) })
	tellApart(inv)
	dropBootImages(inv)
}

// dropBootImages leaves of the files of one kernel in a tree the vmlinux, where
// the boot image beside it has the same base.
func dropBootImages(inv *guard.Inventory) {
	type kernel struct{ tree, release, arch, base string }
	id := func(b *guard.Base) kernel {
		return kernel{b.Tree + fmt.Sprint(b.Origin), b.Release, b.Arch, b.Fingerprint.Base.String()}
	}
	there := map[kernel]bool{}
	for _, b := range inv.Bases {
		there[id(b)] = there[id(b)] || !b.BootImage
	}
	inv.Bases = slices.DeleteFunc(inv.Bases, func(b *guard.Base) bool { return b.Package == nil && b.BootImage && there[id(b)] })
}
