// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package weak

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// TestKsymtab reads what real kernels export from their own tables, also where strip
// has been at work: it is what their Module.symvers says.
func TestKsymtab(t *testing.T) {
	work, krels := debianKernels(t)
	for _, krel := range krels {
		t.Run(krel, func(t *testing.T) {
			data, err := os.ReadFile(debianSymvers(t, work, krel))
			if err != nil {
				t.Fatal(err)
			}
			image := filepath.Join(work, "kernels", krel, "boot/vmlinuz-"+krel)
			vmlinux := filepath.Join(t.TempDir(), "vmlinux")
			harness.Must(t, "../extract-vmlinux.sh", image, vmlinux)
			stripped := vmlinux + ".stripped"
			harness.Must(t, "strip", "--strip-unneeded", "-o", stripped, vmlinux)
			for _, path := range []string{image, vmlinux, stripped} {
				matches(t, path, string(data))
			}
		})
	}
}

// matches compares what a kernel says of itself with a Module.symvers.
func matches(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	img, err := kernel.OpenImage(f, info.Size(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if img.Exported == nil {
		_, err := img.ELF.Exported()
		t.Fatalf("%s: nothing, %v", path, err)
	}
	n := 0
	for line := range strings.Lines(text) {
		if fields := strings.Split(line, "\t"); len(fields) < 3 || fields[2] != "vmlinux" {
			continue
		}
		for symbol, crc := range kernel.SymverCRCs(line) {
			n++
			if got, ok := img.Exported.Lookup(kernel.Import{Symbol: symbol, CRC: crc}); !ok || got != crc {
				t.Errorf("%s: %s has %08x (%v), want %08x", path, symbol, got, ok, crc)
			}
		}
	}
	if n < 5000 || img.Exported.Len() != n {
		t.Errorf("%s: %d symbols, in the symvers there are %d", path, img.Exported.Len(), n)
	}
}
