#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# make.sh [OUT]: builds packages of modules that outlive their kernel, and kernels
# of two kernelreleases, into OUT (default: the folder of this script).
# ../README.md tells what is in them. The same tools give the same bytes.
set -euo pipefail
umask 022
export LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH=1640789416

for tool in gcc ld objcopy pahole bpftool rpmbuild xz gzip; do
    command -v $tool > /dev/null || { echo "make.sh: $tool is missing" >&2; exit 2; }
done

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:-$here}"
out=$(cd "${1:-$here}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# under KRELEASE COMMAND...: a command with the functions of kbuild.sh, which take
# the kernelrelease when they are read.
under() (
    export KRELEASE=$1
    src=$here/../incident/src
    # shellcheck source=testdata/kbuild.sh
    source "$here/../kbuild.sh"
    shift
    "$@"
)

# kernel DIR MACRO CHANGED: a build of a kernel without modules
kernel() {
    local modules=$1/tree/usr/lib/modules/$KRELEASE
    build_vmlinux "$1" "$2"
    mkdir -p "$modules"
    cp "$src/kernel.config" "$modules/config"
    xz -9 -c "$1/vmlinux" > "$modules/vmlinux.xz"
    exports "$3" > "$1/exports"
    symvers "$1/exports" | gzip -9n > "$modules/symvers.gz"
    find "$1/tree" -type d -exec chmod 755 {} +
    find "$1/tree" -type f -exec chmod 644 {} +
}

# product FOLDER OLD NEW KERNEL FORMAT MODULES...: kernels of two kernelreleases
# OLD and NEW, and packages "NAME=MODULE=FOLDER" built on the older one. In the
# newer one usb_control_msg has another CRC.
product() {
    local to=$out/$1 old=$2 new=$3 name=$4 format=$5 uname package module folder
    shift 5
    rm -rf "$to"
    under "$old" kernel "$work/$old" inlined ''
    under "$new" kernel "$work/$new" noinline usb_control_msg
    for uname in "$old" "$new"; do
        under "$uname" dependencies Provides "$format" < "$work/$uname/exports" > "$work/symbols"
        release=${uname#*-} release=${release%-default} release=${release%.x86_64}
        under "$uname" pack_here kernel.spec "$to" "kernel $name" "kversion ${uname%%-*}" \
            "krelease $release" "uname $uname" "tree $work/$uname/tree" "symbols $work/symbols"
    done
    for package; do
        IFS='=' read -r package module folder <<< "$package"
            under "$old" outsider "$work/$package" "$module" "$work/$old"
        xz -f --check=crc32 --lzma2=dict=1MiB "$work/$package/$module.ko"
        under "$old" dependencies Requires "$format" < "$work/$package/needs" > "$work/symbols"
        under "$old" pack_here modules.spec "$to" "package $package" "pversion 1.0" "uname $old" \
            "tree $work/$package" "module $module" "folder $folder" "symbols $work/symbols"
    done
}

# pack_here SPEC OUT DEFINE...: pack with a spec file of this folder
pack_here() {
    local spec=$1 to=$2
    shift 2
    src=$here/src
    pack "$spec" w9.xzdio "$to" "$@"
}

product sle 5.14.21-150400.22-default 5.14.21-150400.24-default kernel-default \
    'ksym(default:%s) = %s' xpad-kmp-default=xpad=updates rndis-kmp-default=rndis_host=updates
product rhel 5.14.0-427.el9.x86_64 5.14.0-430.el9.x86_64 kernel-core \
    'kernel(%s) = 0x%s' kmod-xpad=xpad=extra kmod-rndis=rndis_host=extra
find "$out" -name '*.rpm' -printf '%s %P\n' | sort -k2
