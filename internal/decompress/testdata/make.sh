#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the compressed samples next to this script with the command line tools,
# so that the tests read what others write. Needs gzip, bzip2, xz, zstd, lz4.
set -eu
cd "$(dirname "$0")"

seq 1 2000 > plain.txt
seq 1 1000 > half1 && seq 1001 2000 > half2
trap 'rm -f half1 half2' EXIT

both() { # both OUTPUT COMMAND...: two streams, one file
	out=$1; shift
	"$@" < half1 > "$out"
	"$@" < half2 >> "$out"
}

gzip -9n < plain.txt > plain.gz
bzip2 -9 < plain.txt > plain.bz2
xz -9 < plain.txt > plain.xz
xz --format=lzma -6 < plain.txt > plain.lzma
zstd -q -19 < plain.txt > plain.zst
lz4 -q -9 < plain.txt > plain.lz4
lz4 -q -l < plain.txt > legacy.lz4
# As scripts/Makefile.lib does for a kernel image: the unpacked size behind it.
size=$(wc -c < plain.txt)
{ cat legacy.lz4; printf "\\$(printf %o $((size & 255)))\\$(printf %o $((size >> 8 & 255)))\\0\\0"; } > image.lz4

both multi.gz gzip -9n
both multi.bz2 bzip2 -9
both multi.xz xz -9
both multi.zst zstd -q -19
both multi.lz4 lz4 -q -9
# The flag combinations of the kernel's module compression.
xz --check=crc32 --lzma2=dict=1MiB < plain.txt > module.xz
