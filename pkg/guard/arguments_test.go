// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"strings"
	"testing"
)

// TestNeverMeet: kernels of two names have folders of their own, those of two
// architectures are of two machines.
func TestNeverMeet(t *testing.T) {
	base := func(side Origin, release, arch string) *Base {
		return &Base{Origin: side, Release: release, Arch: arch, Tree: "old"}
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
		got := neverMeet(&Inventory{Bases: []*Base{tc.old, tc.new}}, "old").Error()
		if !strings.Contains(got, tc.want) || strings.Contains(got, "separate folders below /lib/modules") != tc.folders {
			t.Errorf("%s: %s", tc.name, got)
		}
	}
}
