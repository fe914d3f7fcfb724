#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# install.sh: installs by apt-get what the e2e scripts and the making of the
# fixtures need, if it is missing. Silent where everything is there.
set -euo pipefail

# command=package
needs=(
    rpmbuild=rpm rpm2cpio=rpm2cpio cpio=cpio pahole=dwarves bpftool=bpftool
    gcc=gcc readelf=binutils objcopy=binutils s390x-linux-gnu-gcc=gcc-s390x-linux-gnu
    arm-linux-gnueabihf-gcc=gcc-arm-linux-gnueabihf openssl=openssl
    zstd=zstd xz=xz-utils bzip2=bzip2 gzip=gzip lz4=lz4 od=coreutils dpkg-deb=dpkg
)

export PATH=$PATH:/usr/sbin:/sbin
missing=()
for need in "${needs[@]}"; do
    command -v "${need%%=*}" > /dev/null || missing+=("${need#*=}")
done
[ ${#missing[@]} -gt 0 ] || exit 0

sudo=
[ "$(id -u)" -eq 0 ] || sudo=sudo
$sudo apt-get -qq update
DEBIAN_FRONTEND=noninteractive $sudo apt-get -qq install -y --no-install-recommends \
    "${missing[@]}" > /dev/null
