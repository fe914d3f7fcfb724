// SPDX-License-Identifier: Apache-2.0

package repomd

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// large is a primary.xml of n packages, each with what one of a distribution has
// on average, and every thousandth a kernel.
func large(n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metadata xmlns=\"http://linux.duke.edu/metadata/common\" xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\" packages=\"%d\">\n", n)
	for i := range n {
		name := fmt.Sprintf("package-%d", i)
		fmt.Fprintf(&b, `<package type="rpm">
  <name>%s</name>
  <arch>x86_64</arch>
  <version epoch="0" ver="1.%d" rel="1.1"/>
  <checksum type="sha256" pkgid="YES">%064x</checksum>
  <summary>A package of a distribution</summary>
  <description>%s</description>
  <packager>https://example.org</packager>
  <url>https://example.org/%s</url>
  <time file="1640789416" build="1640789416"/>
  <size package="29606" installed="34975" archive="38352"/>
  <location href="x86_64/%s-1.%d-1.1.x86_64.rpm"/>
  <format>
    <rpm:license>GPL-2.0-only</rpm:license>
    <rpm:vendor>openSUSE</rpm:vendor>
    <rpm:buildhost>host</rpm:buildhost>
    <rpm:sourcerpm>%s-1.%d-1.1.src.rpm</rpm:sourcerpm>
    <rpm:header-range start="4504" end="10321"/>
    <rpm:provides>
`, name, i, i, strings.Repeat("What it is good for, in words that nobody here reads.\n", 10), name, name, i, name, i)
		if i%1000 == 0 {
			fmt.Fprintf(&b, "      <rpm:entry name=\"kernel-uname-r\" flags=\"EQ\" epoch=\"0\" ver=\"6.4.%d\" rel=\"1-default\"/>\n", i)
		}
		for j := range 12 {
			fmt.Fprintf(&b, "      <rpm:entry name=\"lib%s-%d.so.0()(64bit)\" flags=\"EQ\" epoch=\"0\" ver=\"1.%d\" rel=\"1.1\"/>\n", name, j, i)
		}
		b.WriteString("    </rpm:provides>\n    <rpm:requires>\n")
		for j := range 20 {
			fmt.Fprintf(&b, "      <rpm:entry name=\"libother-%d.so.%d()(64bit)\"/>\n", (i*7+j)%5000, j)
		}
		fmt.Fprintf(&b, "    </rpm:requires>\n    <file>/usr/bin/%s</file>\n  </format>\n</package>\n", name)
	}
	b.WriteString("</metadata>\n")
	return b.String()
}

// BenchmarkPackages reads the metadata of 60,000 packages. With LARGE_REPOSITORY
// set to a folder, it leaves them there for trying the program.
func BenchmarkPackages(b *testing.B) {
	text := large(60_000)
	for _, ext := range []string{"", ".gz", ".xz", ".zst"} {
		b.Run("form"+ext, func(b *testing.B) {
			dir := b.TempDir()
			if keep := os.Getenv("LARGE_REPOSITORY"); keep != "" {
				dir = filepath.Join(keep, "form"+ext)
			}
			stored{text: text, ext: ext}.write(b, dir)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				got, err := read(b, dir, Options{})
				if err != nil || len(got) != 60_000 {
					b.Fatal(len(got), err)
				}
			}
		})
	}
}

// BenchmarkHolding goes through the files of 30,000 packages, 100 each as a
// distribution has on average; every thousandth has modules.
func BenchmarkHolding(b *testing.B) {
	const record = `<checksum type="%[1]s">%[2]s</checksum><location href="%[3]s"/><size>%[4]d</size><open-size>%[5]d</open-size></data>`
	const index = `<repomd><data type="primary">` + record + `<data type="filelists">` + record + `</repomd>`
	var text strings.Builder
	text.WriteString("<filelists>\n")
	for i := range 30_000 {
		fmt.Fprintf(&text, "<package pkgid=\"%064x\" name=\"package-%d\" arch=\"x86_64\">\n  <version epoch=\"0\" ver=\"1.%d\" rel=\"1.1\"/>\n", i, i, i)
		folder := fmt.Sprintf("usr/share/package-%d", i)
		if i%1000 == 0 {
			folder = fmt.Sprintf("lib/modules/6.4.%d-1-default/updates", i)
		}
		for j := range 100 {
			fmt.Fprintf(&text, "  <file>/%s/some-folder/file-%d.ko</file>\n", folder, j)
		}
		text.WriteString("</package>\n")
	}
	text.WriteString("</filelists>\n")
	dir := b.TempDir()
	stored{text: text.String(), ext: ".zst", index: index}.write(b, dir)
	repo, err := Open(b.Context(), dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		got, err := repo.Holding(b.Context(), func(path []byte) uint8 { return bit(bytes.HasPrefix(path, []byte("/lib/modules/"))) })
		if err != nil || len(got) != 30 {
			b.Fatal(len(got), err)
		}
	}
}
