// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What rpm's own programs say of rewritten packages.

// need skips the test where a program is missing.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip(err)
		}
	}
}

// run returns what a program prints, on both channels, and its error.
func run(t *testing.T, program string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func mustRun(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := run(t, program, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return out
}

// copyPackage copies a package to a directory of its own.
func copyPackage(t *testing.T, path string) string {
	t.Helper()
	return writePackage(t, readFile(t, path))
}

// checkDigests has rpm verify all digests of a package.
func checkDigests(t *testing.T, path string) {
	t.Helper()
	out := mustRun(t, "rpm", "-Kv", "--nosignature", path)
	lines := strings.Split(strings.TrimSpace(out), "\n")[1:]
	for _, line := range lines {
		if !strings.HasSuffix(line, ": OK") {
			t.Errorf("rpm -Kv: %s", line)
		}
	}
	if len(lines) < 2 { // SHA-256 of header and payload; v4 has more
		t.Errorf("rpm -Kv: only %q", lines)
	}
}

// dump is a package as rpm --xml shows it, one text per tag.
func dump(t *testing.T, path string) map[string]string {
	t.Helper()
	tags := make(map[string]string)
	for _, part := range strings.Split(mustRun(t, "rpm", "-qp", "--nosignature", "--xml", path), "<rpmTag name=\"")[1:] {
		name, value, _ := strings.Cut(part, "\"")
		tags[name] = value
	}
	return tags
}

func TestRPMReadsRewritten(t *testing.T) {
	need(t, "rpm")
	for _, original := range packages(t) {
		if strings.HasSuffix(original, "source.rpm") {
			continue
		}
		t.Run(original, func(t *testing.T) {
			path := copyPackage(t, original)
			if _, err := Rewrite(t.Context(), path, addToken); err != nil {
				t.Fatal(err)
			}
			checkDigests(t, path)
			for _, query := range []string{"--provides", "--requires", "--recommends"} {
				want := strings.Fields(strings.ReplaceAll(mustRun(t, "rpm", "-qp", query, original), " ", "\x01"))
				got := strings.Fields(strings.ReplaceAll(mustRun(t, "rpm", "-qp", query, path), " ", "\x01"))
				at := slices.Index(got, token)
				if at < 0 {
					t.Fatalf("%s: %q", query, got)
				}
				if others := slices.Delete(slices.Clone(got), at, at+1); !slices.Equal(others, want) {
					t.Errorf("%s: besides the new one %q, were %q", query, others, want)
				}
			}

			before, after := dump(t, original), dump(t, path)
			var differ []string
			for name := range after {
				if before[name] != after[name] {
					differ = append(differ, name)
				}
				delete(before, name)
			}
			if len(before) != 0 {
				t.Errorf("tags gone: %v", before)
			}
			expected := regexp.MustCompile(`^((Provide|Require|Recommend)(name|flags|version)|Dependsdict|Sha1header|Sha256header|Sha3_256header|Sigmd5|Sigsize)$`)
			for _, name := range differ {
				if !expected.MatchString(name) {
					t.Errorf("tag %s differs", name)
				}
			}
			if len(differ) < 10 { // nine arrays and a digest; v4 has more
				t.Errorf("only %v differ", differ)
			}
		})
	}
}

// TestInstall installs packages by their tokens: the kernel of 5.15.12-1.1 and
// its modules fit, the modules of 5.15.12-1.3 do not.
func TestInstall(t *testing.T) {
	need(t, "rpm")
	if os.Geteuid() != 0 {
		t.Skip("rpm --root wants to be root")
	}
	const incident = "../../testdata/incident/"
	stamp := func(path string, kind Kind, name string) string {
		path = copyPackage(t, incident+path)
		if _, err := Rewrite(t.Context(), path, Edit{Add: []Relation{{kind, plain(name)}}}); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const one, three = "kernel-btf(default:sha256:a0b01)", "kernel-btf(default:sha256:a00b1)" // equal as versions
	kernel := stamp("5.15.12-1.1/kernel-default-5.15.12-1.1.x86_64.rpm", Provides, one)
	fits := stamp("5.15.12-1.1/kernel-default-extra-5.15.12-1.1.x86_64.rpm", Requires, one)
	other := stamp("5.15.12-1.3/kernel-default-extra-5.15.12-1.3.x86_64.rpm", Requires, three)

	// Debian's rpm has its database in the user's home.
	db := []string{"--root", t.TempDir(), "--dbpath", "/var/lib/rpm"}
	install := func(paths ...string) (string, error) {
		return run(t, "rpm", slices.Concat(db, []string{"-i", "--nosignature", "--noscripts", "--ignorearch"}, paths)...)
	}
	mustRun(t, "rpm", slices.Concat(db, []string{"--initdb"})...)
	if out, err := install(kernel, other); err == nil || !strings.Contains(out, three+" is needed by kernel-default-extra-5.15.12-1.3") {
		t.Errorf("kernel with the modules of the other build: %v\n%s", err, out)
	}
	if out, err := install(kernel, fits); err != nil {
		t.Errorf("kernel and its modules: %v\n%s", err, out)
	}
	if out, err := run(t, "rpm", slices.Concat(db, []string{"-U", "--nosignature", "--noscripts", "--ignorearch", other})...); err == nil || !strings.Contains(out, three+" is needed by") {
		t.Errorf("update to the modules of the other build: %v\n%s", err, out)
	}
	for query, want := range map[string]string{"--whatprovides": "kernel-default-5.15.12-1.1", "--whatrequires": "kernel-default-extra-5.15.12-1.1"} {
		if out := mustRun(t, "rpm", slices.Concat(db, []string{"-q", query, one})...); !strings.HasPrefix(out, want) {
			t.Errorf("%s %s: %s", query, one, out)
		}
	}
}

// TestRichDependency stamps packages as obs-btf-guard does: rpm itself has to be
// asked for rich dependencies, and no longer once they are gone.
func TestRichDependency(t *testing.T) {
	need(t, "rpm")
	const rich = "((kernel-btf(default:sha256:aa) with kernel-btf(uname-r:5.15.12-1-default)) if kernel-btf(uname-r:5.15.12-1-default))"
	path := copyPackage(t, "../../testdata/incident/5.15.12-1.1/kernel-default-extra-5.15.12-1.1.x86_64.rpm")
	before := mustRun(t, "rpm", "-qp", "--nosignature", "--requires", path)
	change, err := Rewrite(t.Context(), path, Edit{Add: []Relation{{Requires, plain(rich)}}})
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(change.Added) != "[Requires: "+rich+" Requires: rpmlib(RichDependencies) <= 4.12.0-1]" {
		t.Errorf("added %v", change.Added)
	}
	out := mustRun(t, "rpm", "-qp", "--nosignature", "--requires", path)
	for _, want := range []string{rich, "rpmlib(RichDependencies) <= 4.12.0-1"} {
		if !slices.Contains(strings.Split(out, "\n"), want) {
			t.Errorf("%s\nlacks %s", out, want)
		}
	}
	if _, err := Rewrite(t.Context(), path, Edit{Drop: func(r Relation) bool { return r.Name == rich }}); err != nil {
		t.Fatal(err)
	}
	if after := mustRun(t, "rpm", "-qp", "--nosignature", "--requires", path); after != before {
		t.Errorf("once removed:\n%s\nbefore:\n%s", after, before)
	}
}

// TestSignedPackage signs a package, rewrites it and signs it again.
func TestSignedPackage(t *testing.T) {
	need(t, "rpm", "rpmsign", "gpg")
	home, err := os.MkdirTemp("", "gpg") // the agent's socket wants a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		os.RemoveAll(home)
	})
	gpg := []string{"--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""}
	mustRun(t, "gpg", append(gpg, "--quick-generate-key", "guard@example.org", "rsa2048", "sign", "never")...)
	program, _ := exec.LookPath("gpg")
	sign := func(t *testing.T, path string, extra ...string) {
		args := []string{"--addsign", "--define", "__gpg " + program, "--define", "_gpg_path " + home, "--define", "_gpg_name guard@example.org"}
		mustRun(t, "rpmsign", append(append(args, extra...), path)...)
	}
	const original = "../../testdata/incident/5.15.12-1.1/kernel-default-extra-5.15.12-1.1.x86_64.rpm"
	unsigned := copyPackage(t, original)
	if _, err := Rewrite(t.Context(), unsigned, addToken); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"RSA"}},
		{[]string{"--rpmv3"}, []string{"RSA", "PGP"}},
	} {
		t.Run(fmt.Sprint(tt.want), func(t *testing.T) {
			path := copyPackage(t, original)
			sign(t, path, tt.args...)
			change, err := Rewrite(t.Context(), path, addToken)
			if err != nil || !slices.Equal(change.Signatures, tt.want) {
				t.Fatalf("dropped %q, %v, want %q", change.Signatures, err, tt.want)
			}
			checkDigests(t, path)
			if !bytes.Equal(readFile(t, path), readFile(t, unsigned)) {
				t.Error("signed and rewritten is not as if it had never been signed")
			}
			sign(t, path)
			checkDigests(t, path)
			change, err = Rewrite(t.Context(), path, addToken)
			if err != nil || !change.Empty() || change.Signatures != nil {
				t.Errorf("signed again: %+v, %v", change, err)
			}
			if out := mustRun(t, "rpm", "-qpi", path); !strings.Contains(out, "RSA/SHA") {
				t.Errorf("the signature is gone:\n%s", out)
			}
		})
	}
}

// TestPayloadTools unpacks a rewritten package with rpm2cpio.
func TestPayloadTools(t *testing.T) {
	need(t, "rpm2cpio")
	original := filepath.Join("testdata", "xz.rpm")
	path := copyPackage(t, original)
	if _, err := Rewrite(t.Context(), path, addToken); err != nil {
		t.Fatal(err)
	}
	if mustRun(t, "rpm2cpio", original) != mustRun(t, "rpm2cpio", path) {
		t.Error("rpm2cpio gives another archive")
	}
}
