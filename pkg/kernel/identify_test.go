// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"debug/elf"
	"encoding/binary"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

func TestIdentify(t *testing.T) {
	core := testELF{bits: 64, order: binary.BigEndian, typ: elf.ET_CORE}.bytes()
	pie := testELF{bits: 64, order: binary.BigEndian, typ: elf.ET_DYN}.bytes()
	btf := testBTF(binary.BigEndian, 1)
	for _, c := range []struct {
		name string
		data []byte
		want kernel.Kind
	}{
		{"module", testModule(32, binary.BigEndian, elf.EM_PPC).bytes(), kernel.KindModule},
		{"vmlinux", testVmlinux().bytes(), kernel.KindVmlinux},
		{"relocatable vmlinux", pie, kernel.KindVmlinux},
		{"core dump", core, kernel.KindUnknown},
		{"ELF cut short", pie[:17], kernel.KindUnknown},
		{"bzImage", bzImage([]byte("payload")), kernel.KindBzImage},
		{"boot sector without HdrS", bzImage(nil)[:0x202], kernel.KindUnknown},
		{"zboot", zboot("gzip", nil), kernel.KindZboot},
		{"arm64 Image", arm64Image(false, nil), kernel.KindArm64Image},
		{"riscv Image", patch(arm64Image(false, nil), 56, 'R', 'S', 'C', 5), kernel.KindRISCVImage},
		{"zImage", patch(make([]byte, 64), 0x24, 0x18, 0x28, 0x6f, 0x01), kernel.KindZImage},
		{"other EFI program", []byte("MZ\x90\x00"), kernel.KindUnknown},
		{"BTF", btf, kernel.KindBTF},
		{"BTF of version 2", patch(btf, 2, 2), kernel.KindUnknown},
		{"BTF with flags", patch(btf, 3, 1), kernel.KindUnknown},
		{"BTF with a short header", patch(btf, 4, 0, 0, 0, 23), kernel.KindUnknown},
		{"BTF cut short", btf[:23], kernel.KindUnknown},
		{"xz", compress("xz", nil), kernel.KindCompressed},
		{"RPM", []byte("\xed\xab\xee\xdb\x03\x00"), kernel.KindRPM},
		{"empty", nil, kernel.KindUnknown},
	} {
		if got := kernel.Identify(c.data); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
