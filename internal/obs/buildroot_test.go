// SPDX-License-Identifier: Apache-2.0

package obs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs"
)

const (
	incident  = "../../testdata/incident/5.15.12-1.3/"
	kernelRPM = "kernel-default-5.15.12-1.3.x86_64.rpm"
	extraRPM  = "kernel-default-extra-5.15.12-1.3.x86_64.rpm"
	kmpRPM    = "ipu6-kmp-default-1.0_k5.15.12_1-2.1.x86_64.rpm"

	topdir = "home/abuild/rpmbuild"
)

// tree is a build root that a test lays out.
type tree struct {
	*testing.T
	root string
}

// newTree is a root as obs-build leaves it when nothing was built.
func newTree(t *testing.T) tree {
	r := tree{t, t.TempDir()}
	for _, dir := range []string{"SOURCES", "SRPMS", "OTHER", "RPMS/x86_64", "RPMS/noarch"} {
		r.mkdir(topdir + "/" + dir)
	}
	r.link(topdir, ".build.packages")
	return r
}

func (r tree) path(name string) string { return filepath.Join(r.root, name) }

func (r tree) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r tree) mkdir(name string) { r.Helper(); r.must(os.MkdirAll(r.path(name), 0o755)) }

func (r tree) write(name, content string) {
	r.Helper()
	r.mkdir(filepath.Dir(name))
	r.must(os.WriteFile(r.path(name), []byte(content), 0o644))
}

func (r tree) link(target, name string) { r.Helper(); r.must(os.Symlink(target, r.path(name))) }

func (r tree) fifo(name string) { r.Helper(); r.must(syscall.Mkfifo(r.path(name), 0o644)) }

func (r tree) remove(name string) { r.Helper(); r.must(os.RemoveAll(r.path(name))) }

// names lists everything that lies in the root.
func (r tree) names() (names []string) {
	r.Helper()
	r.must(fs.WalkDir(os.DirFS(r.root), ".", func(name string, _ fs.DirEntry, err error) error {
		names = append(names, name)
		return err
	}))
	return names
}

// rpm puts a package of the incident somewhere.
func (r tree) rpm(from, name string) {
	r.Helper()
	data, err := os.ReadFile(incident + from)
	r.must(err)
	r.write(name, string(data))
}

// signing makes it the second build of a signing build of kernel-default.
func (r tree) signing() {
	for _, name := range []string{"pesign-repackage.spec", "kernel-default.cpio.rsasign", "kernel-default.cpio.rsasign.sig"} {
		r.write(topdir+"/SOURCES/"+name, "")
	}
}

func (r tree) find(env map[string]string) *obs.BuildRoot {
	r.Helper()
	b, err := obs.Find(r.root, func(name string) string { return env[name] })
	r.must(err)
	return b
}

// TestFind compares what is found with the layouts that obs-build makes, and
// against what a build user may have planted.
func TestFind(t *testing.T) {
	kernel := map[string]string{"PNAME": "kernel-default"}
	for _, tc := range []struct {
		name string
		lay  func(r tree)
		env  map[string]string
		want obs.BuildRoot // paths relative to the root, topdir where none is given
	}{
		{"nothing built", func(tree) {}, nil, obs.BuildRoot{}},
		{"absolute link", func(r tree) {
			r.remove(".build.packages")
			r.link("/"+topdir, ".build.packages")
		}, kernel, obs.BuildRoot{Package: "kernel-default"}},
		{"another topdir", func(r tree) {
			r.remove(".build.packages")
			r.link("usr/src/packages", ".build.packages")
			r.mkdir("usr/src/packages")
		}, kernel, obs.BuildRoot{Package: "kernel-default", TopDir: "usr/src/packages"}},
		{"link above the root stays in it", func(r tree) {
			r.remove(".build.packages")
			r.link("../../../../"+topdir, ".build.packages")
		}, kernel, obs.BuildRoot{Package: "kernel-default"}},
		{"a directory instead of the link", func(r tree) {
			r.remove(".build.packages")
			r.mkdir(".build.packages/RPMS/x86_64")
		}, kernel, obs.BuildRoot{Package: "kernel-default", TopDir: ".build.packages"}},
		{"packages", func(r tree) {
			r.rpm(kmpRPM, topdir+"/RPMS/x86_64/z.rpm")
			r.rpm(kmpRPM, topdir+"/RPMS/x86_64/a.rpm")
			r.rpm(kmpRPM, topdir+"/RPMS/noarch/b.rpm")
			r.write(topdir+"/RPMS/x86_64/rpmlint.log", "")
		}, kernel, obs.BuildRoot{Package: "kernel-default", RPMs: []string{
			topdir + "/RPMS/noarch/b.rpm", topdir + "/RPMS/x86_64/a.rpm", topdir + "/RPMS/x86_64/z.rpm",
		}}},
		{"packages at any depth", func(r tree) {
			r.rpm(kmpRPM, topdir+"/RPMS/top.rpm")
			r.rpm(kmpRPM, topdir+"/RPMS/x86_64/deep/er/below.rpm")
		}, kernel, obs.BuildRoot{Package: "kernel-default", RPMs: []string{
			topdir + "/RPMS/top.rpm", topdir + "/RPMS/x86_64/deep/er/below.rpm",
		}}},
		{"packages by the names of source packages", func(r tree) {
			r.rpm(kmpRPM, topdir+"/RPMS/x86_64/a.src.rpm")
			r.rpm(kmpRPM, topdir+"/RPMS/x86_64/b.nosrc.rpm")
		}, kernel, obs.BuildRoot{Package: "kernel-default", RPMs: []string{
			topdir + "/RPMS/x86_64/a.src.rpm", topdir + "/RPMS/x86_64/b.nosrc.rpm",
		}}},
		{"packages that are none", func(r tree) {
			r.fifo(topdir + "/RPMS/x86_64/x.rpm")
			r.mkdir(topdir + "/RPMS/x86_64/dir.rpm")
			r.link("/etc/passwd", topdir+"/RPMS/x86_64/out.rpm")
			r.link(kernelRPM, topdir+"/RPMS/x86_64/in.rpm")
			r.rpm(kernelRPM, topdir+"/RPMS/x86_64/"+kernelRPM)
			r.link("nothing", topdir+"/RPMS/i586")
			r.link("i586/rpmlint.log", topdir+"/RPMS/endless")
			r.fifo(topdir + "/RPMS/i686")
		}, kernel, obs.BuildRoot{Package: "kernel-default", RPMs: []string{topdir + "/RPMS/x86_64/" + kernelRPM}}},
		{"no RPMS", func(r tree) { r.remove(topdir + "/RPMS") }, kernel, obs.BuildRoot{Package: "kernel-default"}},
		{"name from the last source package", func(r tree) {
			// What is read of a source package stands in a binary one, too.
			r.rpm(kmpRPM, topdir+"/SRPMS/a-1-1.src.rpm")
			r.rpm(extraRPM, topdir+"/SRPMS/b-1-1.nosrc.rpm")
			r.rpm(kernelRPM, topdir+"/RPMS/x86_64/"+kernelRPM)
		}, nil, obs.BuildRoot{Package: "kernel-default-extra", RPMs: []string{topdir + "/RPMS/x86_64/" + kernelRPM}}},
		{"name from a package, the source packages being none", func(r tree) {
			r.fifo(topdir + "/SRPMS/a-1-1.src.rpm")
			r.write(topdir+"/SRPMS/b-1-1.src.rpm", "not a package")
			r.link("/"+topdir+"/RPMS/x86_64/"+kmpRPM, topdir+"/SRPMS/c-1-1.src.rpm")
			r.write(topdir+"/RPMS/x86_64/a.rpm", "not a package")
			r.rpm(extraRPM, topdir+"/RPMS/x86_64/b.rpm")
		}, nil, obs.BuildRoot{Package: "kernel-default", RPMs: []string{topdir + "/RPMS/x86_64/a.rpm", topdir + "/RPMS/x86_64/b.rpm"}}},
		{"former results", func(r tree) {
			for i := range 12 {
				r.mkdir(".build.oldpackages" + []string{"", strconv.Itoa(i)}[min(i, 1)])
			}
			r.mkdir(".build.oldpackages012")
			r.mkdir(".build.oldpackages0")
			r.mkdir(".build.oldpackages-1")
			r.mkdir(".build.oldpackages.tmp")
			r.write(".build.oldpackages12", "no directory")
			r.link("etc", ".build.oldpackages13")
		}, kernel, obs.BuildRoot{Package: "kernel-default", Old: []string{
			".build.oldpackages", ".build.oldpackages1", ".build.oldpackages2", ".build.oldpackages3", ".build.oldpackages4", ".build.oldpackages5",
			".build.oldpackages6", ".build.oldpackages7", ".build.oldpackages8", ".build.oldpackages9", ".build.oldpackages10", ".build.oldpackages11",
		}}},
		{"first of two builds", func(r tree) {
			r.write(topdir+"/OTHER/kernel-default.cpio.rsasign", "")
			r.write(topdir+"/OTHER/pesign-repackage.spec", "")
		}, kernel, obs.BuildRoot{Package: "kernel-default", Stage: obs.Unsigned}},
		{"second of two builds", tree.signing, map[string]string{"PNAME": "pesign-repackage"},
			obs.BuildRoot{Package: "kernel-default", Stage: obs.Signed}},
		{"second of two builds, named", tree.signing, map[string]string{"PNAME": "shim"},
			obs.BuildRoot{Package: "shim", Stage: obs.Signed}},
		{"the recipe of the second build as a source", func(r tree) {
			r.write(topdir+"/SOURCES/pesign-repackage.spec", "")
		}, map[string]string{"PNAME": "pesign-repackage"}, obs.BuildRoot{Package: "pesign-repackage"}},
		{"OTHER and SOURCES are no directories", func(r tree) {
			r.remove(topdir + "/OTHER")
			r.fifo(topdir + "/OTHER")
			r.remove(topdir + "/SOURCES")
			r.link("/etc", topdir+"/SOURCES")
		}, kernel, obs.BuildRoot{Package: "kernel-default"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newTree(t)
			tc.lay(r)
			got, want := r.find(tc.env), tc.want
			want.Root = r.root
			if want.TopDir == "" {
				want.TopDir = topdir
			}
			want.Sources = r.path(want.TopDir + "/SOURCES")
			want.TopDir = r.path(want.TopDir)
			for _, names := range [][]string{want.RPMs, want.Old} {
				for i := range names {
					names[i] = r.path(names[i])
				}
			}
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestFindNothing tells a machine on which obs-build did not build from a build
// root that is broken, or that leads where it should not.
func TestFindNothing(t *testing.T) {
	for _, tc := range []struct {
		name string
		lay  func(r tree)
		err  string // a part of it; "" is ErrNoBuildRoot
	}{
		{"no link", func(r tree) { r.remove(".build.packages") }, ""},
		{"dangling link", func(r tree) { r.remove("home/abuild/rpmbuild") }, "leads to home/abuild/rpmbuild: "},
		{"link to a file", func(r tree) {
			r.remove(topdir)
			r.write(topdir, "")
		}, "open rpmbuild: is a regular file, not a directory"},
		{"link to a FIFO", func(r tree) {
			r.remove(topdir)
			r.fifo(topdir)
		}, "open rpmbuild: is a FIFO, not a directory"},
		{"link out of the root", func(r tree) {
			r.remove(".build.packages")
			out := t.TempDir()
			r.must(os.MkdirAll(filepath.Join(out, "RPMS"), 0o755))
			r.link(out, ".build.packages")
		}, "no such file"},
		{"the build user's link behind it", func(r tree) {
			r.remove(topdir)
			r.mkdir("srv/RPMS")
			r.link("/srv", topdir)
		}, "open rpmbuild: is a symbolic link, not a directory"},
		{"a link on the way", func(r tree) {
			r.must(os.Rename(r.path("home"), r.path("srv")))
			r.link("srv", "home")
		}, "open home: is a symbolic link, not a directory"},
		{"the link is a FIFO", func(r tree) {
			r.remove(".build.packages")
			r.fifo(".build.packages")
		}, "open .build.packages: is a FIFO, not a directory"},
		{"RPMS is a link", func(r tree) {
			r.remove(topdir + "/RPMS")
			r.link("/", topdir+"/RPMS")
		}, "open RPMS: is a symbolic link, not a directory"},
		{"a link to a directory below RPMS", func(r tree) { r.link("x86_64", topdir+"/RPMS/i586") },
			"RPMS/i586: is a symbolic link to a directory"},
		{"an absolute one to another place", func(r tree) {
			r.mkdir("srv/rpms")
			r.link("/srv/rpms", topdir+"/RPMS/x86_64/more.rpm")
		}, "RPMS/x86_64/more.rpm: is a symbolic link to a directory"},
		{"directories without end", func(r tree) { r.mkdir(topdir + "/RPMS" + strings.Repeat("/d", 40)) }, "more than 32 directories deep"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newTree(t)
			tc.lay(r)
			b, err := obs.Find(r.root, func(string) string { return "" })
			if err == nil {
				t.Fatalf("found %+v", b)
			}
			if got := errors.Is(err, obs.ErrNoBuildRoot); got != (tc.err == "") || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%v: is ErrNoBuildRoot: %t, want %q", err, got, tc.err)
			}
		})
	}
	if b, err := obs.Find("", func(string) string { return "/" }); err == nil || errors.Is(err, obs.ErrNoBuildRoot) {
		t.Errorf("Find of no root = %+v, %v", b, err)
	}
}
