#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# extract-vmlinux.sh BZIMAGE OUT: the ELF inside an x86 boot image.
#
# Goes by the boot protocol (2.08 and newer): payload_offset and
# payload_length in the setup header say where the compressed kernel is,
# counted from the end of the real-mode sectors. Knows nothing of the Go code
# it is compared with.
set -euo pipefail

die() { echo "extract-vmlinux: $*" >&2; exit 2; }
[ $# -eq 2 ] || die "usage: extract-vmlinux.sh BZIMAGE OUT"
image=$1 out=$2

# number OFFSET BYTES: a little-endian number of the image (od on x86)
number() { od -An -v -t "u$2" -j "$1" -N "$2" --endian=little "$image" | tr -d ' '; }

[ "$(od -An -c -j $((0x202)) -N 4 "$image" | tr -d ' ')" = HdrS ] || die "$image: no boot image"
[ "$(number $((0x206)) 2)" -ge $((0x208)) ] || die "$image: boot protocol older than 2.08"
sectors=$(number $((0x1f1)) 1)
[ "$sectors" -gt 0 ] || sectors=4
start=$(((sectors + 1) * 512 + $(number $((0x248)) 4)))
length=$(number $((0x24c)) 4)
[ $((start + length)) -le "$(stat -c %s "$image")" ] || die "$image: payload ends past the file"

# All but gzip and plain ELF carry the unpacked size behind the stream.
magic=$(od -An -v -t x1 -j "$start" -N 4 "$image" | tr -d ' ')
case $magic in
    1f8b*) unpack=(gzip -dc) tail=0 ;;
    fd377a58) unpack=(xz -dc) tail=4 ;;
    28b52ffd) unpack=(zstd -dcq --long=31) tail=4 ;;
    425a68*) unpack=(bzip2 -dc) tail=4 ;;
    5d0000*) unpack=(xz -dc --format=lzma) tail=4 ;;
    02214c18) unpack=(lz4 -dc) tail=4 ;;
    7f454c46) unpack=(cat) tail=0 ;;
    *) die "$image: payload with unknown magic $magic" ;;
esac
tail -c +$((start + 1)) "$image" 2> /dev/null | head -c $((length - tail)) |
    "${unpack[@]}" > "$out" || [ "${PIPESTATUS[2]}" -eq 0 ] || die "$image: ${unpack[0]} failed"

readelf -SW "$out" 2> /dev/null | grep ' \.BTF ' > /dev/null || die "$image: no ELF with .BTF inside"
