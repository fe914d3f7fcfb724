// SPDX-License-Identifier: Apache-2.0

package oscrc

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// TestSecret shows a secret in every way there is.
func TestSecret(t *testing.T) {
	const word = "correct horse"
	s := NewSecret(word)
	h := Host{User: "u", Password: s}
	hidden := struct{ password Secret }{s} // fmt does not call methods here
	var out strings.Builder
	for _, v := range []any{s, &s, h, &h, hidden, &hidden, []Secret{s}, map[string]Secret{"a": s}, fmt.Errorf("x: %v", s)} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		b, err := json.Marshal(v)
		fmt.Fprintln(&out, string(b), err)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
	}
	for _, part := range []string{"correct", "horse", fmt.Sprintf("%x", "horse"), fmt.Sprintf("%X", "horse")} {
		if strings.Contains(out.String(), part) {
			t.Errorf("%q is shown:\n%s", part, out.String())
		}
	}
	if s.Reveal() != word || s.Empty() || s.String() != "(secret)" {
		t.Error("the secret is lost")
	}
	var none Secret
	if none.Reveal() != "" || !none.Empty() || none != NewSecret("") || none.String() != "(none)" {
		t.Error("no secret is one")
	}
}
