#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# make.sh [OUT]: builds two products, each with a repository as it was released and
# one of updates, into OUT (default: the folder of this script). ../README.md tells
# what is in them. The same tools give the same bytes.
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
src=$work/src
cp -r "$here/../incident/src" "$src"
cp "$here"/src/*.c "$src/modules"
# shellcheck source=testdata/kbuild.sh
source "$here/../kbuild.sh"
exported+=(__hid_register_driver __netdev_alloc_skb alloc_etherdev_mqs hid_hw_stop hid_unregister_driver
    input_allocate_device input_register_device input_unregister_device kfree klp_enable_patch kmalloc
    netif_rx schedule_delayed_work tcp_unregister_congestion_control)
KDEFINES=("-DFF_CRC=\"0x$(crc ff_memless_create)\"")

# kernel KRELEASE MACRO TURN [CHANGED [CONFIG]]: a vmlinux in $work/KRELEASE, and what
# it exports (see exports). Another TURN, the number of parts that are linked last
# instead of first, gives another base.
kernel() {
    local vmlinux_parts=("${vmlinux_parts[@]:$3}" "${vmlinux_parts[@]:0:$3}")
    build_for "$1"
    build_vmlinux "$work/$1" "$2"
    exports "${4:-}" "${5:-}" > "$work/$1/exports"
    echo "$(crc ff_memless_create) ff_memless_create" > "$work/$1/exports.extra"
}

# begin SOURCE VERSION RELEASE [ARCH]: begins a source package, whose packages have
# their files in $tree/NAME.
begin() {
    tree=$work/tree TARGET=${4:-x86_64}
    rm -rf "$tree"
    mkdir -p "$tree"
    source=$1 build=() files=()
    head=("Name: $1" "Version: $2" "Release: $3" 'Summary: A package of a product' 'License: GPL-2.0-only'
        'Group: System/Kernel' 'AutoReqProv: no')
}

# package NAME LINE...: one package of it, with the lines of its dependencies.
package() {
    local name=$1
    shift
    if [ "$name" = "$source" ]; then # the spec file's own
        head+=("$@")
    else
        build+=("%package -n $name" 'Summary: A package of a product' 'Group: System/Kernel' 'AutoReqProv: no'
            "$@" "%description -n $name" 'A fixture.')
    fi
    files+=("%files -n $name" '%defattr(-,root,root)')
    while read -r path; do files+=("$path"); done < <(cd "$tree/$name" && find . -type f -printf '/%P\n' | sort)
}

# finish FOLDER: builds the packages.
finish() {
    find "$tree" -type d -exec chmod 755 {} +
    find "$tree" -type f -exec chmod 644 {} +
    {
        printf '%s\n' "${head[@]}" '%description' 'A fixture: its programs do nothing.' "${build[@]}" '%prep' '%build' '%install' \
            "for t in $tree/*/; do cp -a \"\$t\". %{buildroot}; done" "${files[@]}" '%changelog'
    } > "$src/product.spec"
    pack product.spec w9.xzdio "$out/$1"
}

# modules_dir NAME KRELEASE: the folder of a kernelrelease in a package
modules_dir() { echo "$tree/$1/usr/lib/modules/$2"; }

# vmlinux NAME KRELEASE: a kernel as openSUSE packs it
vmlinux() {
    local to
    to=$(modules_dir "$1" "$2")
    mkdir -p "$to"
    cp "$src/kernel.config" "$to/config"
    xz -9 -c "$work/$2/vmlinux" > "$to/vmlinux.xz"
    { symvers "$work/$2/exports"; symvers "$work/$2/exports.extra" drivers/input/ff-memless; } | gzip -9n > "$to/symvers.gz"
}

# le32 NUMBER: in four bytes
le32() {
    # shellcheck disable=SC2059 # the format is octal escapes
    printf "$(printf '\\%03o' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24)))"
}

# vmlinuz NAME KRELEASE: a kernel as Fedora and RHEL pack it, a boot image alone: a
# setup header (Documentation/arch/x86/boot.rst) and the compressed vmlinux.
vmlinuz() {
    local to image
    to=$(modules_dir "$1" "$2") image=$to/vmlinuz
    mkdir -p "$to"
    cp "$src/kernel.config" "$to/config"
    symvers "$work/$2/exports" | gzip -9n > "$to/symvers.gz"
    xz -9 --check=crc32 -c "$work/$2/vmlinux" > "$work/payload"
    le32 "$(stat -c %s "$work/$2/vmlinux")" >> "$work/payload" # scripts/Makefile.lib, size_append
    head -c 1024 /dev/zero > "$image"
    at() { dd of="$image" bs=1 seek=$(($1)) conv=notrunc status=none; }
    printf '\1' | at 0x1f1
    printf '\125\252' | at 0x1fe
    printf 'HdrS\17\2' | at 0x202
    printf '\0\1' | at 0x20e # the version stands at 0x300
    le32 "$(stat -c %s "$work/payload")" | at 0x24c
    printf '%s (builder@buildhost) #1 SMP' "$2" | at 0x300
    cat "$work/payload" >> "$image"
}

# intree NAME KRELEASE MODULE FOLDER [OTHER]: a module of the kernel's own build, or on
# the base of the kernelrelease OTHER
intree() {
    local dir=$work/intree to
    to=$(modules_dir "$1" "$2")/$4
    build_for "$2"
    mkdir -p "$dir/kernel" "$to"
    cp "$work/$2/exports" "$dir/kernel"
    cp "$work/${5:-$2}/vmlinux" "$dir/kernel"
    versioned "$dir" "$3" "$dir/kernel"
    xz -9 --check=crc32 --lzma2=dict=1MiB -c "$dir/$3.ko" > "$to/$3.ko.xz"
}

# outside NAME KRELEASE MODULE FOLDER: a module that was built outside of the kernel's
# tree, as outsider does. Its file does not tell its package what it needs: requires.
outside() {
    local dir=$work/outside/$2 to=$tree/$1/$4
    mkdir -p "$to" "$dir"
    cat "$work/$2/exports" "$work/$2/exports.extra" > "$dir/exports"
    cp "$work/$2/vmlinux" "$dir/vmlinux"
    (build_for "$2"; outsider "$dir" "$3" "$dir")
    grep ' module_layout$' "$dir/exports" >> "$dir/needs"
    cp "$dir/needs" "$work/needs"
    xz -9 --check=crc32 --lzma2=dict=1MiB -c "$dir/$3.ko" > "$to/$3.ko.xz"
}

# What the generators of openSUSE write for the kernel of a kernelrelease.
suse_kernel() {
    local krel=$1 flavor=${1##*-} version=${1%-*}
    printf 'Provides: %s\n' "kernel-$flavor = $version" "kernel-$flavor-$version" "kernel-base = $version" "kernel = $version" \
        'multiversion(kernel)' "kernel-uname-r = $krel" 'kmod(crc7.ko)'
    dependencies Provides "ksym($flavor:%s) = %s" < "$work/$krel/exports"
}
suse_requires() { dependencies Requires "ksym($1:%s) = %s" < "$work/needs"; }

# A KMP of openSUSE: kmp SOURCE FLAVOR KRELEASE MODULE [ARCH]
kmp() {
    local flavor=$2 krel=$3 module=$4 name=$1-kmp-$2 kver=${3%-*}
    begin "$1" "1.0_k${kver//-/_}" 1.1 "${5:-x86_64}"
    outside "$name" "$krel" "$module" "usr/lib/modules/$krel/updates"
    package "$name" "Provides: $source-kmp = 1.0" "Provides: kmod($module.ko)" 'Provides: multiversion(kernel)' \
        "Enhances: kernel-$flavor" "$(suse_requires "$flavor")"
}

# userspace NAME PATH [ARCH]: a package that is named as those of kernels are
userspace() {
    begin "$1" 1.0 1.1 "${3:-x86_64}"
    mkdir -p "$tree/$1/$(dirname "$2")"
    echo "$1" > "$tree/$1/$2"
    package "$1"
}

leap() {
    local released=6.4.0-150600.23.7-default updated=6.4.0-150600.23.14-default
    local debug=6.4.0-150600.23.7-debug rt=6.4.0-150600.10.5-rt
    rm -rf "$out/leap"

    # A rebuild before the released one, of which -optional is left.
    kernel "$released" noinline 0
    begin kernel-default 6.4.0 150600.23.7.1
    intree kernel-default-optional "$released" rndis_host kernel/drivers/net/usb
    package kernel-default-optional 'Requires: kernel-default_x86_64 = 6.4.0-150600.23.7' 'Provides: multiversion(kernel)' 'Provides: kmod(rndis_host.ko)'
    finish leap/released
    rm -rf "${work:?}/$released"

    kernel "$released" inlined 0
    kernel "$updated" inlined 3 usb_control_msg
    local krel rebuild to
    for krel in "$released 3 released" "$updated 2 update"; do
        read -r krel rebuild to <<< "$krel"
        local version=${krel%-*}
        begin kernel-default 6.4.0 "${version#*-}.$rebuild"
        vmlinux kernel-default "$krel"
        intree kernel-default "$krel" crc7 kernel/lib
        intree kernel-default "$krel" tcp_bbr kernel/net/ipv4
        package kernel-default "Provides: kernel-default_x86_64 = $version" "$(suse_kernel "$krel")" 'Provides: kmod(tcp_bbr.ko)'
        intree kernel-default-extra "$krel" ff-memless kernel/drivers/input
        package kernel-default-extra "Requires: kernel-default_x86_64 = $version" "Provides: kernel-extra = $version" \
            'Provides: multiversion(kernel)' 'Provides: kmod(ff-memless.ko)' \
            "$(dependencies Provides 'ksym(default:%s) = %s' < "$work/$krel/exports.extra")"
        intree dlm-kmp-default "$krel" conn kernel/fs/dlm
        package dlm-kmp-default "Requires: kernel-default_x86_64 = $version" 'Provides: dlm-kmp' 'Provides: kmp_in_kernel' \
            'Provides: multiversion(kernel)' 'Provides: kmod(conn.ko)'
        mkdir -p "$tree/kernel-default-devel/usr/src/linux-obj"
        touch "$tree/kernel-default-devel/usr/src/linux-obj/Module.symvers"
        package kernel-default-devel
        finish "leap/$to"
    done

    # A part of kernel-default in a package of its own, with the same vmlinux.
    begin kernel-default-base 6.4.0 150600.23.7.3.150600.12.2.1
    vmlinux kernel-default-base "$released"
    intree kernel-default-base "$released" crc7 kernel/lib
    package kernel-default-base "$(suse_kernel "$released" | grep -v ksym)" 'Conflicts: kernel-default'
    finish leap/released

    local flavor
    kernel "$debug" inlined 5 '' debug
    kernel "$rt" inlined 7 '' rt
    for flavor in debug rt; do
        krel=${!flavor}
        begin "kernel-$flavor" 6.4.0 "$(cut -d- -f2 <<< "$krel").3"
        vmlinux "kernel-$flavor" "$krel"
        intree "kernel-$flavor" "$krel" crc7 kernel/lib
        package "kernel-$flavor" "$(suse_kernel "$krel")"
        finish leap/released
        kmp xpad "$flavor" "$krel" xpad
        finish leap/released
    done

    begin kernel-livepatch-6_4_0-150600_23_7-default 1 150600.13.1
    intree kernel-livepatch-6_4_0-150600_23_7-default "$released" livepatch livepatch
    package kernel-livepatch-6_4_0-150600_23_7-default 'Requires: kernel-default = 6.4.0-150600.23.7' \
        'Provides: multiversion(kernel)' 'Provides: kmod(livepatch.ko)'
    finish leap/update

    kmp xpad default "$released" xpad          # is linked into the update
    finish leap/released
    kmp ipheth default "$released" ipheth      # is not
    finish leap/released
    kmp gamepad default "$released" gamepad    # is, with a symbol of -extra
    finish leap/released
    kmp apple default "$released" hid-apple i586 # 64 bit modules for who has 32 bit programs
    finish leap/released

    userspace kernel-firmware-all lib/firmware/list noarch
    finish leap/released
    userspace kernel-macros usr/lib/rpm/macros.d/macros.kernel-source noarch
    finish leap/released
    userspace libkmod2-32bit usr/lib/libkmod.so.2
    finish leap/released
}

# What the generators of RHEL write for the kernel of a kernelrelease.
rhel_kernel() {
    printf 'Provides: %s\n' 'installonlypkg(kernel)' "kernel-uname-r = $1" "kernel-core-uname-r = $1"
    dependencies Provides 'kernel(%s) = 0x%s' < "$work/$1/exports"
}

# A package of modules of RHEL: kmod NAME KRELEASE MODULE FOLDER
kmod() {
    begin "$1" 1.0 1.1
    outside "$1" "$2" "$3" "$4"
    package "$1" "Provides: kmod($3.ko)" "Provides: ${1#kmod-}-kmod = 1.0" 'Provides: kernel-modules >= 5.14.0-427.el9.x86_64' \
        "$(dependencies Requires 'kernel(%s) = 0x%s' < "$work/needs")"
}

rhel() {
    local released=5.14.0-427.el9.x86_64 updated=5.14.0-430.el9.x86_64
    local debug=$released+debug rt=$released+rt
    rm -rf "$out/rhel"
    kernel "$released" inlined 0
    kernel "$updated" inlined 3 usb_control_msg
    kernel "$debug" inlined 5 '' debug
    kernel "$rt" inlined 7 '' rt

    local to krel part flavor
    for to in "released $released" "update $updated"; do
        read -r to krel <<< "$to"
        begin kernel 5.14.0 "$(cut -d- -f2 <<< "${krel%.x86_64}")"
        for flavor in '' debug rt; do
            [ -z "$flavor" ] || [ "$to" = released ] || continue
            part=kernel${flavor:+-$flavor}
            local of=$krel${flavor:++$flavor}
            vmlinuz "$part-core" "$of"
            package "$part-core" "$(rhel_kernel "$of")"
            intree "$part-modules-core" "$of" crc7 kernel/lib
            package "$part-modules-core" "Requires: kernel-uname-r = $of" 'Provides: installonlypkg(kernel-module)' 'Provides: kmod(crc7.ko)'
        done
        intree kernel-modules "$krel" tcp_bbr kernel/net/ipv4
        package kernel-modules "Requires: kernel-uname-r = $krel" 'Provides: installonlypkg(kernel-module)' 'Provides: kmod(tcp_bbr.ko)'
        # Of another build, and nothing says so.
        intree kernel-modules-extra "$krel" xpad kernel/drivers/input/joystick "$updated"
        package kernel-modules-extra "Requires: kernel-uname-r = $krel" 'Provides: installonlypkg(kernel-module)' 'Provides: kmod(xpad.ko)'
        mkdir -p "$tree/kernel-devel/usr/src/kernels/$krel"
        touch "$tree/kernel-devel/usr/src/kernels/$krel/Module.symvers"
        package kernel-devel
        finish "rhel/$to"
    done

    kmod kmod-xpad "$released" xpad "usr/lib/modules/$released/extra/xpad"
    finish rhel/released
    kmod kmod-ipheth "$released" ipheth "usr/lib/modules/$released/extra/ipheth"
    finish rhel/released
    kmod kpatch-patch-5_14_0-427 "$released" livepatch "usr/lib/kpatch/$released"
    finish rhel/update

    userspace kmod-libs usr/lib64/libkmod.so.2
    finish rhel/released
    userspace kmod-libs usr/lib/libkmod.so.2 i686
    finish rhel/released
    userspace kernel-tools usr/bin/cpupower
    finish rhel/released
}

leap
rhel
find "$out" -name '*.rpm' -printf '%s %P\n' | sort -k2
