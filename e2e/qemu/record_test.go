// SPDX-License-Identifier: Apache-2.0

//go:build e2eqemu

package qemu

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/qemu/wire"
	"github.com/obs-btf-guard/obs-btf-guard/internal/corpus"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// record writes what a kernel did with each trial into a folder of its own below
// root, as [corpus.LoadEach] reads it: the tests of packages replay it without the
// kernel.
func (s series) record(t *testing.T, root string, results []wire.Result) {
	t.Helper()
	dir := filepath.Join(root, s.on.machine.goarch+"-"+s.on.krel)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var trials, blobs bytes.Buffer
	lines, files := json.NewEncoder(&trials), tar.NewWriter(&blobs)
	add := func(data []byte, format string, n int) string {
		name := fmt.Sprintf(format, n)
		if err := files.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := files.Write(data); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for i, got := range results {
		tr := s.list[i]
		line := corpus.Trial{
			Kernel: s.on.krel, From: tr.name, File: add(tr.BTF, "blobs/%05d.btf", i), Checked: true,
			Accepted: got.BTF, Size: got.Size, Sum: got.Sum, Dmesg: slices.DeleteFunc(slices.Clone(got.Lines), beside),
		}
		if tr.HasBase {
			line.BaseFile = add(tr.Base, "blobs/%05d.base.btf", i)
		}
		if err := lines.Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	about := fmt.Sprintf("kernel %s (%s), carrier module %s", s.on.krel, s.on.machine.goarch, carrierName)
	if s.on.allow == verify.AllowYes {
		about += ", " + corpus.Allowed
	}
	for name, data := range map[string][]byte{
		"README": []byte(about + "\n"), "base.btf.xz": packed(t, s.on.raw),
		"blobs.tar.xz": packed(t, blobs.Bytes()), "trials.jsonl.xz": packed(t, trials.Bytes()),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("recorded in %s", dir)
}

func packed(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := xz.NewWriter(&out)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
