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
	Requires   []string // of the bases its modules were built on, where a misfit does not load
	Recommends []string // of those where it loads without BTF
	Err        error    // why it cannot be told
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
			t.Provides = with(t.Provides, fingerprint.Token(b.Flavor, b.Fingerprint.Base))
		}
	}
	judged := map[*Module][]*Finding{}
	for i := range res.Findings {
		f := &res.Findings[i]
		judged[f.Module] = append(judged[f.Module], f)
	}
	for _, m := range inv.Modules {
		if t := of[m.Package]; t != nil && t.Err == nil && m.Bound() {
			t.require(m, judged[m])
		}
	}
	tokens := make([]Tokens, len(out))
	for i, t := range out {
		tokens[i] = *t
	}
	return tokens
}

// require adds the token of the base that the module was built on.
func (t *Tokens) require(m *Module, findings []*Finding) {
	var misfit *Finding
	for _, f := range findings {
		if f.Verdict != SameBase {
			misfit = f
			continue
		}
		if f.Base.Package == t.Package {
			return // no package depends on itself
		}
		token := fingerprint.Token(f.Base.Flavor, f.Base.Fingerprint.Base)
		if f.Base.Allow == verify.AllowNo {
			t.Requires = with(t.Requires, token)
		} else {
			t.Recommends = with(t.Recommends, token)
		}
		return
	}
	if misfit != nil {
		t.Err = fmt.Errorf("%s: %s, so the base it was built on is not known", m.Path, misfit.Verdict)
	}
}

func with(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
