// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// TestTellApart: what belongs together lies with one vmlinux, where an argument has several of
// a kernelrelease.
func TestTellApart(t *testing.T) {
	const vmlinux, foo = "/usr/lib/modules/r/vmlinux", "/lib/modules/r/kernel/foo.ko"
	for name, tc := range map[string]struct{ bases, modules []string }{ // path, base or what it is with
		"one build":               {[]string{"/boot/vmlinuz 1 x", vmlinux + " 1 x"}, []string{foo + " x"}},
		"one, in several folders": {[]string{"/kernel" + vmlinux + " 1 x"}, []string{"/extra" + foo + " x"}},
		"the same build twice":    {[]string{"/a" + vmlinux + " 1 x", "/b/boot/vmlinuz-r 1 x"}, []string{"/b" + foo + " x"}},
		"two bases in one system": {[]string{"/boot/vmlinuz-r 1 x", vmlinux + " 2 x"}, []string{foo + " x"}},
		"two systems": {[]string{"/a" + vmlinux + " 1 a", "/a/boot/vmlinuz-r 1 a", "/b/boot/vmlinuz-r 2 b"},
			[]string{"/a" + foo + " a", "/b/usr" + foo + " b", "/foo.ko x", "/c" + foo + " c", "/c/usr" + foo + " c"}},
		"two systems in folders each": {[]string{"/kernel-a" + vmlinux + " 1 a", "/kernel-b/boot/vmlinuz-r 2 b"},
			[]string{"/kernel-a" + foo + " a", "/modules-a" + foo + " ma", "/modules-b" + foo + " mb"}},
		"one here, one below": {[]string{"/vmlinuz 1 x", "/b/vmlinuz 2 b"}, []string{"/foo.ko x", "/b/foo.ko b", "/c/foo.ko x"}},
		"two folders":         {[]string{"/a/vmlinuz 1 a", "/b/vmlinuz 2 b"}, []string{"/a/foo.ko a", "/b/net/foo.ko b", "/ab/foo.ko x"}},
		"a build tree with an older install": {[]string{"/linux/vmlinux 1 x", "/linux/arch/x86/boot/bzImage 1 x", "/linux/out/boot/vmlinuz-r 2 out"},
			[]string{"/linux/drivers/foo.ko x", "/linux/out" + foo + " out"}},
	} {
		for _, top := range []string{"top", "/top", "/", "", "../.."} {
			inv, at := &guard.Inventory{}, guard.Place{Argument: "given", Tree: "given"}
			var want []string
			for _, line := range tc.bases {
				f := strings.Fields(line)
				b := &guard.Base{Path: filepath.Join(top, f[0]), Place: at, Release: "r", Table: &btf.Table{}}
				if top == "" {
					b.Path = strings.TrimPrefix(f[0], "/")
				}
				b.Fingerprint.Base[0] = f[1][0]
				b.BootImage = strings.Contains(f[0], "bzImage")
				inv.Bases, want = append(inv.Bases, b), append(want, f[2])
			}
			for _, line := range tc.modules {
				f := strings.Fields(line)
				m := &guard.Module{Path: filepath.Join(top, f[0]), Place: at, Release: "r"}
				if top == "" {
					m.Path = strings.TrimPrefix(f[0], "/")
				}
				inv.Modules, want = append(inv.Modules, m), append(want, f[1])
			}
			other := &guard.Module{Path: "/top/a/foo.ko", Place: at, Release: "q"}
			inv.Modules = append(inv.Modules, other)
			tellApart(inv)
			var trees []string
			for _, b := range inv.Bases {
				trees = append(trees, b.Tree)
			}
			for _, m := range inv.Modules {
				trees = append(trees, m.Tree)
			}
			for i := range want {
				for j := range i {
					if (trees[i] == trees[j]) != (want[i] == want[j]) {
						t.Errorf("%s in %q: %q, want them together as %q", name, top, trees, want)
					}
				}
			}
			if other.Tree != "given" {
				t.Errorf("%s: a module of another kernel is of %q", name, other.Tree)
			}
		}
	}
}

// TestTwoBuilds: a folder with two builds of one kernelrelease is judged as the two are.
func TestTwoBuilds(t *testing.T) {
	incident, err := filepath.Abs("../../testdata/incident")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, build := range []string{"5.15.12-1.1", "5.15.12-1.3"} {
		for _, name := range []string{"kernel-default", "kernel-default-extra"} {
			fixture.Unpack(t, filepath.Join(incident, build, name+"-"+build+".x86_64.rpm"), filepath.Join("both", build))
		}
	}
	verdicts := func(folders ...string) []string {
		t.Helper()
		var out []string
		for _, f := range checked(t, folders...) {
			out = append(out, fmt.Sprintf("%s %s on %s: %s", f.Pairing, f.Module.Path, f.Base.Path, f.Verdict))
			own := f.Module.Tree == f.Base.Tree
			if own != (f.Pairing == guard.PairBuild) || own && f.Verdict.Severity() != guard.OK {
				t.Error(folders, out[len(out)-1])
			}
		}
		slices.Sort(out)
		return out
	}
	want := verdicts("both/5.15.12-1.1", "both/5.15.12-1.3")
	if len(want) == 0 {
		t.Fatal("nothing was judged")
	}
	if got := verdicts("both"); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
