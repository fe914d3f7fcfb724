#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# fingerprint.sh VMLINUX: the fingerprint of a base by objcopy, od, dd and
# sha256sum, three lines: types, strings, base.
#
# Knows nothing of the Go code it is compared with. Little-endian only.
set -euo pipefail

die() { echo "fingerprint: $*" >&2; exit 2; }
[ $# -eq 1 ] || die "usage: fingerprint.sh VMLINUX"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

objcopy --dump-section .BTF="$work/btf" "$1" "$work/none"
rm "$work/none"
[ -s "$work/btf" ] || die "$1: no .BTF"

# struct btf_header: magic, version, flags, hdr_len, type_off, type_len, str_off, str_len
number() { od -An -v -t "u$2" -j "$1" -N "$2" --endian=little "$work/btf" | tr -d ' '; }
[ "$(number 0 2)" -eq $((0xeb9f)) ] || die "$1: .BTF without its magic"
header=$(number 4 4)

# digest OFFSET LENGTH: of a piece behind the header
digest() {
    dd if="$work/btf" bs=1M iflag=skip_bytes,count_bytes skip=$((header + $1)) count="$2" status=none |
        sha256sum | cut -d' ' -f1
}
types=$(digest "$(number 8 4)" "$(number 12 4)")
strings=$(digest "$(number 16 4)" "$(number 20 4)")
base=$(printf 'types sha256:%s\nstrings sha256:%s\n' "$types" "$strings" | sha256sum | cut -d' ' -f1)
printf '%s sha256:%s\n' types "$types" strings "$strings" base "$base"
