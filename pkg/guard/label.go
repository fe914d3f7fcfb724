// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

// labels compares the tokens that new packages carry with those that their
// content calls for. A missing one counts only in a build that labels its
// packages.
func labels(inv *Inventory, res *Result) []Label {
	labeled := map[string]bool{} // builds
	for _, p := range inv.Packages {
		if inv.Labeled || len(p.Provides)+len(p.Requires) > 0 {
			labeled[p.Build] = true
		}
	}
	var out []Label
	for _, t := range Metadata(inv, res) {
		var l labelling
		l.provides(t, inv)
		if t.Err == nil {
			l.requires(t)
		}
		l.wrong, l.missing = few(l.wrong), few(l.missing)
		if len(l.wrong) > 0 {
			out = append(out, Label{Package: t.Package, Verdict: Mislabeled, Severity: Mislabeled.Severity(), Reasons: l.wrong})
		}
		if len(l.missing) > 0 && labeled[t.Package.Build] {
			out = append(out, Label{Package: t.Package, Verdict: Unlabeled, Severity: Unlabeled.Severity(), Reasons: l.missing})
		}
	}
	return out
}

// labelling gathers what is wrong with the tokens of one package.
type labelling struct{ wrong, missing []string }

// provides compares what the package provides with the kernels in it.
func (l *labelling) provides(t Tokens, inv *Inventory) {
	for _, token := range t.Package.Provides {
		if slices.Contains(t.Provides, token) {
			continue
		}
		reason := fmt.Sprintf(labelProvides, token)
		if own := sameFlavor(t.Provides, token); own != "" {
			reason += labelOwn + own
		}
		l.wrong = append(l.wrong, reason)
	}
	for _, b := range inv.Bases {
		token := b.Token()
		if b.Package == t.Package && b.Table != nil && !slices.Contains(t.Package.Provides, token) {
			l.missing = append(l.missing, fmt.Sprintf(labelNoProvides, token))
		}
	}
}

// requires leaves out which kind of dependency it is: that is the packager's
// decision.
func (l *labelling) requires(t Tokens) {
	built := tokensOf(t.Requires, t.Recommends)
	for _, token := range t.Package.Requires {
		if own := sameFlavor(built, token); own != "" && !slices.Contains(built, token) && !slices.Contains(t.Package.Provides, token) {
			l.wrong = append(l.wrong, fmt.Sprintf(labelRequires, token, own))
		}
	}
	for _, token := range built {
		if sameFlavor(t.Package.Requires, token) == "" {
			l.missing = append(l.missing, fmt.Sprintf(labelNoRequires, token))
		}
	}
}

// sameFlavor finds a token of the flavor that token is of, "" for none. One equal
// to token comes first.
func sameFlavor(list []string, token string) string {
	if slices.Contains(list, token) {
		return token
	}
	flavor, _, _ := fingerprint.ParseToken(token)
	if same := ofFlavor(list, flavor); len(same) > 0 {
		return same[0]
	}
	return ""
}
