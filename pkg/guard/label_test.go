// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

// TestLabels holds the tokens of a kernel and of a package with modules of its
// build against what they ship.
func TestLabels(t *testing.T) {
	base := kernelTable(0, 0)
	own := fingerprint.Token("default", fingerprint.Of(base.Table(t)).Base)
	other := fingerprint.Token("default", fingerprint.Of(kernelTable(0, 0, "more").Table(t)).Base)
	rt := fingerprint.Token("rt", fingerprint.Of(kernelTable(0, 0, "more").Table(t)).Base)
	for _, tc := range []struct {
		name     string
		labeled  bool
		provides []string // of the kernel
		requires []string // of the modules' package
		want     []string // verdict, package and a word of the reason
	}{
		{"a build that does not label", false, nil, nil, nil},
		{"one that should", true, nil, nil, []string{"unlabeled kernel-default: does not provide " + own, "unlabeled extra: does not require " + own}},
		{"right", false, []string{own}, []string{own}, nil},
		{"right, and more of another flavor", false, []string{own}, []string{own, rt}, nil},
		{"the kernel alone", false, []string{own}, nil, []string{"unlabeled extra: does not require"}},
		{"the modules alone", false, nil, []string{own}, []string{"unlabeled kernel-default: does not provide"}},
		{"another kernel's", false, []string{other}, []string{own}, []string{
			"mislabeled kernel-default: provides " + other, "unlabeled kernel-default: does not provide " + own}},
		{"copied on top", false, []string{own, other}, []string{own}, []string{"mislabeled kernel-default: its own is " + own}},
		{"modules of another kernel", false, []string{own}, []string{other}, []string{"mislabeled extra: built on " + own}},
		{"both", false, []string{own}, []string{own, other}, []string{"mislabeled extra: it requires " + other}},
		{"provided without a vmlinux", false, []string{own, rt}, []string{own}, []string{"mislabeled kernel-default: no vmlinux with that base"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := testBuild(t, "1.3", base)
			b.Flavor = "default"
			b.Package.Provides = tc.provides
			extra := *b.Package
			extra.Name, extra.Provides, extra.Requires = "extra", nil, tc.requires
			inv := &Inventory{
				Packages: []*Package{b.Package, &extra}, Bases: []*Base{b},
				Modules: []*Module{testModule(b.Package, driver(base)), testModule(&extra, driver(base))},
				Labeled: tc.labeled,
			}
			res, err := Judge(t.Context(), inv, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if len(res.Labels) != len(tc.want) {
				t.Fatalf("%+v, want %q", res.Labels, tc.want)
			}
			for i, l := range res.Labels {
				head, reason, _ := strings.Cut(tc.want[i], ": ")
				got := string(l.Verdict) + " " + l.Package.Name
				if got != head || !strings.Contains(strings.Join(l.Reasons, "\n"), reason) || l.Severity != l.Verdict.Severity() {
					t.Errorf("%s (%s): %q, want %q", got, l.Severity, l.Reasons, tc.want[i])
				}
			}
		})
	}
}

// TestLabelsOfMisfits leaves the dependencies of modules alone whose base is not
// known: that they do not fit is said already.
func TestLabelsOfMisfits(t *testing.T) {
	b := testBuild(t, "1.3", kernelTable(0, 0))
	b.Flavor = "default"
	extra := *b.Package
	extra.Name = "extra"
	stale := driver(kernelTable(0, 0, "i2c_smbus_check_pec"))
	res, err := Judge(t.Context(), &Inventory{
		Packages: []*Package{b.Package, &extra}, Bases: []*Base{b},
		Modules: []*Module{testModule(&extra, stale)}, Labeled: true,
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Labels) != 1 || res.Labels[0].Package != b.Package {
		t.Errorf("%+v, want only that of the kernel", res.Labels)
	}
}
