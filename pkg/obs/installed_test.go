// SPDX-License-Identifier: Apache-2.0

package obs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/obs"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

const (
	release = "5.15.12-1-default"
	token13 = "kernel-btf(default:sha256:18720e183f0ff8d5c18949905769050c4751ff3ad17f25180a4e5ce34715a360)"
	nevra   = "kernel-default-5.15.12-1.3.x86_64"
	disturl = "obs://build.example.org/openSUSE:Factory/standard/5d2c1b7e9f3a48606b0e7d5c2f914a83-kernel-default"
)

// commands makes the folder the only one in which commands are looked for.
func commands(t *testing.T) (folder string) {
	folder = t.TempDir()
	t.Setenv("PATH", folder)
	return folder
}

// TestInstalled asks a build root in which rpm is a script that knows what is
// installed.
func TestInstalled(t *testing.T) {
	const (
		vmlinux = "usr/lib/modules/" + release + "/vmlinux"
		kernel  = "package " + nevra + "\ndisturl " + disturl + "\nprovides kernel 5.15.12-1\nprovides " + token13 + " \nprovides kernel-uname-r " + release + "\n"
		older   = "package kernel-default-5.14.1-1.1.x86_64\ndisturl \nprovides kernel-btf(default:sha256:0000000000000000000000000000000000000000000000000000000000000000) \nprovides kernel-uname-r 5.14.1-1-default\n"
	)
	known := obs.Kernel{Release: release, Package: nevra, DistURL: disturl, Tokens: []string{token13}}
	at := func(k obs.Kernel, vmlinux string) obs.Kernel { k.Vmlinux = vmlinux; return k }
	for _, tc := range []struct {
		name    string
		release string
		lay     func(r tree)
		rpm     string // what it answers; "" is an error
		want    obs.Kernel
		asked   string // of rpm, by a part of it
	}{
		{"nothing", release, func(tree) {}, "", obs.Kernel{Release: release}, "--whatprovides kernel-uname-r"},
		{"package without vmlinux", release, func(tree) {}, older + kernel, known, "--whatprovides kernel-uname-r"},
		{"another kernel", release, func(tree) {}, older, obs.Kernel{Release: release}, "--whatprovides kernel-uname-r"},
		{"vmlinux", release, func(r tree) { r.write(vmlinux+".xz", "") }, kernel, at(known, vmlinux+".xz"), "-f /" + vmlinux + ".xz"},
		{"vmlinux of two packages", release, func(r tree) { r.write(vmlinux, "") }, kernel + "package kernel-default-base-5.15.12-1.3.1.x86_64\ndisturl obs://other\n",
			at(known, vmlinux), "-f /" + vmlinux},
		{"vmlinux of nobody", release, func(r tree) { r.write(vmlinux, "") }, "", obs.Kernel{Release: release, Vmlinux: vmlinux}, "-f /" + vmlinux},
		{"vmlinux of an unknown source", release, func(r tree) { r.write(vmlinux, "") }, "package a-1-1.noarch\ndisturl \nprovides a 1-1\n",
			obs.Kernel{Release: release, Vmlinux: vmlinux, Package: "a-1-1.noarch"}, "-f /" + vmlinux},
		{"in /boot", release, func(r tree) { r.write("boot/vmlinux-"+release+".gz", "") }, kernel, at(known, "boot/vmlinux-"+release+".gz"), "-f /boot/"},
		{"absolute links", release, func(r tree) {
			r.write("usr/lib/modules/real/vmlinux.zst", "")
			r.mkdir("boot")
			r.link("/usr/lib/modules/real/vmlinux.zst", "boot/vmlinux-"+release)
		}, kernel, at(known, "usr/lib/modules/real/vmlinux.zst"), "-f /usr/lib/modules/real/vmlinux.zst"},
		{"no regular file", release, func(r tree) {
			r.mkdir(vmlinux)
			r.fifo(filepath.Dir(vmlinux) + "/vmlinux.xz")
			r.link("/etc/passwd", filepath.Dir(vmlinux)+"/vmlinux.gz")
		}, "", obs.Kernel{Release: release}, "--whatprovides kernel-uname-r"},
		{"no kernelrelease", "", func(r tree) { r.write("usr/lib/modules/vmlinux", "") }, kernel, obs.Kernel{}, ""},
		{"kernelrelease that leads elsewhere", "..", func(r tree) { r.write("usr/lib/vmlinux", "") }, kernel, obs.Kernel{Release: ".."}, ""},
		{"kernelrelease with a path", "a/b", func(r tree) { r.write("usr/lib/modules/a/b/vmlinux", "") }, kernel, obs.Kernel{Release: "a/b"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bin := commands(t)
			script := "#!/bin/sh\necho \"$@\" >> " + bin + "/asked\n"
			if tc.rpm == "" {
				script += "echo no package; exit 1\n"
			} else {
				script += "echo '" + strings.TrimSuffix(tc.rpm, "\n") + "'\n"
			}
			if err := os.WriteFile(filepath.Join(bin, "rpm"), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			r := newTree(t)
			tc.lay(r)
			want := tc.want
			if want.Vmlinux != "" {
				want.Vmlinux = r.path(want.Vmlinux)
			}
			if diff := cmp.Diff(want, r.find(nil).Installed(t.Context(), tc.release)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			asked, _ := os.ReadFile(filepath.Join(bin, "asked"))
			if n := strings.Count(string(asked), "--qf"); !strings.Contains(string(asked), tc.asked) || n > 1 || n == 0 && tc.asked != "" {
				t.Errorf("rpm was asked %q, want %q once", asked, tc.asked)
			}
			if asked := string(asked); asked != "" && !strings.Contains(asked, "--root "+r.root+" ") {
				t.Errorf("rpm was asked %q, without the root", asked)
			}
		})
	}
}

// TestInstalledWithoutRPM knows nothing where there is no rpm.
func TestInstalledWithoutRPM(t *testing.T) {
	commands(t)
	r := newTree(t)
	want := obs.Kernel{Release: release}
	if diff := cmp.Diff(want, r.find(nil).Installed(t.Context(), release)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if path, tokens := obs.Installed(t.Context(), "0.0-nobody"); path != "" || tokens != nil {
		t.Errorf("Installed = %q, %q, want nothing", path, tokens)
	}
}

// TestInstalledReally installs packages of the incident with rpm and asks it.
func TestInstalledReally(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("rpm --root needs to be root")
	}
	if _, err := exec.LookPath("rpm"); err != nil {
		t.Skip("rpm is not installed")
	}
	r := newTree(t)
	file := r.path("tmp/" + kernelRPM)
	r.rpm(kernelRPM, "tmp/"+kernelRPM)
	stamped := rpm.Relation{Kind: rpm.Provides, Dependency: rpm.Dependency{Name: token13}}
	if _, err := rpm.Rewrite(t.Context(), file, rpm.Edit{Add: []rpm.Relation{stamped}}); err != nil {
		t.Fatal(err)
	}
	install := exec.Command("rpm", "--root", r.root, "-i", "--nodeps", "--noscripts", "--ignorearch", "--ignoreos", "--nosignature", file)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", install, err, out)
	}
	want := obs.Kernel{Release: release, Vmlinux: r.path("usr/lib/modules/" + release + "/vmlinux.xz"), Package: nevra, DistURL: disturl, Tokens: []string{token13}}
	if diff := cmp.Diff(want, r.find(nil).Installed(t.Context(), release)); diff != "" {
		t.Errorf("with vmlinux: -want +got\n%s", diff)
	}
	r.must(os.Remove(want.Vmlinux))
	want.Vmlinux = ""
	if diff := cmp.Diff(want, r.find(nil).Installed(t.Context(), release)); diff != "" {
		t.Errorf("without vmlinux: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(obs.Kernel{Release: "6.1-default"}, r.find(nil).Installed(t.Context(), "6.1-default")); diff != "" {
		t.Errorf("another kernel: -want +got\n%s", diff)
	}
}

func TestHasGenerator(t *testing.T) {
	const attr = "usr/lib/rpm/fileattrs/kernel_btf.attr"
	for _, tc := range []struct {
		name string
		lay  func(r tree)
		want bool
	}{
		{"installed", func(r tree) { r.write(attr, "") }, true},
		{"not installed", func(r tree) { r.mkdir(filepath.Dir(attr)) }, false},
		{"no rpm", func(tree) {}, false},
		{"a link in the root", func(r tree) {
			r.write("etc/kernel_btf.attr", "")
			r.mkdir(filepath.Dir(attr))
			r.link("/etc/kernel_btf.attr", attr)
		}, true},
		{"a directory", func(r tree) { r.mkdir(attr) }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newTree(t)
			tc.lay(r)
			if got := r.find(nil).HasGenerator(); got != tc.want {
				t.Errorf("HasGenerator = %t, want %t", got, tc.want)
			}
		})
	}
}
