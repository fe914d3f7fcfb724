// SPDX-License-Identifier: Apache-2.0

package prose

import "testing"

func TestClosest(t *testing.T) {
	names := []string{"check", "fingerprint", "explain", "audit", "against", "allow-mismatch", "v", "build-again"}
	for typed, want := range map[string]string{
		"chekc": "check", "chek": "check", "ceck": "check", "agains": "against", "agianst": "against",
		"finger": "fingerprint", "fingerpirnt": "fingerprint", "allow_mismatch": "allow-mismatch",
		"chk": "check", "fngrprnt": "fingerprint", "bldagain": "build-again",
		"install": "", "cat": "", "x": "", "": "", "tomorrow": "",
	} {
		if got := Closest(typed, names); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}
