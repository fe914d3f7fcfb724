#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Makes the files Go has no writer for: the vmlinux of the tests, compressed by
# bzip2, and by xz with the x86 filter that kernel builds use. Needs bzip2, xz.
set -eu
cd "$(dirname "$0")/.."
go test -run '^TestCompressedByCommand$' -vmlinux testdata/vmlinux .
cd testdata
bzip2 -9 -c vmlinux >vmlinux.bz2
xz --check=crc32 --x86 --lzma2=dict=1MiB -c vmlinux >vmlinux.x86.xz
rm vmlinux
