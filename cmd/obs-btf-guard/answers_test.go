// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/generator"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// crafted is a package that is made for a test: its files come out of the packages
// of the incident.
type crafted struct {
	name     string
	files    map[string][]byte
	uname    string // kernelrelease that it provides
	provides string // token
	requires string // likewise
}

// rpmFile is the name of its file in a build and in a repository.
func (c crafted) rpmFile() string { return c.name + "-1-1.x86_64.rpm" }

// tagValue is a tag of a header: strings (more than one, or list, makes an array),
// 16 or 32 bit numbers, or bytes.
type tagValue struct {
	tag   uint32
	value any
}

// headerOf writes an RPM header of format 4 (rpm.org, "RPM V4 package format"): an
// index of tags and their data, the first of which covers the others.
func headerOf(region uint32, tags []tagValue) []byte {
	var index, data []byte
	row := func(b []byte, v ...uint32) []byte {
		for _, n := range v {
			b = binary.BigEndian.AppendUint32(b, n)
		}
		return b
	}
	for _, t := range tags {
		align, typ, count := 1, uint32(7), 0
		var d []byte
		switch v := t.value.(type) {
		case string:
			typ, count, d = 6, 1, append([]byte(v), 0)
		case []string:
			typ, count = 8, len(v)
			for _, s := range v {
				d = append(append(d, s...), 0)
			}
		case []uint16:
			typ, count, align = 3, len(v), 2
			for _, n := range v {
				d = binary.BigEndian.AppendUint16(d, n)
			}
		case []uint32:
			typ, count, align = 4, len(v), 4
			d = row(nil, v...)
		case []byte:
			count, d = len(v), v
		}
		for len(data)%align != 0 {
			data = append(data, 0)
		}
		index = row(index, t.tag, typ, uint32(len(data)), uint32(count))
		data = append(data, d...)
	}
	n := uint32(len(tags) + 1)
	index = append(row(nil, region, 7, uint32(len(data)), 16), index...)
	data = row(data, region, 7, -n*16, 16)
	return slices.Concat([]byte{0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0}, row(nil, n, uint32(len(data))), index, data)
}

// write makes the RPM in a folder.
func (c crafted) write(t *testing.T, dir string) {
	t.Helper()
	pad := func(b []byte) []byte { return append(b, make([]byte, -len(b)&3)...) }
	entry := func(inode int, name string, mode, size int) []byte {
		return pad([]byte(fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00", inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(name)+1, 0, name)))
	}
	var payload []byte
	var sizes, flags, devices, inodes, dirIndexes []uint32
	var modes []uint16
	var links, bases, dirs []string
	for i, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range c.files {
			if !yield(name) {
				return
			}
		}
	}) {
		content := c.files[name]
		payload = pad(append(append(payload, entry(i+1, "."+name, 0o100644, len(content))...), content...))
		sizes, flags, devices = append(sizes, uint32(len(content))), append(flags, 0), append(devices, 1)
		inodes, dirIndexes, modes = append(inodes, uint32(i+1)), append(dirIndexes, uint32(i)), append(modes, 0o100644)
		links, bases, dirs = append(links, ""), append(bases, path.Base(name)), append(dirs, path.Dir(name)+"/")
	}
	payload = append(payload, entry(0, "TRAILER!!!", 0, 0)...)
	sum := sha256.Sum256(payload)
	// Of each dependency the comparison, RPMSENSE_EQUAL being 8, and the version.
	var provides, provided, requires []string
	var equal, none []uint32
	if c.uname != "" {
		provides, provided, equal = append(provides, "kernel-uname-r"), append(provided, c.uname), append(equal, 8)
	}
	if c.provides != "" {
		provides, provided, equal = append(provides, c.provides), append(provided, ""), append(equal, 0)
	}
	if c.requires != "" {
		requires, none = append(requires, c.requires), append(none, 0)
	}
	tags := []tagValue{
		{1000, c.name}, {1001, "1"}, {1002, "1"}, {1006, []uint32{1640789416}}, {1007, "host"}, {1022, "x86_64"},
		{1028, sizes}, {1030, modes}, {1036, links}, {1037, flags}, {1044, c.name + "-1-1.src.rpm"}, {1047, provides}, {1048, none}, {1049, requires}, {1050, make([]string, len(requires))},
		{1095, devices}, {1096, inodes}, {1112, equal}, {1113, provided},
		{1116, dirIndexes}, {1117, bases}, {1118, dirs}, {1124, "cpio"}, {5092, []string{hex.EncodeToString(sum[:])}}, {5093, []uint32{8}},
	}
	header := headerOf(63, slices.DeleteFunc(tags, func(v tagValue) bool { // rpm has no empty tags
		list, ok := v.value.([]string)
		numbers, is := v.value.([]uint32)
		return ok && len(list) == 0 || is && len(numbers) == 0
	}))
	sum = sha256.Sum256(header)
	md := md5.Sum(slices.Concat(header, payload))
	signature := headerOf(62, []tagValue{{273, hex.EncodeToString(sum[:])}, {1000, []uint32{uint32(len(header) + len(payload))}}, {1004, md[:]}})
	lead := make([]byte, 96)
	copy(lead, []byte{0xed, 0xab, 0xee, 0xdb, 3, 0})
	lead[79] = 5
	signature = append(signature, make([]byte, -len(signature)&7)...)
	file := filepath.Join(dir, c.rpmFile())
	if err := os.WriteFile(file, slices.Concat(lead, signature, header, payload), 0o644); err != nil {
		t.Fatal(err)
	}
}

// contentOf reads a file of a package of the incident.
func contentOf(t *testing.T, pkg, file string) []byte {
	t.Helper()
	r, err := rpm.Open("../../testdata/incident/" + pkg)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		e, err := r.Next()
		if err != nil {
			t.Fatalf("%s: %s: %v", pkg, file, err)
		}
		if strings.HasSuffix(e.Files[0].Path, file) {
			data, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			return data
		}
	}
}

// metadata writes the repodata of packages, as createrepo_c does.
func metadata(t *testing.T, dir string, packages []crafted) {
	t.Helper()
	sum := func(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }
	var primary, filelists bytes.Buffer
	primary.WriteString(`<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm">`)
	filelists.WriteString(`<filelists xmlns="http://linux.duke.edu/metadata/filelists">`)
	for _, c := range packages {
		data, err := os.ReadFile(filepath.Join(dir, c.rpmFile()))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&primary, `<package type="rpm"><name>%s</name><arch>x86_64</arch><version epoch="0" ver="1" rel="1"/><checksum type="sha256" pkgid="YES">%s</checksum>
<time build="1640789416"/><size package="%d"/><location href="%s"/><format><rpm:sourcerpm>%s-1-1.src.rpm</rpm:sourcerpm><rpm:buildhost>host</rpm:buildhost><rpm:provides>`,
			c.name, sum(data), len(data), c.rpmFile(), c.name)
		if version, release, ok := strings.Cut(c.uname, "-"); ok {
			fmt.Fprintf(&primary, `<rpm:entry name="kernel-uname-r" flags="EQ" epoch="0" ver="%s" rel="%s"/>`, version, release)
		}
		for _, list := range []struct{ close, name, next string }{{"", c.provides, "</rpm:provides><rpm:requires>"}, {"", c.requires, "</rpm:requires>"}} {
			if list.name != "" {
				fmt.Fprintf(&primary, `<rpm:entry name="%s"/>`, list.name)
			}
			primary.WriteString(list.next)
		}
		primary.WriteString("</format></package>\n")
		fmt.Fprintf(&filelists, `<package pkgid="%s" name="%s" arch="x86_64"><version epoch="0" ver="1" rel="1"/>`, sum(data), c.name)
		for name := range c.files {
			fmt.Fprintf(&filelists, "<file>%s</file>", name)
		}
		filelists.WriteString("</package>\n")
	}
	primary.WriteString("</metadata>")
	filelists.WriteString("</filelists>")
	index := fmt.Sprintf(`<repomd><data type="primary"><checksum type="sha256">%s</checksum><location href="repodata/primary.xml"/></data>
<data type="filelists"><checksum type="sha256">%s</checksum><location href="repodata/filelists.xml"/></data></repomd>`, sum(primary.Bytes()), sum(filelists.Bytes()))
	if err := os.MkdirAll(filepath.Join(dir, "repodata"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"primary.xml": primary.Bytes(), "filelists.xml": filelists.Bytes(), "repomd.xml": []byte(index)} {
		if err := os.WriteFile(filepath.Join(dir, "repodata", name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// builds answers as an OBS does in whose project P the packages in a folder were
// built, each by a source package of its name. Modules are built with a kernel's
// devel package.
type builds struct {
	dir      string
	packages []crafted
}

func (b builds) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	list := func(files ...string) {
		fmt.Fprint(w, "<binarylist>")
		for _, f := range files {
			info, err := os.Stat(filepath.Join(b.dir, strings.TrimSuffix(strings.TrimSuffix(f, ".rpm"), "-1-1.x86_64")+"-1-1.x86_64.rpm"))
			if err != nil {
				panic(err)
			}
			fmt.Fprintf(w, `<binary filename="%s" size="%d" mtime="%d"/>`, f, info.Size(), info.ModTime().Unix())
		}
		fmt.Fprint(w, "</binarylist>")
	}
	switch rest := strings.TrimPrefix(r.URL.Path, "/build/P/R/x86_64/"); {
	case r.URL.Path == "/source/P/_meta":
		fmt.Fprint(w, `<project name="P"><repository name="R"><arch>x86_64</arch></repository></project>`)
		return
	case r.URL.Path == "/build/P/_result":
		fmt.Fprintf(w, `<resultlist state="0"><result project="P" repository="R" arch="x86_64" code="published" state="published"><status package="%s" code="succeeded"/></result></resultlist>`, r.URL.Query().Get("package"))
		return
	case rest == "_builddepinfo":
		fmt.Fprint(w, "<builddepinfo>")
		for _, c := range b.packages {
			needs := "<pkgdep>kernel-default-devel</pkgdep>"
			if c.uname != "" {
				needs = ""
			}
			fmt.Fprintf(w, "<package name=\"%s\"><source>%s</source>%s<subpkg>%s</subpkg></package>", c.name, c.name, needs, c.name)
		}
		fmt.Fprint(w, "</builddepinfo>")
		return
	case rest == "_jobhistory":
		fmt.Fprint(w, `<jobhistlist><jobhist package="p" rev="1" srcmd5="0" versrel="1-1" bcnt="1" readytime="1" starttime="1" endtime="1" code="succeeded" reason="new build"/></jobhistlist>`)
		return
	case rest == "_repository":
		var names []string
		for _, c := range b.packages {
			names = append(names, c.name+".rpm")
		}
		list(names...)
		return
	default:
		pkg, file, _ := strings.Cut(rest, "/")
		i := slices.IndexFunc(b.packages, func(c crafted) bool {
			return pkg == c.name || pkg == "_repository" && file == c.name+".rpm"
		})
		if i < 0 {
			break
		}
		c := b.packages[i]
		switch {
		case file == "":
			list(c.rpmFile())
		case r.URL.Query().Get("view") == "fileinfo":
			fmt.Fprintf(w, `<fileinfo filename="%s"><name>%s</name><version>1</version><release>1</release><arch>x86_64</arch><source>%s</source>`, file, c.name, c.name)
			if c.uname != "" {
				fmt.Fprintf(w, "<provides>kernel-uname-r = %s</provides>", c.uname)
			}
			if c.provides != "" {
				fmt.Fprintf(w, "<provides>%s</provides>", c.provides)
			}
			if c.requires != "" {
				fmt.Fprintf(w, "<requires>%s</requires>", c.requires)
			}
			fmt.Fprint(w, "</fileinfo>")
		default:
			http.ServeFile(w, r, filepath.Join(b.dir, c.rpmFile()))
		}
		return
	}
	w.WriteHeader(http.StatusNotFound)
	xml.NewEncoder(w).Encode(struct {
		XMLName xml.Name `xml:"status"`
		Code    string   `xml:"code,attr"`
		Summary string   `xml:"summary"`
	}{Code: "not_found", Summary: r.URL.Path})
}

// TestOneAnswer asks every command about the same packages: a folder of them, the
// metadata of a repository, and OBS have to give one answer, whether the packages
// carry tokens or have to be read.
func TestOneAnswer(t *testing.T) {
	const r1, r2, rt = "5.15.12-1-default", "5.15.12-2-default", "5.15.12-1-rt"
	type build struct {
		vmlinux, module []byte
		base            fingerprint.Digest
	}
	builtIn := func(version, base string) build {
		d, err := fingerprint.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		return build{
			contentOf(t, version+"/kernel-default-"+version+".x86_64.rpm", "/vmlinux.xz"),
			contentOf(t, version+"/kernel-default-extra-"+version+".x86_64.rpm", "/xpad.ko.zst"), d,
		}
	}
	older := builtIn("5.15.12-1.1", "sha256:42844fc3093af9ffa696a5c5b03f5b5536f1319f65a5b76c17cbd95da1f7ec5d")
	newer := builtIn("5.15.12-1.3", "sha256:94460e068ad0e08b2068845da42d89bebfc6edb219b7f0ac1c49da7b0f55f953")
	noBTF := contentOf(t, "5.15.12-1.3/ipu6-kmp-default-1.0_k5.15.12_1-2.1.x86_64.rpm", "/ipu6.ko.xz")

	// The kernels export what the modules need, which were built without versions.
	symvers, others := "", ""
	for _, symbol := range []string{"input_event", "usb_alloc_urb", "usb_deregister", "usb_kill_urb", "usb_register_driver", "usb_submit_urb"} {
		symvers += "0x00000000\t" + symbol + "\tvmlinux\tEXPORT_SYMBOL\t\n"
		others += "0x00000001\t" + symbol + "\tvmlinux\tEXPORT_SYMBOL\t\n"
	}
	kernelOf := func(flavor, release string, b build, stamped bool) crafted {
		c := crafted{name: "kernel-" + flavor, uname: release, files: map[string][]byte{
			"/usr/lib/modules/" + release + "/vmlinux.xz": b.vmlinux,
			"/usr/lib/modules/" + release + "/symvers.gz": []byte(symvers), // weak-modules links by it
		}}
		if stamped {
			c.provides = fingerprint.Token(flavor, b.base)
		}
		return c
	}
	unlinked := func(c crafted) crafted {
		for name := range c.files {
			if path.Base(name) == "symvers.gz" {
				c.files[name] = []byte(others)
			}
		}
		return c
	}
	modules := func(name, release string, b build, stamped bool) crafted {
		c := crafted{name: name, files: map[string][]byte{"/usr/lib/modules/" + release + "/updates/xpad.ko.zst": b.module}}
		if stamped {
			c.requires = fingerprint.Token("default", b.base)
		}
		return c
	}
	for _, tc := range []struct {
		name   string
		make   func(stamped bool) (kernel, modules crafted)
		answer string
	}{
		{"of the kernel's build", func(s bool) (crafted, crafted) {
			return kernelOf("default", r1, newer, s), modules("xpad-kmp-default", r1, newer, s)
		}, "fits"},
		{"of the build before", func(s bool) (crafted, crafted) {
			return kernelOf("default", r1, newer, s), modules("xpad-kmp-default", r1, older, s)
		}, "stale"},
		{"of the build before, by another name", func(s bool) (crafted, crafted) {
			return kernelOf("default", r1, newer, s), modules("drivers", r1, older, s)
		}, "stale"},
		{"of another kernelrelease", func(s bool) (crafted, crafted) {
			return kernelOf("default", r2, newer, s), modules("xpad-kmp-default", r1, older, s)
		}, "stale"},
		{"of another kernelrelease with the same base", func(s bool) (crafted, crafted) {
			return kernelOf("default", r2, newer, s), modules("xpad-kmp-default", r1, newer, s)
		}, "fits"},
		{"of another kernelrelease, not linked", func(s bool) (crafted, crafted) {
			return unlinked(kernelOf("default", r2, newer, s)), modules("xpad-kmp-default", r1, older, s)
		}, "stale"},
		{"of another kernelrelease with the same base, not linked", func(s bool) (crafted, crafted) {
			return unlinked(kernelOf("default", r2, newer, s)), modules("xpad-kmp-default", r1, newer, s)
		}, "fits"},
		{"of another flavor", func(s bool) (crafted, crafted) {
			return kernelOf("rt", rt, newer, s), modules("xpad-kmp-default", r1, newer, s)
		}, "unmet"},
		{"without BTF", func(s bool) (crafted, crafted) {
			return kernelOf("default", r1, newer, s), crafted{name: "ipu6-kmp-default", files: map[string][]byte{"/usr/lib/modules/" + r1 + "/updates/ipu6.ko.xz": noBTF}}
		}, "fits"},
		{"without BTF, for another kernelrelease", func(s bool) (crafted, crafted) {
			return kernelOf("default", r2, newer, s), crafted{name: "ipu6-kmp-default", files: map[string][]byte{"/usr/lib/modules/" + r1 + "/updates/ipu6.ko.xz": noBTF}}
		}, "fits"},
	} {
		for _, stamped := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, stamped %t", tc.name, stamped), func(t *testing.T) {
				folder, repository := t.TempDir(), t.TempDir()
				kernel, modules := tc.make(stamped)
				packages := []crafted{kernel, modules}
				for _, c := range packages {
					c.write(t, folder)
					c.write(t, repository)
				}
				metadata(t, repository, packages)
				buildRoot(t, folder)
				obs := httptest.NewServer(builds{folder, packages})
				defer obs.Close()
				t.Setenv("OSC_CONFIG", "")
				t.Setenv("HOME", t.TempDir())
				t.Setenv("XDG_CONFIG_HOME", "")
				t.Setenv("OSC_APIURL", obs.URL)
				for _, args := range [][]string{
					{"check", folder},
					{"hook"},
					{"audit", "--no-db", "--format", "json", folder},
					{"audit", "--no-db", "--format", "json", repository},
					{"audit", "--no-db", "--format", "json", "obs:P/R/x86_64"},
					{"rebuild", "--project", "P", "--repository", "R", "--arch", "x86_64", "--dry-run", "--format", "json"},
				} {
					var out, errs bytes.Buffer
					exit := run(t.Context(), append([]string{"obs-btf-guard"}, args...), &out, &errs)
					if got := answerOf(args[0], modules.name, exit, out.String(), errs.String()); got != tc.answer {
						t.Errorf("%s: %s, want %s\n%s%s", strings.Join(args, " "), got, tc.answer, out.String(), errs.String())
					}
				}
			})
		}
	}
}

// TestOneToken has stamp, on packages, and rpmbuild's generator, on files, name the
// same base for the same modules, or none.
func TestOneToken(t *testing.T) {
	const release = "5.15.12-1-default"
	of := func(version string) (vmlinux, module []byte) {
		return contentOf(t, version+"/kernel-default-"+version+".x86_64.rpm", "/vmlinux.xz"),
			contentOf(t, version+"/kernel-default-extra-"+version+".x86_64.rpm", "/xpad.ko.zst")
	}
	_, older := of("5.15.12-1.1")
	vmlinux, newer := of("5.15.12-1.3")
	noBTF := contentOf(t, "5.15.12-1.3/ipu6-kmp-default-1.0_k5.15.12_1-2.1.x86_64.rpm", "/ipu6.ko.xz")
	for _, tc := range []struct {
		name    string
		flavor  string // of the packages, whatever the kernelrelease has
		modules [][]byte
		token   bool
	}{
		{"built on it", "default", [][]byte{newer}, true},
		{"of a flavor that only packages name", "64kb", [][]byte{newer}, true},
		{"built on another base", "default", [][]byte{older}, false},
		{"one without BTF as well", "default", [][]byte{newer, noBTF}, true},
		{"without BTF", "default", [][]byte{noBTF}, false},
		{"damaged", "default", [][]byte{newer[:len(newer)/2]}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			packages, root, installed := t.TempDir(), filepath.Join(t.TempDir(), "root"), filepath.Join(t.TempDir(), "vmlinux.xz")
			kernel := crafted{name: "kernel-" + tc.flavor, uname: release, files: map[string][]byte{"/usr/lib/modules/" + release + "/vmlinux.xz": vmlinux}}
			kmp := crafted{name: "a-kmp-" + tc.flavor, files: map[string][]byte{}}
			write := func(path string, data []byte) {
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			write(installed, vmlinux)
			for i, data := range tc.modules {
				path := fmt.Sprintf("/usr/lib/modules/%s/updates/m%d.ko%s", release, i, map[bool]string{true: ".xz", false: ".zst"}[bytes.Equal(data, noBTF)])
				kmp.files[path] = data
				write(root+path, data)
			}
			kernel.write(t, packages)
			kmp.write(t, packages)

			var out, errs bytes.Buffer
			run(t.Context(), []string{"obs-btf-guard", "stamp", "--dry-run", packages}, &out, &errs)
			_, said, _ := strings.Cut("\n"+out.String(), "\n"+kmp.name)
			said, _, _ = strings.Cut(said, "\n"+kernel.name)
			stamped := ""
			if i := strings.Index(said, "kernel-btf("); i >= 0 {
				stamped, _, _ = strings.Cut(said[i:], " ")
			}
			s, err := generator.New(t.Context(), root, generator.Options{Installed: func(context.Context, string) (string, []string) { return installed, nil }})
			if err != nil {
				t.Fatal(err)
			}
			generated := ""
			for _, a := range s.Answers {
				generated = cmp.Or(generated, a.TokenOf(kmp.name))
			}
			if (stamped != "") != tc.token || stamped != generated || tc.token && !strings.HasPrefix(stamped, "kernel-btf("+tc.flavor+":") {
				t.Errorf("stamp says %q, the generator %q\n%s%s", stamped, generated, out.String(), errs.String())
			}
		})
	}
}

// buildRoot has the hook find the packages of a folder as what was built.
func buildRoot(t *testing.T, folder string) {
	root := t.TempDir()
	top := filepath.Join(root, "home/abuild/rpmbuild")
	for _, dir := range []string{filepath.Join(root, "etc"), filepath.Join(top, "SOURCES"), filepath.Join(top, "OTHER"), filepath.Join(top, "RPMS")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.CopyFS(filepath.Join(top, "RPMS/x86_64"), os.DirFS(folder)), os.Symlink("home/abuild/rpmbuild", filepath.Join(root, ".build.packages"))); err != nil {
		t.Fatal(err)
	}
	t.Setenv("BUILD_ROOT", root)
	t.Setenv("PNAME", "xpad")
}

// answerOf puts what a command said of a package into one word.
func answerOf(command, pkg string, exit int, out, errs string) string {
	switch command {
	case "check":
		switch {
		case exit == exitOK:
			return "fits"
		case exit == exitFail:
			return "stale"
		case strings.Contains(errs, "no vmlinux of "):
			return "unmet"
		}
	case "hook":
		switch {
		case exit == exitFail:
			return "stale"
		case exit == exitOK && strings.Contains(out, "no vmlinux of "):
			return "unmet" // which no build fails for
		case exit == exitOK:
			return "fits"
		}
	case "audit":
		var doc struct {
			Findings []struct{ Kind, Package string }
		}
		if json.Unmarshal([]byte(out), &doc) != nil {
			break
		}
		answer := "fits"
		for _, f := range doc.Findings {
			if strings.HasPrefix(f.Package, pkg+"-1-1") && f.Kind != "unlabeled" {
				answer = f.Kind
			}
		}
		if want := map[string]int{"stale": exitFail}[answer]; exit == want {
			return answer
		}
	case "rebuild":
		var plan struct {
			Steps []struct{ Package string }
			Notes []string
		}
		if json.Unmarshal([]byte(out), &plan) != nil {
			break
		}
		switch {
		case len(plan.Steps) == 1 && plan.Steps[0].Package == pkg && exit == exitFail:
			return "stale"
		case strings.Contains(strings.Join(plan.Notes, "\n"), "no kernel of that flavor is here"):
			return "unmet"
		case len(plan.Steps)+len(plan.Notes) == 0 && exit == exitOK:
			return "fits"
		}
	}
	return fmt.Sprintf("exit %d", exit)
}
