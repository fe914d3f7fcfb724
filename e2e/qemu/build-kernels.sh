#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# build-kernels.sh DIR ARCH SOURCE: two small kernels, built from a source tree.
#
# ARCH is amd64, arm64 or s390x, SOURCE a kernel's clean source tree, or the name of a package
# of apt that holds one, such as linux-source-6.12. Both kernels have what the trials
# need and nothing more. The one refuses modules whose BTF does not fit; the other allows
# them (CONFIG_MODULE_ALLOW_BTF_MISMATCH, since 5.18) and has a few more types, so that
# modules of the one are foreign to the other.
#
#   DIR/<krel>/   a kernel as its package would unpack: boot/, lib/modules/<krel>/
#   DIR/index     lines "<name> <krel>": for each kernel itself, then the other
#
# What is built already is not built again; E2E_REFRESH=1 builds anew. JOBS is how
# many compilers run at once, else one for each processor.
#
# Exit status: 0 DIR holds kernels, 2 an error, 3 the source or a compiler cannot be
# had here.
set -euo pipefail

die() { echo "build-kernels: $*" >&2; exit 2; }
say() { echo "build-kernels: $*" >&2; }
skip() { say "$*"; exit 3; }

[ $# -eq 3 ] || die "usage: build-kernels.sh DIR ARCH SOURCE"
exec 9< "$0"
flock 9
mkdir -p "$1"
dir=$(cd "$1" && pwd)
source=$3

case $2 in
    amd64) arch=x86 machine=x86_64 image=arch/x86/boot/bzImage ;;
    arm64) arch=arm64 machine=aarch64 image=arch/arm64/boot/Image ;;
    s390x) arch=s390 machine=s390x image=arch/s390/boot/bzImage ;;
    *) die "$2 is not amd64, arm64 or s390x" ;;
esac

if [ -s "$dir/index" ] && [ -z "${E2E_REFRESH:-}" ]; then
    cat "$dir/index"
    exit 0
fi

prefix=
packages="make bc bison flex cpio kmod pahole libelf-dev libssl-dev xz-utils"
if [ "$machine" = "$(uname -m)" ]; then
    packages+=" gcc libc6-dev"
else
    prefix=$machine-linux-gnu-
    packages+=" gcc libc6-dev gcc-${machine//_/-}-linux-gnu"
fi
missing=
for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2> /dev/null | grep -q 'ok installed' || missing+=" $package"
done
sudo=()
[ "$(id -u)" -eq 0 ] || sudo=(sudo -n)
if [ -n "$missing" ]; then
    type -P apt-get > /dev/null || skip "missing:$missing, and no apt-get to install them with"
    say "installing$missing"
    # shellcheck disable=SC2086
    {
        "${sudo[@]}" apt-get -qq update
        "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get -qq -o DPkg::Lock::Timeout=600 install -y --no-install-recommends $missing
    } > /dev/null || skip "not to be installed:$missing"
fi

work=$dir/work
rm -rf "$work"
mkdir -p "$work"
if [ ! -d "$source" ]; then
    say "$source"
    (cd "$work" && apt-get -qq download "$source" 2> apt.err && dpkg-deb -x ./*.deb .) || skip "no tree and no package: $source"
    tar -xf "$work"/usr/src/"$source".tar.* -C "$work"
    source=$work/$source
fi
[ -e "$source/kernel/bpf/btf.c" ] || die "$source: not a kernel's source tree"
source=$(cd "$source" && pwd)

kmake() {
    nice -n 10 make -s -C "$source" O="$out" ARCH=$arch CROSS_COMPILE="$prefix" KBUILD_BUILD_USER=e2e KBUILD_BUILD_HOST=qemu \
        KCFLAGS=-Wno-error "$@" > "$out/log" 2>&1 || { tail -30 "$out/log" >&2; die "$name: make $*"; }
}

# Options that a tree or an architecture does not have are left out by make.
common='
64BIT PRINTK BUG TTY MULTIUSER FUTEX EPOLL EVENTFD TIMERFD SIGNALFD POSIX_TIMERS SHMEM ADVISE_SYSCALLS BINFMT_ELF MEMBARRIER RSEQ
BLK_DEV_INITRD PROC_FS PROC_SYSCTL SYSFS SYSFS_SYSCALL DEVTMPFS TMPFS FILE_LOCKING
KALLSYMS KALLSYMS_ALL BPF BPF_SYSCALL BPF_JIT
DEBUG_KERNEL DEBUG_INFO DEBUG_INFO_DWARF4 DEBUG_INFO_BTF DEBUG_INFO_BTF_MODULES
MODULES MODULE_UNLOAD NLS CRYPTO EXPERT
'
modules='CBC CTR CTS ECB XTS CCM GCM CMAC HMAC XCBC MD5 SHA512 AUTHENC CRYPTD PCRYPT'
case $2 in # the serial ports
    amd64) common+='SERIAL_8250 SERIAL_8250_CONSOLE' ;;
    arm64) common+='PCI PCI_HOST_GENERIC SERIAL_8250 SERIAL_8250_PCI SERIAL_AMBA_PL011 SERIAL_AMBA_PL011_CONSOLE' ;;
    s390x) common+='MARCH_Z13 SCLP_TTY SCLP_CONSOLE SCLP_VT220_TTY SCLP_VT220_CONSOLE' ;;
esac
# More types for one of the two, in files that nothing else needs.
more='DEFLATE LZO'

configure() { # NAME: options of the kernel NAME
    local option
    {
        for option in $common; do echo "CONFIG_$option=y"; done
        # The smallest modules are the most.
        sed -nE 's/^config (NLS_[A-Z0-9_]+)$/CONFIG_\1=m/p' "$source/fs/nls/Kconfig"
        for option in $modules; do echo "CONFIG_CRYPTO_$option=m"; done
        echo "CONFIG_LOCALVERSION=\"-$1\""
        if [ "$1" = allow ]; then
            echo CONFIG_MODULE_ALLOW_BTF_MISMATCH=y
            for option in $more; do echo "CONFIG_CRYPTO_$option=y"; done
        fi
    } > "$out/wanted"
    kmake KCONFIG_ALLCONFIG="$out/wanted" allnoconfig
    for option in DEBUG_INFO_BTF_MODULES KALLSYMS; do
        grep -q "^CONFIG_$option=y" "$out/.config" || die "$source: CONFIG_$option is not to be had"
    done
}

index=
krels=()
out=$work/build # one for both: what stays the same is not compiled again
mkdir -p "$out"
for name in deny allow; do
    configure $name
    say "$2, ${source##*/}, $name"
    kmake -j "${JOBS:-$(nproc)}" "$(basename $image)" modules
    krel=$(make -s -C "$source" O="$out" ARCH=$arch CROSS_COMPILE="$prefix" kernelrelease)
    rm -rf "${dir:?}/$krel"
    mkdir -p "$dir/$krel/boot"
    kmake INSTALL_MOD_PATH="$dir/$krel" modules_install
    cp "$out/$image" "$dir/$krel/boot/vmlinuz-$krel"
    cp "$out/.config" "$dir/$krel/boot/config-$krel"
    krels+=("$krel")
done
for i in 0 1; do
    index+="${krels[i]} ${krels[i]}"$'\n'"${krels[i]} ${krels[1 - i]}"$'\n'
done
printf %s "$index" > "$dir/index"
rm -rf "$work"
cat "$dir/index"
