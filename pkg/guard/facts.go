// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// What is known of packages, whoever knows it and from where: a header, the metadata of
// a repository, OBS, the content, or a database. Equal facts get equal answers.

// Knowledge is where a fact is known from.
type Knowledge string

// What is known, from the surest down.
const (
	Unknown   Knowledge = ""
	ByToken   Knowledge = "token"   // the packages' kernel-btf(...) dependencies
	ByContent Knowledge = "content" // the packages were read
	ByHistory Knowledge = "history" // they were read another time
)

// KernelID names a kernel that modules are for. Arch is as kernel.PackageArch has
// it.
type KernelID struct{ Release, Arch string }

// Vmlinux is what is known of a kernel that modules may meet.
type Vmlinux struct {
	Label   string // names its package for people
	Build   string // the same for all that one build made, "" where nothing tells
	Arch    string // as kernel.PackageArch has it
	Release string // kernelrelease, "" where it is not known
	Flavor  string

	Symbols *kernel.Symvers // those that modules may use, nil where they are not known

	Base  fingerprint.Digest // zero if there is none, or it is not known
	Known Knowledge
	// Ambiguous: its package provides several tokens of its flavor, which therefore
	// do not tell its base.
	Ambiguous bool
}

// Kernels lists the kernels of a package: those of the kernelreleases, with the
// bases that its tokens name. as has what holds for all of them, among it the flavor
// that the package names, "" where it names none. Where listed is not set, the list of kernelreleases
// may lack some, so that a token of another flavor stands for a kernel as well.
func Kernels(as Vmlinux, releases, provides []string, listed bool) []*Vmlinux {
	bases := map[string]fingerprint.Digest{} // by flavor
	ambiguous := map[string]bool{}
	var flavors []string
	for _, t := range provides {
		flavor, base, ok := fingerprint.ParseToken(t)
		if !ok {
			continue
		}
		if other, twice := bases[flavor]; twice {
			ambiguous[flavor] = ambiguous[flavor] || other != base
		} else {
			flavors = append(flavors, flavor)
		}
		bases[flavor] = base
	}
	var out []*Vmlinux
	add := func(release, flavor string) {
		k := as
		k.Release, k.Flavor = release, flavor
		if base, ok := bases[flavor]; ambiguous[flavor] {
			k.Ambiguous = true
		} else if ok {
			k.Base, k.Known = base, ByToken
			delete(bases, flavor) // of two with one token, nothing tells which it is of
		}
		out = append(out, &k)
	}
	for _, r := range releases {
		add(r, cmp.Or(as.Flavor, kernel.Flavor(r)))
	}
	if listed { // a token without its vmlinux says nothing
		return out
	}
	slices.Sort(flavors)
	for _, flavor := range flavors {
		if !slices.ContainsFunc(out, func(k *Vmlinux) bool { return k.Flavor == flavor }) {
			add("", flavor)
		}
	}
	return out
}

// Short names the base for people.
func (k *Vmlinux) Short() string {
	switch {
	case k.Known == Unknown:
		return "unknown"
	case k.Base.IsZero():
		return "no BTF"
	}
	return k.Base.Short()
}

// Cargo is what is known of a package's modules, and of what it says of them.
type Cargo struct {
	Build string // the same for all that one build made, "" where nothing tells
	Arch  string // as kernel.PackageArch has it
	// Flavor is that of the kernels that its modules are for, as its own data name it;
	// "" where they name none.
	Flavor string

	// Its kernel-btf(...) tokens; Requires has those of whatever strength.
	Provides, Requires []string
	// Named are the kernelreleases that the dependencies with a required token name,
	// by token.
	Named map[string][]string

	Kernels []*Vmlinux // its own
	Modules bool       // it has modules, or may
	// Releases are the kernelreleases of its modules, known only where Listed.
	Releases []string
	Listed   bool
	// Linked says whether weak-modules links its modules into a kernel of another
	// kernelrelease; nil for modules that it leaves alone.
	Linked func(k *Vmlinux) Linked
	// Content is what reading it found, by kernelrelease of its modules; nil if
	// nobody reads. Unread says why a package that was to be read was not.
	Content map[string]*Content
	Unread  string
}

// Content is what reading a package found of its modules of one kernelrelease.
type Content struct {
	Bound bool                // some fit nothing but the base that they were built on
	On    map[*Vmlinux]Counts // their verdicts on the kernels that they were checked on
	Alone Counts              // what those are that met none
	Apart map[*Vmlinux]string // why weak-modules links none of them into others of their flavor
	By    Knowledge           // ByContent or ByHistory
}

// Counts is how often there is each verdict.
type Counts map[Verdict]int

func (c Counts) String() string {
	var out []string
	for _, v := range Verdicts {
		if n := c[v]; n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, v))
		}
	}
	return strings.Join(out, ", ")
}

// fit is what the verdicts on single modules come to for their package.
func (c Counts) fit() Verdict {
	fit := Fits
	for v := range c {
		switch {
		case v.Severity() == Fail:
			return Misfits
		case v == Unproven:
			fit = Undecided
		}
	}
	return fit
}

// Contents sorts findings by package and kernelrelease of the modules. of gives the
// kernel that a base is, nil for one of which nothing is to be known.
func Contents(findings []Finding, of func(*Base) *Vmlinux) map[*Package]map[string]*Content {
	out := map[*Package]map[string]*Content{}
	for _, f := range findings {
		p, release := f.Module.Package, f.Module.Release
		if p == nil {
			continue
		}
		if out[p] == nil {
			out[p] = map[string]*Content{}
		}
		c := out[p][release]
		if c == nil {
			c = &Content{On: map[*Vmlinux]Counts{}, Alone: Counts{}, By: ByContent}
			out[p][release] = c
		}
		c.Bound = c.Bound || f.Module.Bound()
		counts := c.Alone
		if f.Base != nil {
			k := of(f.Base)
			if k == nil {
				continue
			}
			if c.On[k] == nil {
				c.On[k] = Counts{}
			}
			counts = c.On[k]
		}
		counts[f.Verdict]++
	}
	return out
}
