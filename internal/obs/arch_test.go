// SPDX-License-Identifier: Apache-2.0

package obs

import "testing"

func TestSchedulerArch(t *testing.T) {
	for arch, want := range map[string]string{
		"i586": "i586", "i686": "i586", "athlon": "i586", "x86_64": "x86_64", "x86_64_v3": "x86_64_v3",
		"armv6hl": "armv6l", "armv7hl": "armv7l", "armv7l": "armv7l", "ppc64p7": "ppc64", "ppc64le": "ppc64le", "": "",
	} {
		if got := SchedulerArch(arch); got != want {
			t.Errorf("%s: %s, want %s", arch, got, want)
		}
	}
}
