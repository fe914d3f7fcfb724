// SPDX-License-Identifier: Apache-2.0

package repomd

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/zstd"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
	"github.com/ulikunitz/xz"
)

// stored is a primary.xml as a repository has it.
type stored struct {
	text  string
	ext   string // "", ".gz", ".xz", ".zst"
	sum   string // type of checksum, "" for sha256
	index string // format of repomd.xml with checksum type, checksum, location, size and open size; "" for the usual one
	files map[string]string
}

const plainIndex = `<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="http://linux.duke.edu/metadata/rpm">
  <revision>7</revision>
  <data type="primary_zck"><checksum type="sha256">00</checksum><location href="repodata/primary.xml.zck"/></data>
  <data type="primary">
    <checksum type="%s">%s</checksum>
    <location href="%s"/>
    <size>%d</size>
    <open-size>%d</open-size>
  </data>
  <data type="modules"><checksum type="sha512">00</checksum><location href="repodata/modules.yaml.gz"/></data>
</repomd>
`

// write makes a repository of it.
func (s stored) write(t testing.TB, dir string) {
	t.Helper()
	data := compressed(t, s.text, s.ext)
	if s.sum == "" {
		s.sum = "sha256"
	}
	if s.index == "" {
		s.index = plainIndex
	}
	href := "repodata/primary.xml" + s.ext
	index := fmt.Sprintf(s.index, s.sum, digest(s.sum, data), href, len(data), len(s.text))
	files := map[string]string{href: string(data), indexPath: index}
	for name, content := range s.files {
		files[name] = content
	}
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func compressed(t testing.TB, text, ext string) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	switch ext {
	case "":
		return []byte(text)
	case ".gz":
		w = gzip.NewWriter(&out)
	case ".xz":
		w, err = xz.NewWriter(&out)
	case ".zst":
		w, err = zstd.NewWriter(&out)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func digest(kind string, data []byte) string {
	switch kind {
	case "sha512":
		sum := sha512.Sum512(data)
		return hex.EncodeToString(sum[:])
	case "sha384":
		sum := sha512.Sum384(data)
		return hex.EncodeToString(sum[:])
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// tokensOnly picks what these tests look at.
func tokensOnly(name []byte) bool {
	return bytes.HasPrefix(name, []byte("kernel-btf(")) || string(name) == "kernel-uname-r"
}

func read(t testing.TB, source string, o Options) ([]*Package, error) {
	t.Helper()
	r, err := Open(t.Context(), source, o)
	if err != nil {
		return nil, err
	}
	var out []*Package
	for p, err := range r.Packages(t.Context(), tokensOnly) {
		if err != nil {
			return out, err
		}
		out = append(out, p)
	}
	return out, nil
}

const (
	newBase = "kernel-btf(default:sha256:94460e068ad0e08b2068845da42d89bebfc6edb219b7f0ac1c49da7b0f55f953)"
	oldBase = "kernel-btf(default:sha256:42844fc3093af9ffa696a5c5b03f5b5536f1319f65a5b76c17cbd95da1f7ec5d)"
)

// TestReal reads what createrepo_c made of the incident's packages.
func TestReal(t *testing.T) {
	got, err := read(t, "testdata/incident", Options{})
	if err != nil {
		t.Fatal(err)
	}
	built := time.Unix(1640789416, 0).UTC()
	uname := rpm.Dependency{Name: "kernel-uname-r", Flags: rpm.SenseEqual, Version: "5.15.12-1-default"}
	kernel := func(release, base string) *Package {
		return &Package{Location: "5.15.12-" + release + "/kernel-default-5.15.12-" + release + ".x86_64.rpm", Package: rpm.Package{
			Name: "kernel-default", Version: "5.15.12", Release: release, Arch: "x86_64",
			SourceRPM: "kernel-default-5.15.12-" + release + ".nosrc.rpm", BuildHost: "buildhost", BuildTime: built,
			Provides: []rpm.Dependency{{Name: base}, uname},
		}}
	}
	extra := func(release, base string) *Package {
		p := kernel(release, base)
		p.Location = strings.ReplaceAll(p.Location, "default-", "default-extra-")
		p.Name, p.Requires, p.Provides = "kernel-default-extra", p.Provides[:1], nil
		return p
	}
	kmp := &Package{Location: "5.15.12-1.1/ipu6-kmp-default-1.0_k5.15.12_1-2.1.x86_64.rpm", Package: rpm.Package{
		Name: "ipu6-kmp-default", Version: "1.0_k5.15.12_1", Release: "2.1", Arch: "x86_64",
		SourceRPM: "ipu6-1.0-2.1.src.rpm", BuildHost: "buildhost", BuildTime: built,
	}}
	same := *kmp
	same.Location = strings.ReplaceAll(kmp.Location, "5.15.12-1.1/", "5.15.12-1.3/")
	want := []*Package{kmp, kernel("1.1", oldBase), extra("1.1", oldBase), &same, kernel("1.3", newBase), extra("1.3", newBase)}
	byPlace := cmpopts.SortSlices(func(a, b *Package) bool { return a.Location < b.Location })
	if diff := cmp.Diff(want, got, byPlace, cmpopts.IgnoreFields(Package{}, "Size", "Sum", "Line")); diff != "" {
		t.Error(diff)
	}
	for _, p := range got {
		if p.Size < 5000 || p.Sum.Type != "sha256" || p.Sum.check() != nil {
			t.Errorf("%s: %d bytes, checksum %v", p.NEVRA(), p.Size, p.Sum)
		}
	}
}

// onePackage is a primary.xml with a package in which more stands before its end.
func onePackage(more string) string {
	return `<?xml version='1.0' encoding='utf-8'?>
<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="1">
<package type="rpm"><name>kernel-a</name><arch>x86_64</arch>
<version epoch="2" rel="1" ver="6.4"/><location href="x86_64/kernel-a.rpm"/>
` + more + `</package>
</metadata>
`
}

// TestForms reads one repository in all the forms that tools write.
func TestForms(t *testing.T) {
	text := onePackage(`<!-- > --><description><![CDATA[</package> &nothing; ]]> &lt;name&gt;</description>
<format><rpm:provides><rpm:entry name='kernel-btf&#40;a)' /><rpm:entry name="bash" ver=">"/></rpm:provides>
<rpm:recommends><rpm:entry flags="GE" epoch="1" ver="2" rel="3-4" name="kernel-uname-r"/></rpm:recommends></format>`)
	for name, s := range map[string]stored{
		"plain":         {},
		"gzip":          {ext: ".gz"},
		"xz":            {ext: ".xz"},
		"zstd":          {ext: ".zst"},
		"sha384":        {ext: ".gz", sum: "sha384"},
		"sha512":        {ext: ".zst", sum: "sha512"},
		"without sizes": {ext: ".gz", index: `<repomd><data type="primary"><checksum type="%s"> %s </checksum><location href="%s"/></data></repomd><!-- %d %d -->`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s.text = text
			s.write(t, dir)
			got, err := read(t, dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 1 {
				t.Fatalf("%d packages, want 1", len(got))
			}
			p := got[0]
			wantProvides := []rpm.Dependency{{Name: "kernel-btf(a)"}}
			wantRecommends := []rpm.Dependency{{Name: "kernel-uname-r", Flags: rpm.SenseGreater | rpm.SenseEqual, Version: "1:2-3-4"}}
			if p.NEVRA() != "kernel-a-2:6.4-1.x86_64" || !cmp.Equal(p.Provides, wantProvides) || !cmp.Equal(p.Recommends, wantRecommends) {
				t.Errorf("%s, provides %v, recommends %v", p.NEVRA(), p.Provides, p.Recommends)
			}
		})
	}
}

// TestRefused holds what is not believed, and that the error says where.
func TestRefused(t *testing.T) {
	index := func(checksum, location string) string {
		return `<repomd><data type="primary">` + checksum + location + `</data></repomd><!-- %s%s%s%d%d -->`
	}
	sum := `<checksum type="%s">%s</checksum>`
	entries := func(s string) string { return onePackage("<format><rpm:provides>" + s + "</rpm:provides></format>") }
	for name, test := range map[string]struct {
		s    stored
		want string
	}{
		"no primary":         {stored{index: `<repomd><data type="filelists"/></repomd><!-- %s%s%s%d%d -->`}, "repomd.xml: lists no primary"},
		"no index":           {stored{index: "%s%s%s%d%d"}, "repomd.xml: "},
		"another document":   {stored{index: `<html/><!-- %s%s%s%d%d -->`}, "repomd.xml: expected element type <repomd>"},
		"entity in index":    {stored{index: "<!DOCTYPE r [<!ENTITY e \"x\">]>\n<repomd>&e;</repomd><!-- %s%s%s%d%d -->"}, "repomd.xml: line 2: "},
		"md5":                {stored{index: index(`<checksum type="md5">aa</checksum>`, ``)}, "type md5, which no longer"},
		"sha":                {stored{index: index(`<checksum type="sha">aa</checksum>`, ``)}, "type sha, which no longer"},
		"unknown checksum":   {stored{index: index(`<checksum type="crc">aa</checksum>`, ``)}, `type "crc"`},
		"short checksum":     {stored{index: index(`<checksum type="sha256">aa</checksum>`, ``)}, `not the 64 hexadecimal digits of sha256`},
		"no checksum":        {stored{index: index(``, ``)}, `checksum of type ""`},
		"index escapes":      {stored{index: `<repomd><data type="primary">` + sum + `<location href="../%s"/></data></repomd><!-- %d%d -->`}, "primary: location \"../repodata"},
		"index elsewhere":    {stored{index: `<repomd><data type="primary">` + sum + `<location xml:base="http://x/" href="%s"/></data></repomd><!-- %d%d -->`}, "outside of the repository"},
		"wrong checksum":     {stored{text: onePackage(""), files: map[string]string{"repodata/primary.xml": strings.Replace(onePackage(""), "kernel-a", "kernel-b", 1)}}, "primary.xml: sha256 is "},
		"longer than size":   {stored{text: onePackage(""), files: map[string]string{"repodata/primary.xml": onePackage("  ")}}, "primary.xml: more than the "},
		"longer unpacked":    {stored{text: onePackage(""), ext: ".gz", index: strings.Replace(plainIndex, "<open-size>%d", "<open-size>100<!-- %d -->", 1)}, "primary.xml.gz: line 1: more than the 100 bytes"},
		"negative size":      {stored{index: strings.Replace(plainIndex, "<size>%d", "<size>-%d", 1), text: " "}, "primary: size -1"},
		"size beyond bounds": {stored{index: strings.Replace(plainIndex, "<size>%d", "<size>99%d000000000", 1)}, "primary: size 99"},

		"empty":              {stored{}, "no element in it"},
		"document type":      {stored{text: "<?xml version='1.0'?>\n<!DOCTYPE m [<!ENTITY a 'aa'>]><metadata/>"}, "primary.xml: line 2: a document type"},
		"entity":             {stored{text: onePackage("<rpm:x/><name>&a;</name>")}, "line 5: reference &a is unknown"},
		"entity in entry":    {stored{text: entries(`<rpm:entry name="&a;"/>`)}, "line 5: reference &a"},
		"character too big":  {stored{text: entries(`<rpm:entry name="&#x110000;"/>`)}, "line 5: reference &#x110000"},
		"NUL character":      {stored{text: entries(`<rpm:entry name="&#0;"/>`)}, "line 5: reference &#0"},
		"surrogate":          {stored{text: entries(`<rpm:entry name="&#xd800;"/>`)}, "line 5: reference &#xd800"},
		"flags":              {stored{text: entries(`<rpm:entry name="kernel-uname-r" flags="ABOUT"/>`)}, `flags "ABOUT" is no comparison`},
		"another root":       {stored{text: "<filelists/>"}, "line 1: <filelists> is not"},
		"another child":      {stored{text: "<metadata>\n\n<delta/></metadata>"}, "line 3: <delta> where"},
		"cut off":            {stored{text: onePackage("")[:300]}, "cut short; download or build the file again"},
		"cut off in a tag":   {stored{text: "<metadata><package na"}, "cut short; download or build the file again"},
		"wrong end":          {stored{text: "<metadata>\n</metadat>"}, "line 2: </metadat> ends <metadata>"},
		"end alone":          {stored{text: "</metadata>"}, "line 1: </metadata> ends <>"},
		"two roots":          {stored{text: "<metadata/>\n<metadata/>"}, "line 2: <metadata> behind the end"},
		"text behind":        {stored{text: "<metadata/>\nhello"}, "text outside of any element"},
		"deep":               {stored{text: strings.Replace(onePackage("@"), "@", strings.Repeat("<a>", 40), 1)}, "more than 32 elements within each other"},
		"many attributes":    {stored{text: "<metadata" + attributes(33) + "/>"}, "more than 32 attributes"},
		"attribute twice":    {stored{text: `<metadata a="1" a="2"/>`}, "two attributes a"},
		"no quotes":          {stored{text: `<metadata a=1/>`}, "is no attribute"},
		"no space":           {stored{text: `<metadata a="1"b="2"/>`}, "is no attribute"},
		"UTF-16":             {stored{text: `<?xml version="1.0" encoding="UTF-16"?><metadata/>`}, "metadata is UTF-8"},
		"long tag":           {stored{text: `<metadata a="` + strings.Repeat("a", 3*maxToken) + `"/>`}, "more than 16777216 bytes in one tag"},
		"long name":          {stored{text: onePackage("<name>" + strings.Repeat("a", 5000) + "</name>")}, "<name> of more than 4096 bytes"},
		"long version":       {stored{text: onePackage(`<version epoch="0" ver="` + strings.Repeat("9", 5000) + `"/>`)}, "line 5: <version>: ver of more than 4096 bytes"},
		"long location":      {stored{text: onePackage(`<location href="` + strings.Repeat("a", 5000) + `"/>`)}, "<location>: href of more than 4096 bytes"},
		"long checksum type": {stored{text: onePackage(`<checksum type="` + strings.Repeat("a", 5000) + `"/>`)}, "<checksum>: type of more than 4096 bytes"},
		"long entry":         {stored{text: entries(`<rpm:entry name="kernel-btf(` + strings.Repeat("a", 5000) + `)"/>`)}, "<entry>: name of more than 4096 bytes"},
		"long entry version": {stored{text: entries(`<rpm:entry name="kernel-uname-r" ver="` + strings.Repeat("a", 5000) + `"/>`)}, "<entry>: ver of more than 4096 bytes"},
		"many long entries":  {stored{text: entries(strings.Repeat(`<rpm:entry name="kernel-uname-r" ver="`+strings.Repeat("a", 4000)+`"/>`, 600))}, "more than 2097152 bytes that name"},
		"no name":            {stored{text: "<metadata><package/></metadata>"}, `package "" has no name`},
		"time":               {stored{text: onePackage(`<time build="yesterday"/>`)}, `build "yesterday" is not`},
		"escapes":            {stored{text: onePackage(`<location href="../../etc/x.rpm"/>`)}, `package "kernel-a": location "../../etc/x.rpm" is not`},
		"escapes in between": {stored{text: onePackage(`<location href="a/../../x.rpm"/>`)}, "is not that of a file below"},
		"absolute":           {stored{text: onePackage(`<location href="/etc/x.rpm"/>`)}, "is not that of a file below"},
		"a URL":              {stored{text: onePackage(`<location href="http://x/x.rpm"/>`)}, "is not that of a file below"},
		"a line feed":        {stored{text: onePackage(`<location href="x&#10;.rpm"/>`)}, "is not that of a file below"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			test.s.write(t, dir)
			_, err := read(t, dir, Options{})
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "repodata/") {
				t.Errorf("error %.300v, want %q in it", err, test.want)
			}
			if err != nil && len(err.Error()) > 1000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		})
	}
}

// TestPackage reads single values of a package.
func TestPackage(t *testing.T) {
	for name, test := range map[string]struct {
		more   string
		built  int64 // 0 for unknown
		digest string
	}{
		"none":           {"", 0, ""},
		"time":           {`<time build="1640789416"/>`, 1640789416, ""},
		"latest time":    {`<time build="4294967295"/>`, 4294967295, ""},
		"beyond a year":  {`<time build="999999999999999"/>`, 0, ""},
		"time too large": {`<time build="4294967296"/>`, 0, ""},
		"checksum":       {`<checksum type="sha256" pkgid="YES"> AB </checksum>`, 0, "sha256:ab"},
		"empty checksum": {`<checksum type="sha256" pkgid="YES"/>`, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			stored{text: onePackage(test.more)}.write(t, dir)
			got, err := read(t, dir, Options{})
			if err != nil || len(got) != 1 {
				t.Fatal(got, err)
			}
			p := got[0]
			if known := !p.BuildTime.IsZero(); known != (test.built > 0) || known && p.BuildTime.Unix() != test.built || p.Digest() != test.digest {
				t.Errorf("built %v, digest %q", p.BuildTime, p.Digest())
			}
		})
	}
}

func attributes(n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, ` a%d="x"`, i)
	}
	return out.String()
}

// TestUnread holds that a source which is no repository is an error.
func TestUnread(t *testing.T) {
	for name, source := range map[string]string{
		"no folder": filepath.Join(t.TempDir(), "nothing"),
		"ftp":       "ftp://example.org/repo",
		"no host":   "https:///repo",
		"not a URL": "https://%zz/",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Open(t.Context(), source, Options{}); err == nil {
				t.Error("no error")
			}
		})
	}
}

// TestStopped holds that a canceled context ends the reading.
func TestStopped(t *testing.T) {
	dir := t.TempDir()
	stored{text: onePackage("")}.write(t, dir)
	r, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for p, err := range r.Packages(ctx, tokensOnly) {
		if err != context.Canceled {
			t.Errorf("%v, %v", p, err)
		}
	}
}
