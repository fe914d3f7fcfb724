// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"slices"
	"testing"
)

// TestDependencies has what an answer comes to for who asks.
func TestDependencies(t *testing.T) {
	const (
		token = "kernel-btf(default:sha256:94460e068ad0e08b2068845da42d89bebfc6edb219b7f0ac1c49da7b0f55f953)"
		path  = "/usr/lib/modules/5.15.12-1-default/updates/xpad.ko"
		named = "kernel-btf(uname-r:5.15.12-1-default)"
		rich  = "((" + token + " with " + named + ") if " + named + ")"
	)
	a := Answer{Token: token, Strength: Recommends}
	for name, tc := range map[string]struct {
		q    Question
		path string
		a    Answer
		want []string
	}{
		"provides":                      {Question{}, path, a, []string{token, named}},
		"provides, of no kernelrelease": {Question{}, "/boot/vmlinux", a, []string{token}},
		"nothing is known":              {Question{As: Requires, Strength: Auto}, path, Answer{}, nil},
		"auto, the other kind":          {Question{As: Requires, Strength: Auto}, path, a, nil},
		"auto":                          {Question{As: Recommends, Strength: Auto}, path, a, []string{rich}},
		"as the packager says":          {Question{As: Requires, Strength: Requires}, path, a, []string{rich}},
		"beside the vmlinux":            {Question{As: Recommends, Strength: Auto, packaged: true}, path, a, nil},
		"of the kernel's own package":   {Question{As: Recommends, Strength: Auto, Package: "kernel-default-base"}, path, a, nil},
		"of another package":            {Question{As: Recommends, Strength: Auto, Package: "xpad-kmp-default"}, path, a, []string{rich}},
	} {
		if got := tc.q.dependencies(tc.path, tc.a); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
	for version, want := range map[string]bool{"": false, "4.18.0": false, "4.20": true, "5.99.90": true, "6": false} {
		if multifile(version) != want {
			t.Errorf("rpm %q: %v", version, !want)
		}
	}
}
