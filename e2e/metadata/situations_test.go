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

// Kernels that are installed side by side, and a KMP that outlives its own. Only
// what solvers look at is in the packages.
const (
	k22, rebuilt22, k24, k26 = "kernel-default-5.14.21-150400.22.1", "kernel-default-5.14.21-150400.22.2", "kernel-default-5.14.21-150400.24.1", "kernel-default-5.14.21-150400.26.1"
	m1, m2                   = "foo-kmp-default-1.0-1.1", "foo-kmp-default-1.0-1.2"
)

// situationPackages builds the packages that docs/decisions/token-form.md speaks of.
func situationPackages(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	base := func(letter string) string { return "kernel-btf(default:sha256:" + strings.Repeat(letter, 64) + ")" }
	build := func(nvr string, lines ...string) {
		name, version := splitName(nvr)
		version, release, _ := strings.Cut(version, "-")
		spec := filepath.Join(t.TempDir(), "x.spec")
		writeFile(t, spec, "Name: "+name+"\nVersion: "+version+"\nRelease: "+release+"\nSummary: x\nLicense: x\nAutoReqProv: no\n"+
			strings.Join(lines, "\n")+"\n%description\nx\n%files\n")
		harness.Must(t, "rpmbuild", "-bb", "--quiet", "--target", "x86_64", "--define", "_topdir "+t.TempDir(), "--define", "_rpmdir "+dir,
			"--define", "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.rpm", spec)
	}
	kernel := func(nvr, release, base string, more ...string) {
		build(nvr, append(more, "Provides: multiversion(kernel)", "Provides: installonlypkg(kernel)", "Provides: ksym(default:x) = 1",
			"Provides: "+base, "Provides: "+fingerprint.ReleaseToken(release))...)
	}
	const r22 = "5.14.21-150400.22-default"
	kernel(k22, r22, base("a"))
	kernel(rebuilt22, r22, base("b"), "Obsoletes: kernel-default = 5.14.21-150400.22.1")
	kernel(k24, "5.14.21-150400.24-default", base("c"))
	kernel(k26, "5.14.21-150400.26-default", base("a"))
	build(m1, "Requires: ksym(default:x) = 1", "Requires: "+fingerprint.Requirement(base("a"), r22))
	build(m2, "Requires: ksym(default:x) = 1", "Requires: "+fingerprint.Requirement(base("b"), r22))
	return dir
}

// TestSituations is the table of docs/decisions/token-form.md for the form that
// stamp and the generator write.
func TestSituations(t *testing.T) {
	needsRoot(t)
	needs(t, "rpm", "rpmbuild", "createrepo_c")
	all := situationPackages(t)
	for _, s := range []struct {
		name           string
		offered, there []string
		install        []string
		want           []string // nil: refused
	}{
		{"its kernel is there", []string{m1}, []string{k22}, []string{m1}, []string{m1, k22}},
		{"no superseded kernel is pulled in", []string{k22, m1}, []string{k24}, []string{m1}, []string{m1, k24}},
		{"two kernels", []string{m1}, []string{k22, k24}, []string{m1}, []string{m1, k22, k24}},
		{"a rebuild without its modules", []string{rebuilt22}, []string{k22, m1}, []string{rebuilt22}, nil},
		{"a rebuild with its modules", []string{rebuilt22, m2}, []string{k22, m1}, []string{rebuilt22, m2}, []string{m2, rebuilt22}},
		{"a third kernel with an equal base", []string{m1}, []string{rebuilt22, k26}, []string{m1}, nil},
		{"a newer kernel beside it", []string{k24}, []string{k22, m1}, []string{k24}, []string{m1, k22, k24}},
		{"modules first", []string{k24, m1}, nil, []string{m1}, []string{m1, k24}},
		{"modules of before the rebuild", []string{m1}, []string{rebuilt22}, []string{m1}, nil},
	} {
		t.Run(s.name, func(t *testing.T) {
			repo := t.TempDir()
			for _, p := range s.offered {
				replace(t, filepath.Join(all, p+".rpm"), filepath.Join(repo, p+".rpm"))
			}
			harness.Must(t, "createrepo_c", "--quiet", repo)
			for _, tool := range []struct {
				name string
				make func(*testing.T, string) solver
			}{{"zypper", newZypper}, {"dnf", newDNF}} {
				t.Run(tool.name, func(t *testing.T) {
					r := newRoot(t)
					for _, p := range s.there {
						r.must(t, "-i", "--nodeps", "--justdb", filepath.Join(all, p+".rpm"))
					}
					o := tool.make(t, repo)(t, r, s.install...)
					want, refused := slices.Sorted(slices.Values(s.want)), s.want == nil
					if refused {
						want = slices.Sorted(slices.Values(s.there))
					}
					if got := slices.Sorted(slices.Values(r.installed(t))); !slices.Equal(got, want) || refused != (o.Status != 0) {
						t.Errorf("exit status %d, installed are then %q, want %q\n%s", o.Status, got, want, o.All())
					}
				})
			}
		})
	}
}
