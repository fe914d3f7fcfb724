// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package weak

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// pack makes a package of the files in a folder, as both distributions' rpmbuild
// would without their generators.
func pack(t *testing.T, to, nvr, tree string, lines ...string) {
	t.Helper()
	parts := strings.Split(nvr, "-")
	n := len(parts)
	spec := filepath.Join(t.TempDir(), "x.spec")
	text := fmt.Sprintf("Name: %s\nVersion: %s\nRelease: %s\nSummary: x\nLicense: x\nAutoReqProv: no\n%s\n%%description\nx\n%%install\ncp -a %s/. %%{buildroot}\n%%files\n/usr\n",
		strings.Join(parts[:n-2], "-"), parts[n-2], parts[n-1], strings.Join(lines, "\n"), tree)
	if err := os.WriteFile(spec, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	harness.Must(t, "rpmbuild", "-bb", "--quiet", "--target", "x86_64", "--define", "_topdir "+t.TempDir(), "--define", "_rpmdir "+to,
		"--define", "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm", "--define", "debug_package %{nil}",
		"--define", "__os_install_post %{nil}", "--define", "_build_id_links none", "--define", "_binary_payload w1.gzdio",
		"--define", "_wrong_version_format_terminate_build 0", spec)
}

// file puts a file into a tree.
func file(t *testing.T, tree, path, from string) {
	t.Helper()
	harness.Must(t, "install", "-D", "-m", "644", from, filepath.Join(tree, path))
}

const (
	built   = "6.4.0-150600.23.7-default"
	updated = "6.4.0-150600.23.14-default"
	modules = "usr/lib/modules/"
)

// crafted makes a set of the leap product's kernels and xpad, in which more is known
// apart: change gets the folder of unpacked files and that of packages.
func crafted(t *testing.T, change func(root, to string)) []string {
	t.Helper()
	root, to := t.TempDir(), t.TempDir()
	keep := func(path string) bool {
		name := filepath.Base(path)
		return strings.HasPrefix(name, "kernel-default-6") || strings.HasPrefix(name, "xpad-kmp-default")
	}
	for _, path := range product(t, "leap") {
		if keep(path) {
			harness.Must(t, "sh", "-c", `cd "$1" && rpm2cpio "$2" | cpio -idmu --quiet`, "sh", root, path)
			harness.Must(t, "cp", path, to)
		}
	}
	change(root, to)
	return strings.Fields(harness.Must(t, "find", to, "-name", "*.rpm"))
}

// symvers gives the updated kernel another CRC for one symbol.
func symvers(t *testing.T, root, to, symbol string) {
	t.Helper()
	path := filepath.Join(root, modules, updated, "symvers.gz")
	packed, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(text, []byte("\t"+symbol+"\t"))
	if at < 8 {
		t.Fatalf("no %s in the symvers", symbol)
	}
	copy(text[at-8:], "00c0ffee")
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(text)
	w.Close()
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	tree := t.TempDir()
	harness.Must(t, "sh", "-c", `mkdir -p "$2/$3" && cp -a "$1/$3/`+updated+`" "$2/$3"`, "sh", root, tree, modules)
	harness.Must(t, "sh", "-c", "rm "+to+"/kernel-default-6.4.0-150600.23.14*")
	pack(t, to, "kernel-default-6.4.0-150600.23.14.2", tree, "Provides: kernel-uname-r = "+updated)
}

// TestCrafted changes one thing at a time.
func TestCrafted(t *testing.T) {
	git := suse(t)
	for name, c := range map[string]struct {
		change func(t *testing.T, root, to string)
		links  int
	}{
		"as it is":                   {func(*testing.T, string, string) {}, 1},
		"a symbol that it needs":     {func(t *testing.T, root, to string) { symvers(t, root, to, "usb_kill_urb") }, 0},
		"the symbol of the layout":   {func(t *testing.T, root, to string) { symvers(t, root, to, "module_layout") }, 0},
		"a symbol that nobody needs": {func(t *testing.T, root, to string) { symvers(t, root, to, "i2c_smbus_xfer") }, 1},
		"a module of the same name": {func(t *testing.T, root, to string) {
			again(t, root, to, "ypad-kmp-default-1.0-1.1", "updates/other/xpad.ko.xz")
		}, 1},
		"likewise and first by its name": {func(t *testing.T, root, to string) {
			again(t, root, to, "apad-kmp-default-9.0-1.1", "updates/other/xpad.ko.xz")
		}, 1},
		"a newer version": {func(t *testing.T, root, to string) {
			again(t, root, to, "xpad-kmp-default-2.0-1.1", "updates/new/xpad.ko.xz")
		}, 1},
		"a folder of another name": {func(t *testing.T, root, to string) { again(t, root, to, "zpad-kmp-default-1.0-1.1", "misc/zpad.ko.xz") }, 2},
		"no flavor of this kernel": {func(t *testing.T, root, to string) { again(t, root, to, "zpad-kmp-rt-1.0-1.1", "updates/zpad.ko.xz") }, 1},
		"built with the kernel": {func(t *testing.T, root, to string) {
			again(t, root, to, "zpad-kmp-default-1.0-1.1", "updates/zpad.ko.xz", "Provides: kmp_in_kernel")
		}, 1},
		"built for the updated kernel":                 {func(t *testing.T, root, to string) { forUpdated(t, root, to) }, 0},
		"instead of a module of the kernel":            {func(t *testing.T, root, to string) { replacing(t, root, to, same, "ff-memless", "gamepad") }, 2},
		"likewise with a symbol of another CRC":        {func(t *testing.T, root, to string) { replacing(t, root, to, otherCRC, "ff-memless", "gamepad") }, 1},
		"likewise which no module of the kernel needs": {func(t *testing.T, root, to string) { replacing(t, root, to, otherCRC, "ff-memless") }, 2},
		"likewise where the kernel has no such module": {func(t *testing.T, root, to string) { replacing(t, root, to, otherCRC) }, 2},
		"instead of one without its symbol":            {func(t *testing.T, root, to string) { replacing(t, root, to, noCRC, "ff-memless", "gamepad") }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			packages := crafted(t, func(root, to string) { c.change(t, root, to) })
			ours, linked := paired(t, packages), linkedBySUSE(t, git, "kernel", packages)
			if !slices.Equal(ours, linked) || len(linked) != c.links {
				t.Errorf("paired are\n%s\nlinked are\n%s\nwant %d", strings.Join(ours, "\n"), strings.Join(linked, "\n"), c.links)
			}
		})
	}
}

// again packs xpad once more.
func again(t *testing.T, root, to, nvr, path string, lines ...string) {
	t.Helper()
	tree := t.TempDir()
	file(t, tree, modules+built+"/"+path, filepath.Join(root, modules, built, "updates/xpad.ko.xz"))
	pack(t, to, nvr, tree, lines...)
}

// forUpdated packs xpad as a package for the updated kernel.
func forUpdated(t *testing.T, root, to string) {
	t.Helper()
	tree := t.TempDir()
	file(t, tree, modules+updated+"/updates/xpad.ko.xz", filepath.Join(root, modules, built, "updates/xpad.ko.xz"))
	pack(t, to, "xpad-kmp-default-1.1-1.1", tree)
}

// replacing gives the updated kernel modules of its own, and packs ff-memless, changed,
// as a KMP for the released one.
func replacing(t *testing.T, root, to string, change func(t *testing.T, module []byte) []byte, own ...string) {
	t.Helper()
	from := t.TempDir()
	for _, path := range product(t, "leap") {
		if name := filepath.Base(path); strings.Contains(path, "/released/") && (strings.HasPrefix(name, "kernel-default-extra") || strings.HasPrefix(name, "gamepad")) {
			harness.Must(t, "sh", "-c", `cd "$1" && rpm2cpio "$2" | cpio -idmu --quiet`, "sh", from, path)
		}
	}
	module := func(name string) string {
		return strings.TrimSpace(harness.Must(t, "find", from, "-name", name+".ko.xz"))
	}
	tree := t.TempDir()
	harness.Must(t, "sh", "-c", `mkdir -p "$2/$3" && cp -a "$1/$3/`+updated+`" "$2/$3"`, "sh", root, tree, modules)
	for _, name := range own {
		file(t, tree, modules+updated+"/kernel/drivers/"+name+".ko.xz", module(name))
	}
	harness.Must(t, "sh", "-c", "rm "+to+"/kernel-default-6.4.0-150600.23.14*")
	pack(t, to, "kernel-default-6.4.0-150600.23.14.2", tree, "Provides: kernel-uname-r = "+updated)

	changed := filepath.Join(t.TempDir(), "ff-memless.ko")
	if err := os.WriteFile(changed, change(t, []byte(harness.Must(t, "xz", "-dc", module("ff-memless")))), 0o644); err != nil {
		t.Fatal(err)
	}
	kmp := t.TempDir()
	file(t, kmp, modules+built+"/updates/ff-memless.ko", changed)
	pack(t, to, "memless-kmp-default-1.0-1.1", kmp)
}

// otherCRC gives the symbol of ff-memless another CRC.
func otherCRC(t *testing.T, module []byte) []byte {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(module))
	if err != nil {
		t.Fatal(err)
	}
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		if s.Name == "__crc_ff_memless_create" && s.Section == elf.SHN_ABS {
			return bytes.ReplaceAll(module, binary.LittleEndian.AppendUint64(nil, s.Value), []byte{0xee, 0xff, 0xc0, 0, 0, 0, 0, 0})
		}
	}
	t.Fatal("no absolute __crc_ff_memless_create")
	return nil
}

// noCRC takes the name of the symbol away.
func noCRC(_ *testing.T, module []byte) []byte {
	return bytes.ReplaceAll(module, []byte("__crc_ff_memless"), []byte("__xxx_ff_memless"))
}

func same(_ *testing.T, module []byte) []byte { return module }

// debianSymvers is the Module.symvers of a Debian kernel.
func debianSymvers(t *testing.T, work, krel string) string {
	t.Helper()
	to := filepath.Join(work, "headers")
	path := filepath.Join(to, "usr/src/linux-headers-"+krel, "Module.symvers")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	o := harness.Try(t, exec.Command("sh", "-c", `mkdir -p "$1" && cd "$1" && apt-get -qq download "linux-headers-$2" && dpkg-deb -x linux-headers-"$2"_*.deb . && rm linux-headers-"$2"_*.deb`, "sh", to, krel))
	if o.Status != 0 {
		t.Skipf("linux-headers-%s is not to be had: %s", krel, o.All())
	}
	return path
}

// debianKernels are unpacked in a folder, newest first.
func debianKernels(t *testing.T) (work string, krels []string) {
	t.Helper()
	work = os.Getenv("E2E_WORK_DIR")
	if work == "" {
		work = filepath.Join(os.TempDir(), "obs-btf-guard-e2e")
	}
	index, err := harness.Script("../fetch-kernels.sh", filepath.Join(work, "kernels"))
	harness.SkipUnreachable(t, err)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(index) {
		_, krel, _ := strings.Cut(strings.TrimSpace(line), " ")
		krels = append(krels, krel)
	}
	return work, krels
}

// TestReal asks it of two Debian kernels and of modules of the older one, as packages
// of modules that were built on it.
func TestReal(t *testing.T) {
	gits := map[string]string{"SUSE": suse(t), "RHEL": rhel(t)}
	work, krels := debianKernels(t)
	krels = slices.DeleteFunc(krels, func(krel string) bool { return !strings.HasPrefix(krel, "6.1.") })
	if len(krels) != 2 {
		t.Skipf("no two kernels of one series: %q", krels)
	}
	names := []string{"xpad", "ipheth", "ledtrig-timer", "ftdi_sio", "usbserial", "hid-apple", "tcp_bbr", "dummy", "cdc_ether", "cdc_ncm", "usbnet", "mii"}
	for distribution, git := range gits {
		t.Run(distribution, func(t *testing.T) {
			to := t.TempDir()
			var trees []string
			for i, krel := range krels {
				from := filepath.Join(work, "kernels", krel)
				tree := t.TempDir()
				dir := modules + krel + "/"
				file(t, tree, dir+"vmlinuz", filepath.Join(from, "boot/vmlinuz-"+krel))
				file(t, tree, dir+"config", filepath.Join(from, "boot/config-"+krel))
				harness.Must(t, "sh", "-c", `gzip -n < "$1" > "$2"`, "sh", debianSymvers(t, work, krel), filepath.Join(tree, dir, "symvers.gz"))
				for path := range withDependencies(t, from, krel, names) {
					file(t, tree, dir+path, filepath.Join(from, "lib/modules", krel, path))
				}
				packKernel(t, to, i, krel, tree)
				trees = append(trees, tree)
			}
			for _, name := range names {
				from := strings.Fields(harness.Must(t, "find", filepath.Join(work, "kernels", krels[1], "lib/modules"), "-name", name+".ko*"))
				if len(from) != 1 {
					t.Fatalf("%s: %q", name, from)
				}
				tree := t.TempDir()
				if distribution == "SUSE" {
					file(t, tree, modules+krels[1]+"/updates/"+filepath.Base(from[0]), from[0])
					pack(t, to, name+"-kmp-amd64-1.0-1.1", tree)
				} else {
					file(t, tree, modules+krels[1]+"/extra/"+name+"/"+filepath.Base(from[0]), from[0])
					pack(t, to, "kmod-"+name+"-1.0-1.1", tree)
				}
			}
			packages := strings.Fields(harness.Must(t, "find", to, "-name", "*.rpm"))
			ours := paired(t, packages)
			if distribution == "SUSE" {
				check(t, ours, linkedBySUSE(t, git, "kernel", packages))
			} else {
				check(t, ours, linkedByRHEL(t, git, "kernel", packages))
			}
			// Without their symvers, the tables of the kernels and their modules say it.
			for i, tree := range trees {
				if err := os.Remove(filepath.Join(tree, modules, krels[i], "symvers.gz")); err != nil {
					t.Fatal(err)
				}
				packKernel(t, to, i, krels[i], tree)
			}
			if without := paired(t, packages); !slices.Equal(without, ours) {
				t.Errorf("without symvers paired are\n%s", strings.Join(without, "\n"))
			}
		})
	}
}

// packKernel packs the kernel with a number, the newest first.
func packKernel(t *testing.T, to string, number int, krel, tree string) {
	t.Helper()
	pack(t, to, "kernel-amd64-6.1.0-"+fmt.Sprint(9-number), tree, "Provides: kernel-uname-r = "+krel)
}

// withDependencies lists modules and what they need, by path in the kernel's tree.
func withDependencies(t *testing.T, from, krel string, names []string) map[string]bool {
	t.Helper()
	harness.Must(t, "sh", "-c", `[ -e "$1/lib/modules/$2/modules.dep" ] || depmod -b "$1" "$2"`, "sh", from, krel)
	dep, err := os.ReadFile(filepath.Join(from, "lib/modules", krel, "modules.dep"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for line := range strings.Lines(string(dep)) {
		path, needs, _ := strings.Cut(strings.TrimSpace(line), ":")
		name, _, _ := strings.Cut(filepath.Base(path), ".ko")
		if slices.Contains(names, name) {
			out[path] = true
			for _, need := range strings.Fields(needs) {
				out[need] = true
			}
		}
	}
	return out
}

// TestOneByOne has a package with two modules, of which one is satisfied: RHEL's program
// links that when the kernel comes, and none of a package that comes later.
func TestOneByOne(t *testing.T) {
	git := rhel(t)
	root, to, tree := t.TempDir(), t.TempDir(), t.TempDir()
	for _, path := range product(t, "rhel") {
		if name := filepath.Base(path); strings.HasPrefix(name, "kmod-") {
			harness.Must(t, "sh", "-c", `cd "$1" && rpm2cpio "$2" | cpio -idmu --quiet`, "sh", root, path)
		} else {
			harness.Must(t, "cp", path, to)
		}
	}
	for _, name := range []string{"xpad", "ipheth"} {
		file(t, tree, "usr/lib/modules/5.14.0-427.el9.x86_64/extra/both/"+name+".ko.xz",
			filepath.Join(root, "usr/lib/modules/5.14.0-427.el9.x86_64/extra", name, name+".ko.xz"))
	}
	pack(t, to, "kmod-both-1.0-1.1", tree)
	packages := strings.Fields(harness.Must(t, "find", to, "-name", "*.rpm"))
	check(t, paired(t, packages), linkedByRHEL(t, git, "kernel", packages))
	if linked := linkedByRHEL(t, git, "kmod", packages); len(linked) > 0 {
		t.Errorf("linked are %q", linked)
	}
}
