#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# install.sh [COMMAND=PACKAGE...]: installs by apt-get the packages whose commands
# are missing; by default, what the e2e scripts and the making of the fixtures
# need. Silent where everything is there. One installs while others wait.
#
# Exit status: 0 all is there, 2 something could not be installed, 3 there is
# no apt-get here, it may not be run, or it reaches no mirror.
set -euo pipefail

say() { echo "install: $*" >&2; }
exec 9< "$0"
flock 9

# command=package
needs=(
    rpm=rpm rpmbuild=rpm rpm2cpio=rpm2cpio cpio=cpio pahole=dwarves bpftool=bpftool
    gcc=gcc ld=binutils readelf=binutils objcopy=binutils
    s390x-linux-gnu-gcc=gcc-s390x-linux-gnu arm-linux-gnueabihf-gcc=gcc-arm-linux-gnueabihf
    openssl=openssl zstd=zstd xz=xz-utils bzip2=bzip2 gzip=gzip lz4=lz4
    od=coreutils awk=mawk find=findutils time=time dpkg-deb=dpkg
)
packages=(ca-certificates) # for mirrors behind https

export PATH=$PATH:/usr/sbin:/sbin
[ $# -eq 0 ] || needs=("$@")
missing=()
for need in "${needs[@]}"; do
    # type -P: "time" is a word of the shell too
    type -P "${need%%=*}" > /dev/null || missing+=("${need%%=*}") packages+=("${need#*=}")
done
[ ${#missing[@]} -gt 0 ] || exit 0

type -P apt-get > /dev/null || { say "no apt-get to install ${missing[*]} with"; exit 3; }
sudo=()
if [ "$(id -u)" -ne 0 ]; then
    type -P sudo > /dev/null && sudo -n true 2> /dev/null ||
        { say "not root, so ${missing[*]} cannot be installed"; exit 3; }
    sudo=(sudo -n)
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" > "$log" 2>&1; }
reached=1
apt -o APT::Update::Error-Mode=any update || reached=
apt -o DPkg::Lock::Timeout=600 install -y --no-install-recommends "${packages[@]}" || {
    cat "$log" >&2
    [ -n "$reached" ] || { say "apt-get reaches no mirror to install ${missing[*]} from"; exit 3; }
    exit 2
}
