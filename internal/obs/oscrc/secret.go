// SPDX-License-Identifier: Apache-2.0

package oscrc

import (
	"fmt"
	"log/slog"
)

// Secret is a password or a token that shows itself to nobody: printed, logged
// or encoded it is "(secret)", or "(none)" if it is empty. The zero value is empty.
type Secret struct {
	value *string // fmt prints a pointer inside of a struct as an address
}

// NewSecret hides s.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{&s}
}

// Reveal gives what is hidden: for the request that needs it, and nothing else.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Empty reports whether there is nothing to hide.
func (s Secret) Empty() bool { return s.value == nil }

func (s Secret) String() string {
	if s.Empty() {
		return "(none)"
	}
	return "(secret)"
}

// Format serves every verb, %x and %#v as well.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// MarshalText serves JSON and its like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue serves log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
