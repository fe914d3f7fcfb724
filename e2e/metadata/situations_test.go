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

// forms are what modules may require, given the token of their base, T in
// docs/decisions/token-form.md, and that of their kernelrelease, U.
var forms = []struct {
	name string
	line func(token, release string) string
}{
	{"no dependency", func(t, u string) string { return "" }},
	{"plain Requires", func(t, u string) string { return "Requires: " + t }},
	{"(T with U)", func(t, u string) string { return "Requires: (" + t + " with " + u + ")" }},
	{"(T if U)", func(t, u string) string { return "Requires: (" + t + " if " + u + ")" }},
	{"((T with U) if U)", func(t, _ string) string { return "Requires: " + fingerprint.Requirement(t, r22) }}, // what stamp and the generator write
	{"Conflicts: (U without T)", func(t, u string) string { return "Conflicts: (" + u + " without " + t + ")" }},
}

const r22 = "5.14.21-150400.22-default"

// situationPackages builds the packages that docs/decisions/token-form.md describes:
// kernels in one folder, and the modules of each form in one of its name.
func situationPackages(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	base := func(letter string) string { return "kernel-btf(default:sha256:" + strings.Repeat(letter, 64) + ")" }
	build := func(to, nvr string, lines ...string) {
		name, version := splitName(nvr)
		version, release, _ := strings.Cut(version, "-")
		spec := filepath.Join(t.TempDir(), "x.spec")
		writeFile(t, spec, "Name: "+name+"\nVersion: "+version+"\nRelease: "+release+"\nSummary: x\nLicense: x\nAutoReqProv: no\n"+
			strings.Join(lines, "\n")+"\n%description\nx\n%files\n")
		harness.Must(t, "rpmbuild", "-bb", "--quiet", "--target", "x86_64", "--define", "_topdir "+t.TempDir(), "--define", "_rpmdir "+filepath.Join(dir, to),
			"--define", "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.rpm", spec)
	}
	kernel := func(nvr, release, base string, more ...string) {
		build("kernels", nvr, append(more, "Provides: multiversion(kernel)", "Provides: installonlypkg(kernel)", "Provides: ksym(default:x) = 1",
			"Provides: "+base, "Provides: "+fingerprint.ReleaseToken(release))...)
	}
	kernel(k22, r22, base("a"))
	kernel(rebuilt22, r22, base("b"), "Obsoletes: kernel-default = 5.14.21-150400.22.1")
	kernel(k24, "5.14.21-150400.24-default", base("c"))
	kernel(k26, "5.14.21-150400.26-default", base("a"))
	for _, f := range forms {
		build(f.name, m1, "Requires: ksym(default:x) = 1", f.line(base("a"), fingerprint.ReleaseToken(r22)))
		build(f.name, m2, "Requires: ksym(default:x) = 1", f.line(base("b"), fingerprint.ReleaseToken(r22)))
	}
	return dir
}

// TestSituations is the table of docs/decisions/token-form.md.
func TestSituations(t *testing.T) { situations(t, "") }

// TestSituationsNewer is the same with rpm 6, dnf 5 and a newer zypper.
func TestSituationsNewer(t *testing.T) {
	needsRoot(t)
	situations(t, newer(t))
}

func situations(t *testing.T, in room) {
	needsRoot(t)
	needs(t, "rpm", "rpmbuild", "createrepo_c")
	t.Log(harness.Try(t, in.command("rpm", "--version")).All() + harness.Try(t, in.command("zypper", "--version")).All())
	all := situationPackages(t)
	type set []string // what is installed then; nil: refused
	var refused set
	same := func(s set) []set { return []set{s, s, s, s, s, s} }
	for _, s := range []struct {
		name           string
		offered, there []string
		do             string
		with           []string
		want           []set // by form
		rpm            []set // where rpm, which fetches nothing and takes nothing away, does something else
	}{
		{"its kernel is there", []string{m1}, []string{k22}, "install", []string{m1}, same(set{m1, k22}), nil},
		{"only a newer kernel is there", []string{k22, m1}, []string{k24}, "install", []string{m1},
			[]set{{m1, k24}, {m1, k22, k24}, {m1, k22, k24}, {m1, k24}, {m1, k24}, {m1, k24}},
			[]set{{m1, k24}, refused, refused, {m1, k24}, {m1, k24}, {m1, k24}}},
		{"two kernels", []string{m1}, []string{k22, k24}, "install", []string{m1}, same(set{m1, k22, k24}), nil},
		{"a rebuild without its modules", []string{rebuilt22}, []string{k22, m1}, "install", []string{rebuilt22},
			[]set{{m1, rebuilt22}, refused, refused, refused, refused, refused}, nil},
		{"a rebuild with its modules", []string{rebuilt22, m2}, []string{k22, m1}, "install", []string{rebuilt22, m2}, same(set{m2, rebuilt22}), nil},
		{"a third kernel with an equal base", []string{m1}, []string{rebuilt22, k26}, "install", []string{m1},
			[]set{{m1, rebuilt22, k26}, {m1, rebuilt22, k26}, refused, {m1, rebuilt22, k26}, refused, refused}, nil},
		{"a newer kernel beside it", []string{k24}, []string{k22, m1}, "install", []string{k24}, same(set{m1, k22, k24}), nil},
		{"its kernel goes", nil, []string{k22, k24, m1}, "remove", []string{k22},
			[]set{{m1, k24}, {k24}, {k24}, {m1, k24}, {m1, k24}, {m1, k24}},
			[]set{{m1, k24}, refused, refused, {m1, k24}, {m1, k24}, {m1, k24}}},
		{"modules first", []string{k22, k24, m1}, nil, "install", []string{m1},
			[]set{{m1, k24}, {m1, k22}, {m1, k22}, {m1, k24}, {m1, k24}, {m1, k24}}, same(refused)},
		{"modules of before the rebuild", []string{m1}, []string{rebuilt22}, "install", []string{m1},
			[]set{{m1, rebuilt22}, refused, refused, refused, refused, refused}, nil},
	} {
		for i, form := range forms {
			t.Run(s.name+" with "+form.name, func(t *testing.T) {
				place := func(p string) string {
					if strings.HasPrefix(p, "kernel-") {
						return filepath.Join(all, "kernels", p+".rpm")
					}
					return filepath.Join(all, form.name, p+".rpm")
				}
				repo := t.TempDir()
				for _, p := range s.offered {
					replace(t, place(p), filepath.Join(repo, p+".rpm"))
				}
				harness.Must(t, "createrepo_c", "--quiet", repo)
				for _, tool := range []struct {
					name string
					make func(*testing.T, string) solver
				}{{"zypper", in.zypper}, {"dnf", in.dnf}, {"rpm", in.rpm}} {
					t.Run(tool.name, func(t *testing.T) {
						r := newRoot(t)
						for _, p := range s.there {
							r.must(t, "-i", "--nodeps", "--justdb", place(p))
						}
						o := tool.make(t, repo)(t, r, s.do, s.with...)
						want := s.want[i]
						if tool.name == "rpm" && s.rpm != nil {
							want = s.rpm[i]
						}
						fails := want == nil
						if fails {
							want = s.there
						}
						want = slices.Sorted(slices.Values(want))
						if got := slices.Sorted(slices.Values(r.installed(t))); !slices.Equal(got, want) || fails != (o.Status != 0) {
							t.Errorf("exit status %d, installed are then %q, want %q\n%s", o.Status, got, want, o.All())
						}
					})
				}
			})
		}
	}
}
