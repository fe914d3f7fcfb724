// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
)

// writePackage writes a package to a directory of its own.
func writePackage(t testing.TB, pkg []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kernel-default.rpm")
	if err := os.WriteFile(path, pkg, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// alone fails if there is anything besides path in its directory.
func alone(t testing.TB, path string) {
	t.Helper()
	list, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if e.Name() != filepath.Base(path) {
			t.Errorf("left behind: %s", e.Name())
		}
	}
}

func stat(t testing.TB, path string) (fs.FileInfo, *syscall.Stat_t) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info, info.Sys().(*syscall.Stat_t)
}

func TestRewrite(t *testing.T) {
	ctx := t.Context()
	pkg := testPackage{}.bytes(t)
	want, _, err := rewriteBytes(pkg, addToken)
	if err != nil {
		t.Fatal(err)
	}
	path := writePackage(t, pkg)
	old := time.Date(2021, 12, 29, 1, 2, 3, 456789, time.UTC)
	if err := errors.Join(os.Chmod(path, 0o4640), os.Chtimes(path, old.Add(time.Hour), old)); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := errors.Join(os.Chown(path, 1234, 5678), os.Chmod(path, os.ModeSetuid|0o640)); err != nil {
			t.Fatal(err)
		}
	}
	beforeInfo, before := stat(t, path)

	dry := addToken
	dry.DryRun = true
	change, err := Rewrite(ctx, path, dry)
	if err != nil || !slices.Equal(change.Added, addToken.Add) {
		t.Errorf("dry run: %+v, %v", change, err)
	}
	if _, now := stat(t, path); now.Ino != before.Ino || !bytes.Equal(readFile(t, path), pkg) {
		t.Error("dry run changed the file")
	}

	change, err = Rewrite(ctx, path, addToken)
	if err != nil || !slices.Equal(change.Added, addToken.Add) || change.Empty() {
		t.Errorf("%+v, %v", change, err)
	}
	if !bytes.Equal(readFile(t, path), want) {
		t.Error("not what was planned")
	}
	afterInfo, after := stat(t, path)
	if afterInfo.Mode() != beforeInfo.Mode() || !afterInfo.ModTime().Equal(old) || after.Uid != before.Uid || after.Gid != before.Gid {
		t.Errorf("mode %v, mtime %v, owner %d:%d; were %v, %v, %d:%d", afterInfo.Mode(), afterInfo.ModTime(), after.Uid, after.Gid,
			beforeInfo.Mode(), old, before.Uid, before.Gid)
	}

	change, err = Rewrite(ctx, path, addToken)
	if err != nil || !change.Empty() {
		t.Errorf("a second time: %+v, %v", change, err)
	}
	if _, now := stat(t, path); now.Ino != after.Ino || now.Ctim != after.Ctim {
		t.Error("the second time touched the file")
	}
	alone(t, path)
}

func TestRewriteFails(t *testing.T) {
	damaged := testPackage{afterwards: func(p []byte, _ int) []byte { p[len(p)-200] ^= 1; return p }}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name string
		ctx  context.Context
		pkg  testPackage
		edit Edit
		err  string
	}{
		{"damaged", t.Context(), damaged, addToken, "payload: payload digest is "},
		{"damaged, dry run", t.Context(), damaged, Edit{Add: addToken.Add, DryRun: true}, "payload: payload digest is "},
		{"source", t.Context(), testPackage{header: remove(tagSourceRPM)}, addToken, "source package"},
		{"no package", t.Context(), testPackage{afterwards: cut(40)}, addToken, "lead: cut short, 40 of 96 bytes"},
		{"bad dependency", t.Context(), testPackage{}, Edit{Add: []Relation{{Provides, plain("a b")}, {Requires, plain("")}}}, "Provides: name \"a b\": byte 0x20 at 1 is not allowed\nRequires: name"},
		{"cancelled", cancelled, testPackage{}, addToken, "context canceled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pkg := tt.pkg.bytes(t)
			path := writePackage(t, pkg)
			_, before := stat(t, path)
			change, err := Rewrite(tt.ctx, path, tt.edit)
			if err == nil || !strings.Contains(err.Error(), tt.err) || !change.Empty() {
				t.Errorf("%+v, error %v, want %q", change, err, tt.err)
			}
			if _, now := stat(t, path); now.Ino != before.Ino || !bytes.Equal(readFile(t, path), pkg) {
				t.Error("the file changed")
			}
			alone(t, path)
		})
	}
	for path, want := range map[string]string{t.TempDir(): "not a regular file", "/nowhere/x.rpm": "no such file"} {
		if _, err := Rewrite(t.Context(), path, addToken); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), strings.Split(path, "/")[1]) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func TestRewriteLinks(t *testing.T) {
	pkg := testPackage{}.bytes(t)
	path := writePackage(t, pkg)
	dir := t.TempDir()
	symlink, hard := filepath.Join(dir, "link.rpm"), filepath.Join(dir, "hard.rpm")
	if err := errors.Join(os.Symlink(path, symlink), os.Link(path, hard)); err != nil {
		t.Fatal(err)
	}
	if _, err := Rewrite(t.Context(), symlink, addToken); err != nil {
		t.Fatal(err)
	}
	if target, err := os.Readlink(symlink); err != nil || target != path {
		t.Errorf("the link leads to %q, %v", target, err)
	}
	if bytes.Equal(readFile(t, path), pkg) {
		t.Error("the target did not change")
	}
	if !bytes.Equal(readFile(t, hard), pkg) {
		t.Error("the other name changed")
	}
	alone(t, path)
}

func TestRewriteBusy(t *testing.T) {
	path := writePackage(t, testPackage{}.bytes(t))
	other, err := openTarget(openRoot(t, filepath.Dir(path)), filepath.Base(path), true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Rewrite(t.Context(), path, addToken); !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), path) {
		t.Errorf("while locked: %v", err)
	}
	dry := addToken
	dry.DryRun = true
	if _, err := Rewrite(t.Context(), path, dry); err != nil {
		t.Errorf("dry run while locked: %v", err)
	}
	// What an earlier run left goes with the next one, and not before.
	if err := os.WriteFile(regular.Temporary(path), []byte("half a package"), 0o600); err != nil {
		t.Fatal(err)
	}
	other.locked = false
	if err := other.replace(func(*os.File) error { return nil }); !errors.Is(err, fs.ErrExist) {
		t.Errorf("temporary file of another: %v", err)
	}
	other.Close()
	if _, err := Rewrite(t.Context(), path, addToken); err != nil {
		t.Error(err)
	}
	alone(t, path)
}

// TestRewriteConcurrently has many add one dependency each: none gets lost.
func TestRewriteConcurrently(t *testing.T) {
	path := writePackage(t, testPackage{}.bytes(t))
	const names = "abcdefghijklmnop"
	done := make(chan error)
	for _, name := range names {
		go func() {
			for {
				_, err := Rewrite(t.Context(), path, Edit{Add: []Relation{{Provides, plain(string(name))}}})
				if !errors.Is(err, ErrBusy) {
					done <- err
					return
				}
				time.Sleep(time.Millisecond)
			}
		}()
	}
	for range names {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	p, _, err := readAll(readFile(t, path))
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, d := range p.Provides {
		got += d.Name
	}
	if got != names {
		t.Errorf("provides %q", got)
	}
	alone(t, path)
}

// TestRewriteFileSystem has a full and a read-only file system.
func TestRewriteFileSystem(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("cannot mount a tmpfs: %v", err)
	}
	defer syscall.Unmount(dir, 0)
	path := filepath.Join(dir, "kernel-default.rpm")
	pkg := testPackage{files: []testFile{{path: "/boot/vmlinux", content: strings.Repeat("data", 10<<10)}}}.bytes(t)
	if err := os.WriteFile(path, pkg, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, want := range []error{syscall.ENOSPC, syscall.EROFS} {
		_, err := Rewrite(t.Context(), path, addToken)
		if !errors.Is(err, want) || !strings.Contains(err.Error(), filepath.Base(regular.Temporary(path))) {
			t.Errorf("error %v, want %v", err, want)
		}
		if !bytes.Equal(readFile(t, path), pkg) {
			t.Error("the file changed")
		}
		alone(t, path)
		if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
	}
}

func openRoot(t *testing.T, dir string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

// TestRewriteIn writes nothing outside of a folder, wherever links in it lead.
func TestRewriteIn(t *testing.T) {
	folder, outside := t.TempDir(), t.TempDir()
	victim := filepath.Join(outside, "victim.rpm")
	pkg := testPackage{}.bytes(t)
	err := errors.Join(os.WriteFile(victim, pkg, 0o644), os.Symlink(victim, filepath.Join(folder, "link.rpm")),
		os.Symlink(outside, filepath.Join(folder, "folder")), os.WriteFile(filepath.Join(folder, "own.rpm"), pkg, 0o644))
	if err != nil {
		t.Fatal(err)
	}
	e := Edit{Add: []Relation{{Kind: Provides, Dependency: Dependency{Name: "a"}}}}
	for name, want := range map[string]string{"link.rpm": "is a symbolic link", "folder/victim.rpm": "escapes", "own.rpm": ""} {
		_, err := RewriteIn(t.Context(), openRoot(t, folder), name, e)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	if got, err := os.ReadFile(victim); err != nil || !bytes.Equal(got, pkg) {
		t.Errorf("the victim changed, %v", err)
	}
	if got, err := os.ReadFile(filepath.Join(folder, "own.rpm")); err != nil || bytes.Equal(got, pkg) {
		t.Errorf("its own package did not, %v", err)
	}
}
