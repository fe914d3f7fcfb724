#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# install.sh: installs by apt-get what the tests of package metadata need, if it
# is missing. Silent where everything is there.
#
# Exit status: 0 all is there, 2 something could not be installed, 3 there is
# no apt-get here or it may not be run.
set -euo pipefail

say() { echo "install: $*" >&2; }

# command=package
needs=(
    rpm=rpm rpmbuild=rpm rpm2cpio=rpm2cpio cpio=cpio rpmkeys=rpm rpmsign=rpm gpg=gpg gpgconf=gpgconf gpg-agent=gpg-agent
    createrepo_c=createrepo-c zypper=zypper dnf=dnf
    objcopy=binutils od=coreutils cmp=diffutils xz=xz-utils zstd=zstd gzip=gzip bzip2=bzip2
    file=file awk=mawk perl=perl # for build-compare
)
missing=() packages=()
for need in "${needs[@]}"; do
    command -v "${need%%=*}" > /dev/null && continue
    missing+=("${need%%=*}") packages+=("${need#*=}")
done
[ ${#missing[@]} -gt 0 ] || exit 0

command -v apt-get > /dev/null || { say "no apt-get to install ${missing[*]} with"; exit 3; }
[ "$(id -u)" -eq 0 ] || { say "not root, so ${missing[*]} cannot be installed"; exit 3; }

# One package that no mirror has must not cost the others.
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update > /dev/null 2>&1 || :
status=0
for package in "${packages[@]}"; do
    log=$(apt-get -qq -o DPkg::Lock::Timeout=600 install -y --no-install-recommends "$package" 2>&1 > /dev/null) ||
        { say "$package: $log"; status=2; }
done
exit $status
