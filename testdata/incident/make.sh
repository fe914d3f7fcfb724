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

cflags=(-std=gnu11 -O2 -g -gdwarf-4 -Wall -ffreestanding -fno-pic -mcmodel=kernel -mno-red-zone
    -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none
    -fno-ident "-DKERNELRELEASE=\"$KRELEASE\"")
export LLVM_OBJCOPY=objcopy

# The order of linking is the order of the types in the base.
vmlinux_parts=(init mm fs usbcore hid-core i2c-core gpu net-core inet_hashtables led-core crc)

# build_vmlinux DIR MACRO: DIR/vmlinux, as kbuild does it: link, pahole, link
# again with .BTF as a loaded section.
build_vmlinux() {
    local dir=$1 part objects=()
    mkdir -p "$dir/vmlinux.d"
    gzip -9n < "$src/kernel.config" > "$dir/config.gz"
    for part in "${vmlinux_parts[@]}"; do
        (cd "$src/vmlinux" && gcc "${cflags[@]}" "-DINLINED_AT_WILL=$2" \
            "-DIKCONFIG=\"$dir/config.gz\"" -c "$part.c" -o "$dir/vmlinux.d/$part.o")
        objects+=("$dir/vmlinux.d/$part.o")
    done
    local link=(ld -static --no-relax -z noexecstack -z max-page-size=4096 --build-id=none
        -T "$src/vmlinux.lds")
    "${link[@]}" -o "$dir/vmlinux.1" "${objects[@]}"
    pahole -J --btf_gen_floats "$dir/vmlinux.1"
    objcopy --only-section=.BTF --set-section-flags .BTF=alloc,readonly --strip-all \
        "$dir/vmlinux.1" "$dir/btf.o" 2> /dev/null
    printf '\1\0' | dd of="$dir/btf.o" bs=1 seek=16 conv=notrunc status=none # ET_REL
    "${link[@]}" -o "$dir/vmlinux" "${objects[@]}" "$dir/btf.o"
    objcopy --strip-debug "$dir/vmlinux"
}

# build_module DIR NAME [BASE]: DIR/NAME.ko; with BASE it gets split BTF.
build_module() {
    local dir=$1 name=$2 base=${3:-}
    (cd "$src/modules" && gcc "${cflags[@]}" -DMODULE "-DKBUILD_MODNAME=\"${name//-/_}\"" \
        -c "$name.c" -o "$dir/$name.o")
    ld -r --build-id=none -o "$dir/$name.ko" "$dir/$name.o"
    if [ -n "$base" ]; then
        pahole -J --btf_gen_floats --btf_base "$base" "$dir/$name.ko"
        fill_btf_ids "$dir/$name.ko" "$base"
    fi
    objcopy --strip-debug "$dir/$name.ko"
}

# write_ids FILE OFFSET ID...: little-endian, four bytes each
write_ids() {
    local file=$1 offset=$2 id
    shift 2
    for id; do
        # shellcheck disable=SC2059 # the format is four octal escapes
        printf "$(printf '\\%03o\\%03o\\%03o\\%03o' $((id & 255)) $((id >> 8 & 255)) \
            $((id >> 16 & 255)) $((id >> 24)))"
    done | dd of="$file" bs=1 seek="$offset" conv=notrunc status=none
}

# fill_btf_ids KO BASE: writes the ids the symbols __BTF_ID__<kind>__<name>__<n>
# ask for. The members of a set are sorted by id, as the kernel expects, so a
# symbol inside a set need not stand at its own id.
fill_btf_ids() {
    local ko=$1 base=$2 at value symbol kind name id left=0 start=0 members=()
    at=$(readelf -SW "$ko" | sed -n 's/.* \.BTF_ids  *PROGBITS  *[0-9a-f]*  *\([0-9a-f]*\) .*/\1/p')
    [ -n "$at" ] || return 0
    bpftool -B "$base" btf dump file "$ko" > "$work/types"
    bpftool btf dump file "$base" >> "$work/types"
    while read -r value symbol; do
        kind=${symbol#__BTF_ID__} kind=${kind%%__*}
        if [ "$kind" = set ]; then
            left=$(od -An -tu4 -N4 -j $((0x$at + 0x$value)) "$ko")
            start=$((0x$at + 0x$value + 4)) members=()
            continue
        fi
        name=${symbol#__BTF_ID__"${kind}"__} name=${name%__*}
        id=$(awk -v kind="${kind^^}" -v name="'$name'" \
            '$2 == kind && $3 == name { print substr($1, 2, length($1) - 2); exit }' "$work/types")
        [ -n "$id" ] || { echo "make.sh: $ko: no $kind $name" >&2; exit 1; }
        if [ "$left" -gt 0 ]; then
            members+=("$id") left=$((left - 1))
            # shellcheck disable=SC2046 # one id a line
            [ "$left" -gt 0 ] ||
                write_ids "$ko" "$start" $(printf '%s\n' "${members[@]}" | sort -n)
        else
            write_ids "$ko" $((0x$at + 0x$value)) "$id"
        fi
    done < <(readelf -sW "$ko" | awk '$8 ~ /^__BTF_ID__/ { print $2, $8 }' | sort)
}

# sign KO: appends a signature as the kernel's sign-file does. The key lives
# only here; a signature made earlier for the same bytes is used again.
sign() {
    local ko=$1 sum kept size
    sum=$(sha256sum < "$ko") sum=${sum%% *}
    kept=$src/signatures/$(basename "$ko" .ko)-${sum:0:16}.p7s
    if [ ! -e "$kept" ]; then
        mkdir -p "$src/signatures"
        openssl req -new -x509 -newkey rsa:2048 -nodes -days 36500 -sha256 \
            -subj "/O=obs-btf-guard/CN=fixture module signing" \
            -keyout "$work/key.pem" -out "$work/cert.pem" 2> /dev/null
        openssl cms -sign -binary -noattr -nocerts -md sha256 -outform DER -in "$ko" \
            -signer "$work/cert.pem" -inkey "$work/key.pem" -out "$kept"
        rm -f "$work/key.pem"
    fi
    size=$(stat -c %s "$kept")
    {
        cat "$kept"
        # struct module_signature: id_type 2 (PKCS#7) and the length, big-endian
        # shellcheck disable=SC2059
        printf "\\0\\0\\2\\0\\0\\0\\0\\0\\0\\0$(printf '\\%03o\\%03o' $((size >> 8)) $((size & 255)))"
        printf '~Module signature appended~\n'
    } >> "$ko"
}

# crc SYMBOL: a stand-in for the checksum modversions gives a symbol
crc() { printf '%08x' "$(printf %s "$1" | cksum | cut -d' ' -f1)"; }

exported=(usb_alloc_urb usb_free_urb usb_submit_urb usb_kill_urb usb_control_msg usb_deregister
    register_netdev unregister_netdev netif_carrier_on netif_carrier_off led_trigger_register
    i2c_smbus_xfer input_event hid_hw_start tcp_register_congestion_control)

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

# pack SPEC PAYLOAD OUT DEFINE...: runs rpmbuild, moves the packages to OUT.
pack() {
    local spec=$1 payload=$2 to=$3 defines=() define
    shift 3
    for define; do defines+=(--define "$define"); done
    rpmbuild -bb --quiet --nodeps --target x86_64-suse-linux \
        --define "_topdir $work/rpm" --define "_tmppath $work" \
        --define "_binary_payload $payload" --define "_buildhost buildhost" \
        --define "_build_id_links none" --define "debug_package %{nil}" \
        --define "__os_install_post %{nil}" --define "__spec_install_pre %{___build_pre}" \
        --define "use_source_date_epoch_as_buildtime 1" \
        --define "clamp_mtime_to_source_date_epoch 1" \
        --define "_wrong_version_format_terminate_build 0" --define "optflags -O2" --define "vendor openSUSE" \
        --define "_vendor suse" --define "packager https://bugs.opensuse.org" \
        --define "distribution openSUSE Tumbleweed" \
        "${defines[@]}" "$src/$spec" > "$work/rpm.log" 2>&1 || { cat "$work/rpm.log" >&2; exit 1; }
    mkdir -p "$to"
    mv "$work"/rpm/RPMS/*/*.rpm "$to"
    rm -rf "$work/rpm"
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
