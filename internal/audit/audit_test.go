// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// listed is a package as a repository lists it.
type listed struct {
	name, version, release, arch string
	build                        string // name and version of the source package, "" for its own
	uname                        string // kernelrelease that it provides
	provides, requires           []string
	recommends                   []string
	file                         string // path of the RPM, which has to be below the repository
	files                        []string
}

// base is the token of a base of a flavor.
func base(flavor string, n byte) string {
	return fingerprint.Token(flavor, fingerprint.Digest{n})
}

// repository writes a repository that lists packages.
func repository(t *testing.T, dir string, packages ...listed) string {
	t.Helper()
	var b, files strings.Builder
	entries := func(kind string, names []string, more string) {
		fmt.Fprintf(&b, "<rpm:%s>", kind)
		for _, n := range names {
			name, version, _ := strings.Cut(n, " = ")
			b.WriteString(`<rpm:entry name="`)
			xml.EscapeText(&b, []byte(name))
			if version != "" {
				fmt.Fprintf(&b, `" flags="EQ" ver="%s`, version)
			}
			b.WriteString(`"/>`)
		}
		fmt.Fprintf(&b, "%s</rpm:%s>", more, kind)
	}
	b.WriteString(`<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm">`)
	for _, p := range packages {
		if p.arch == "" {
			p.arch = "x86_64"
		}
		if p.build == "" {
			p.build = p.name + "-" + p.version + "-" + p.release
		}
		sum, size := "", 0
		if p.file == "" {
			p.file = p.name + ".rpm"
			if p.files != nil {
				sum = hexSum([]byte(p.name))
			}
		} else if data, err := os.ReadFile(filepath.Join(dir, p.file)); err != nil {
			t.Fatal(err)
		} else {
			sum, size = hexSum(data), len(data)
		}
		fmt.Fprintf(&b, `<package type="rpm"><name>%s</name><arch>%s</arch><version epoch="0" ver="%s" rel="%s"/><checksum type="sha256" pkgid="YES">%s</checksum>
<time build="1640789416"/><size package="%d"/><location href="%s"/><format><rpm:sourcerpm>%s.src.rpm</rpm:sourcerpm><rpm:buildhost>buildhost</rpm:buildhost>`,
			p.name, p.arch, p.version, p.release, sum, size, p.file, p.build)
		uname := ""
		if v, r, ok := strings.Cut(p.uname, "-"); ok {
			uname = fmt.Sprintf(`<rpm:entry name="kernel-uname-r" flags="EQ" epoch="0" ver="%s" rel="%s"/>`, v, r)
		}
		entries("provides", p.provides, uname)
		entries("requires", p.requires, "")
		entries("recommends", p.recommends, "")
		b.WriteString("</format></package>\n")
		fmt.Fprintf(&files, `<package pkgid="%s" name="%s" arch="%s">`, sum, p.name, p.arch)
		for _, f := range p.files {
			files.WriteString("<file>")
			xml.EscapeText(&files, []byte(f))
			files.WriteString("</file>")
		}
		files.WriteString("</package>\n")
	}
	b.WriteString("</metadata>")
	writeRepository(t, dir, b.String(), "<filelists>"+files.String()+"</filelists>")
	return dir
}

// writeRepository writes a repository's metadata.
func writeRepository(t *testing.T, dir, primary, filelists string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "repodata"), 0o755); err != nil {
		t.Fatal(err)
	}
	index := fmt.Sprintf(`<repomd><data type="primary"><checksum type="sha256">%s</checksum><location href="repodata/primary.xml"/></data>
<data type="filelists"><checksum type="sha256">%s</checksum><location href="repodata/filelists.xml"/></data></repomd>`, hexSum([]byte(primary)), hexSum([]byte(filelists)))
	for name, data := range map[string]string{"primary.xml": primary, "filelists.xml": filelists, "repomd.xml": index} {
		if err := os.WriteFile(filepath.Join(dir, "repodata", name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// kernelDefault is a kernel-default of a release with a base, 0 for none that it tells.
func kernelDefault(release string, n byte) listed {
	p := listed{name: "kernel-default", version: "6.4.0", release: release, uname: "6.4.0-1-default", provides: []string{"kmod(a.ko)"}}
	if n > 0 {
		p.provides = append(p.provides, base("default", n))
	}
	return p
}

func extra(release string, n byte) listed {
	return listed{name: "kernel-default-extra", version: "6.4.0", release: release, requires: []string{base("default", n)}}
}

// cells are those of the whole matrix.
func cells(r *Result) (out []Cell) {
	for _, w := range r.Rows {
		out = append(out, w.Cells...)
	}
	return out
}

// said is what a result comes to, for comparing.
func said(r *Result) (out []string) {
	for _, f := range r.Findings {
		name := f.Release
		if f.Package != nil {
			name = f.Package.NEVRA
		}
		out = append(out, fmt.Sprintf("%s %s", f.Kind, name))
	}
	release := func(k *Kernel) string {
		_, release, _ := strings.Cut(k.Package.versionRelease(), "-")
		return release
	}
	for _, b := range r.Changes {
		out = append(out, fmt.Sprintf("rebuild %s to %s changed %v", release(b.From), release(b.To), b.Changed()))
	}
	for _, c := range cells(r) {
		if c.Modules == c.Kernel.Package && c.Fit == guard.Fits {
			continue
		}
		out = append(out, fmt.Sprintf("%s on %s %s", c.Modules, c.Kernel.Package, c.Fit))
	}
	for _, p := range r.Problems {
		out = append(out, "problem "+p.Error())
	}
	return out
}

func TestMetadata(t *testing.T) {
	of := func(p listed, change func(*listed)) listed { change(&p); return p }
	arch := func(name string, p listed) listed { p.arch = name; return p }
	newer := of(kernelDefault("2.1", 2), func(p *listed) { p.uname = "6.4.0-2-default" })
	debug := listed{name: "kernel-debug", version: "6.4.0", release: "1.1", uname: "6.4.0-1-debug", provides: []string{base("debug", 9)}}
	for name, test := range map[string]struct {
		packages []listed
		want     []string
	}{
		"fits": {[]listed{kernelDefault("1.1", 1), extra("1.1", 1)},
			[]string{"kernel-default-extra-6.4.0-1.1.x86_64 on kernel-default-6.4.0-1.1.x86_64 fits"}},
		"fits by recommends": {[]listed{kernelDefault("1.1", 1), {name: "a-kmp-default", version: "1", release: "1", recommends: []string{base("default", 1)}}},
			[]string{"a-kmp-default-1-1.x86_64 on kernel-default-6.4.0-1.1.x86_64 fits"}},
		"stale": {[]listed{kernelDefault("1.2", 2), extra("1.1", 1)},
			[]string{"stale kernel-default-extra-6.4.0-1.1.x86_64", "kernel-default-extra-6.4.0-1.1.x86_64 on kernel-default-6.4.0-1.2.x86_64 misfits"}},
		"one of two tokens stale": {[]listed{kernelDefault("1.2", 2), of(extra("1.1", 1), func(p *listed) { p.requires = append(p.requires, base("default", 2)) })},
			[]string{"stale kernel-default-extra-6.4.0-1.1.x86_64", "kernel-default-extra-6.4.0-1.1.x86_64 on kernel-default-6.4.0-1.2.x86_64 misfits", "kernel-default-extra-6.4.0-1.1.x86_64 on kernel-default-6.4.0-1.2.x86_64 fits"}},
		"another flavor": {[]listed{debug, extra("1.1", 1)}, []string{"unmet kernel-default-extra-6.4.0-1.1.x86_64"}},
		"a flavor that only the package names": {[]listed{of(kernelDefault("1.1", 1), func(p *listed) { p.name, p.provides = "kernel-64kb", []string{base("64kb", 1)} }),
			{name: "a-kmp-64kb", version: "1", release: "1", requires: []string{base("64kb", 2)}}},
			[]string{"stale a-kmp-64kb-1-1.x86_64", "a-kmp-64kb-1-1.x86_64 on kernel-64kb-6.4.0-1.1.x86_64 misfits"}},
		"a flavor that only the symbols name": {[]listed{of(kernelDefault("1.1", 1), func(p *listed) {
			p.name, p.provides = "linux", []string{base("64kb", 1), "ksym(64kb:printk)"}
		}), {name: "a-kmp-64kb", version: "1", release: "1", requires: []string{base("64kb", 1)}}},
			[]string{"a-kmp-64kb-1-1.x86_64 on linux-6.4.0-1.1.x86_64 fits"}},
		"a flavor in what is provided for uname -r": {[]listed{of(kernelDefault("1.1", 1), func(p *listed) {
			p.name, p.provides = "linux", []string{base("rt", 1), "kernel-rt-uname-r"}
		}), {name: "a-kmp-rt", version: "1", release: "1", requires: []string{base("rt", 1)}}},
			[]string{"a-kmp-rt-1-1.x86_64 on linux-6.4.0-1.1.x86_64 fits"}},
		"another architecture":                                           {[]listed{arch("aarch64", kernelDefault("1.1", 1)), extra("1.1", 1)}, []string{"unmet kernel-default-extra-6.4.0-1.1.x86_64"}},
		"the same architecture by another name":                          {[]listed{arch("i686", kernelDefault("1.1", 1)), arch("i586", extra("1.1", 1))}, []string{"kernel-default-extra-6.4.0-1.1.i586 on kernel-default-6.4.0-1.1.i686 fits"}},
		"stale by another name":                                          {[]listed{arch("i686", kernelDefault("1.2", 2)), arch("i586", extra("1.1", 1))}, []string{"stale kernel-default-extra-6.4.0-1.1.i586", "kernel-default-extra-6.4.0-1.1.i586 on kernel-default-6.4.0-1.2.i686 misfits"}},
		"two processors and kernels":                                     {[]listed{arch("armv7hl", kernelDefault("1.1", 1)), arch("armv6hl", extra("1.1", 1))}, []string{"unmet kernel-default-extra-6.4.0-1.1.armv6hl"}},
		"modules of 64 bits for programs of 32 bits, whose base is gone": {[]listed{kernelDefault("1.1", 1), arch("i586", extra("1.1", 2))}, []string{"unknown kernel-default-extra-6.4.0-1.1.i586"}},
		"likewise, with a kernel of 32 bits": {[]listed{kernelDefault("1.1", 1), arch("i686", kernelDefault("1.1", 3)), arch("i586", extra("1.1", 2))},
			[]string{"stale kernel-default-extra-6.4.0-1.1.i586", "kernel-default-extra-6.4.0-1.1.i586 on kernel-default-6.4.0-1.1.i686 misfits"}},
		"32 and 64 bits": {[]listed{arch("i586", kernelDefault("1.1", 1)), extra("1.1", 1)}, []string{"unmet kernel-default-extra-6.4.0-1.1.x86_64"}},
		"incident by another name": {[]listed{arch("i586", kernelDefault("1.1", 1)), arch("i686", kernelDefault("1.1", 2))},
			[]string{"incident 6.4.0-1-default",
				"kernel-default-6.4.0-1.1.i586 on kernel-default-6.4.0-1.1.i686 misfits", "kernel-default-6.4.0-1.1.i686 on kernel-default-6.4.0-1.1.i586 misfits"}},
		"another kernelrelease": {[]listed{kernelDefault("1.1", 1), newer, extra("1.1", 1)}, []string{"kernel-default-extra-6.4.0-1.1.x86_64 on kernel-default-6.4.0-1.1.x86_64 fits"}},
		"a kernel without token": {[]listed{kernelDefault("1.1", 0), extra("1.1", 1)},
			[]string{"unknown kernel-default-6.4.0-1.1.x86_64", "unknown kernel-default-extra-6.4.0-1.1.x86_64",
				"kernel-default-6.4.0-1.1.x86_64 on kernel-default-6.4.0-1.1.x86_64 unknown", "kernel-default-extra-6.4.0-1.1.x86_64 on kernel-default-6.4.0-1.1.x86_64 unknown"}},
		"a kernel without kernelrelease": {[]listed{of(kernelDefault("1.1", 1), func(p *listed) { p.uname = "" }), extra("1.1", 1)},
			[]string{"unknown kernel-default-6.4.0-1.1.x86_64", "kernel-default-extra-6.4.0-1.1.x86_64 on kernel-default-6.4.0-1.1.x86_64 fits"}},
		"incident": {[]listed{kernelDefault("1.10", 2), kernelDefault("1.9", 1)},
			[]string{"incident 6.4.0-1-default", "rebuild 1.9 to 1.10 changed true",
				"kernel-default-6.4.0-1.9.x86_64 on kernel-default-6.4.0-1.10.x86_64 misfits", "kernel-default-6.4.0-1.10.x86_64 on kernel-default-6.4.0-1.9.x86_64 misfits"}},
		"a rebuild that changed nothing": {[]listed{kernelDefault("1.1", 1), kernelDefault("1.2", 1)},
			[]string{"rebuild 1.1 to 1.2 changed false",
				"kernel-default-6.4.0-1.1.x86_64 on kernel-default-6.4.0-1.2.x86_64 fits", "kernel-default-6.4.0-1.2.x86_64 on kernel-default-6.4.0-1.1.x86_64 fits"}},
		"built against the wrong kernel": {[]listed{
			of(kernelDefault("1.1", 1), func(p *listed) { p.provides = p.provides[1:] }),
			of(kernelDefault("1.2", 2), func(p *listed) { p.provides = p.provides[1:] }),
			of(extra("1.2", 1), func(p *listed) { p.build = "kernel-default-6.4.0-1.2" })},
			[]string{"broken kernel-default-extra-6.4.0-1.2.x86_64", "incident 6.4.0-1-default", "rebuild 1.1 to 1.2 changed true",
				"kernel-default-extra-6.4.0-1.2.x86_64 on kernel-default-6.4.0-1.1.x86_64 fits", "kernel-default-extra-6.4.0-1.2.x86_64 on kernel-default-6.4.0-1.2.x86_64 misfits"}},
		"modules without token": {[]listed{{name: "a-kmp-default", version: "1", release: "1"}}, []string{"unknown a-kmp-default-1-1.x86_64"}},
		"more than is believed": {[]listed{of(extra("1.1", 1), func(p *listed) {
			for n := range byte(collect.MaxTokens + 1) {
				p.requires = append(p.requires, base("default", n))
			}
		})}, []string{"problem DIR: kernel-default-extra-6.4.0-1.1.x86_64: 65 kernelreleases or kernel-btf(...) dependencies, at most 64 are believed"}},
		"copies": {[]listed{kernelDefault("1.1", 1), kernelDefault("1.1", 1)}, nil},
		"nothing to do with kernels": {[]listed{{name: "bash", version: "5", release: "1"}, {name: "kernel-default-devel", version: "6.4.0", release: "1.1"},
			{name: "a-kmp-default-debuginfo", version: "1", release: "1"}, {name: "kernel-source", arch: "noarch", version: "6.4.0", release: "1.1"}, {name: "a-kmp-default", arch: "src", version: "1", release: "1"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := repository(t, t.TempDir(), test.packages...)
			res, err := Run(t.Context(), Options{Sources: []string{dir}, MetadataOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			got := said(res)
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], dir, "DIR")
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if res.Sources[0].Packages != len(test.packages) {
				t.Errorf("%d packages, want %d", res.Sources[0].Packages, len(test.packages))
			}
		})
	}
}

// TestArchContent holds that packages of one architecture are read together,
// whatever RPM calls it: files of 64 bits in a package for programs of 32 bits, too.
func TestArchContent(t *testing.T) {
	dir := incident(t, func(string) bool { return false }, "5.15.12-1.3")
	const fits, unmet = newExtra + " on " + newKernel + " fits", "unmet " + newExtra
	const broken = "broken " + newExtra + "\n" + newExtra + " on " + newKernel + " misfits"
	for _, test := range []struct {
		kernel, modules string
		gone            bool // they are stamped, and no kernel has their base any more
		want            string
	}{
		{"i686", "i586", false, fits}, {"i586", "i686", false, fits}, {"x86_64", "x86_64_v3", false, fits}, {"x86_64", "i686", false, fits}, {"armv7hl", "armv6hl", false, unmet},
		{"x86_64", "i686", true, broken}, {"x86_64", "i586", true, broken}, {"armv7hl", "armv6hl", true, unmet},
	} {
		t.Run(fmt.Sprintf("%s on %s, gone %v", test.modules, test.kernel, test.gone), func(t *testing.T) {
			a := &audit{res: &Result{}}
			for name, arch := range map[string]string{newKernel: test.kernel, newExtra: test.modules} {
				p, err := describe(t.Context(), dir, filepath.Join(dir, name+".rpm"))
				if err != nil {
					t.Fatal(err)
				}
				p.Arch = arch
				if test.gone && name == newExtra {
					p.Requires = []string{base("default", 7)}
				}
				a.packages = append(a.packages, p)
			}
			a.sort()
			if err := a.content(t.Context()); err != nil {
				t.Fatal(err)
			}
			a.match(t.Context())
			want := []string{"unlabeled " + newKernel, "unlabeled " + newExtra, test.want}
			if test.gone {
				parts := strings.SplitN(test.want, "\n", 2)
				want = slices.Concat(parts[:1], want[:1], parts[1:])
				if parts[0] == unmet {
					slices.Reverse(want) // a lighter finding
				}
			}
			if diff := cmp.Diff(want, said(a.res)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAcross compares modules of one source with kernels of another.
func TestAcross(t *testing.T) {
	kernels := repository(t, t.TempDir(), kernelDefault("1.1", 1))
	modules := repository(t, t.TempDir(), extra("1.1", 1), kernelDefault("1.1", 1))
	res, err := Run(t.Context(), Options{Sources: []string{kernels, modules}, MetadataOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"kernel-default-extra-6.4.0-1.1.x86_64 on kernel-default-6.4.0-1.1.x86_64 fits"}
	if diff := cmp.Diff(want, said(res)); diff != "" {
		t.Error(diff)
	}
}

// incident makes a repository of the incident's packages, without tokens or
// stamped for whom stamp is true.
func incident(t *testing.T, stamp func(name string) bool, builds ...string) string {
	t.Helper()
	dir := t.TempDir()
	var packages []listed
	for _, build := range builds {
		paths, err := filepath.Glob("../../testdata/incident/" + build + "/*.rpm")
		if err != nil || len(paths) == 0 {
			t.Fatal("no fixtures", err)
		}
		for _, from := range paths {
			data, err := os.ReadFile(from)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(from)), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	inv, err := collect.Read(t.Context(), collect.Packages(dir))
	if err != nil {
		t.Fatal(err)
	}
	res, err := guard.Judge(t.Context(), inv, guard.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tokens := range guard.Metadata(inv, res) {
		if !stamp(tokens.Package.NEVRA) {
			continue
		}
		var e rpm.Edit
		add := func(kind rpm.Kind, name string) {
			e.Add = append(e.Add, rpm.Relation{Kind: kind, Dependency: rpm.Dependency{Name: name}})
		}
		for _, token := range tokens.Provides {
			add(rpm.Provides, token)
		}
		for _, need := range tokens.Requires {
			add(rpm.Requires, need.Dependency())
		}
		for _, need := range tokens.Recommends {
			add(rpm.Recommends, need.Dependency())
		}
		if _, err := rpm.Rewrite(t.Context(), tokens.Package.Path, e); err != nil {
			t.Fatal(err)
		}
	}
	paths, err := filepath.Glob(dir + "/*.rpm")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		r, err := rpm.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		p := r.Package
		l := listed{name: p.Name, version: p.Version, release: p.Release, arch: p.Arch, build: strings.TrimSuffix(p.SourceRPM, ".src.rpm"), file: filepath.Base(path)}
		for _, d := range p.Provides {
			if d.Name == kernelUname {
				l.uname = d.Version
			} else {
				l.provides = append(l.provides, d.Name)
			}
		}
		for _, d := range slices.Concat(p.Requires, p.Recommends) {
			l.requires = append(l.requires, d.Name)
		}
		packages = append(packages, l)
	}
	return repository(t, dir, packages...)
}

const (
	oldKernel = "kernel-default-5.15.12-1.1.x86_64"
	newKernel = "kernel-default-5.15.12-1.3.x86_64"
	oldExtra  = "kernel-default-extra-5.15.12-1.1.x86_64"
	newExtra  = "kernel-default-extra-5.15.12-1.3.x86_64"
	kmp       = "ipu6-kmp-default-1.0_k5.15.12_1-2.1.x86_64"
)

// TestContent reads packages where their metadata says nothing, and holds that
// tokens and content give the same matrix.
func TestContent(t *testing.T) {
	matrix := []string{
		kmp + " on " + oldKernel + " fits",
		kmp + " on " + newKernel + " fits",
		oldKernel + " on " + newKernel + " misfits",
		newKernel + " on " + oldKernel + " misfits",
		oldExtra + " on " + oldKernel + " fits",
		oldExtra + " on " + newKernel + " misfits",
		newExtra + " on " + oldKernel + " misfits",
		newExtra + " on " + newKernel + " fits",
	}
	changed := []string{"incident 5.15.12-1-default"}
	const rebuilt = "rebuild 1.1 to 1.3 changed true"
	for name, test := range map[string]struct {
		stamp func(string) bool
		want  []string
	}{
		"all stamped":  {func(string) bool { return true }, append(append(changed, rebuilt), matrix...)},
		"none stamped": {func(string) bool { return false }, append([]string{"incident 5.15.12-1-default", "unlabeled " + oldKernel, "unlabeled " + newKernel, "unlabeled " + oldExtra, "unlabeled " + newExtra, rebuilt}, matrix...)},
		"kernels stamped": {func(s string) bool { return s == oldKernel || s == newKernel },
			append([]string{"incident 5.15.12-1-default", "unlabeled " + oldExtra, "unlabeled " + newExtra, rebuilt}, matrix...)},
		"modules stamped": {func(s string) bool { return s == oldExtra || s == newExtra },
			append([]string{"incident 5.15.12-1-default", "unlabeled " + oldKernel, "unlabeled " + newKernel, rebuilt}, matrix...)},
	} {
		t.Run(name, func(t *testing.T) {
			dir := incident(t, test.stamp, "5.15.12-1.1", "5.15.12-1.3")
			server := httptest.NewServer(http.FileServer(http.Dir(dir)))
			defer server.Close()
			for _, source := range []string{dir, "file://" + dir, server.URL} {
				res, err := Run(t.Context(), Options{Sources: []string{source}, Dir: t.TempDir()})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.want, said(res)); diff != "" {
					t.Error(diff)
				}
			}
			// The same packages without that metadata, behind links.
			links := t.TempDir()
			paths, err := filepath.Glob(dir + "/*.rpm")
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range paths {
				if err := os.Symlink(path, filepath.Join(links, filepath.Base(path))); err != nil {
					t.Fatal(err)
				}
			}
			res, err := Run(t.Context(), Options{Sources: []string{links}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, said(res)); diff != "" {
				t.Error("folder:", diff)
			}
		})
	}
}

// TestOutdated compares old modules with a new kernel alone.
func TestOutdated(t *testing.T) {
	for _, stamped := range []bool{true, false} {
		t.Run(fmt.Sprint("stamped ", stamped), func(t *testing.T) {
			dir := incident(t, func(string) bool { return stamped }, "5.15.12-1.1", "5.15.12-1.3")
			if err := os.Remove(filepath.Join(dir, oldKernel+".rpm")); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(filepath.Join(dir, "repodata")); err != nil {
				t.Fatal(err)
			}
			res, err := Run(t.Context(), Options{Sources: []string{dir}})
			if err != nil {
				t.Fatal(err)
			}
			if len(res.Findings) == 0 || res.Findings[0].Kind != guard.Stale || res.Findings[0].Package.NEVRA != oldExtra || res.Exit(DefaultFailOn) != 1 {
				t.Errorf("%q, exit %d", said(res), res.Exit(DefaultFailOn))
			}
		})
	}
}

// TestMislabeled holds a kernel whose token its content contradicts: it comes out
// when the kernel is read for the modules of another package.
func TestMislabeled(t *testing.T) {
	dir := incident(t, func(string) bool { return false }, "5.15.12-1.3")
	wrong := rpm.Relation{Kind: rpm.Provides, Dependency: rpm.Dependency{Name: base("default", 7)}}
	if _, err := rpm.Rewrite(t.Context(), filepath.Join(dir, newKernel+".rpm"), rpm.Edit{Add: []rpm.Relation{wrong}}); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "repodata")); err != nil {
		t.Fatal(err)
	}
	res, err := Run(t.Context(), Options{Sources: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"mislabeled " + newKernel, "unlabeled " + newExtra,
		kmp + " on " + newKernel + " fits", newExtra + " on " + newKernel + " fits"}
	if diff := cmp.Diff(want, said(res)); diff != "" {
		t.Error(diff)
	}
}

// TestProblems: what cannot be read is reported, and the rest is checked.
func TestProblems(t *testing.T) {
	dir := incident(t, func(string) bool { return true }, "5.15.12-1.1")
	if err := os.WriteFile(filepath.Join(dir, kmp+".rpm"), []byte("exchanged"), 0o644); err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	res, err := Run(t.Context(), Options{Sources: []string{dir, empty, filepath.Join(empty, "nothing")}, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(said(res), "\n")
	for _, want := range []string{
		"problem " + dir + ": " + kmp + ".rpm: sha256 is ",
		"problem " + empty + ": no RPM and no Debian package in it, and no repository",
		"nothing: no such file or directory",
		"unknown " + kmp,
		oldExtra + " on " + oldKernel + " fits",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("%s\nlacks %s", all, want)
		}
	}
	if got := res.Exit(nil); got != 2 {
		t.Errorf("exit %d", got)
	}
}

// TestJSON holds that the document is what docs/json.md says at its ends: no list
// is null.
func TestJSON(t *testing.T) {
	var b strings.Builder
	if err := new(Result).JSON(&b, "1", nil); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "null") || !json.Valid([]byte(b.String())) {
		t.Error(b.String())
	}
}

// TestDoubtful has packages of whose modules their dependencies do not tell which other
// kernels they are linked into: that is no reason to say nothing.
func TestDoubtful(t *testing.T) {
	const below = "/usr/lib/modules/6.4.0-1-default/"
	kernel := func(release string, n byte, provides ...string) listed {
		p := kernelDefault(release+".1", n)
		p.uname = "6.4.0-" + release + "-default"
		p.provides = append(p.provides, provides...)
		return p
	}
	on := func(path string, name string, provides []string, requires ...string) listed {
		token := fingerprint.Requirement(base("default", 1), "6.4.0-1-default")
		return listed{name: name, version: "1", release: "1", provides: provides, requires: append(requires, token), files: []string{below + path}}
	}
	const notKnown = "whether weak-modules links its modules into 6.4.0-2-default of kernel-default-6.4.0-2.1.x86_64 is not known: "
	for name, test := range map[string]struct {
		module listed
		want   []string
	}{
		"linked": {on("updates/a.ko", "a-kmp-default", []string{"kmod(a.ko)"}, "ksym(default:mux_get) = 00000004"),
			[]string{"on 6.4.0-1-default fits", "on 6.4.0-2-default fits by weak-modules"}},
		"not linked": {on("updates/a.ko", "a-kmp-default", []string{"kmod(a.ko)"}, "ksym(default:mux_get) = 00000005"),
			[]string{"on 6.4.0-1-default fits", "not on 6.4.0-2-default: needs symbol mux_get with CRC 00000005, there it has 00000004"}},
		"another symbol than the kernel's own module": {on("updates/mux.ko", "a-kmp-default", []string{"kmod(mux.ko)", "ksym(default:mux_get) = 00000005"}, "ksym(default:printk) = 00000001"),
			[]string{"on 6.4.0-1-default fits", notKnown + "the package has another symbol mux_get than the kernel, and whether modules of the kernel need that is not known"}},
		"no symbols in the dependencies": {on("extra/a.ko", "zfs-modules", nil),
			[]string{"on 6.4.0-1-default fits", notKnown + "the dependencies of the package do not list the symbols that its modules need"}},
		"of the kernel itself, in extra/": {on("extra/a.ko", "kernel-modules-extra", []string{"kmod(a.ko)"}, "kernel(mux_get) = 0x00000004"),
			[]string{"on 6.4.0-1-default fits", "on 6.4.0-2-default fits by weak-modules"}},
		"likewise, without symbols": {on("extra/a.ko", "kernel-modules-extra", []string{"kmod(a.ko)"}),
			[]string{"on 6.4.0-1-default fits", notKnown + "the dependencies of the package do not list the symbols that its modules need"}},
		"of the kernel itself, in kernel/": {on("kernel/a.ko", "kernel-modules-extra", []string{"kmod(a.ko)"}, "kernel(mux_get) = 0x00000004"),
			[]string{"on 6.4.0-1-default fits"}},
		"of several modules one": {on("extra/a.ko", "kmod-a", []string{"kmod(a.ko)", "kmod(b.ko)"}, "kernel(mux_get) = 0x00000005"),
			[]string{"on 6.4.0-1-default fits", notKnown + "modules are linked one by one, and the dependencies of the package do not tell which of them needs symbol mux_get with CRC 00000005, there it has 00000004"}},
		"built with the kernel": {on("updates/a.ko", "a-kmp-default", []string{"kmod(a.ko)", "kmp_in_kernel"}),
			[]string{"on 6.4.0-1-default fits"}},
		"a livepatch": {on("livepatch/a.ko", "kernel-livepatch-6_4_0-1-default", []string{"kmod(a.ko)"}),
			[]string{"on 6.4.0-1-default fits"}},
	} {
		t.Run(name, func(t *testing.T) {
			symbols := []string{"ksym(default:mux_get) = 00000004", "ksym(default:printk) = 00000001"}
			dir := repository(t, t.TempDir(), kernel("1", 1, symbols...), kernel("2", 1, symbols...), test.module)
			res, err := Run(t.Context(), Options{Sources: []string{dir}, MetadataOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range res.Rows {
				for _, c := range w.Cells {
					if c.Modules.Name == test.module.name {
						got = append(got, fmt.Sprintf("on %s %s%s", c.Kernel.Release, c.Fit, map[bool]string{true: " by weak-modules"}[c.Weak]))
					}
				}
			}
			for _, u := range res.Unlinked {
				got = append(got, fmt.Sprintf("not on %s: %s", u.Kernel.Release, u.Why))
			}
			for _, f := range res.Findings {
				got = append(got, f.Reasons...)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
