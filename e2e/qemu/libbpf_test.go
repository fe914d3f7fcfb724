// SPDX-License-Identifier: Apache-2.0

//go:build e2eqemu

package qemu

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/relocate"
)

// TestLibbpf relocates all modules of two builds, distilled, onto the other base and
// their own, and has libbpf do the same: every byte is the same, and both refuse the
// same modules. libbpf has the code that kernels have.
func TestLibbpf(t *testing.T) {
	on, other := twoBuilds(t)
	program := libbpf(t)
	for _, tc := range []struct{ own, onto *build }{{other, on}, {on, other}, {on, on}} {
		t.Run(tc.own.krel+" onto "+tc.onto.krel, func(t *testing.T) {
			dir := t.TempDir()
			file := func(name string, data []byte) string {
				path := filepath.Join(dir, name)
				if err := os.WriteFile(path, data, 0o644); err != nil {
					t.Fatal(err)
				}
				return path
			}
			target := relocate.Onto(tc.onto.base, tc.onto.rules)
			want := map[string][]byte{} // by file; nil for one that is refused
			var list bytes.Buffer
			for _, m := range tc.own.tables(t, len(tc.own.modules), 0) {
				table, err := btf.Parse(m.data, tc.own.base)
				if err != nil {
					t.Fatalf("%s: %v", m.module, err)
				}
				d, err := relocate.Distill(table)
				if err != nil {
					t.Fatalf("%s: %v", m.module, err)
				}
				out := filepath.Join(dir, m.module+".out")
				want[out] = target.Module(d.BTF, d.Base).Data
				fmt.Fprintln(&list, file(m.module+".btf", d.BTF), file(m.module+".base", d.Base), out)
			}
			cmd := exec.Command(program, file("vmlinux", tc.onto.raw))
			cmd.Stdin = &list
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			refused := 0
			for path, data := range want {
				got, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if data == nil {
					refused++
				}
				if !bytes.Equal(got, data) {
					t.Errorf("%s: libbpf made %d bytes, predicted are %d", filepath.Base(path), len(got), len(data))
				}
			}
			t.Logf("%d modules, %d refused", len(want), refused)
		})
	}
}

// libbpf compiles relocate.c with the source that fetch-rebuild.sh fetched.
func libbpf(t *testing.T) string {
	t.Helper()
	src := filepath.Join(os.Getenv("E2E_REBUILD"), "libbpf", "src")
	sources, err := filepath.Glob(filepath.Join(src, "*.c"))
	if err != nil || len(sources) == 0 || os.Getenv("E2E_REBUILD") == "" {
		t.Skip("no source of libbpf: see fetch-rebuild.sh")
	}
	program := filepath.Join(t.TempDir(), "relocate")
	args := append([]string{"-O2", "-w", "-D_GNU_SOURCE", "-D_LARGEFILE64_SOURCE", "-D_FILE_OFFSET_BITS=64", "-I" + src, "-I" + filepath.Join(src, "../include"), "-I" + filepath.Join(src, "../include/uapi"),
		"-o", program, "libbpf/relocate.c"}, sources...)
	if out, err := exec.Command("gcc", append(args, "-lelf", "-lz")...).CombinedOutput(); err != nil {
		if strings.Contains(string(out), "libelf.h") || strings.Contains(string(out), "-lelf") {
			t.Skip("libbpf needs libelf-dev and zlib1g-dev")
		}
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}
