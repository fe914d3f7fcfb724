#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# run.sh [FLAGS]: real distribution kernels judge module tables in qemu, and must
# do what packages verify and relocate predict.
#
# Modules of another build, distilled and as they are, are loaded as well, and BPF
# programs call their kfuncs (TestSurvive); a kernel of 7.3 or later says which types
# the trace events of its distilled modules have (TestTraces); libbpf relocates all
# modules as well (TestLibbpf).
#
# Installs qemu, firmware, sign-file, clang and what libbpf is built with by apt-get if
# they are missing and fetches the kernels. Software emulation is enough: no KVM, no
# network in the machine. FLAGS go to the test: -run TEST, -seed N, -mutants N, -loads N,
# -survivors N (1300 are all of them that load without a device), -entries N,
# -attached N, -as VERSION, -record DIR (what the kernels did, for BTF_CORPUS; an
# absolute path); a disagreement's tables are kept in the folder that the test names.
#
#   E2E_WORK_DIR   where kernels are kept, else a folder below TMPDIR
#   E2E_REBUILD    a folder with two kernels for TestSurvive, see fetch-rebuild.sh
#   E2E_TRACES     one with a kernel for TestTraces, named for its kernelrelease
#   FLAVOUR        amd64 (the default), cloud-amd64, rt-amd64, arm64 or s390x
#   SOURCE         a kernel's source tree, or a package with one: two small kernels are
#                  built from it for FLAVOUR and judge each other's modules, in place of
#                  those of the distribution (build-kernels.sh). For s390x it is
#                  linux-source-6.12 where nothing is said: Debian's kernels have no BTF.
#
# Exit status: 0 all agree, 1 something does not, 2 an error, 3 no kernels can be built
# of SOURCE here. Tests that need what else cannot be had say so and are skipped.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
say() { echo "qemu: $*" >&2; }

export E2E_WORK_DIR=${E2E_WORK_DIR:-${TMPDIR:-/tmp}/obs-btf-guard-e2e}

flavour=${FLAVOUR:-amd64}
case $flavour in
    arm64) qemu=qemu-system-aarch64 package=qemu-system-arm ;;
    s390x) qemu=qemu-system-s390x package=qemu-system-s390x SOURCE=${SOURCE:-linux-source-6.12} ;;
    *) qemu=qemu-system-x86_64 package=qemu-system-x86 ;;
esac
signs() { [ "$flavour" != amd64 ] || { [ -e /usr/share/OVMF/OVMF_CODE_4M.fd ] && compgen -G '/usr/lib/linux-kbuild-*/scripts/sign-file' > /dev/null; }; }
if ! type -P $qemu > /dev/null || ! type -P clang > /dev/null || [ ! -e /usr/include/libelf.h ] || ! signs; then
    sudo=()
    [ "$(id -u)" -eq 0 ] || sudo=(sudo -n)
    say "installing $package, ovmf, sign-file, clang, gcc and libelf-dev"
    type -P apt-get > /dev/null && {
        "${sudo[@]}" apt-get -qq update
        kbuild=$(apt-cache pkgnames linux-kbuild- | sort -V | tail -n 1)
        "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get -qq -o DPkg::Lock::Timeout=600 install -y --no-install-recommends $package ovmf $kbuild binutils openssl xz-utils clang gcc libc6-dev libelf-dev zlib1g-dev
    } > /dev/null || say "not all of it can be installed"
fi

mkdir -p "$E2E_WORK_DIR"
if [ -n "${SOURCE:-}" ]; then
    export E2E_KERNELS=built-$flavour-${SOURCE##*/}
    "$here/build-kernels.sh" "$E2E_WORK_DIR/$E2E_KERNELS" "$flavour" "$SOURCE" > /dev/null
    cd "$here"
    exec "${GO:-go}" test -tags e2eqemu -count=1 -timeout 60m -v -run '^TestKernels$' . "$@"
fi
export E2E_KERNELS=kernels
[ "$flavour" = amd64 ] || E2E_KERNELS=kernels-${flavour%-amd64}
"$here/../fetch-kernels.sh" "$E2E_WORK_DIR/$E2E_KERNELS" "$flavour" > /dev/null || [ $? -eq 3 ]
if [ "$flavour" = amd64 ] && [ -z "${E2E_REBUILD:-}" ] && "$here/fetch-rebuild.sh" "$E2E_WORK_DIR/kernels-rebuild"; then
    export E2E_REBUILD=$E2E_WORK_DIR/kernels-rebuild
    for dir in "$E2E_REBUILD"/traces/*/; do
        [ ! -d "$dir" ] || export E2E_TRACES=${E2E_TRACES:-${dir%/}}
    done
fi
cd "$here"
exec "${GO:-go}" test -tags e2eqemu -count=1 -timeout 60m -v . "$@"
