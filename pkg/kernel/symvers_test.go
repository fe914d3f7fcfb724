// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

func TestSymverCRCs(t *testing.T) {
	got := maps.Collect(kernel.SymverCRCs("0x4c416eb9\tLZ4_decompress_fast\tvmlinux\tEXPORT_SYMBOL\t\n" +
		"0x00000000\tunversioned\tdrivers/usb/core/usbcore\tEXPORT_SYMBOL_GPL\t\n" +
		"# a remark\n0xnonsense\tx\tvmlinux\n0x1\n"))
	want := map[string]uint32{"LZ4_decompress_fast": 0x4c416eb9, "unversioned": 0}
	if !maps.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

func TestSymvers(t *testing.T) {
	symbols := map[string]uint32{}
	for i := range uint32(30000) {
		symbols[fmt.Sprint("symbol_", i)] = i * 7
	}
	// Two names of one FNV-1a hash.
	symbols["costarring"], symbols["liquid"] = 1, 2
	s := kernel.NewSymvers(maps.All(symbols))
	for name, want := range symbols {
		if crc, ok := s.Lookup(kernel.Import{Symbol: name, CRC: want}); !ok || crc != want {
			t.Fatalf("%s: %x, %v, want %x", name, crc, ok, want)
		}
	}
	if crc, ok := s.Lookup(kernel.Import{Symbol: "symbol_3", CRC: 1}); !ok || crc != 21 {
		t.Errorf("another CRC: %d, %v", crc, ok)
	}
	if _, ok := s.Lookup(kernel.Import{Symbol: "gone"}); ok {
		t.Error("found what is not there")
	}
	if _, ok := new(kernel.Symvers).Lookup(kernel.Import{Symbol: "gone"}); ok {
		t.Error("found something in nothing")
	}
}

func TestSymversWith(t *testing.T) {
	a := kernel.NewSymvers(maps.All(map[string]uint32{"a": 1, "b": 2}))
	more := kernel.NewSymvers(maps.All(map[string]uint32{"b": 2, "c": 3}))
	both := a.With(more)
	if _, ok := a.Lookup(kernel.Import{Symbol: "c"}); ok || a.Len() != 2 {
		t.Error("the set has changed")
	}
	if crc, ok := both.Lookup(kernel.Import{Symbol: "c", CRC: 3}); !ok || crc != 3 || both.Len() != 3 {
		t.Errorf("%d symbols, c has %d, %v", both.Len(), crc, ok)
	}
	if a.With(nil) != a || (*kernel.Symvers)(nil).With(a) != nil {
		t.Error("nothing is known of a kernel by what others have")
	}
}

// TestSymversChanged yields each symbol that is another, came or went, once.
func TestSymversChanged(t *testing.T) {
	a := kernel.NewSymvers(maps.All(map[string]uint32{"same": 1, "other": 1, "gone": 1}))
	b := kernel.NewSymvers(maps.All(map[string]uint32{"same": 1, "other": 2, "new": 1}))
	for _, tt := range []struct {
		from, to *kernel.Symvers
		want     []string
	}{
		{a, a, nil},
		{a, b, []string{"other", "gone", "new"}},
		{b, a, []string{"other", "gone", "new"}},
		{&kernel.Symvers{}, a, []string{"same", "other", "gone"}},
		{a, &kernel.Symvers{}, []string{"same", "other", "gone"}},
	} {
		var want []kernel.SymbolID
		for _, name := range tt.want {
			want = append(want, kernel.SymbolIDOf(name))
		}
		slices.Sort(want)
		if got := slices.Collect(tt.from.Changed(tt.to)); !slices.Equal(got, want) {
			t.Errorf("%x, want %x", got, want)
		}
	}
}
