// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// stripping is a command that changes the modules named behind it.
type stripping struct {
	name    string
	command []string
	one     bool // it takes one file
}

// strips are what packagers do to modules. None changes what a module's BTF means.
var strips = []stripping{
	{"strip -g", []string{"strip", "-g"}, false},
	{"strip --strip-unneeded", []string{"strip", "--strip-unneeded"}, false},
	{"llvm-strip -g", []string{"llvm-strip", "-g"}, false},
	{"llvm-strip --strip-unneeded", []string{"llvm-strip", "--strip-unneeded"}, false},
	{"eu-strip", []string{"eu-strip", "--keep-section=.BTF", "--keep-section=.BTF.base"}, false},
	{"objcopy --compress-debug-sections", []string{"objcopy", "--compress-debug-sections"}, true},
}

func needsStrips(t *testing.T) {
	t.Helper()
	err := script("install.sh", "strip=binutils", "objcopy=binutils", "llvm-strip=llvm", "eu-strip=elfutils", "clang=clang", "ld.lld=lld")
	harness.SkipUnreachable(t, err)
	if err != nil {
		t.Fatal(err)
	}
}

// strip runs a command over the modules of a folder.
func strip(t *testing.T, command []string, one bool, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.ko"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no modules in %s (%v)", dir, err)
	}
	n := 400
	if one {
		n = 1
	}
	for some := range slices.Chunk(files, n) {
		args := append(slices.Clone(command[1:]), some...)
		if out, err := exec.Command(command[0], args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out)
		}
	}
}

// copies makes a folder of plain modules, and one for each way to strip them.
func copies(t *testing.T, files []string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	plain := filepath.Join(dir, "plain")
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	run("mkdir", plain)
	for some := range slices.Chunk(files, 1000) {
		run("cp", append([]string{"-t", plain}, some...)...)
	}
	if packed, _ := filepath.Glob(filepath.Join(plain, "*.ko.xz")); packed != nil {
		run("xz", append([]string{"-d"}, packed...)...)
	}
	for _, s := range strips {
		to := filepath.Join(dir, s.name)
		run("cp", "-r", plain, to)
		strip(t, s.command, s.one, to)
	}
	return dir
}

// byCopy sorts verdicts by the folder that the module lies in.
func (o *outcome) byCopy() map[string]map[string]verdict {
	out := map[string]map[string]verdict{}
	for _, v := range o.Verdicts {
		how := filepath.Base(filepath.Dir(v.Path))
		if out[how] == nil {
			out[how] = map[string]verdict{}
		}
		out[how][filepath.Base(v.Path)] = v
	}
	return out
}

// No way to strip all modules of a kernel changes what is said of any, neither on
// their own base nor on another kernel's, of which evidence alone tells.
func TestStripped(t *testing.T) {
	needsStrips(t)
	pairs(t, func(t *testing.T, older, newer *build) {
		dir := copies(t, newer.files(t))
		for _, b := range []*build{newer, older} {
			o := guard(t, "check", "--base", b.vmlinuz(), dir)
			byCopy := o.byCopy()
			plain := byCopy["plain"]
			if len(plain) != len(newer.files(t)) {
				t.Fatalf("%d verdicts on plain modules, there are %d", len(plain), len(newer.files(t)))
			}
			for _, how := range append([]string{"plain"}, stripNames()...) {
				count, changed := counts{}, 0
				for name, v := range byCopy[how] {
					count[v.Verdict]++
					if want := plain[name]; v.Verdict != want.Verdict || v.Basis != want.Basis {
						if changed++; changed == 1 {
							t.Errorf("%s of %s on %s: %s by %s after %s, was %s: %q", name, newer.krel, b.krel, v.Verdict, v.Basis, how, want.Verdict, v.Reasons)
						}
					}
				}
				t.Logf("%s on %s, %s: %v", newer.krel, b.krel, how, count)
				if changed > 1 {
					t.Errorf("so it is with %d modules", changed)
				}
				if len(byCopy[how]) != len(plain) {
					t.Errorf("%d verdicts after %s, want %d", len(byCopy[how]), how, len(plain))
				}
			}
			t.Log(o.Used)
			given := o.count("given", bySeverity)
			if b == newer {
				o.noNotes(t)
			}
			if b == newer && given["fail"] > 0 {
				t.Errorf("%d modules fail on their own base", given["fail"])
			}
			if b == older && (given["ok"] > 0 || given["fail"] == 0) {
				t.Errorf("on another kernel's base: %v", given)
			}
		}
	})
}

func stripNames() (out []string) {
	for _, s := range strips {
		out = append(out, s.name)
	}
	return out
}

// A module fits its own kernel, and not one with two functions more, whatever
// compiled, linked and stripped it.
func TestToolChains(t *testing.T) {
	needs(t, "pahole", "gcc", "ld", "s390x-linux-gnu-gcc")
	needsStrips(t)
	for _, tc := range []struct {
		name string
		args string // target, compiler, linker, flags
		want string // a symbol that shows that it did what it is here for
	}{
		{"gcc", "x86_64-linux-gnu gcc ld -mcmodel=kernel", "port_sum.constprop.0"},
		{"gcc DWARF 5", "x86_64-linux-gnu gcc ld -mcmodel=kernel -gdwarf-5", "port_add.cold"},
		{"gcc LTO", "x86_64-linux-gnu gcc ld -mcmodel=kernel -flto -ffat-lto-objects", "port_add"},
		{"gcc s390x", "s390x-linux-gnu s390x-linux-gnu-gcc s390x-linux-gnu-ld", "port_sum.constprop.0"},
		{"clang", "x86_64-linux-gnu clang ld.lld -mcmodel=kernel", "port_sum"},
		{"clang DWARF 5", "x86_64-linux-gnu clang ld.lld -mcmodel=kernel -gdwarf-5", "port_sum"},
		{"clang LTO", "x86_64-linux-gnu clang ld.lld -mcmodel=kernel -flto=thin", "port_sum.llvm."},
		{"clang, patchable functions", "x86_64-linux-gnu clang ld.lld -mcmodel=kernel -fpatchable-function-entry=16,16", "port_sum"},
		{"clang arm64", "aarch64-linux-gnu clang ld.lld", "port_sum"},
		{"clang arm64, big-endian", "aarch64_be-linux-gnu clang ld.lld", "port_sum"},
		{"clang Thumb", "arm-linux-gnueabi clang ld.lld -mthumb", "port_sum"},
		{"clang i386", "i686-linux-gnu clang ld.lld", "port_sum"},
		{"clang ppc64le", "powerpc64le-linux-gnu clang ld.lld", "port_sum"},
		{"clang ppc64, descriptors", "powerpc64-linux-gnu clang ld.lld -mabi=elfv1", "port_sum"},
		{"clang riscv64", "riscv64-linux-gnu clang ld.lld -mno-relax", "port_sum"},
		{"clang s390x", "s390x-linux-gnu clang s390x-linux-gnu-ld", "port_sum"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			made := filepath.Join(t.TempDir(), "made")
			if err := script("toolchains/make.sh", append([]string{made}, strings.Fields(tc.args)...)...); err != nil {
				t.Fatal(err)
			}
			module := filepath.Join(made, "module.ko")
			symbols, err := exec.Command("llvm-nm", module).Output()
			if err != nil || !strings.Contains(string(symbols), tc.want) {
				t.Fatalf("no symbol %s (%v)\n%s", tc.want, err, symbols)
			}
			dir := copiesForeign(t, module, strings.Fields(tc.args)[0])
			for base, want := range map[string]string{"vmlinux": "same-base", "rebuilt": "rejected"} {
				byCopy := guard(t, "check", "--base", filepath.Join(made, base), dir).byCopy()
				if len(byCopy) < 4 {
					t.Errorf("only %d copies", len(byCopy))
				}
				for how, verdicts := range byCopy {
					if v := verdicts["module.ko"]; v.Verdict != want {
						t.Errorf("%s on %s: %s, want %s: %q", how, base, v.Verdict, want, v.Reasons)
					}
				}
			}
		})
	}
}

// copiesForeign is copies for a module of any machine, with the strips that know it.
func copiesForeign(t *testing.T, module, target string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	data, err := os.ReadFile(module)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append(slices.Clone(strips), stripping{name: "plain"}) {
		binutils := strings.HasPrefix(s.name, "strip") || strings.HasPrefix(s.name, "objcopy")
		if binutils && !strings.HasPrefix(target, "x86_64") {
			continue // they are for one machine
		}
		to := filepath.Join(dir, s.name)
		if err := os.Mkdir(to, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, "module.ko"), data, 0o666); err != nil {
			t.Fatal(err)
		}
		if s.command != nil {
			strip(t, s.command, s.one, to)
		}
	}
	return dir
}
