#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# make.sh OUT TARGET CC LD FLAG...: a small kernel, the same with two functions
# more, and a module built on the first, in OUT: vmlinux, rebuilt and module.ko
# with their BTF.
set -euo pipefail
export LC_ALL=C LLVM_OBJCOPY=llvm-objcopy
here=$(cd "$(dirname "$0")" && pwd)
out=$1 target=$2 cc=$3 ld=$4
shift 4
case $cc in clang) cc="clang --target=$target" ;; esac
cflags=(-std=gnu11 -O2 -g -gdwarf-4 -ffreestanding -fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables -w "$@")
mkdir -p "$out"
for name in module init; do
    $cc "${cflags[@]}" -c "$here/$name.c" -o "$out/$name.o"
done
# Link time optimization would make both kernels the same.
$cc "${cflags[@]}" -fno-lto -c "$here/base.c" -o "$out/base.o"
$cc "${cflags[@]}" -fno-lto -DREBUILT -c "$here/base.c" -o "$out/more.o"
$ld -static -e _start -o "$out/vmlinux" "$out/base.o"
$ld -static -e _start -o "$out/rebuilt" "$out/more.o"
$ld -r -o "$out/module.ko" "$out/module.o" "$out/init.o"
for base in vmlinux rebuilt; do
    pahole -J --btf_gen_floats "$out/$base"
done
pahole -J --btf_gen_floats --btf_base "$out/vmlinux" "$out/module.ko"
