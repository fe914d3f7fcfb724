#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# make.sh [OUT]: builds the packages of the incident into OUT (default: the
# folder of this script). ../README.md tells what is in them.
#
# The same tools give the same bytes; the module signature is kept in
# src/signatures, since its key is thrown away.
set -euo pipefail
umask 022
export LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH=1640789416
export KRELEASE=5.15.12-1-default

for tool in gcc ld objcopy pahole bpftool rpmbuild openssl xz zstd gzip bzip2; do
    command -v $tool > /dev/null || { echo "make.sh: $tool is missing" >&2; exit 2; }
done

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:-$here}"
out=$(cd "${1:-$here}" && pwd)
src=$here/src
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=testdata/kbuild.sh
source "$here/../kbuild.sh"

# build_tree BUILD EXTRA_BASE: lays out the files of one build of the kernel;
# the modules of -extra are linked on EXTRA_BASE.
build_tree() {
    local build=$1 extra_base=$2 modules
    local tree=$build/tree
    modules=$tree/usr/lib/modules/$KRELEASE
    local vmlinux=$build/vmlinux module path
    mkdir -p "$build/modules"
    while read -r module path; do
        build_module "$build/modules" "$module" "$vmlinux"
        mkdir -p "$modules/kernel/$path"
        [ "$module" != hid-apple ] || sign "$build/modules/$module.ko"
        cp "$build/modules/$module.ko" "$modules/kernel/$path/$module.ko"
    done <<- 'END'
	ipheth drivers/net/usb
	hid-apple drivers/hid
	ledtrig-timer drivers/leds/trigger
	tcp_bbr net/ipv4
	crc7 lib
	END
    while read -r module path; do
        build_module "$build/modules" "$module" "$extra_base"
        mkdir -p "$modules/kernel/$path"
        zstd -q -19 "$build/modules/$module.ko" -o "$modules/kernel/$path/$module.ko.zst"
    done <<- 'END'
	xpad drivers/input/joystick
	rndis_host drivers/net/usb
	END
    cp "$src/kernel.config" "$modules/config"
    nm -n "$vmlinux" > "$modules/System.map"
    : > "$build/symbols"
    for symbol in "${exported[@]}"; do
        printf '0x%s\t%s\tvmlinux\tEXPORT_SYMBOL_GPL\t\n' "$(crc "$symbol")" "$symbol"
        echo "Provides: ksym(default:$symbol) = $(crc "$symbol")" >> "$build/symbols"
    done | gzip -9n > "$modules/symvers.gz"
    (cd "$modules" && find kernel -name '*.ko*') | sed 's,.*/\(.*\.ko\).*,Provides: kmod(\1),' |
        grep -Ev 'xpad|rndis_host' | sort >> "$build/symbols"
    xz -9 -c "$vmlinux" > "$modules/vmlinux.xz"
    find "$tree" -type d -exec chmod 755 {} +
    find "$tree" -type f -exec chmod 644 {} +
}

pack_kernel() {
    pack kernel-default.spec w9.bzdio "$3" "rebuild $2" "tree $1/tree" "symbols $1/symbols" \
        "disturl obs://build.example.org/openSUSE:Factory/standard/5d2c1b7e9f3a48606b0e7d5c2f914a83-kernel-default"
}

rm -rf "$out"/5.15.12-1.1 "$out"/5.15.12-1.3 "$out"/broken

one=$work/one three=$work/three four=$work/four
build_vmlinux "$one" "inlined"
build_vmlinux "$three" "noinline"
build_tree "$one" "$one/vmlinux"
build_tree "$three" "$three/vmlinux"
# One build by its name, two by its content: -extra comes from the other base.
mkdir -p "$four"
cp "$three/vmlinux" "$four"
build_tree "$four" "$one/vmlinux"

pack_kernel "$one" 1.1 "$out/5.15.12-1.1"
pack_kernel "$three" 1.3 "$out/5.15.12-1.3"
pack_kernel "$four" 1.4 "$out/broken"

mkdir -p "$work/kmp"
build_module "$work/kmp" ipu6
xz -c --check=crc32 --lzma2=dict=1MiB "$work/kmp/ipu6.ko" > "$work/kmp/ipu6.ko.xz"
pack ipu6.spec w19.zstdio "$out/5.15.12-1.1" "tree $work/kmp" "crc $(crc i2c_smbus_xfer)" \
    "disturl obs://build.example.org/openSUSE:Factory/standard/a41f8d02c7be4f5f9e6b3c2d1a0f7e58-ipu6"
cp -p "$out"/5.15.12-1.1/ipu6-kmp-default-*.rpm "$out/5.15.12-1.3"

# KEEP=DIR keeps the unpacked builds for a closer look.
[ -z "${KEEP:-}" ] || { mkdir -p "$KEEP" && cp -a "$one" "$three" "$four" "$work/kmp" "$KEEP"; }
find "$out" -name '*.rpm' -printf '%s %P\n' | sort -k2
