#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# install.sh: installs by apt-get what the builds in a build root need on this
# machine, if it is missing. Silent where everything is there.
#
# Exit status: 0 all is there, 2 something could not be installed, 3 there is
# no apt-get here, it may not be run, or it reaches no mirror.
set -euo pipefail

say() { echo "install: $*" >&2; }

# command=package
needs=(
    debootstrap=debootstrap unshare=util-linux
    rpm=rpm rpm2cpio=rpm2cpio cpio=cpio xz=xz-utils zstd=zstd tar=tar
    objcopy=binutils od=coreutils openssl=openssl modinfo=kmod
    perl=perl # for a build from $OBS_BUILD_GIT, which has no package
)
[ -n "${OBS_BUILD_GIT:-}" ] && needs+=(git=git) || needs+=(obs-build=obs-build)

export PATH=$PATH:/usr/sbin:/sbin
missing=() packages=()
for need in "${needs[@]}"; do
    type -P "${need%%=*}" > /dev/null || missing+=("${need%%=*}") packages+=("${need#*=}")
done
[ ${#missing[@]} -gt 0 ] || exit 0

type -P apt-get > /dev/null || { say "no apt-get to install ${missing[*]} with"; exit 3; }
[ "$(id -u)" -eq 0 ] || { say "not root, so ${missing[*]} cannot be installed"; exit 3; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" > "$log" 2>&1; }
reached=1
apt -o APT::Update::Error-Mode=any update || reached=
apt -o DPkg::Lock::Timeout=600 install -y --no-install-recommends "${packages[@]}" || {
    cat "$log" >&2
    [ -n "$reached" ] || { say "apt-get reaches no mirror to install ${missing[*]} from"; exit 3; }
    exit 2
}
