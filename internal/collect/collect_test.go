// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

const incident = "../../testdata/incident/"

// put copies a fixture package into a folder, cut to a part of it.
func put(t *testing.T, dir, fixture string, part float64) {
	t.Helper()
	data, err := os.ReadFile(incident + fixture)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(fixture)), data[:int(part*float64(len(data)))], 0o644); err != nil {
		t.Fatal(err)
	}
}

const (
	kernel13 = "5.15.12-1.3/kernel-default-5.15.12-1.3.x86_64.rpm"
	kernel11 = "5.15.12-1.1/kernel-default-5.15.12-1.1.x86_64.rpm"
)

// checked is what is found of paths of which nothing else is to be said.
func checked(t *testing.T, paths ...string) []guard.Finding {
	t.Helper()
	inv, err := Read(t.Context(), Check(paths...))
	if err != nil {
		t.Fatal(err)
	}
	res, err := guard.Judge(t.Context(), inv, guard.Options{})
	if err != nil || len(res.Problems) > 0 {
		t.Fatal(err, res.Problems)
	}
	return res.Findings
}

// TestCopies counts a package that is given on both sides as new, however the
// readers race, and does not let a whole copy hide a damaged one.
func TestCopies(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/new", kernel13, 1)
	put(t, dir+"/copy", kernel13, 1)
	put(t, dir+"/cut", kernel13, 0.9)
	for range 20 {
		inv, err := Read(t.Context(), Sources{Paths: []string{dir + "/new"}, Against: []string{dir + "/copy"}})
		if err != nil {
			t.Fatal(err)
		}
		if len(inv.Packages) != 1 || inv.Packages[0].Origin != guard.New || len(inv.Modules) != 5 || len(inv.Problems) != 0 {
			t.Fatalf("%d packages, %d modules, problems %v", len(inv.Packages), len(inv.Modules), inv.Problems)
		}
		inv, err = Read(t.Context(), Sources{Paths: []string{dir + "/cut", dir + "/new"}})
		if err != nil {
			t.Fatal(err)
		}
		if len(inv.Modules) != 5 || len(inv.Problems) != 1 || !strings.Contains(inv.Problems[0].Path, "cut") {
			t.Fatalf("%d modules, problems %v", len(inv.Modules), inv.Problems)
		}
	}
}

// TestLinks follows symbolic links to packages in a folder.
func TestLinks(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/real", kernel13, 1)
	put(t, dir+"/real", kernel11, 1)
	if err := os.Mkdir(dir+"/links", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{kernel13, kernel11} {
		if err := os.Symlink("../real/"+filepath.Base(name), dir+"/links/"+filepath.Base(name)); err != nil {
			t.Fatal(err)
		}
	}
	inv, err := Read(t.Context(), Sources{Paths: []string{dir + "/links"}})
	if err != nil || len(inv.Packages) != 2 || len(inv.Bases) != 2 {
		t.Errorf("%d packages, %d bases, %v", len(inv.Packages), len(inv.Bases), err)
	}
}

// TestDebugFolder passes over debug information below a folder, as in packages, and
// reads it where somebody names it.
func TestDebugFolder(t *testing.T) {
	dir := t.TempDir()
	debug := filepath.Join(dir, "usr/lib/debug")
	modules := filepath.Join(debug, "lib/modules/1-default/kernel")
	if err := os.MkdirAll(modules, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(modules, "foo.ko"), []byte("\x7fELF, and no more"), 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{dir: 0, filepath.Join(dir, "usr"): 0, debug: 1} {
		inv, err := Read(t.Context(), Check(path))
		if err != nil || len(inv.Modules)+len(inv.Problems) != want {
			t.Errorf("%s: %d modules, problems %v, %v; want %d of both", path, len(inv.Modules), inv.Problems, err, want)
		}
	}
}

func gzipped(text string) string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write([]byte(text))
	w.Close()
	return out.String()
}

// TestContainers says of files that are not looked into what they are, and how to
// have them looked into: of those that are named, and of those in a folder that are
// named as kernels are.
func TestContainers(t *testing.T) {
	for _, tc := range []struct {
		name, content, want string
		inFolder            bool
	}{
		{"linux-modules-6.12.1-r0.apk", "\x1f\x8b\x08\x00", "an Alpine package, which is not looked into; unpack it (tar ", true},
		{"boot.img", "ANDROID!\x00\x00", "an Android boot image", false},
		{"initrd.img-1", "070701000000", "an initramfs", false},
		{"initramfs.img", gzipped("070701" + strings.Repeat("0", 104)), "an initramfs", false},
		{"renamed", gzipped("070701" + strings.Repeat("0", 104)), "an initramfs", false},
		{"linux-lts-6.12.1-r0.apk", "\x1f\x8b\x08\x00", "an Alpine package", false},
		{"linux-6.12.1-1-x86_64.pkg.tar.zst", "\x28\xb5\x2f\xfd", "an Arch Linux package", false},
		{"fake.rpm", "hello\n", "a text file, not an RPM package", true},
		{"fake-2.rpm", "\x7fELF" + strings.Repeat("\x00", 200), "not an RPM package", true},
		{"libfoo.a", "!<arch>\nfoo.o/", "a text file, not a kernel, module or package", false},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, tc.name)
		if err := os.WriteFile(path, []byte(tc.content), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, arg := range []string{path, dir} {
			inv, err := Read(t.Context(), Check(arg))
			if err != nil {
				t.Fatal(err)
			}
			if want := arg == path || tc.inFolder; len(inv.Problems) != 1 && want || len(inv.Problems) != 0 && !want {
				t.Errorf("%s: problems %v", arg, inv.Problems)
			} else if want && (inv.Problems[0].Path != path || !strings.HasPrefix(inv.Problems[0].Err.Error(), tc.want)) {
				t.Errorf("%s: %v, want %q", arg, inv.Problems[0], tc.want)
			}
		}
	}
}

// TestIdle names each argument that came to nothing.
func TestIdle(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/new", kernel13, 1)
	put(t, dir+"/old", kernel11, 1)
	put(t, dir+"/copy", kernel13, 1)
	if err := os.Mkdir(dir+"/empty", 0o755); err != nil {
		t.Fatal(err)
	}
	at := func(names ...string) []string {
		for i, n := range names {
			names[i] = dir + "/" + n
		}
		return names
	}
	for _, tc := range []struct {
		name    string
		sources Sources
		want    string // "" for none
	}{
		{"a build", Sources{Paths: at("new")}, ""},
		{"a rebuild", Sources{Paths: at("new"), Against: at("old")}, ""},
		{"nothing new", Sources{Paths: at("empty"), Against: at("old")}, "empty: no kernel and no module in it"},
		{"one argument of two", Sources{Paths: at("new", "empty")}, "empty: no kernel and no module in it"},
		{"nothing old", Sources{Paths: at("new"), Against: at("empty")}, "empty: no kernel and no module in it"},
		{"the same again", Sources{Paths: at("new"), Against: at("copy")}, "both sides are the same build"},
		{"a base that is none", Sources{Paths: at("new"), Base: dir + "/empty"}, "empty: no kernel with BTF in it"},
		{"an own base that is several", Sources{Paths: at("new"), Base: dir + "/new", OwnBase: dir}, "2 kernels in it; name the file of one"},
	} {
		inv, err := Read(t.Context(), tc.sources)
		if err != nil {
			t.Fatal(err)
		}
		res, err := guard.Judge(t.Context(), inv, guard.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := res.Problems
		found := false
		for _, p := range got {
			found = found || strings.Contains(p.Error(), tc.want)
		}
		if tc.want == "" && len(got) > 0 || tc.want != "" && !found {
			t.Errorf("%s: %v, want %q", tc.name, got, tc.want)
		}
	}
}

// TestStampCopies: a package that is there twice would be changed once.
func TestStampCopies(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/a", kernel13, 1)
	put(t, dir+"/b", kernel13, 1)
	inv, err := Read(t.Context(), Stamp([]string{dir}, nil, false))
	if err != nil {
		t.Fatal(err)
	}
	if len(inv.Problems) != 1 || !strings.HasPrefix(inv.Problems[0].Path, dir+"/b/") || !strings.HasPrefix(inv.Problems[0].Err.Error(), "the same package as "+dir+"/a/") {
		t.Errorf("%v", inv.Problems)
	}
}

// TestAtAKernelsPlace: what is no kernel where there should be one is not passed over.
func TestAtAKernelsPlace(t *testing.T) {
	dir := t.TempDir()
	write := func(path string, data []byte) string {
		t.Helper()
		path = filepath.Join(dir, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("tree/boot/vmlinuz-6.1", nil)
	write("tree/lib/modules/6.1/vmlinux.xz", nil)
	write("tree/arch/Image", nil) // anything may be called so
	w := btftest.New()
	w.Int("int", 4, 1, 32)
	split := w.Split()
	split.Struct("own", 4)
	module := write("module.btf", split.Bytes())
	for _, tc := range []struct {
		sources Sources
		want    []string
	}{
		{Check(filepath.Join(dir, "tree")), []string{"tree/boot/vmlinuz-6.1: an empty file", "tree/lib/modules/6.1/vmlinux.xz: an empty file"}},
		{Sources{Base: module}, []string{"module.btf: the .BTF of a module, not of a kernel. Give a vmlinux, or its .BTF"}},
	} {
		inv, err := Read(t.Context(), tc.sources)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range inv.Problems {
			got = append(got, strings.TrimPrefix(p.Error(), dir+"/"))
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%q, want %q", got, tc.want)
		}
	}
}
