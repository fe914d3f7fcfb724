// SPDX-License-Identifier: Apache-2.0

//go:build e2ebackend

package backend

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

const krel = "5.15.12-1-default"

// stock is every package that the builds of these tests deliver. A module
// package with the xpad of one build of the kernel fits that build and no other.
type stock struct {
	kernel map[string]rpms // by rebuild, "1.1" and "1.3": all packages of the kernel
	kmp    map[string]rpms // by the rebuild of the kernel that it was built on
	pahole map[string]rpms // by version, "1.22" and "1.23"
}

// rpms are paths of packages, by name.
type rpms map[string]string

// packages gives the stock as today's openSUSE builds it, without tokens, or with
// what stamp puts there. They are made when they are asked for first.
func packages(t *testing.T, stamped bool) stock {
	t.Helper()
	made.Lock()
	defer made.Unlock()
	if s, ok := made.stocks[stamped]; ok {
		return s
	}
	dir, err := os.MkdirTemp(scratch, "rpms-")
	if err != nil {
		t.Fatal(err)
	}
	s := stock{map[string]rpms{}, map[string]rpms{}, map[string]rpms{}}
	for _, rebuild := range []string{"1.1", "1.3"} {
		to := filepath.Join(dir, rebuild)
		harness.Must(t, "sh", "-c", `mkdir "$1" && cp "$2"/kernel-default-* "$1"`, "sh", to, "../../testdata/incident/5.15.12-"+rebuild)
		tree := t.TempDir()
		harness.Must(t, "sh", "-c", `cd "$1" && rpm2cpio "$2"/kernel-default-extra-*.rpm | cpio -idmu --quiet && mkdir kmp && find usr -name 'xpad.ko*' -exec cp {} kmp \;`,
			"sh", tree, to)
		module := filepath.Join("usr/lib/modules", krel, "updates")
		kmp := rpmbuild(t, to, "thing", "thing-kmp-default", "1.0_k5.15.12_1", "1."+rebuild, filepath.Join(tree, "kmp"), module)
		devel := rpmbuild(t, to, "kernel-default", "kernel-default-devel", "5.15.12", rebuild, tree+"/usr/lib/modules", "usr/src/linux-obj")
		if stamped {
			harness.Must(t, program, "stamp", to)
		}
		s.kmp[rebuild] = rpms{"thing-kmp-default": kmp}
		s.kernel[rebuild] = rpms{"kernel-default-devel": devel}
		for _, name := range []string{"kernel-default", "kernel-default-extra"} {
			s.kernel[rebuild][name] = filepath.Join(to, name+"-5.15.12-"+rebuild+"."+arch+".rpm")
		}
	}
	for _, version := range []string{"1.22", "1.23"} {
		tree := t.TempDir()
		if err := os.WriteFile(filepath.Join(tree, "pahole"), []byte(version), 0o755); err != nil {
			t.Fatal(err)
		}
		s.pahole[version] = rpms{"pahole": rpmbuild(t, dir, "dwarves", "pahole", version, "1.1", tree, "usr/bin")}
	}
	made.stocks[stamped] = s
	return s
}

var made = struct {
	sync.Mutex
	stocks map[bool]stock
}{stocks: map[bool]stock{}}

// rpmbuild makes a package of the files in a folder, which it installs below the
// folder named, and gives its path in dir.
func rpmbuild(t *testing.T, dir, source, binary, version, release, files, below string, defines ...string) string {
	t.Helper()
	home := t.TempDir()
	tree := filepath.Join(home, "tree")
	harness.Must(t, "sh", "-c", `mkdir -p "$2" && cp -a "$1"/. "$2"`, "sh", files, filepath.Join(tree, below))
	args := []string{"-bb", "--quiet", "--target", arch + "-suse-linux"}
	for _, define := range append(defines,
		"_topdir "+home, "_rpmdir "+dir, "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
		"debug_package %{nil}", "__os_install_post %{nil}", "_build_id_links none", "_binary_payload w3.gzdio",
		"source "+source, "binary "+binary, "version "+version, "release "+release, "tree "+tree) {
		args = append(args, "--define", define)
	}
	harness.Must(t, "rpmbuild", append(args, "specs/package.spec")...)
	return filepath.Join(dir, strings.Join([]string{binary, version, release}, "-")+"."+arch+".rpm")
}

// another builds the module package of a rebuild once more: of the source package
// named, and with macros of rpmbuild's.
func (s stock) another(t *testing.T, rebuild, source string, defines ...string) string {
	t.Helper()
	tree, dir := t.TempDir(), t.TempDir()
	harness.Must(t, "sh", "-c", `cd "$1" && rpm2cpio "$2" | cpio -idmu --quiet`, "sh", tree, s.kmp[rebuild]["thing-kmp-default"])
	kmp := rpmbuild(t, dir, source, source+"-kmp-default", "1.0_k5.15.12_1", "1."+rebuild, tree, ".", defines...)
	harness.Must(t, program, "stamp", kmp, "--with", s.kernel[rebuild]["kernel-default"])
	return kmp
}

// files lists the paths.
func (r rpms) files() []string {
	var out []string
	for _, path := range r {
		out = append(out, path)
	}
	return out
}
