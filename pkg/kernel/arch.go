// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"debug/elf"
	"encoding/binary"
)

// Arch is the architecture by the name that RPM and uname -m use, "" where this
// package knows none. ELF does not tell the kinds of 32 bit x86 and
// ARM apart: they are given as i686 and armv7hl.
func (f *ELF) Arch() string {
	little := f.order == binary.LittleEndian
	switch f.machine {
	case elf.EM_X86_64:
		return "x86_64"
	case elf.EM_386:
		return "i686"
	case elf.EM_AARCH64:
		return "aarch64"
	case elf.EM_ARM:
		return "armv7hl"
	case elf.EM_S390:
		return byBits(f.bits, "s390", "s390x")
	case elf.EM_PPC64:
		if little {
			return "ppc64le"
		}
		return "ppc64"
	case elf.EM_PPC:
		return "ppc"
	case elf.EM_RISCV:
		return byBits(f.bits, "riscv32", "riscv64")
	case elf.EM_LOONGARCH:
		return byBits(f.bits, "loongarch32", "loongarch64")
	case elf.EM_MIPS:
		if little {
			return byBits(f.bits, "mipsel", "mips64el")
		}
		return byBits(f.bits, "mips", "mips64")
	case elf.EM_SPARCV9:
		return "sparc64"
	case elf.EM_IA_64:
		return "ia64"
	}
	return ""
}

// PackageArch is the architecture, by the name that Arch has for it, of the
// kernels that an RPM's modules are for: RPM has several architectures for
// processors that one kernel runs on (arch_compat in its rpmrc). armv6hl is not
// among those of armv7hl, since each has kernels of its own; Arch, which reads no
// more than ELF tells, cannot know them apart.
func PackageArch(rpm string) string {
	switch rpm {
	case "i386", "i486", "i586", "i686", "athlon", "geode", "pentium3", "pentium4":
		return "i686"
	case "x86_64_v2", "x86_64_v3", "x86_64_v4", "amd64", "ia32e":
		return "x86_64"
	case "armv6l", "armv6hl":
		return "armv6hl"
	case "armv7l", "armv7hl", "armv7hnl":
		return "armv7hl"
	case "ppc64p7":
		return "ppc64"
	}
	return rpm
}

func byBits(bits int, in32, in64 string) string {
	if bits == 32 {
		return in32
	}
	return in64
}
