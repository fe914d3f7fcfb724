// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"strings"
	"testing"
)

// TestNeverMeet: kernels of two names have folders of their own, those of two
// architectures are of two machines.
func TestNeverMeet(t *testing.T) {
	command := map[Origin]string{ // by the side that has modules
		Against: "obs-btf-guard check --base 'new/vm linux' --own-base old/vmlinux old",
		New:     "obs-btf-guard check --base old/vmlinux --own-base 'new/vm linux' new",
	}
	base := func(side Origin, release, arch string) *Base {
		at := map[Origin][2]string{Against: {"old", "old/vmlinux"}, New: {"new", "new/vm linux"}}[side]
		return &Base{Origin: side, Release: release, Arch: arch, Tree: at[0], Path: at[1]}
	}
	for _, tc := range []struct {
		name     string
		old, new *Base
		folders  bool
		want     string
	}{
		{"two names", base(Against, "1-amd64", "x86_64"), base(New, "2-amd64", "x86_64"), true, "the old build is 1-amd64 (x86_64), the new one 2-amd64 (x86_64)"},
		{"two architectures", base(Against, "1-default", "x86_64"), base(New, "1-default", "aarch64"), false, "the old build is 1-default (x86_64), the new one 1-default (aarch64)"},
		{"no name", base(Against, "", "x86_64"), base(New, "1-default", "x86_64"), false, "no kernelrelease of it is one of the new build"},
	} {
		for side, command := range command {
			got := neverMeet(&Inventory{Bases: []*Base{tc.old, tc.new}, Modules: []*Module{{Origin: side}}}, "old").Error()
			if !strings.Contains(got, tc.want) || strings.Contains(got, "separate folders below /lib/modules") != tc.folders ||
				strings.HasSuffix(got, ": "+command) != tc.folders {
				t.Errorf("%s: %s", tc.name, got)
			}
		}
	}
}
