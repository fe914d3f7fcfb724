// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

// Tokens is the metadata that a package should carry.
type Tokens struct {
	Package    *Package
	Provides   []string // of each vmlinux in it
	Releases   []string // their kernelreleases
	Requires   []Need   // of the bases its modules were built on, where a misfit does not load
	Recommends []Need   // of those where it loads without BTF
	Err        error    // why they are not known
}

// Need is the base that modules of a kernelrelease were built on.
type Need struct{ Token, Release string }

// Dependency is how a package says it.
func (n Need) Dependency() string { return fingerprint.Requirement(n.Token, n.Release) }

// tokensOf are those of needs.
func tokensOf(needs ...[]Need) []string {
	var out []string
	for _, n := range slices.Concat(needs...) {
		out = with(out, n.Token)
	}
	return out
}

// Metadata works out from what was judged which tokens each new package should
// carry: those of its own vmlinux, and those of another package's that its
// modules were built on. A package with modules that fit no vmlinux given has an
// error instead.
func Metadata(inv *Inventory, res *Result) []Tokens {
	of := map[*Package]*Tokens{}
	var out []*Tokens
	for _, p := range inv.Packages {
		if p.Origin == New {
			t := &Tokens{Package: p}
			of[p] = t
			out = append(out, t)
		}
	}
	for _, b := range inv.Bases {
		if t := of[b.Package]; t != nil && b.Table != nil {
			t.Provides = with(t.Provides, b.Token())
			if b.Release != "" {
				t.Releases = with(t.Releases, b.Release)
			}
		}
	}
	judged := map[*Module][]*Finding{}
	confirmed := map[confirmation]bool{}
	for i := range res.Findings {
		f := &res.Findings[i]
		judged[f.Module] = append(judged[f.Module], f)
		if f.Verdict == SameBase {
			confirmed[confirmation{f.Module.Package, f.Module.Release, f.Base}] = true
		}
	}
	for _, m := range inv.Modules {
		if t := of[m.Package]; t != nil && t.Err == nil && m.Bound() {
			t.require(m, judged[m], confirmed)
		}
	}
	tokens := make([]Tokens, len(out))
	for i, t := range out {
		tokens[i] = *t
	}
	return tokens
}

// confirmation is a base that some module of a package and kernelrelease was built
// on.
type confirmation struct {
	pkg     *Package
	release string
	base    *Base
}

// BuiltOn reports whether the module was built on the base that it was checked on. A
// small one may neither confirm nor contradict it, and is believed where another that
// was packaged with it confirmed it.
func (f *Finding) BuiltOn(confirmed bool) bool {
	return f.Verdict == SameBase || f.Verdict == Unproven && f.Base != nil && confirmed
}

// Token is what the package of the base provides.
func (b *Base) Token() string { return fingerprint.Token(b.Flavor, b.Fingerprint.Base) }

// Refuses reports whether its kernel is known not to load modules that do not fit, so
// that they require it; one that may load them without BTF is recommended.
func (b *Base) Refuses() bool { return b.Allow == verify.AllowNo }

// require adds the token of the base that the module was built on.
func (t *Tokens) require(m *Module, findings []*Finding, confirmed map[confirmation]bool) {
	var misfit *Finding
	for _, f := range findings {
		switch {
		case !f.BuiltOn(confirmed[confirmation{m.Package, m.Release, f.Base}]):
			misfit = f
			continue
		case f.Base.Package == t.Package: // no package depends on itself
		case f.Base.Refuses():
			t.Requires = with(t.Requires, Need{f.Base.Token(), m.Release})
		default:
			t.Recommends = with(t.Recommends, Need{f.Base.Token(), m.Release})
		}
		return
	}
	if misfit != nil {
		t.Err = fmt.Errorf(notBuiltOn, m.Path, misfit.Verdict)
	}
}

func with[T comparable](list []T, s T) []T {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
