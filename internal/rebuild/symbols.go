// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"context"
	"fmt"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// ksym is a symbol with the CRC of its types, as packages provide and require it.
type ksym struct {
	flavor, symbol string
	crc            uint32
}

// ksyms picks symbols from dependencies.
func ksyms(dependencies []rpm.Dependency) []ksym {
	var out []ksym
	for name, version := range rpm.Versions(dependencies) {
		if flavor, symbol, crc, ok := kernel.ParseKsym(name, version); ok {
			out = append(out, ksym{flavor, symbol, crc})
		}
	}
	return out
}

// symbols adds a step for each package whose modules need the old version of a symbol of
// another module package of the place, which was built again: such modules do not load,
// whatever their base.
func (f *Finder) symbols(ctx context.Context, p *Plan, kernels, modules []*built) {
	type named struct{ flavor, symbol string }
	there := map[ksym]bool{}
	from := map[named][]*built{}
	for _, b := range slices.Concat(kernels, modules) {
		for _, s := range ksyms(b.Provides) {
			there[s] = true
			from[named{s.flavor, s.symbol}] = append(from[named{s.flavor, s.symbol}], b)
		}
	}
	for _, b := range modules {
		for _, s := range ksyms(b.needs()) {
			if there[s] {
				continue
			}
			for _, other := range from[named{s.flavor, s.symbol}] {
				if slices.Contains(modules, other) && other.from.Package != b.from.Package {
					p.add(b.from, b.seen, fmt.Sprintf("%s: needs symbol %s with CRC %08x, which %s has with another", b, s.symbol, s.crc, other), f.inVain(ctx, b, other))
					break
				}
			}
		}
	}
}
