// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
	"github.com/urfave/cli/v2"
)

// hintSame says on standard error that both sides of a comparison are the same build,
// and hintSwapped that the older one was given as the new one. Both may be meant.
func hintSame(c *cli.Context, inv *guard.Inventory) (same bool) {
	for _, old := range inv.Arguments {
		if old.Origin != guard.Against {
			continue
		}
		for _, new := range inv.Arguments {
			if new.Origin == guard.New && (samePath(old.Path, new.Path) || old.Copies && allOf(inv, old) == 0) {
				hint(c, old.Path+": both sides are the same build: there is nothing to compare")
				same = true
				break
			}
		}
	}
	return same
}

// hintBase says how modules are checked whose kernel is not among what was given.
func hintBase(c *cli.Context, problems []guard.Problem) {
	if slices.ContainsFunc(problems, func(p guard.Problem) bool {
		none := (*guard.NoVmlinux)(nil)
		return p.Origin == guard.New && errors.As(p.Err, &none)
	}) {
		hint(c, "name that vmlinux, its package or /boot/vmlinuz-* beside the modules, or as --base")
	}
}

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
		switch n := compareBuilds(p, q); {
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

func hint(c *cli.Context, text string) {
	fmt.Fprintf(c.App.ErrWriter, "obs-btf-guard: %s\n", prose.Printable(text))
}

// allOf counts what came out of an argument.
func allOf(inv *guard.Inventory, a guard.Argument) int {
	n := 0
	for _, p := range inv.Packages {
		if p.Tree == a.Path && p.Origin == a.Origin {
			n++
		}
	}
	for _, b := range inv.Bases {
		if b.Package == nil && b.Tree == a.Path && b.Origin == a.Origin {
			n++
		}
	}
	for _, m := range inv.Modules {
		if m.Package == nil && m.Tree == a.Path && m.Origin == a.Origin {
			n++
		}
	}
	return n
}

func samePath(a, b string) bool {
	a, err := filepath.Abs(a)
	if err != nil {
		return false
	}
	b, err = filepath.Abs(b)
	return err == nil && a == b
}

// compareBuilds orders two builds of a package by version and release.
func compareBuilds(p, q *guard.Package) int {
	v, r, _ := strings.Cut(p.VersionRelease, "-")
	w, s, _ := strings.Cut(q.VersionRelease, "-")
	if n := rpm.CompareVersions(v, w); n != 0 {
		return n
	}
	return rpm.CompareVersions(r, s)
}
