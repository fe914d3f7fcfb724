// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// TestCounterparts pairs kernels that replace each other, else the only ones, and says
// which cannot be compared and why.
func TestCounterparts(t *testing.T) {
	base := func(origin Origin, release, arch string) *Base {
		return &Base{Path: release, Origin: origin, Release: release, Arch: arch, Table: new(btf.Table)}
	}
	refused := base(New, "6.2", "x86_64")
	refused.Table, refused.Refused = nil, new(verify.Result)
	old, other, new, arm := base(Against, "6.1", "x86_64"), base(Against, "6.0", "x86_64"), base(New, "6.2", "x86_64"), base(New, "6.2", "aarch64")
	for name, tc := range map[string]struct {
		bases    []*Base
		changes  []Change // that were found
		unread   []Problem
		pairs    int
		problems []string // how each begins
	}{
		"only ones":            {bases: []*Base{old, new}, pairs: 1},
		"a change and another": {bases: []*Base{old, other, new}, changes: []Change{{From: old, To: new}}, pairs: 1, problems: []string{"6.0: 6.0 (x86_64) is on one side only"}},
		"no old one":           {bases: []*Base{new}, problems: []string{"OLD.rpm: no kernel with BTF in it, so OLD is empty"}},
		"no new one":           {bases: []*Base{old}, problems: []string{"NEW.rpm: no kernel with BTF in it, so NEW is empty"}},
		"two old ones":         {bases: []*Base{old, other, new}, problems: []string{"OLD.rpm: 2 kernels with BTF in it"}},
		"two architectures":    {bases: []*Base{old, arm}, problems: []string{"OLD.rpm NEW.rpm: OLD is for x86_64, NEW for aarch64"}},
		"refused":              {bases: []*Base{old, refused}, problems: []string{"6.2: its own kernel refuses its .BTF"}},
		"could not be read":    {bases: []*Base{new}, unread: []Problem{{Path: "OLD.rpm", Err: errors.ErrUnsupported}}, problems: []string{"OLD.rpm: unsupported operation"}},
	} {
		inv := &Inventory{Bases: tc.bases, Problems: tc.unread, Arguments: []Argument{{Path: "NEW.rpm"}, {Path: "OLD.rpm", Origin: Against}}}
		changes, problems := Counterparts(inv, &Result{Changes: tc.changes})
		if len(changes) != tc.pairs || tc.pairs == 1 && (changes[0].From != old || changes[0].To != new) {
			t.Errorf("%s: %v", name, changes)
		}
		if !slices.EqualFunc(problems, tc.problems, func(p Problem, want string) bool { return strings.HasPrefix(p.Error(), want) }) {
			t.Errorf("%s: %v, want %q", name, problems, tc.problems)
		}
	}
}
