// SPDX-License-Identifier: Apache-2.0

package deb

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// archive is a tar archive of paths and contents, in gzip.
func archive(t testing.TB, files ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for i := 0; i < len(files); i += 2 {
		h := &tar.Header{Name: files[i], Mode: 0o644, Size: int64(len(files[i+1])), Typeflag: tar.TypeReg}
		if link, ok := strings.CutPrefix(files[i+1], "link:"); ok {
			h.Typeflag, h.Linkname, h.Size = tar.TypeLink, link, 0
		}
		err := w.WriteHeader(h)
		if h.Typeflag == tar.TypeReg {
			_, more := io.WriteString(w, files[i+1])
			err = errors.Join(err, more)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// ar is an archive of names and contents.
func ar(members ...string) []byte {
	out := []byte("!<arch>\n")
	for i := 0; i < len(members); i += 2 {
		out = fmt.Appendf(out, "%-16s%-12d%-6d%-6d%-8s%-10d`\n%s", members[i], 0, 0, 0, "100644", len(members[i+1]), members[i+1])
		if len(members[i+1])&1 == 1 {
			out = append(out, '\n')
		}
	}
	return out
}

const fields = "Package: linux-image-1\nSource: linux-signed-amd64 (1+1)\nVersion: 1:6.1-1\nArchitecture: amd64\nDescription: a\n kernel: with a colon\n"

func whole(t testing.TB) []byte {
	return ar("debian-binary", "2.0\n", "control.tar.gz", string(archive(t, "./md5sums", "", "./control", fields)),
		"data.tar.gz", string(archive(t, "./boot/vmlinuz-1", "image", "./lib/modules/1/kernel/a.ko", "link:./lib/modules/1/kernel/b.ko", "./etc/motd", "")))
}

// list reads a package to its end.
func list(t testing.TB, data []byte) (p *Package, files []string, err error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "a.deb")
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return listFile(name)
}

func listFile(name string) (p *Package, files []string, err error) {
	r, err := Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	for {
		f, err := r.Next()
		if err == io.EOF {
			return r.Package, files, nil
		}
		if err != nil {
			return nil, nil, err
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, fmt.Sprintf("%s %d %q %s", f.Path, f.Size, content, f.Link))
	}
}

// TestRead reads a package's fields and files.
func TestRead(t *testing.T) {
	p, files, err := list(t, whole(t))
	if err != nil {
		t.Fatal(err)
	}
	if p.String() != "linux-image-1_1:6.1-1_amd64" || p.Source != "linux-signed-amd64" || len(p.Digest) != 64 {
		t.Errorf("%+v", p)
	}
	want := `/boot/vmlinuz-1 5 "image" |/lib/modules/1/kernel/a.ko 0 "" /lib/modules/1/kernel/b.ko|/etc/motd 0 "" `
	if got := strings.Join(files, "|"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestBroken names what is wrong with packages that are none, and takes none that was
// cut short for whole.
func TestBroken(t *testing.T) {
	good := whole(t)
	for n := range len(good) - 1 { // what pads the last member is no loss
		if _, _, err := list(t, good[:n]); err == nil {
			t.Errorf("the first %d of %d bytes are taken for a package", n, len(good))
		} else if !strings.HasSuffix(err.Error(), "cut short; download or build the file again") {
			t.Errorf("the first %d of %d bytes: %v", n, len(good), err)
		}
	}
	control, data := string(archive(t, "control", fields)), string(archive(t, "a", "a"))
	for _, tc := range []struct {
		name string
		data []byte
		want string
	}{
		{"another archive", ar("foo.o/", "x"), `member "foo.o"`},
		{"another format", ar("debian-binary", "3.0\n"), "format 2"},
		{"no control", ar("debian-binary", "2.0\n", "data.tar.gz", data), `"data.tar.gz", control.tar is to follow`},
		{"no control in it", ar("debian-binary", "2.0\n", "control.tar.gz", data), "has no file control"},
		{"no version", ar("debian-binary", "2.0\n", "control.tar.gz", string(archive(t, "control", "Package: a\n"))), "names no package, version or architecture"},
		{"no data", ar("debian-binary", "2.0\n", "control.tar.gz", control, "other", ""), "data.tar is to follow"},
		{"too many fields", ar("debian-binary", "2.0\n", "control.tar.gz", string(archive(t, "control", strings.Repeat("x", maxFields+1)))), "more than"},
		{"a bomb", ar("debian-binary", "2.0\n", "control.tar.gz", string(archive(t, "x", strings.Repeat("\x00", maxControl)))), "limit"},
		{"a size that is none", bytes.Replace(ar("debian-binary", "2.0\n"), []byte("4         `"), []byte("-4        `"), 1), "not a member's header"},
		{"a size beyond the file", bytes.Replace(ar("debian-binary", "2.0\n"), []byte("4         `"), []byte("9999999999`"), 1), "debian-binary: cut short"},
	} {
		if _, _, err := list(t, tc.data); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
	if _, err := Open("no such file"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestDpkg reads what dpkg-deb makes, in each of its compressions.
func TestDpkg(t *testing.T) {
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Skip("dpkg-deb is not installed")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"DEBIAN/control": fields + "Maintainer: A <a@example.org>\n", "lib/modules/1/a.ko": strings.Repeat("module", 1000)} {
		path := filepath.Join(dir, "root", name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for _, compression := range []string{"gzip", "xz", "zstd", "none"} {
		name := filepath.Join(dir, compression+".deb")
		if out, err := exec.Command("dpkg-deb", "--root-owner-group", "-Z"+compression, "-b", filepath.Join(dir, "root"), name).CombinedOutput(); err != nil {
			t.Logf("dpkg-deb does not make %s: %s", compression, out)
			continue
		}
		p, files, err := listFile(name)
		if err != nil || p.Version != "1:6.1-1" || len(files) != 1 || !strings.HasPrefix(files[0], `/lib/modules/1/a.ko 6000 "module`) {
			t.Errorf("%s: %v, %d files, %v", compression, p, len(files), err)
		}
	}
}

// FuzzRead reads anything without a panic, and takes nothing twice.
func FuzzRead(f *testing.F) {
	f.Add(whole(f))
	f.Add(ar("debian-binary", "2.0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, first, err := list(t, data)
		_, second, again := list(t, data)
		if (err == nil) != (again == nil) || strings.Join(first, "") != strings.Join(second, "") {
			t.Errorf("%v, and then %v", err, again)
		}
	})
}
