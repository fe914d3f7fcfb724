#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# make.sh [OUT]: builds two builds of a kernel of Linux 6.12, and modules of the
# first, into OUT (default: the folder of this script). ../README.md tells what is
# in them. The same tools give the same bytes.
set -euo pipefail
umask 022
export LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH=1640789416
export KRELEASE=6.12.4-1-default

for tool in gcc ld objcopy pahole bpftool xz gzip; do
    command -v $tool > /dev/null || { echo "make.sh: $tool is missing" >&2; exit 2; }
done

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:-$here}"
out=$(cd "${1:-$here}" && pwd)
src=$here/../incident/src
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
KDEFINES=(-DLINUX_6_12)
# shellcheck source=testdata/kbuild.sh
source "$here/../kbuild.sh"

for build in 1.1 1.3; do
    build_vmlinux "$work/$build" "$([ $build = 1.1 ] && echo inlined || echo noinline)"
    exports '' > "$work/$build/exports"
    xz -9 -c "$work/$build/vmlinux" > "$out/vmlinux-$build.xz"
done
for module in ipheth conn; do
    outsider "$work/modules" "$module" "$work/1.1"
    cp "$work/modules/$module.ko" "$out"
done
find "$out" -name '*.xz' -printf '%s %P\n' -o -name '*.ko' -printf '%s %P\n' | sort -k2
