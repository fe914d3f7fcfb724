// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package metadata

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// signings are the ways to sign a package, by rpmsign's option and gpg's algorithm, and
// what rpm calls the signatures.
var signings = []struct {
	name, algorithm, option string
	tags                    string // as stamp names them
}{
	{"RSA", "rsa3072", "", "RSA"},
	{"EdDSA", "ed25519", "", "DSA"},
	{"RSA, of header and payload as well", "rsa3072", "--rpmv3", "RSA, PGP"},
}

// A signature changes no verdict, and a package that is stamped and signed is good by
// rpm's own checks in either order: what is stamped after it was signed has lost its
// signatures, and says so.
func TestSigned(t *testing.T) {
	for _, s := range signings {
		t.Run(s.name, func(t *testing.T) {
			g := newSigner(t, s.algorithm, s.option)
			t.Run("verdicts", func(t *testing.T) { signedVerdicts(t, g) })
			t.Run("stamped, then signed", func(t *testing.T) { stampedThenSigned(t, g) })
			t.Run("signed, then stamped", func(t *testing.T) { signedThenStamped(t, g, s.tags) })
		})
	}
}

// signedVerdicts checks a build whose modules come to many verdicts before and after it
// was signed.
func signedVerdicts(t *testing.T, g *signer) {
	plain, err := filepath.Glob(filepath.Join(incident, "broken", "*.rpm"))
	if err != nil || len(plain) == 0 {
		t.Fatalf("no packages: %v", err)
	}
	dir := t.TempDir()
	for _, rpm := range plain {
		replace(t, rpm, filepath.Join(dir, filepath.Base(rpm)))
	}
	before := judged(t, dir)
	for _, rpm := range plain {
		signed := filepath.Join(dir, filepath.Base(rpm))
		g.sign(t, signed)
		g.checks(t, signed, "digests signatures OK")
	}
	if after := judged(t, dir); !slices.Equal(before, after) {
		t.Errorf("signed:\n%q\nbefore:\n%q", after, before)
	}
	if !slices.ContainsFunc(before, func(v string) bool { return strings.Contains(v, "rejected") }) {
		t.Errorf("the case has too little in it: %q", before)
	}
}

func stampedThenSigned(t *testing.T, g *signer) {
	kernel, extra := stamped(t, "1.3")
	for _, rpm := range []string{kernel, extra} {
		g.checks(t, rpm, "digests OK")
		g.sign(t, rpm)
		g.checks(t, rpm, "digests signatures OK")
	}
	if o := guard(t, "stamp", "--verify", kernel, extra); o.Status != 0 {
		t.Errorf("stamp --verify: exit status %d\n%s", o.Status, o.All())
	}
	// What is right already is left alone, with its signature.
	if o := guard(t, "stamp", kernel, extra); o.Status != 0 || strings.Count(o.Stdout, ": right already\n") != 2 {
		t.Errorf("stamp again: exit status %d\n%s", o.Status, o.All())
	}
	g.checks(t, kernel, "digests signatures OK")
}

func signedThenStamped(t *testing.T, g *signer, tags string) {
	kernel := filepath.Join(t.TempDir(), "kernel.rpm")
	replace(t, packages(t, "1.3")[0], kernel)
	g.sign(t, kernel)
	want := "  the signatures (" + tags + ") no longer hold and are dropped: sign it again\n"
	if o := guard(t, "stamp", "--dry-run", kernel); o.Status != 0 || !strings.Contains(o.Stdout, want) {
		t.Errorf("stamp --dry-run: exit status %d, want %q\n%s", o.Status, want, o.All())
	}
	g.checks(t, kernel, "digests signatures OK")
	if o := guard(t, "stamp", kernel); o.Status != 0 || !strings.Contains(o.Stdout, want) {
		t.Errorf("stamp: exit status %d, want %q\n%s", o.Status, want, o.All())
	}
	g.checks(t, kernel, "digests OK")
	g.sign(t, kernel)
	g.checks(t, kernel, "digests signatures OK")
	metadata{provides: one(unpackBuild(t, "1.3").token(t))}.check(t, kernel)
}

// judged is what check says of each module of the packages in a folder, against the
// build before them.
func judged(t *testing.T, dir string) (out []string) {
	t.Helper()
	o := guard(t, "check", "--no-db", "--format", "json", "--against", filepath.Join(incident, "5.15.12-1.1"), dir)
	var report struct {
		Verdicts []struct{ Module, Package, Verdict, Severity, Basis, Pairing string }
	}
	if err := json.Unmarshal([]byte(o.Stdout), &report); err != nil || o.Status != 1 {
		t.Fatalf("exit status %d, %v\n%s", o.Status, err, o.Stderr)
	}
	for _, v := range report.Verdicts {
		out = append(out, strings.Join([]string{v.Package, v.Module, v.Verdict, v.Severity, v.Basis, v.Pairing}, " "))
	}
	return out
}

// signer is rpmsign with a key that nobody needs afterwards.
type signer struct {
	home, database, option string
}

func newSigner(t *testing.T, algorithm, option string) *signer {
	t.Helper()
	needs(t, "rpm", "rpmsign", "rpmkeys", "gpg", "gpgconf", "gpg-agent")
	home, err := os.MkdirTemp("", "gpg") // short, as its agent's socket is in it
	if err != nil {
		t.Fatal(err)
	}
	g := &signer{home, t.TempDir(), option}
	t.Cleanup(func() {
		harness.Try(t, g.command("gpgconf", "--kill", "all"))
		os.RemoveAll(home)
	})
	key := filepath.Join(g.database, "key.asc")
	for _, args := range [][]string{
		{"gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "nobody@localhost", algorithm, "sign", "never"},
		{"gpg", "--batch", "--armor", "--output", key, "--export"},
		{"rpmkeys", "--dbpath", g.database, "--import", key},
	} {
		g.must(t, args...)
	}
	return g
}

func (g *signer) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "GNUPGHOME="+g.home)
	return cmd
}

func (g *signer) must(t *testing.T, args ...string) string {
	t.Helper()
	o := harness.Try(t, g.command(args[0], args[1:]...))
	if o.Status != 0 {
		t.Fatalf("%q: exit status %d\n%s", args, o.Status, o.All())
	}
	return o.Stdout
}

// sign signs a package in place.
func (g *signer) sign(t *testing.T, rpm string) {
	t.Helper()
	gpg, err := exec.LookPath("gpg")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"rpmsign", "--define=__gpg " + gpg, "--define=_gpg_name nobody@localhost", "--addsign"}
	if g.option != "" {
		args = append(args, g.option)
	}
	g.must(t, append(args, rpm)...)
}

// checks wants rpm to say one thing of a package.
func (g *signer) checks(t *testing.T, rpm, want string) {
	t.Helper()
	if got := g.must(t, "rpmkeys", "--dbpath", g.database, "--checksig", rpm); got != rpm+": "+want+"\n" {
		t.Errorf("rpmkeys --checksig: %q, want %q", got, want)
	}
}
