# SPDX-License-Identifier: Apache-2.0
#
# What the make.sh of several fixtures share: building a vmlinux and modules as
# kbuild does, and packing them. To be sourced with KRELEASE (see build_for),
# src (the C sources) and work (a scratch folder) set, KDEFINES if there are more
# options for the compiler.
KDEFINES=("${KDEFINES[@]}")

# build_for KRELEASE: has what is compiled from here on be of that kernelrelease.
build_for() {
    KRELEASE=$1
    cflags=(-std=gnu11 -O2 -g -gdwarf-4 -Wall -ffreestanding -fno-pic -mcmodel=kernel -mno-red-zone
        -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none
        -fno-ident "${KDEFINES[@]}" "-DKERNELRELEASE=\"$KRELEASE\"")
}
[ -z "${KRELEASE:-}" ] || build_for "$KRELEASE"
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
    pahole -J --btf_gen_floats --skip_encoding_btf_enum64 "$dir/vmlinux.1"
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
        pahole -J --btf_gen_floats --skip_encoding_btf_enum64 --btf_base "$base" "$dir/$name.ko"
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
    local ko=$1 base=$2 at value symbol kind name id left=0 start=0 set='' members=()
    at=$(readelf -SW "$ko" | sed -n 's/.* \.BTF_ids  *PROGBITS  *[0-9a-f]*  *\([0-9a-f]*\) .*/\1/p')
    [ -n "$at" ] || return 0
    bpftool -B "$base" btf dump file "$ko" > "$work/types"
    bpftool btf dump file "$base" >> "$work/types"
    while read -r value symbol; do
        kind=${symbol#__BTF_ID__} kind=${kind%%__*}
        if [ "$kind" = set ] || [ "$kind" = set8 ]; then
            left=$(od -An -tu4 -N4 -j $((0x$at + 0x$value)) "$ko")
            start=$((0x$at + 0x$value + 4)) members=() set=$kind
            [ "$kind" = set ] || start=$((start + 4))
            continue
        fi
        name=${symbol#__BTF_ID__"${kind}"__} name=${name%__*}
        id=$(awk -v kind="${kind^^}" -v name="'$name'" \
            '$2 == kind && $3 == name { print substr($1, 2, length($1) - 2); exit }' "$work/types")
        [ -n "$id" ] || { echo "make.sh: $ko: no $kind $name" >&2; exit 1; }
        if [ "$left" -gt 0 ]; then
            # A kfunc has flags behind it, which stay with it.
            [ "$set" = set ] || id+=" $(od -An -tu4 -N4 -j $((0x$at + 0x$value + 4)) "$ko")"
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

# exports CHANGED [CONFIG]: what a kernel exports, as "CRC SYMBOL"; that of the
# symbol CHANGED is another than it was before. Another CONFIG changes all.
exports() {
    local symbol
    for symbol in module_layout usb_register_driver "${exported[@]}"; do
        if [ "$symbol" = "$1" ]; then crc "$symbol, changed"; else crc "$symbol${2:+, $2}"; fi
        echo " $symbol"
    done
}

# symvers FILE [OWNER]: the lines of a symvers for "CRC SYMBOL" lines
symvers() {
    local crc symbol
    while read -r crc symbol; do
        printf '0x%s\t%s\t%s\tEXPORT_SYMBOL_GPL\t\n' "$crc" "$symbol" "${2:-vmlinux}"
    done < "$1"
}

# dependencies TAG FORMAT: the lines of a spec file for "CRC SYMBOL" lines
dependencies() {
    local crc symbol
    while read -r crc symbol; do
        # shellcheck disable=SC2059 # FORMAT names symbol and CRC
        printf "$1: $2\n" "$symbol" "$crc"
    done
}

# outsider DIR NAME KERNEL: a module built outside of the kernel's tree, on the
# vmlinux in KERNEL, as versioned does.
outsider() {
    cflags+=(-DOUT_OF_TREE)
    versioned "$@"
}

# versioned DIR NAME KERNEL: a module with BTF and the versions of what it needs, which
# are listed in DIR/needs.
versioned() {
    local dir=$1 name=$2 kernel=$3 crc symbol
    mkdir -p "$dir"
    build_module "$dir" "$name" # to see what it needs
    : > "$dir/needs"
    {
        echo 'static const struct { unsigned long crc; char name[56]; } versions[]'
        echo '    __attribute__((section("__versions"), used)) = {'
        while read -r crc symbol; do
            if [ "$symbol" = module_layout ] || nm -u "$dir/$name.ko" | grep -qw "$symbol"; then
                echo "    { 0x$crc, \"$symbol\" },"
                [ "$symbol" = module_layout ] || echo "$crc $symbol" >> "$dir/needs"
            fi
        done < "$kernel/exports"
        echo '};'
    } > "$dir/$name.mod.c"
    gcc "${cflags[@]}" -g0 -c "$dir/$name.mod.c" -o "$dir/$name.mod.o"
    ld -r --build-id=none -o "$dir/$name.ko" "$dir/$name.o" "$dir/$name.mod.o"
    pahole -J --btf_gen_floats --skip_encoding_btf_enum64 --btf_base "$kernel/vmlinux" "$dir/$name.ko"
    fill_btf_ids "$dir/$name.ko" "$kernel/vmlinux"
    objcopy --strip-debug "$dir/$name.ko"
}

# pack SPEC PAYLOAD OUT DEFINE...: runs rpmbuild, moves the packages to OUT.
pack() {
    local spec=$1 payload=$2 to=$3 defines=() define
    shift 3
    for define; do defines+=(--define "$define"); done
    rpmbuild -bb --quiet --nodeps --target "${TARGET:-x86_64}-suse-linux" \
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

