#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# make.sh [OUT]: raw .BTF sections of three machines into OUT (default: the
# folder of this script).
#
#   le64  x86_64, little-endian     base and a module split on it
#   be64  s390x, big-endian         base and a module split on it
#   le32  arm, little-endian        base only
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:-$here}"
out=$(cd "${1:-$here}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/base.lds" <<- 'END'
	PHDRS { text PT_LOAD; data PT_LOAD; }
	SECTIONS {
		. = 0x100000;
		.text : { *(.text*) } :text
		.rodata : { *(.rodata*) }
		. = ALIGN(0x10000);
		.data : { *(.data) } :data
		.data..percpu : { *(.data..percpu) }
		.bss : { *(.bss) }
	}
END

# table NAME PREFIX FLAG...: NAME.base.btf and NAME.module.btf
table() {
    local name=$1 prefix=$2
    shift 2
    export LLVM_OBJCOPY=${prefix}objcopy
    local cflags=(-std=gnu11 -O2 -g -gdwarf-4 -ffreestanding -fno-pic -fno-pie -fno-stack-protector
        -fno-asynchronous-unwind-tables "$@")
    (cd "$here" && "${prefix}gcc" "${cflags[@]}" -c base.c -o "$work/base.o")
    "${prefix}ld" -static -e _start -T "$work/base.lds" -o "$work/base" "$work/base.o"
    pahole -J --btf_gen_floats "$work/base"
    "${prefix}objcopy" --dump-section .BTF="$out/$name.base.btf" "$work/base" "$work/none"
    [ "$name" != le32 ] || return 0
    (cd "$here" && "${prefix}gcc" "${cflags[@]}" -c module.c -o "$work/module.o")
    "${prefix}ld" -r -o "$work/module.ko" "$work/module.o"
    pahole -J --btf_gen_floats --btf_base "$work/base" "$work/module.ko"
    "${prefix}objcopy" --dump-section .BTF="$out/$name.module.btf" "$work/module.ko" "$work/none"
}

table le64 ""
table be64 s390x-linux-gnu-
table le32 arm-linux-gnueabihf-
(cd "$out" && wc -c ./*.btf)
