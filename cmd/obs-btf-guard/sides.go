// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
	"github.com/urfave/cli/v2"
)

// hintBase says how modules are checked whose kernel is not among what was given, if that
// is all that is wrong.
func hintBase(c *cli.Context, problems []guard.Problem) {
	if len(problems) > 0 && !slices.ContainsFunc(problems, func(p guard.Problem) bool { return !noVmlinux(p) }) {
		hint(c, "name that vmlinux, its package or /boot/vmlinuz-* beside the modules, or as --base")
	}
}

// noVmlinux reports whether it is the kernel of modules that is missing.
func noVmlinux(p guard.Problem) bool {
	none := (*guard.NoVmlinux)(nil)
	return errors.As(p.Err, &none)
}

// hintSwapped says on standard error that the older one was given as the new one, which
// may be meant.
func hintSwapped(c *cli.Context, inv *guard.Inventory) {
	older := map[string]*guard.Package{}
	for _, p := range inv.Packages {
		if p.Origin == guard.Against {
			older[p.Name+"."+p.Arch] = p
		}
	}
	text := ""
	for _, p := range inv.Packages {
		q := older[p.Name+"."+p.Arch]
		if p.Origin != guard.New || q == nil {
			continue
		}
		switch n := rpm.CompareEVR(p.VersionRelease, q.VersionRelease); {
		case n > 0:
			return
		case n < 0 && text == "":
			text = fmt.Sprintf("%s is given as the new build, and %s as the old one. Are they swapped?", p.NEVRA, q.NEVRA)
		}
	}
	if text != "" {
		hint(c, text)
	}
}

// hintMissing says on standard error that packages with modules of the older build have no
// successor in the new one, though others of their source have: they may be forgotten.
func hintMissing(c *cli.Context, inv *guard.Inventory) {
	sources, names := map[string]bool{}, map[string]bool{}
	for _, p := range inv.Packages {
		if p.Origin == guard.New {
			sources[p.Source], names[p.Name+"."+p.Arch] = true, true
		}
	}
	var missing []string
	for _, m := range inv.Modules {
		p := m.Package
		if p != nil && p.Origin == guard.Against && sources[p.Source] && !names[p.Name+"."+p.Arch] && !slices.Contains(missing, p.NEVRA) {
			missing = append(missing, p.NEVRA)
		}
	}
	if len(missing) > 0 {
		hint(c, "the old build has modules in "+prose.First(missing, 4)+", and the new one has no such package. Is it missing?")
	}
}

func hint(c *cli.Context, text string) {
	fmt.Fprintf(c.App.ErrWriter, "obs-btf-guard: %s\n", prose.Printable(text))
}
