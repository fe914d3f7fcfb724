// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"debug/elf"
	"slices"
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

	if img, err = openImage(testVmlinux().bytes()); err != nil {
		t.Fatal(err)
	}
	exports, err = img.ELF.Exports()
	compilers, err2 := img.ELF.Compilers()
	if len(exports)+len(compilers) > 0 || err != nil || err2 != nil {
		t.Errorf("without the sections: %q, %v, %q, %v", exports, err, compilers, err2)
	}
}

func TestParseSymvers(t *testing.T) {
	const text = "0x1a2b3c4d\tusb_register\tvmlinux\tEXPORT_SYMBOL_GPL\t\n" +
		"0x00000000\tipheth_open\tdrivers/net/usb/ipheth\tEXPORT_SYMBOL\n" +
		"not a line\n0x1\tshort\n\n" +
		"0xdeadbeef\tprintk\tvmlinux\tEXPORT_SYMBOL\tNS"
	if got, want := kernel.ParseSymvers([]byte(text)), []string{"usb_register", "printk"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
