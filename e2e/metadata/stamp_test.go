// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package metadata

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

// stamped copies the packages of one of the incident's builds and stamps them:
// kernel-default, kernel-default-extra.
func stamped(t *testing.T, rebuild string) (kernel, extra string) {
	t.Helper()
	dir := t.TempDir()
	for _, rpm := range packages(t, rebuild) {
		to := filepath.Join(dir, filepath.Base(rpm))
		replace(t, rpm, to)
		if strings.Contains(rpm, "-extra-") {
			extra = to
		} else {
			kernel = to
		}
	}
	if o := guard(t, "stamp", dir); o.Status != 0 {
		t.Fatalf("stamp: exit status %d\n%s", o.Status, o.All())
	}
	return kernel, extra
}

// What was stamped is a good package by rpm's own checks, differs from what it
// was in the tokens only, and stamping it again changes nothing.
func TestStamp(t *testing.T) {
	needs(t, "rpm", "rpmkeys", "rpm2cpio", "cpio", "xz", "objcopy")
	for _, rebuild := range []string{"1.1", "1.3"} {
		token := unpackBuild(t, rebuild).token(t)
		kernel, extra := stamped(t, rebuild)
		metadata{provides: one(token)}.check(t, kernel)
		metadata{requires: one(token)}.check(t, extra)
		for _, rpm := range []string{kernel, extra} {
			out := harness.Must(t, "rpm", "-Kv", "--nosignature", rpm)
			for _, digest := range []string{"Header SHA256 digest: OK", "Header SHA1 digest: OK", "Payload SHA256 digest: OK", "MD5 digest: OK"} {
				if !strings.Contains(out, digest) {
					t.Errorf("rpm -Kv does not say %q:\n%s", digest, out)
				}
			}
			before := filepath.Join(incident, "5.15.12-"+rebuild, filepath.Base(rpm))
			if !slices.Equal(restOf(t, before), restOf(t, rpm)) {
				t.Errorf("%s: more than the tokens differs", filepath.Base(rpm))
			}
			// rpm2cpio gives the same archive, down to the last byte.
			harness.Must(t, "bash", "-c", `cmp <(rpm2cpio "$1") <(rpm2cpio "$2")`, "bash", before, rpm)
		}
		harness.Must(t, "sh", "-c", `cp -p "$1" "$1.once" && cp -p "$2" "$2.once"`, "sh", kernel, extra)
		if o := guard(t, "stamp", kernel, extra); o.Status != 0 {
			t.Errorf("stamp again: exit status %d\n%s", o.Status, o.All())
		}
		harness.Must(t, "cmp", kernel, kernel+".once")
		harness.Must(t, "cmp", extra, extra+".once")
		if o := guard(t, "stamp", "--verify", kernel, extra); o.Status != 0 {
			t.Errorf("stamp --verify: exit status %d\n%s", o.Status, o.All())
		}
	}
}

// restOf is all that rpm shows of a package but its tokens and digests.
func restOf(t *testing.T, rpm string) []string {
	t.Helper()
	var out []string
	for _, args := range [][]string{
		{"--provides"}, {"--requires"}, {"--recommends"}, {"--obsoletes"},
		{"--dump"}, {"--scripts"}, {"--changelog"},
		{"--qf", "%{NEVRA} %{PAYLOADDIGEST} %{PAYLOADSIZE} %{ARCHIVESIZE} %{DISTURL} %{BUILDTIME} [%{BASENAMES} ]"},
	} {
		for line := range strings.Lines(harness.Must(t, "rpm", append([]string{"-qp", "--nosignature", rpm}, args...)...)) {
			if !fingerprint.IsOurs(line) && !strings.HasPrefix(line, "rpmlib(RichDependencies)") {
				out = append(out, line)
			}
		}
	}
	return out
}

// The incident at installation: what fits goes in, what does not is refused in
// the name of the token, be it new or there already.
func TestInstall(t *testing.T) {
	needs(t, "rpm", "rpm2cpio", "cpio", "xz", "objcopy")
	kernel1, extra1 := stamped(t, "1.1")
	kernel3, extra3 := stamped(t, "1.3")
	token1 := unpackBuild(t, "1.1").token(t)
	refused := func(t *testing.T, o harness.Outcome) {
		t.Helper()
		want := fingerprint.Requirement(token1, "5.15.12-1-default") + " is needed by "
		if o.Status == 0 || !strings.Contains(o.Stderr, want) || !strings.Contains(o.Stderr, "kernel-default-extra-5.15.12-1.1") {
			t.Errorf("exit status %d, want %q\n%s", o.Status, want, o.All())
		}
	}
	t.Run("of one build", func(t *testing.T) {
		r := newRoot(t)
		r.must(t, "-i", kernel3, extra3)
		r.must(t, "-V", "-a")
		if got, want := r.installed(t), []string{"kernel-default-5.15.12-1.3", "kernel-default-extra-5.15.12-1.3"}; !slices.Equal(got, want) {
			t.Errorf("installed %q, want %q", got, want)
		}
	})
	t.Run("of two builds", func(t *testing.T) {
		r := newRoot(t)
		refused(t, r.rpm(t, "-i", kernel3, extra1))
		r.must(t, "-i", kernel3)
		refused(t, r.rpm(t, "-i", extra1))
		if got := r.installed(t); len(got) != 1 {
			t.Errorf("installed %q, want the kernel only", got)
		}
	})
	t.Run("kernel updated alone", func(t *testing.T) {
		r := newRoot(t)
		r.must(t, "-i", kernel1, extra1)
		refused(t, r.rpm(t, "-U", kernel3))
		r.must(t, "-U", kernel3, extra3)
	})
	t.Run("not stamped", func(t *testing.T) {
		r := newRoot(t)
		r.must(t, "-i", packages(t, "1.3")[0], packages(t, "1.1")[1])
	})
}
