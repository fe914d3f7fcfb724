// SPDX-License-Identifier: Apache-2.0

package prose

import "testing"

// TestArgument quotes what a shell would not take for one word.
func TestArgument(t *testing.T) {
	for word, want := range map[string]string{
		"a/kernel-default_5.15.12-1.3.x86_64.rpm": "a/kernel-default_5.15.12-1.3.x86_64.rpm",
		"": "''", "two words": "'two words'", "it's": `'it'\''s'`, "$(x)": "'$(x)'", "a;b": "'a;b'", "ä": "'ä'",
	} {
		if got := Argument(word); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}
