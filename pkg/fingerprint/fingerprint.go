// SPDX-License-Identifier: Apache-2.0

// Package fingerprint names a BTF base by what it holds: [Of] gives the
// fingerprint of a table, [Token] the form that stands in package metadata.
//
// Version 1 hashes the type section and the string section as they stand in the
// file, in the file's byte order and without the header. Compression, signature
// and the rest of the vmlinux play no part, so anybody can recompute it with
// objcopy, dd and sha256sum.
package fingerprint

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"regexp"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// Digest is a SHA-256.
type Digest [sha256.Size]byte

const algorithm = "sha256:"

// String gives "sha256:" and 64 hexadecimal digits.
func (d Digest) String() string { return algorithm + hex.EncodeToString(d[:]) }

// Short is enough of the digest for a person to tell two apart.
func (d Digest) Short() string { return hex.EncodeToString(d[:6]) }

// IsZero reports whether the digest was never set.
func (d Digest) IsZero() bool { return d == Digest{} }

// MarshalText gives the form of String.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the form of String and no other.
func (d *Digest) UnmarshalText(text []byte) error {
	digits, ok := strings.CutPrefix(string(text), algorithm)
	raw, err := hex.DecodeString(digits)
	if !ok || err != nil || len(raw) != len(d) || digits != strings.ToLower(digits) {
		return fmt.Errorf("fingerprint %q is not sha256: and 64 lower-case hexadecimal digits", text)
	}
	copy(d[:], raw)
	return nil
}

// Parse reads the form that Digest.String writes.
func Parse(s string) (d Digest, err error) {
	err = d.UnmarshalText([]byte(s))
	return d, err
}

// Fingerprint is the fingerprint of a table and what it was made from.
type Fingerprint struct {
	Base    Digest // of the two below
	Types   Digest // of the type section's bytes
	Strings Digest // of the string section's bytes
}

// Of computes the fingerprint of a table's own sections. For a module's table
// it covers what the module adds, not its base.
func Of(t *btf.Table) Fingerprint {
	f := Fingerprint{
		Types:   sha256.Sum256(t.TypeSection()),
		Strings: sha256.Sum256(t.StringSection()),
	}
	f.Base = sha256.Sum256([]byte("types " + f.Types.String() + "\nstrings " + f.Strings.String() + "\n"))
	return f
}

// Token is the fingerprint as a dependency name,
// kernel-btf(<flavor>:sha256:<hex>). The digest stands in the name because rpm's
// version comparison takes a0b01 and a00b1 for equal.
func Token(flavor string, base Digest) string {
	return "kernel-btf(" + flavor + ":" + base.String() + ")"
}

var token = regexp.MustCompile(`^kernel-btf\(([A-Za-z0-9][A-Za-z0-9._+-]*):(sha256:[0-9a-f]{64})\)$`)

// ParseToken reads a dependency name that Token wrote; ok is false for any
// other.
func ParseToken(name string) (flavor string, base Digest, ok bool) {
	m := token.FindStringSubmatch(name)
	if m == nil {
		return "", Digest{}, false
	}
	base, err := Parse(m[2])
	return m[1], base, err == nil
}

// ReleaseToken is what a package provides beside its tokens: the kernelrelease of a
// vmlinux in it, kernel-btf(uname-r:<kernelrelease>). It stands in the name because
// rpm refuses versions with two hyphens, which kernelreleases may have.
func ReleaseToken(kernelrelease string) string { return "kernel-btf(uname-r:" + kernelrelease + ")" }

// Requirement is the rich dependency of modules on the base that they were built
// on, given its token and their kernelrelease:
//
//	((kernel-btf(<flavor>:sha256:<hex>) with kernel-btf(uname-r:<release>)) if kernel-btf(uname-r:<release>))
//
// A kernel of their kernelrelease must have that base; other kernels, and none at
// all, do not matter. docs/decisions/token-form.md tells what solvers do with it and
// with others. Without a kernelrelease it is the plain token.
func Requirement(token, kernelrelease string) string {
	if kernelrelease == "" {
		return token
	}
	release := ReleaseToken(kernelrelease)
	return "((" + token + " with " + release + ") if " + release + ")"
}

var requirement = regexp.MustCompile(`^\(\((kernel-btf\([^()]*\)) with kernel-btf\(uname-r:([^() ]+)\)\) if kernel-btf\(uname-r:([^() ]+)\)\)$`)

// ParseRequirement reads what Requirement wrote; ok is false for anything else. A
// plain token, which older versions wrote, has no kernelrelease.
func ParseRequirement(name string) (token, kernelrelease string, ok bool) {
	if m := requirement.FindStringSubmatch(name); m != nil && m[2] == m[3] {
		token, kernelrelease = m[1], m[2]
	} else {
		token = name
	}
	_, _, ok = ParseToken(token)
	return token, kernelrelease, ok
}

// Named lists, by token, the kernelreleases of the modules that need it, as far as
// the names of dependencies say: plain tokens name none.
func Named(names iter.Seq[string]) map[string][]string {
	out := map[string][]string{}
	seen := map[string]bool{}
	for name := range names {
		token, release, ok := ParseRequirement(name)
		if ok && release != "" && !seen[name] {
			seen[name] = true
			out[token] = append(out[token], release)
		}
	}
	return out
}

// IsOurs reports whether a dependency is one of those that this package writes, in
// whatever version of it, well-formed or not.
func IsOurs(name string) bool {
	return strings.HasPrefix(strings.TrimLeft(name, "("), "kernel-btf(")
}

// Tokens picks the tokens out of the names of dependencies, rich ones too, each once.
func Tokens(names iter.Seq[string]) []string {
	var out []string
	seen := map[string]bool{}
	for name := range names {
		if token, _, ok := ParseRequirement(name); ok && !seen[token] {
			seen[token] = true
			out = append(out, token)
		}
	}
	return out
}
