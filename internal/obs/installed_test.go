// SPDX-License-Identifier: Apache-2.0

package obs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs"
)

const (
	release = "5.15.12-1-default"
	token13 = "kernel-btf(default:sha256:94460e068ad0e08b2068845da42d89bebfc6edb219b7f0ac1c49da7b0f55f953)"
	nevra   = "kernel-default-5.15.12-1.3.x86_64"
)

// commands makes the folder the only one in which commands are looked for. Anybody may
// enter it and write into it.
func commands(t *testing.T) (folder string) {
	folder = t.TempDir()
	for dir, mode := range map[string]os.FileMode{filepath.Dir(folder): 0o755, folder: 0o777} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", folder)
	return folder
}

// fakeRPM is a script that notes what it is asked, as whom and of which database, and
// knows one answer; "" is an error. It takes db for the folder of its database.
func fakeRPM(t *testing.T, db, answer string) (asked func() string) {
	bin := commands(t)
	script := "#!/bin/sh\ncase $1 in --eval) echo " + db + "; exit;; esac\n" +
		"{ echo \"$@\"; while read -r line; do case $line in Uid:*) echo $line;; esac; done < /proc/self/status\n" +
		"for f in \"$3\"/*; do while read -r line; do echo \"of $line\"; done < \"$f\"; done; } >> " + bin + "/asked\n"
	if answer == "" {
		script += "echo no package; exit 1\n"
	} else {
		script += "printf '" + strings.ReplaceAll(answer, "\n", `\n`) + "'\n"
	}
	if err := os.WriteFile(filepath.Join(bin, "rpm"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return func() string {
		asked, _ := os.ReadFile(filepath.Join(bin, "asked"))
		return string(asked)
	}
}

// TestInstalled asks a build root in which rpm is a script that knows what is
// installed.
func TestInstalled(t *testing.T) {
	const (
		vmlinux = "usr/lib/modules/" + release + "/vmlinux"
		db      = "var/lib/rpm/rpmdb.sqlite"
		kernel  = `\f` + nevra + "\nkernel 5.15.12-1\n" + token13 + " \nkernel-uname-r " + release + "\n"
	)
	known := func(vmlinux string) obs.Kernel { return obs.Kernel{Vmlinux: vmlinux, Package: nevra} }
	for _, tc := range []struct {
		name    string
		release string
		lay     func(r tree)
		rpm     string // what it answers; "" is an error
		want    obs.Kernel
		asked   string // of rpm, by a part of it; "" for nothing
	}{
		{"nothing", release, func(r tree) { r.write(db, "") }, kernel, obs.Kernel{}, ""},
		{"vmlinux", release, func(r tree) { r.write(vmlinux+".xz", ""); r.write(db, "") }, kernel, known(vmlinux + ".xz"), "-f /" + vmlinux + ".xz"},
		{"vmlinux of two packages", release, func(r tree) { r.write(vmlinux, ""); r.write(db, "") }, kernel + `\f` + "kernel-default-base-5.15.12-1.3.1.x86_64\n",
			known(vmlinux), "-f /" + vmlinux},
		{"vmlinux of nobody", release, func(r tree) { r.write(vmlinux, ""); r.write(db, "") }, "", obs.Kernel{Vmlinux: vmlinux}, "-f /" + vmlinux},
		{"no database", release, func(r tree) { r.write(vmlinux, ""); r.mkdir("conf/rpmdb") }, kernel, obs.Kernel{Vmlinux: vmlinux}, ""},
		{"a database that is none", release, func(r tree) { r.write(vmlinux, ""); r.mkdir(db) }, kernel, obs.Kernel{Vmlinux: vmlinux}, ""},
		{"where rpm is told to have it", release, func(r tree) { r.write(vmlinux, ""); r.write(db, ""); r.write("conf/rpmdb/Packages", "conf\n") }, kernel,
			known(vmlinux), "of conf"},
		{"where it is now", release, func(r tree) {
			r.write(vmlinux, "")
			r.write("usr/lib/sysimage/rpm/Packages.db", "sysimage\n")
		}, kernel, known(vmlinux), "of sysimage"},
		{"through an absolute link", release, func(r tree) {
			r.write(vmlinux, "")
			r.write("opt/rpm/rpmdb.sqlite", "opt\n")
			r.mkdir("var/lib")
			r.link("/opt/rpm", "var/lib/rpm")
		}, kernel, known(vmlinux), "of opt"},
		{"in /boot", release, func(r tree) { r.write("boot/vmlinux-"+release+".gz", ""); r.write(db, "") }, kernel, known("boot/vmlinux-" + release + ".gz"), "-f /boot/"},
		{"absolute links", release, func(r tree) {
			r.write(db, "")
			r.write("usr/lib/modules/real/vmlinux.zst", "")
			r.mkdir("boot")
			r.link("/usr/lib/modules/real/vmlinux.zst", "boot/vmlinux-"+release)
		}, kernel, known("usr/lib/modules/real/vmlinux.zst"), "-f /usr/lib/modules/real/vmlinux.zst"},
		{"no regular file", release, func(r tree) {
			r.write(db, "")
			r.mkdir(vmlinux)
			r.fifo(filepath.Dir(vmlinux) + "/vmlinux.xz")
			r.link("/etc/passwd", filepath.Dir(vmlinux)+"/vmlinux.gz")
		}, kernel, obs.Kernel{}, ""},
		{"no kernelrelease", "", func(r tree) { r.write("usr/lib/modules/vmlinux", "") }, kernel, obs.Kernel{}, ""},
		{"kernelrelease that leads elsewhere", "..", func(r tree) { r.write("usr/lib/vmlinux", "") }, kernel, obs.Kernel{}, ""},
		{"kernelrelease with a path", "a/b", func(r tree) { r.write("usr/lib/modules/a/b/vmlinux", "") }, kernel, obs.Kernel{}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			asked := fakeRPM(t, "/conf/rpmdb", tc.rpm)
			t.Setenv("TMPDIR", filepath.Dir(os.Getenv("PATH")))
			r := newTree(t)
			tc.lay(r)
			want := tc.want
			if want.Vmlinux != "" {
				want.Vmlinux = r.path(want.Vmlinux)
			}
			if diff := cmp.Diff(want, r.find(nil).Installed(t.Context(), tc.release)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if tc.asked == "" {
				if asked() != "" {
					t.Errorf("rpm was asked %q, want nothing", asked())
				}
				return
			}
			got := asked()
			if strings.Count(got, "--qf") != 1 || !strings.Contains(got, tc.asked) || strings.Contains(got, r.root) {
				t.Errorf("rpm was asked %q, want %q, once, of a copy", got, tc.asked)
			}
			if os.Geteuid() == 0 && !strings.Contains(got, "Uid: 65534 65534 65534 65534") {
				t.Errorf("rpm was asked %q, want that as nobody", got)
			}
			if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "obs-btf-guard-rpmdb-*")); len(left) > 0 {
				t.Errorf("the copy is left: %q", left)
			}
		})
	}
}

// TestInstalledTokens asks for the tokens of a kernel of which there is no
// vmlinux on this machine.
func TestInstalledTokens(t *testing.T) {
	const (
		none   = "0.0-nobody"
		older  = `\f` + "kernel-default-5.14.1-1.1.x86_64\nkernel-btf(default:sha256:0000000000000000000000000000000000000000000000000000000000000000) \nkernel-uname-r 5.14.1-1-default\n"
		kernel = `\f` + nevra + "\nkernel 5.15.12-1\n" + token13 + " \nkernel-uname-r " + none + "\n"
	)
	for _, tc := range []struct {
		name, rpm, db string
		want          []string
	}{
		{"one of two kernels", older + kernel, "rpmdb.sqlite", []string{token13}},
		{"another kernel", older, "rpmdb.sqlite", nil},
		{"no kernel", "", "rpmdb.sqlite", nil},
		{"no database", kernel, "README", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			db := t.TempDir()
			if err := os.WriteFile(filepath.Join(db, tc.db), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			asked := fakeRPM(t, db, tc.rpm)
			if tc.db == "README" && machineDatabase() {
				t.Skip("this machine has a database of rpm")
			}
			path, tokens := obs.Installed(t.Context(), none)
			if diff := cmp.Diff(tc.want, tokens); diff != "" || path != "" {
				t.Errorf("path %q, tokens -want +got\n%s", path, diff)
			}
			if got := asked(); (got == "") != (tc.db == "README") || got != "" && !strings.Contains(got, "--whatprovides kernel-uname-r") {
				t.Errorf("rpm was asked %q", got)
			}
		})
	}
}

// machineDatabase reports whether rpm's database is where it is on openSUSE.
func machineDatabase() bool {
	found, _ := filepath.Glob("/usr/lib/sysimage/rpm/*")
	older, _ := filepath.Glob("/var/lib/rpm/*")
	return len(found)+len(older) > 0
}

// TestInstalledWithoutRPM knows nothing where there is no rpm.
func TestInstalledWithoutRPM(t *testing.T) {
	commands(t)
	r := newTree(t)
	r.write("usr/lib/modules/"+release+"/vmlinux", "")
	r.write("var/lib/rpm/rpmdb.sqlite", "")
	want := obs.Kernel{Vmlinux: r.path("usr/lib/modules/" + release + "/vmlinux")}
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
	vmlinux := "usr/lib/modules/" + release + "/vmlinux.xz"
	r.write(vmlinux, "")
	before := r.names()
	want := obs.Kernel{Vmlinux: r.path(vmlinux)}
	if diff := cmp.Diff(want, r.find(nil).Installed(t.Context(), release)); diff != "" {
		t.Errorf("without a database: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(before, r.names()); diff != "" {
		t.Errorf("asking made files: -before +after\n%s", diff)
	}
	r.rpm(kernelRPM, "tmp/"+kernelRPM)
	install := exec.Command("rpm", "--root", r.root, "-i", "--force", "--nodeps", "--noscripts", "--ignorearch", "--ignoreos", "--nosignature", r.path("tmp/"+kernelRPM))
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", install, err, out)
	}
	before = r.names()
	want.Package = nevra
	if diff := cmp.Diff(want, r.find(nil).Installed(t.Context(), release)); diff != "" {
		t.Errorf("with a database: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(before, r.names()); diff != "" {
		t.Errorf("asking made files: -before +after\n%s", diff)
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
