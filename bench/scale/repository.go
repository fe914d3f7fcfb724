// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// repositories measures audits of rpm-md repositories beside dnf, which has to read the
// same metadata to say which packages provide kernel-uname-r.
func (b *bench) repositories(ctx context.Context, sizes []int) error {
	if len(sizes) == 0 {
		return nil
	}
	fmt.Print("\nAn rpm-md repository, a package in a thousand a kernel with modules:\n\n" +
		"| packages | run | requests | s | CPU s | MB received | MiB | dnf s | dnf CPU s | dnf / audit, CPU |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, n := range sizes {
		dir := filepath.Join(b.dir, "repository")
		if err := makeRepository(dir, n); err != nil {
			return err
		}
		if err := b.repository(ctx, dir, n); err != nil {
			return err
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) repository(ctx context.Context, dir string, n int) error {
	url, stop, err := b.serve(http.FileServer(http.Dir(dir)))
	if err != nil {
		return err
	}
	defer stop()
	name := "rpm-md " + strconv.Itoa(n)
	dnf := []string{
		"-q", "--installroot=" + filepath.Join(b.dir, name, "root"), "--releasever=1", "--setopt=reposdir=/dev/null", "--setopt=cachedir=" + filepath.Join(b.dir, name, "dnf"),
		"--setopt=metadata_expire=0", "--repofrompath=bench," + url, "--setopt=bench.gpgcheck=0", "repoquery", "--whatprovides", "kernel-uname-r",
	}
	for _, turn := range []string{"first", "again"} {
		ours, err := b.measure(ctx, b.state(name), b.guard, "audit", "--metadata-only", "--format", "lint", url)
		if err != nil {
			return err
		}
		var theirs measured
		if path, err := exec.LookPath("dnf"); err == nil && n <= b.dnf {
			if theirs, err = b.measure(ctx, b.state(name), path, dnf...); err != nil {
				return err
			}
		}
		fmt.Printf("| %d | %s | %d | %.2f | %.2f | %.1f | %.0f | %s | %s | %s |\n", n, turn, ours.requests, ours.seconds, ours.cpu,
			ours.megabytes, ours.peak, seconds(theirs.seconds), seconds(theirs.cpu), ratio(theirs.cpu, ours.cpu))
	}
	return os.RemoveAll(filepath.Join(b.dir, name))
}

// makeRepository writes the metadata of n packages: of each, a dozen libraries that it
// provides, twenty that it needs and twenty files.
func makeRepository(dir string, n int) error {
	primary := func(w io.Writer, i int) {
		fmt.Fprintf(w, `<package type="rpm"><name>package-%d</name><arch>x86_64</arch><version epoch="0" ver="1.%d" rel="1.1"/><checksum type="sha256" pkgid="YES">%064x</checksum>`+
			`<summary>A package</summary><description>What it is good for, in words that nobody reads here.</description><time file="1640789416" build="1640789416"/>`+
			`<size package="29606" installed="34975" archive="38352"/><location href="x86_64/package-%d-1.%d-1.1.x86_64.rpm"/><format>`+
			`<rpm:sourcerpm>package-%d-1.%d-1.1.src.rpm</rpm:sourcerpm><rpm:header-range start="4504" end="10321"/><rpm:provides>`, i, i, i, i, i, i, i)
		if i%1000 == 0 {
			fmt.Fprintf(w, `<rpm:entry name="kernel-uname-r" flags="EQ" epoch="0" ver="6.4.%d" rel="1-default"/><rpm:entry name="kernel-btf(default:sha256:%064x)"/>`, i, i)
		}
		for j := range 12 {
			fmt.Fprintf(w, `<rpm:entry name="libpackage-%d-%d.so.0()(64bit)" flags="EQ" epoch="0" ver="1.%d" rel="1.1"/>`, i, j, i)
		}
		io.WriteString(w, `</rpm:provides><rpm:requires>`)
		if i%1000 == 1 {
			fmt.Fprintf(w, `<rpm:entry name="kernel-btf(default:sha256:%064x)"/>`, i-1)
		}
		for j := range 20 {
			fmt.Fprintf(w, `<rpm:entry name="libother-%d.so.%d()(64bit)"/>`, (i*7+j)%5000, j)
		}
		fmt.Fprintf(w, "</rpm:requires><file>/usr/bin/package-%d</file></format></package>\n", i)
	}
	files := func(w io.Writer, i int) {
		fmt.Fprintf(w, `<package pkgid="%064x" name="package-%d" arch="x86_64"><version epoch="0" ver="1.%d" rel="1.1"/>`, i, i, i)
		switch i % 1000 {
		case 0:
			fmt.Fprintf(w, `<file>/lib/modules/6.4.%d-1-default/vmlinux.xz</file>`, i)
		case 1:
			fmt.Fprintf(w, `<file>/lib/modules/6.4.%d-1-default/updates/m.ko</file>`, i-1)
		}
		for j := range 20 {
			fmt.Fprintf(w, `<file>/usr/share/package-%d/file-%d</file>`, i, j)
		}
		io.WriteString(w, "</package>\n")
	}
	if err := os.MkdirAll(filepath.Join(dir, "repodata"), 0o755); err != nil {
		return err
	}
	index := `<?xml version="1.0" encoding="UTF-8"?><repomd xmlns="http://linux.duke.edu/metadata/repo">`
	for _, list := range []struct {
		kind, root string
		one        func(io.Writer, int)
	}{
		{"primary", `metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm"`, primary},
		{"filelists", `filelists xmlns="http://linux.duke.edu/metadata/filelists"`, files},
	} {
		data, err := writeList(filepath.Join(dir, "repodata", list.kind+".xml.gz"), list.root, n, list.one)
		if err != nil {
			return err
		}
		index += fmt.Sprintf(`<data type="%s">%s<location href="repodata/%s.xml.gz"/></data>`, list.kind, data, list.kind)
	}
	return os.WriteFile(filepath.Join(dir, "repodata", "repomd.xml"), []byte(index+"</repomd>"), 0o600)
}

// sized counts and digests what is written.
type sized struct {
	hash.Hash
	n int64
}

func (s *sized) Write(p []byte) (int, error) {
	s.n += int64(len(p))
	return s.Hash.Write(p)
}

// writeList writes a compressed list of n packages and gives what repomd.xml says of it.
func writeList(path, root string, n int, one func(io.Writer, int)) (data string, err error) {
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	packed, plain := &sized{Hash: sha256.New()}, &sized{Hash: sha256.New()}
	z, err := gzip.NewWriterLevel(io.MultiWriter(f, packed), gzip.BestSpeed)
	if err != nil {
		return "", err
	}
	w := bufio.NewWriterSize(io.MultiWriter(z, plain), 1<<20)
	fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%s packages=\"%d\">\n", root, n)
	for i := range n {
		one(w, i)
	}
	name, _, _ := strings.Cut(root, " ")
	fmt.Fprintf(w, "</%s>\n", name)
	if err := w.Flush(); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	return fmt.Sprintf(`<checksum type="sha256">%x</checksum><open-checksum type="sha256">%x</open-checksum><size>%d</size><open-size>%d</open-size>`,
		packed.Sum(nil), plain.Sum(nil), packed.n, plain.n), f.Close()
}
