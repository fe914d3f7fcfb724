// SPDX-License-Identifier: Apache-2.0

package rpm_test

import (
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

func TestCompareVersions(t *testing.T) {
	// In order, as rpm --eval '%{lua: print(rpm.vercmp(a, b))}' has it.
	order := []string{"1.0~rc1", "1.0", "1.0^git1", "1.0a", "1.0.1", "1.1", "1.9", "1.10", "2"}
	for i, a := range order {
		for j, b := range order {
			if got := rpm.CompareVersions(a, b); got != max(-1, min(1, i-j)) {
				t.Errorf("%s and %s: %d", a, b, got)
			}
		}
	}
	for _, same := range [][2]string{{"1.0", "1_0"}, {"1.01", "1.1"}, {"", ""}, {"1.", "1"}} {
		if got := rpm.CompareVersions(same[0], same[1]); got != 0 {
			t.Errorf("%s and %s: %d", same[0], same[1], got)
		}
	}
}

func TestCompareEVR(t *testing.T) {
	// In order: the version counts before the release, the epoch before both.
	order := []string{"1.0-5", "0:1.0-6", "1.0.1-1", "1.0.1-1.2", "1:0.9-1"}
	for i, a := range order {
		for j, b := range order {
			if got := rpm.CompareEVR(a, b); got != max(-1, min(1, i-j)) {
				t.Errorf("%s and %s: %d", a, b, got)
			}
		}
	}
	for _, same := range [][2]string{{"0:1-1", "1-1"}, {"1", "1-"}, {"6.1-53-1", "6.1.53-1"}} {
		if got := rpm.CompareEVR(same[0], same[1]); got != 0 {
			t.Errorf("%s and %s: %d", same[0], same[1], got)
		}
	}
}
