// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"debug/elf"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// benchModules reads the modules below $BTF_GUARD_MODULES, the unpacked tree of
// a kernel package, into memory. Without it there is one small module.
func benchModules(b *testing.B) (paths []string, files [][]byte) {
	root := os.Getenv("BTF_GUARD_MODULES")
	if root == "" {
		return []string{modulePath}, [][]byte{testModule(64, binary.LittleEndian, elf.EM_X86_64).bytes()}
	}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || kernel.ClassifyPath(path) != kernel.RoleModule {
			return err
		}
		data, err := os.ReadFile(path)
		paths, files = append(paths, path), append(files, data)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return paths, files
}

// BenchmarkLoader opens every module of one kernel, one goroutine.
func BenchmarkLoader(b *testing.B) {
	paths, files := benchModules(b)
	size := 0
	for _, data := range files {
		size += len(data)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	var loader kernel.Loader
	defer loader.Close()
	for b.Loop() {
		for i, data := range files {
			if _, err := loader.Open(data, paths[i]); err != nil {
				b.Fatalf("%s: %v", paths[i], err)
			}
		}
	}
	b.ReportMetric(float64(len(files)), "modules/op")
}
