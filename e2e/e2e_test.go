// SPDX-License-Identifier: Apache-2.0

//go:build e2e

// Package e2e runs the program on real distribution kernels, fetched with apt
// and packed by rpmbuild in openSUSE's shape, and compares what it says with
// what other tools say of the same files.
//
//	go test -tags e2e -timeout 60m ./e2e
//
// Needs a Debian machine. Downloads and packages are kept in $E2E_WORK_DIR
// (default: obs-btf-guard-e2e in the folder for temporary files).
package e2e

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// maxRSS is what one run over a kernel package may use, in bytes.
const maxRSS = 400 << 20

// program is the binary under test.
var program string

func TestMain(m *testing.M) {
	harness.Main(m, func(b *harness.Bench) error {
		program = b.Program
		return nil
	})
}

// install installs the tools once; what it cannot install, needs finds missing.
var install = sync.OnceValue(func() error { return script("install.sh") })

// script runs a script of this folder whose output is of no interest.
func script(name string, args ...string) error {
	_, err := harness.Script("./"+name, args...)
	return err
}

// needs skips a test that lacks a tool which cannot be installed from here.
func needs(t *testing.T, tools ...string) {
	t.Helper()
	err := install()
	var missing []string
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, tool)
		}
	}
	if len(missing) > 0 {
		harness.SkipUnreachable(t, err)
		t.Fatalf("install.sh left %s missing (%v)", strings.Join(missing, ", "), err)
	}
}

// build is one build of a kernel: the tree it was unpacked to and the package
// made of it. The two of a series share a kernelrelease.
type build struct {
	series string // "6.1"
	krel   string // what the distribution calls it
	tree   string

	release string // of the package: 1.1 is the older build, 1.3 the newer
	nevra   string
	rpm     string
}

func (b *build) vmlinuz() string { return filepath.Join(b.tree, "boot", "vmlinuz-"+b.krel) }
func (b *build) modules() string { return filepath.Join(b.tree, "lib", "modules", b.krel) }

// vmlinux takes the ELF out of the boot image.
func (b *build) vmlinux(t *testing.T) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "vmlinux")
	if err := script("extract-vmlinux.sh", b.vmlinuz(), out); err != nil {
		t.Fatal(err)
	}
	return out
}

// files lists the modules in the tree.
func (b *build) files(t *testing.T) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(b.modules(), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && (strings.HasSuffix(path, ".ko") || strings.Contains(d.Name(), ".ko.")) {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func workDir() string {
	if dir := os.Getenv("E2E_WORK_DIR"); dir != "" {
		return dir
	}
	return filepath.Join(os.TempDir(), "obs-btf-guard-e2e")
}

// fetched is every build at hand, the older one of each series first.
var fetched = sync.OnceValues(fetch)

func fetch() ([]*build, error) {
	dir := workDir()
	index, err := harness.Script("./fetch-kernels.sh", filepath.Join(dir, "kernels"))
	if err != nil {
		return nil, err
	}
	var out []*build
	for line := range strings.Lines(index) {
		series, krel, _ := strings.Cut(strings.TrimSpace(line), " ")
		b := &build{series: series, krel: krel, tree: filepath.Join(dir, "kernels", krel), release: "1.1"}
		// The index has the newer one first.
		if last := len(out) - 1; last >= 0 && out[last].series == series {
			out[last].release = "1.3"
			out = slices.Insert(out, last, b)
		} else {
			out = append(out, b)
		}
	}
	os.Setenv("E2E_WORK", filepath.Join(dir, "tmp"))
	for i, b := range out {
		// openSUSE has had both: bzip2 up to Leap 42, zstd today.
		payload := "w3.zstdio"
		if i == 0 {
			payload = "w9.bzdio"
		}
		version := b.series + ".0"
		b.nevra = "kernel-default-" + version + "-" + b.release + ".x86_64"
		b.rpm, err = harness.Script("./package-kernel.sh", b.tree, filepath.Join(dir, "rpms"),
			"kernel-default", version, b.release, version+"-1-default", payload)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// builds returns the builds at hand, or skips the test where none can be had.
func builds(t *testing.T) []*build {
	t.Helper()
	needs(t, "rpm", "rpmbuild", "objcopy", "readelf", "od", "xz", "zstd", "bzip2", "lz4", "dpkg-deb", "apt-get")
	all, err := fetched()
	harness.SkipUnreachable(t, err)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// pairs calls f for each series with two builds.
func pairs(t *testing.T, f func(t *testing.T, older, newer *build)) {
	t.Helper()
	all := builds(t)
	found := false
	for i := 1; i < len(all); i++ {
		if older, newer := all[i-1], all[i]; older.series == newer.series {
			found = true
			t.Run(newer.series, func(t *testing.T) { f(t, older, newer) })
		}
	}
	if !found {
		t.Skip("no two kernels of one series on offer")
	}
}

// independently works out a base with the scripts: its fingerprint and how many
// types bpftool counts, 0 without bpftool.
func independently(t *testing.T, b *build) (want base, types int) {
	t.Helper()
	vmlinux := b.vmlinux(t)
	lines, err := harness.Script("./fingerprint.sh", vmlinux)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(lines) {
		name, digest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name {
		case "types":
			want.Types = digest
		case "strings":
			want.Strings = digest
		case "base":
			want.Fingerprint = digest
		}
	}
	if bpftool, err := exec.LookPath("bpftool"); err == nil {
		out, err := exec.Command(bpftool, "btf", "dump", "file", vmlinux).Output()
		if err != nil {
			t.Fatalf("bpftool: %v", err)
		}
		for line := range bytes.Lines(out) {
			if line[0] == '[' {
				types++
			}
		}
	}
	return want, types
}

// A build fits itself, and the guard reads the base that other tools read. One
// kernel package is judged within maxRSS whatever it is packed with.
func TestBuild(t *testing.T) {
	for _, b := range builds(t) {
		t.Run(b.nevra, func(t *testing.T) {
			o := guard(t, "check", b.rpm)
			t.Logf("%s (%s): %v; %s", b.krel, payload(t, b.rpm), o.count("build", byBasis), o.Used)
			if o.Status != 0 {
				t.Errorf("exit status %d, want 0\n%s", o.Status, o.Stderr)
			}
			files := len(b.files(t))
			if o.Summary["modules"] != files || len(o.Verdicts) != files {
				t.Errorf("%d modules and %d verdicts, the tree has %d", o.Summary["modules"], len(o.Verdicts), files)
			}
			if got := o.count("build", byVerdict); got["same-base"] != files {
				t.Errorf("%v, want %d same-base", got, files)
			}
			o.noNotes(t)
			if o.MaxRSS >= maxRSS {
				t.Errorf("%d MiB, want less than %d", o.MaxRSS>>20, maxRSS>>20)
			}
			if len(o.Bases) != 1 {
				t.Fatalf("%d bases, want 1", len(o.Bases))
			}

			want, types := independently(t, b)
			image := guard(t, "fingerprint", b.vmlinuz())
			if len(image.Bases) != 1 {
				t.Fatalf("%s: %d bases, want 1", b.vmlinuz(), len(image.Bases))
			}
			for what, got := range map[string]base{"the package's vmlinux.xz": o.Bases[0], "vmlinuz": image.Bases[0]} {
				if got.Fingerprint != want.Fingerprint || got.Types != want.Types || got.Strings != want.Strings {
					t.Errorf("%s: %s, types %s, strings %s\nwant %s, types %s, strings %s", what,
						got.Fingerprint, got.Types, got.Strings, want.Fingerprint, want.Types, want.Strings)
				}
				if types > 0 && got.TypeCount != types {
					t.Errorf("%s: %d types, bpftool counts %d", what, got.TypeCount, types)
				}
			}
		})
	}
}

// Two builds with one kernelrelease and different bases: each fits itself, and
// not one module may pass on the other's vmlinux.
func TestRebuild(t *testing.T) {
	pairs(t, func(t *testing.T, older, newer *build) {
		o := guard(t, "check", newer.rpm, "--against", older.rpm)
		t.Logf("%s and %s: %v; %s", newer.krel, older.krel, o.count("rebuild", byBasis), o.Used)
		if len(o.Bases) != 2 {
			t.Fatalf("%d bases, want 2", len(o.Bases))
		}
		if got := o.count("build", byVerdict); !got.only("same-base") || got["same-base"] != len(newer.files(t)) {
			t.Errorf("the newer build on itself: %v", got)
		}
		crossed := o.count("rebuild", bySeverity)
		if n, want := crossed["ok"]+crossed["warn"]+crossed["fail"], len(newer.files(t))+len(older.files(t)); n != want {
			t.Errorf("%d modules crossed over, want %d", n, want)
		}
		if o.Bases[0].Fingerprint == o.Bases[1].Fingerprint {
			t.Log("the builds have one base, so all of it fits")
			if o.Status != 0 || !crossed.only("ok") {
				t.Errorf("exit status %d, %v", o.Status, crossed)
			}
			return
		}
		if o.Status != 1 {
			t.Errorf("exit status %d, want 1\n%s", o.Status, o.Stderr)
		}
		if crossed["ok"] > 0 {
			t.Errorf("%d modules pass on the other build's vmlinux", crossed["ok"])
		}
		refusals(t, o, older, newer)
	})
}

// refusals checks that what the kernels refuse comes with the words that stand
// in their own images, and with the consequence that their config has.
func refusals(t *testing.T, o *outcome, kernels ...*build) {
	t.Helper()
	words, consequences := map[string]bool{}, map[string]bool{}
	for _, b := range kernels {
		image, err := os.ReadFile(b.vmlinux(t))
		if err != nil {
			t.Fatal(err)
		}
		// btf_module_notify in kernel/bpf/btf.c: one or the other is compiled in.
		for _, line := range []string{"failed to validate module [%s] BTF: %ld", "Kernel module BTF mismatch detected"} {
			if bytes.Contains(image, []byte(line)) {
				words[line] = true
			}
		}
		config, err := os.ReadFile(filepath.Join(b.tree, "boot", "config-"+b.krel))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(config, []byte("\nCONFIG_MODULE_ALLOW_BTF_MISMATCH=y\n")) {
			consequences["loads without BTF"] = true
		} else {
			consequences["does not load"] = true
		}
	}
	wrong := 0
	for _, v := range o.Verdicts {
		if v.Verdict != "rejected" {
			continue
		}
		said := v.Kernel != nil && !v.Kernel.Accepts && v.Kernel.Errno < 0 && len(v.Kernel.Log) > 0
		if said {
			last := v.Kernel.Log[len(v.Kernel.Log)-1]
			refused := strings.NewReplacer("%s", v.Module, "%ld", strconv.Itoa(v.Kernel.Errno))
			said = oneOf(words, func(line string) bool { return strings.HasPrefix(last, refused.Replace(line)) }) &&
				oneOf(consequences, func(start string) bool { return strings.HasPrefix(v.Consequence, start) })
		}
		if !said {
			if wrong++; wrong == 1 {
				t.Errorf("%s is rejected (%s), and the kernel says %+v; want one of %v, %v",
					v.Module, v.Consequence, v.Kernel, words, consequences)
			}
		}
	}
	if wrong > 1 {
		t.Errorf("so it is with %d modules", wrong)
	}
}

// oneOf reports whether f holds for one of the words.
func oneOf(words map[string]bool, f func(string) bool) bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(words)), f)
}

// Loose modules on a boot image, where nothing but the modules themselves says
// what they were built on.
func TestGivenBase(t *testing.T) {
	pairs(t, func(t *testing.T, older, newer *build) {
		files := newer.files(t)
		t.Run("own", func(t *testing.T) {
			// every module an argument of its own
			o := guard(t, "check", append([]string{"--base", newer.vmlinuz()}, files...)...)
			t.Logf("%s on its vmlinuz: %v; %s", newer.krel, o.count("given", byBasis), o.Used)
			o.noNotes(t)
			given := o.count("given", bySeverity)
			if o.Status != 0 || given["fail"] > 0 {
				t.Errorf("exit status %d, %v\n%s", o.Status, given, o.Stderr)
			}
			if n := given["ok"] + given["warn"]; n != len(files) {
				t.Errorf("%d verdicts on %d modules", n, len(files))
			}
			for _, v := range o.Verdicts {
				// Small ones are believed by their neighbors, of the same folder and kernelrelease.
				if v.Severity == "ok" && v.Basis != "evidence" && (v.Basis != "provenance" || !strings.Contains(strings.Join(v.Reasons, "\n"), "in the same ")) {
					t.Fatalf("%s: %s rests on %q, there is only evidence\n%s", v.Path, v.Verdict, v.Basis, v.Reasons)
				}
			}
		})
		t.Run("other", func(t *testing.T) {
			o := guard(t, "check", "--base", older.vmlinuz(), newer.modules())
			t.Logf("%s on the vmlinuz of %s: %v; %s", newer.krel, older.krel, o.count("given", byBasis), o.Used)
			given := o.count("given", bySeverity)
			if n := given["ok"] + given["warn"] + given["fail"]; n != len(files) {
				t.Errorf("%d verdicts on %d modules", n, len(files))
			}
			if o.Status != 1 || given["ok"] > 0 {
				t.Errorf("exit status %d, want 1; %v, want none ok", o.Status, given)
			}
			refusals(t, o, older)
		})
	})
}

// A package that is damaged anywhere is an error that names it, none of its
// modules counts, and the package beside it is judged as ever.
func TestDamagedPackage(t *testing.T) {
	all := builds(t)
	beside, err := filepath.Abs("../testdata/incident/5.15.12-1.1/kernel-default-5.15.12-1.1.x86_64.rpm")
	if err != nil {
		t.Fatal(err)
	}
	tried := map[string]bool{}
	for _, b := range all {
		how := payload(t, b.rpm) + ", " + filepath.Ext(b.files(t)[0])
		if tried[how] {
			continue
		}
		tried[how] = true
		data, err := os.ReadFile(b.rpm)
		if err != nil {
			t.Fatal(err)
		}
		start := payloadOffset(t, data)
		for _, damage := range []struct {
			name string
			at   int // the byte that is changed; 0: none
			cut  int // the bytes that are left
		}{
			{"cut at 90 %", 0, len(data) / 10 * 9},
			{"cut by one byte", 0, len(data) - 1},
			{"first byte of the payload", start, len(data)},
			{"a byte in the middle of the payload", start + (len(data)-start)/2, len(data)},
			{"last byte of the payload", len(data) - 1, len(data)},
		} {
			t.Run(how+": "+damage.name, func(t *testing.T) {
				damaged := filepath.Join(t.TempDir(), "damaged.rpm")
				if damage.at > 0 {
					data[damage.at] ^= 1
				}
				err := os.WriteFile(damaged, data[:damage.cut], 0o644)
				if damage.at > 0 {
					data[damage.at] ^= 1
				}
				if err != nil {
					t.Fatal(err)
				}
				o := guard(t, "check", damaged, beside)
				t.Logf("%s; %s", strings.TrimSpace(o.errors()), o.Used)
				if o.Status != 2 {
					t.Errorf("exit status %d, want 2", o.Status)
				}
				if len(o.Errors) != 1 || o.Errors[0].Path != damaged || !strings.Contains(o.Stderr, damaged) {
					t.Errorf("want one error that names %s, on standard error too: %s\n%s", damaged, o.errors(), o.Stderr)
				}
				if n := len(o.of(b.nevra)); n > 0 {
					t.Errorf("%d modules of the damaged package have a verdict", n)
				}
				good := o.of("kernel-default-5.15.12-1.1.x86_64")
				for _, v := range good {
					if v.Verdict != "same-base" {
						t.Errorf("the package beside it: %s %s", v.Module, v.Verdict)
					}
				}
				if len(good) != 5 || len(o.Verdicts) != 5 {
					t.Errorf("%d verdicts, %d on the package beside it; want its 5", len(o.Verdicts), len(good))
				}
			})
		}
	}
}

// A damaged copy stays an error beside the whole package, in either order: what
// both headers say alike does not make their payloads alike.
func TestDamagedCopy(t *testing.T) {
	data, err := os.ReadFile("../testdata/incident/5.15.12-1.1/kernel-default-5.15.12-1.1.x86_64.rpm")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	whole, cut := filepath.Join(dir, "whole.rpm"), filepath.Join(dir, "cut.rpm")
	if err := errors.Join(os.WriteFile(whole, data, 0o644), os.WriteFile(cut, data[:len(data)/10*9], 0o644)); err != nil {
		t.Fatal(err)
	}
	wrong := map[string]int{}
	const runs = 20 // files are read side by side, so once proves nothing
	for range runs {
		for _, args := range [][]string{{whole, cut}, {cut, whole}} {
			o := guard(t, "check", args...)
			if o.Status != 2 || len(o.Errors) != 1 || o.Errors[0].Path != cut || len(o.Verdicts) != 5 {
				wrong[fmt.Sprintf("exit status %d, %d verdicts%s", o.Status, len(o.Verdicts), o.errors())]++
			}
		}
	}
	for what, n := range wrong {
		t.Errorf("%d of %d runs: %s\nwant exit status 2, the 5 verdicts of the whole package, one error naming the cut one", n, 2*runs, what)
	}
}

// payloadOffset finds where a package's payload begins: behind the lead, the
// signature header, which is padded to eight bytes, and the header.
func payloadOffset(t *testing.T, data []byte) int {
	t.Helper()
	header := func(at int) int {
		if at+16 > len(data) || !bytes.Equal(data[at:at+3], []byte{0x8e, 0xad, 0xe8}) {
			t.Fatalf("no RPM header at %d", at)
		}
		entries, size := binary.BigEndian.Uint32(data[at+8:]), binary.BigEndian.Uint32(data[at+12:])
		return at + 16 + 16*int(entries) + int(size)
	}
	return header((header(96) + 7) &^ 7)
}

// payload is how rpm says a package is packed.
func payload(t *testing.T, path string) string {
	t.Helper()
	return query(t, path, "%{PAYLOADCOMPRESSOR}")
}

// query asks rpm about a package.
func query(t *testing.T, path, format string) string {
	t.Helper()
	out, err := exec.Command("rpm", "-qp", "--nosignature", "--qf", format, path).Output()
	if err != nil {
		t.Fatalf("rpm -qp %s: %v", path, err)
	}
	return strings.TrimSpace(string(out))
}

// The real rpm says the same of the packages: it finds them whole, gives them
// the same names, and their source packages explain how modules were paired.
func TestRPMAgrees(t *testing.T) {
	needs(t, "rpm")
	for _, folder := range []string{"5.15.12-1.1", "5.15.12-1.3", "broken"} {
		t.Run(folder, func(t *testing.T) {
			dir := filepath.Join("../testdata/incident", folder)
			paths, err := filepath.Glob(filepath.Join(dir, "*.rpm"))
			if err != nil || len(paths) == 0 {
				t.Fatalf("no packages in %s (%v)", dir, err)
			}
			o := guard(t, "check", dir)
			kernel := ""
			source := map[string]string{} // by NEVRA
			for _, path := range paths {
				if out, err := exec.Command("rpm", "-K", "--nosignature", path).CombinedOutput(); err != nil {
					t.Errorf("rpm -K: %v\n%s", err, out)
				}
				nevra := query(t, path, "%{NEVRA}")
				source[nevra] = query(t, path, "%{SOURCERPM}")
				if strings.HasPrefix(filepath.Base(path), "kernel-default-5") {
					kernel = nevra
				}
				modules := 0
				list, err := exec.Command("rpm", "-qpl", "--nosignature", path).Output()
				if err != nil {
					t.Fatal(err)
				}
				for line := range strings.Lines(string(list)) {
					if strings.Contains(line, ".ko") {
						modules++
					}
				}
				if got := len(o.of(nevra)); got != modules {
					t.Errorf("%s: %d verdicts, rpm lists %d modules", nevra, got, modules)
				}
			}
			if len(o.Bases) != 1 || o.Bases[0].Package != kernel {
				t.Errorf("bases %+v, want the one of %s", o.Bases, kernel)
			}
			for _, v := range o.Verdicts {
				want := "across"
				if source[v.Package] == source[kernel] {
					want = "build"
				}
				if v.Pairing != want {
					t.Errorf("%s of %s (%s): pairing %s, want %s", v.Module, v.Package, source[v.Package], v.Pairing, want)
				}
			}
		})
	}
}
