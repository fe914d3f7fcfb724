// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"bytes"
	"debug/elf"
	"slices"
	"strconv"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

func TestExports(t *testing.T) {
	f := testVmlinux()
	f.sections = append(f.sections,
		testSection{name: "__ksymtab_strings", typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC, data: []byte("usb_register\x00\x00printk\x00CUT")},
		testSection{name: ".comment", typ: elf.SHT_PROGBITS, data: []byte("GCC: (SUSE Linux) 11.2.1\x00GCC: (SUSE Linux) 11.2.1\x00\x00clang 13\x00")},
	)
	img, err := openImage(f.bytes())
	if err != nil {
		t.Fatal(err)
	}
	exports, err := img.ELF.Exports()
	if want := []string{"usb_register", "printk", "CUT"}; err != nil || !slices.Equal(exports, want) {
		t.Errorf("%q, %v, want %q", exports, err, want)
	}
	compilers, err := img.ELF.Compilers()
	if want := []string{"GCC: (SUSE Linux) 11.2.1", "clang 13"}; err != nil || !slices.Equal(compilers, want) {
		t.Errorf("%q, %v, want %q", compilers, err, want)
	}

	f = testVmlinux()
	f.sections = append(f.sections,
		testSection{name: "__ksymtab_strings", typ: elf.SHT_PROGBITS, data: bytes.Repeat([]byte("a\x00"), 1<<18+1)},
		testSection{name: ".comment", typ: elf.SHT_PROGBITS, data: numbers(1 << 18)},
	)
	if img, err = openImage(f.bytes()); err != nil {
		t.Fatal(err)
	}
	if exports, err = img.ELF.Exports(); err == nil || len(exports) > 0 {
		t.Errorf("%d exports are believed", len(exports))
	}
	if compilers, err = img.ELF.Compilers(); err != nil || len(compilers) != 64 || len(compilers[63]) > 512 {
		t.Errorf("%d compilers, %v", len(compilers), err)
	}

	if img, err = openImage(testVmlinux().bytes()); err != nil {
		t.Fatal(err)
	}
	exports, err = img.ELF.Exports()
	compilers, err2 := img.ELF.Compilers()
	if len(exports)+len(compilers) > 0 || err != nil || err2 != nil {
		t.Errorf("without the sections: %q, %v, %q, %v", exports, err, compilers, err2)
	}
}

// numbers are so many different strings, some of them long.
func numbers(n int) []byte {
	var out []byte
	for i := range n {
		out = append(strconv.AppendInt(out, int64(i), 10), bytes.Repeat([]byte("x"), i%3*1000*max(0, 100-i))...)
		out = append(out, 0)
	}
	return out
}

func TestParseSymvers(t *testing.T) {
	const text = "0x1a2b3c4d\tusb_register\tvmlinux\tEXPORT_SYMBOL_GPL\t\n" +
		"0x00000000\tipheth_open\tdrivers/net/usb/ipheth\tEXPORT_SYMBOL\n" +
		"not a line\n0x1\tshort\n\n" +
		"0xdeadbeef\tprintk\tvmlinux\tEXPORT_SYMBOL\tNS"
	if got, want := kernel.ParseSymvers(text), []string{"usb_register", "printk"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
