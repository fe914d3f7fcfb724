// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"runtime"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// cost is how often and how many bytes of memory work asks for, on the average of
// many times, which is the same on each machine.
func cost(work func()) (allocations, bytes uint64) {
	const times = 50
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	work() // what is set up once
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		work()
	}
	runtime.ReadMemStats(&after)
	return (after.Mallocs - before.Mallocs) / times, (after.TotalAlloc - before.TotalAlloc) / times
}

// TestCost holds what one module costs within limits a quarter above what it is today,
// in place of a time, which no test can rely on. Who exceeds one either finds a
// cheaper way or raises the limit, and says why.
func TestCost(t *testing.T) {
	files := map[string][]byte{} // the modules as they are packed
	size := 0
	_, all := fixture.Files(t, incident+kernel13)
	for _, f := range all {
		if strings.Contains(f.Path, ".ko") {
			files[f.Path] = f.Data
			size += len(f.Data)
		}
	}
	inv, err := Read(t.Context(), Check(incident+kernel13))
	if err != nil || len(inv.Modules) != len(files) || len(files) == 0 {
		t.Fatalf("%d modules, %d files, error %v", len(inv.Modules), len(files), err)
	}
	tables := 0
	for _, m := range inv.Modules {
		tables += len(m.BTF)
	}
	n := uint64(len(files))
	t.Logf("%d modules of %d bytes packed and %d bytes of .BTF on average", n, size/int(n), tables/int(n))

	var loader kernel.Loader
	defer loader.Close()
	open := func(path string) (*guard.Module, *kernel.Module) {
		opened, err := loader.Open(files[path], path)
		if err != nil {
			t.Fatal(err)
		}
		m := &guard.Module{Path: path}
		if err := m.Describe(opened); err != nil {
			t.Fatal(err)
		}
		return m, opened
	}
	var kept [][]byte
	for path := range files {
		_, opened := open(path)
		data, err := opened.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, data)
	}
	for _, tc := range []struct {
		name               string
		work               func()
		allocations, bytes uint64 // for a module
	}{
		{"open", func() {
			for path := range files {
				open(path)
			}
		}, 26, 4500},
		{"take from the cache", func() {
			for _, data := range kept {
				opened, err := kernel.DecodeModule(data)
				if err != nil {
					t.Fatal(err)
				}
				if err := new(guard.Module).Describe(opened); err != nil {
					t.Fatal(err)
				}
			}
		}, 19, 2000},
		{"judge", func() {
			if _, err := guard.Judge(t.Context(), inv, guard.Options{}); err != nil {
				t.Fatal(err)
			}
		}, 215, 14000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			allocations, bytes := cost(tc.work)
			if allocations, bytes = allocations/n, bytes/n; allocations > tc.allocations || bytes > tc.bytes {
				t.Errorf("%d allocations and %d bytes for a module, the limits are %d and %d", allocations, bytes, tc.allocations, tc.bytes)
			}
			t.Logf("%d allocations, %d bytes", allocations, bytes)
		})
	}
}
