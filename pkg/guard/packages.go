// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"context"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// JudgePackages is Judge for packages as they lie in a repository: modules that meet
// no kernel of their kernelrelease are judged on those of their flavor, beside which
// the package would be installed.
func JudgePackages(ctx context.Context, inv *Inventory) (*Result, error) {
	res, err := Judge(ctx, inv, Options{})
	if err != nil {
		return nil, err
	}
	type place struct{ arch, flavor string }
	unmet := map[place][]*Module{}
	for _, f := range res.Findings {
		if m := f.Module; f.Base == nil && m.Package != nil && m.ReadsBase() {
			at := place{m.Arch, kernel.Flavor(m.Release)}
			unmet[at] = append(unmet[at], m)
		}
	}
	judged := map[*Module]bool{}
	for at, modules := range unmet {
		given := &Inventory{Packages: inv.Packages, Modules: modules}
		of := map[*Base]*Base{}
		for _, b := range inv.Bases {
			if (place{b.Arch, b.Flavor}) == at {
				copied := *b
				copied.Origin = Given
				of[&copied] = b
				given.Bases = append(given.Bases, &copied)
			}
		}
		if len(given.Bases) == 0 {
			continue
		}
		more, err := Judge(ctx, given, Options{})
		if err != nil {
			return nil, err
		}
		for _, f := range more.Findings {
			judged[f.Module] = true
			f.Base = of[f.Base]
			res.Findings = append(res.Findings, f)
		}
	}
	res.Findings = slices.DeleteFunc(res.Findings, func(f Finding) bool { return f.Base == nil && judged[f.Module] })
	return res, nil
}
