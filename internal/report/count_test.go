// SPDX-License-Identifier: Apache-2.0

package report

import (
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// TestModules counts a package once that is on both sides, as in check, also where the
// hook takes each side for a build of its own.
func TestModules(t *testing.T) {
	finding := func(side guard.Origin, digest, path string) guard.Finding {
		m := &guard.Module{Origin: side, Path: path}
		if digest != "" {
			m.Package = &guard.Package{Digest: digest, Origin: side}
		}
		return guard.Finding{Module: m}
	}
	for want, findings := range map[string][]guard.Finding{
		"2 modules":                 {finding(guard.New, "a", "1"), finding(guard.New, "a", "2")},
		"2 modules (1 new, 1 old)":  {finding(guard.Against, "b", "1"), finding(guard.New, "a", "1")},
		"1 module":                  {finding(guard.Against, "a", "1"), finding(guard.New, "a", "1")},
		"2 modules (1 new, 1 old) ": {finding(guard.New, "", "1"), finding(guard.Against, "", "1")},
	} {
		if got := modules(&guard.Result{Findings: findings}); got != want && got+" " != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestOnce writes one line of a package that both builds have and one vmlinux, as check does.
func TestOnce(t *testing.T) {
	base, other := &guard.Base{Path: "vmlinux"}, &guard.Base{Path: "other"}
	finding := func(side guard.Origin, b *guard.Base) guard.Finding {
		return guard.Finding{Base: b, Module: &guard.Module{Origin: side, Path: "a.ko", Package: &guard.Package{Digest: "a", Origin: side}}}
	}
	got := once([]guard.Finding{finding(guard.Against, base), finding(guard.New, base), finding(guard.Against, other)})
	if len(got) != 2 || got[0].Module.Origin != guard.New || got[1].Base != other {
		t.Errorf("%+v", got)
	}
}
