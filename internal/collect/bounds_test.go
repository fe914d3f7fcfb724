// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// TestBombs unpacks no more than what is in proportion to a file, wherever it lies, and
// judges what lies beside it.
func TestBombs(t *testing.T) {
	var bomb bytes.Buffer
	w, err := zstd.NewWriter(&bomb)
	if err != nil {
		t.Fatal(err)
	}
	for range 64 {
		w.Write(make([]byte, 1<<20))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "bomb.ko.zst")
	if err := os.WriteFile(path, bomb.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	inv, err := Read(t.Context(), Check(path))
	if err != nil || len(inv.Modules) != 1 || inv.Modules[0].Err == nil || !strings.Contains(inv.Modules[0].Err.Error(), "larger than the limit of 1") {
		t.Errorf("module: %v, %+v", err, inv.Modules)
	}
	const boot = "/boot/vmlinuz-5.15.12-1-default"
	pkg, files := fixture.Files(t, incident+kernel13)
	deb := filepath.Join(dir, "bomb.deb")
	fixture.Deb(t, deb, pkg.Name, "1", true, append(files, fixture.File{Path: boot, Data: bomb.Bytes()}, fixture.File{Path: "/boot/vmlinux-1", Data: make([]byte, 64<<20)})...)
	inv, err = Read(t.Context(), Check(deb))
	if err != nil || len(inv.Bases) != 1 || len(inv.Modules) == 0 {
		t.Fatalf("%v, %d bases, %d modules", err, len(inv.Bases), len(inv.Modules))
	}
	said := fmt.Sprint(inv.Problems)
	for _, want := range []string{boot + ": zstd: output is larger than the limit of 16", "/boot/vmlinux-1: 67108864 bytes, a kernel image out of a package of"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in %s", want, said)
		}
	}
}

// TestSparse reads of large files no more than it needs.
func TestSparse(t *testing.T) {
	dir := t.TempDir()
	_, files := fixture.Files(t, incident+kernel13)
	for _, f := range files {
		if !strings.HasSuffix(f.Path, "/hid-apple.ko") {
			continue
		}
		path := filepath.Join(dir, "hid-apple.ko")
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, 1<<40); err != nil {
			t.Skip("no sparse files here:", err)
		}
		inv, err := Read(t.Context(), Check(path))
		if err != nil || len(inv.Modules) != 1 || inv.Modules[0].Err != nil || len(inv.Modules[0].BTF) == 0 {
			t.Errorf("%v, %+v", err, inv)
		}
		return
	}
	t.Error("no hid-apple.ko in the fixture")
}

// TestManyTokens believes no package with more tokens than there are kernels.
func TestManyTokens(t *testing.T) {
	p := &rpm.Package{Name: "x"}
	for i := range MaxTokens + 1 {
		p.Provides = append(p.Provides, rpm.Dependency{Name: fmt.Sprintf("kernel-btf(default:sha256:%064x)", i)})
	}
	if _, err := describe(p); err == nil || !strings.Contains(err.Error(), "65 kernel-btf(...) dependencies, at most 64") {
		t.Errorf("%v", err)
	}
	p.Provides = p.Provides[1:]
	if _, err := describe(p); err != nil {
		t.Error(err)
	}
}

// TestEnding stops in the middle of an image.
func TestEnding(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := ending{ctx, bytes.NewReader([]byte("abc"))}
	if n, err := r.ReadAt(make([]byte, 2), 0); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	cancel()
	if n, err := r.ReadAt(make([]byte, 2), 0); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d, %v", n, err)
	}
}
