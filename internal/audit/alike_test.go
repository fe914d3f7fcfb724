// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"testing"
)

// TestAlike: what holds of many packages is said once, where it is said first.
func TestAlike(t *testing.T) {
	var all []Finding
	for i, reason := range []string{"a", "b", "a", "c", "b", "a", "a"} {
		all = append(all, Finding{Release: fmt.Sprint(i), Reasons: []string{reason}})
	}
	got := ""
	for _, same := range alike(all) {
		for _, f := range same {
			got += f.Release
		}
		got += " "
	}
	if want := "0256 1 3 4 "; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
