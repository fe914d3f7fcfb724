// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// TestMeans says of each verdict once what happens, and of which kernels where they differ.
func TestMeans(t *testing.T) {
	on := func(release string, allow verify.Allow, fit guard.Verdict, counts guard.Counts) Cell {
		return Cell{Kernel: &Kernel{Vmlinux: guard.Vmlinux{Release: release}, Allow: allow}, Cell: guard.Cell{Fit: fit, Counts: counts}}
	}
	for _, tc := range []struct {
		name  string
		cells []Cell
		want  []string
	}{
		{"all fit", []Cell{on("1", verify.AllowNo, guard.Fits, guard.Counts{guard.SameBase: 1})}, nil},
		{"what fits beside it", []Cell{on("1", verify.AllowNo, guard.Misfits, guard.Counts{guard.SameBase: 1, guard.Misread: 1})}, []string{"a module that is misread loads, and"}},
		{"one kind of kernel", []Cell{on("1", verify.AllowNo, guard.Misfits, guard.Counts{guard.Rejected: 1}), on("2", verify.AllowNo, guard.Misfits, guard.Counts{guard.Rejected: 2})},
			[]string{"a module that is rejected does not load (CONFIG"}},
		{"two kinds", []Cell{on("2", verify.AllowNo, guard.Misfits, guard.Counts{guard.Rejected: 1}), on("1", verify.AllowYes, guard.Misfits, guard.Counts{guard.Rejected: 2})},
			[]string{"a module that is rejected on 1 loads without BTF", "a module that is rejected on 2 does not load"}},
		{"by dependencies", []Cell{on("1", verify.AllowUnknown, guard.Misfits, nil)}, []string{"a module that is built on another base does not load, loads without BTF, or is misread"}},
	} {
		r := &Result{Rows: []*Row{{Cells: tc.cells}}}
		got := r.means(func(*Package) bool { return true })
		if !slices.EqualFunc(got, tc.want, strings.HasPrefix) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}
