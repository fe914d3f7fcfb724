#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# root.sh DIR: makes a build root in DIR, a small Debian of this machine's suite
# with rpm, and prints its path. One that is there already is left as it is, if
# this script has not changed since.
#
# Nobody works in the root itself: each build gets one on top of it, or a copy.
#
# Exit status: 0 it is there, 2 it could not be made, 3 it cannot be made here:
# this is no Debian, not root, or debootstrap reaches no mirror.
set -euo pipefail
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
umask 022

say() { echo "root: $*" >&2; }

suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
[ -n "$suite" ] && [ -e "/usr/share/debootstrap/scripts/$suite" ] ||
    { say "debootstrap does not know this machine's suite (${suite:-none})"; exit 3; }
[ "$(id -u)" -eq 0 ] || { say "debootstrap needs to be root"; exit 3; }

mkdir -p "$1"
dir=$(cd "$1" && pwd -P)
made_by=$(sha256sum < "$0")
root=$dir/root-$suite-${made_by:0:12}
if [ -d "$root" ]; then
    echo "$root"
    exit 0
fi

work=$(mktemp -d "$dir/.root.XXXXXX")
log=$work.log
# proc, sys and what else debootstrap mounts while packages are set up
unmount() { while umount -l "$work"/{proc,sys,dev/pts,dev/shm} 2> /dev/null; do :; done; }
trap 'unmount; rm -rf --one-file-system "$work" "$log"' EXIT

# The machine's default mirror. Most of it is perl, which rpm and obs-build need.
if ! debootstrap --variant=minbase --include=rpm,cpio,make,xz-utils,zstd,openssl,libnss3-tools "$suite" "$work" > "$log" 2>&1; then
    if grep -Eq "Failed getting release file|Couldn't download|Invalid Release file" "$log"; then
        say "debootstrap reaches no mirror: $(tail -n 1 "$log")"
        exit 3
    fi
    cat "$log" >&2
    tail -n 20 "$work/debootstrap/debootstrap.log" >&2 || :
    exit 2
fi
unmount
rm -rf "$work"/var/cache/apt/* "$work"/var/lib/apt/lists/* "$work"/usr/share/{doc,i18n,info,locale,man,zoneinfo}/*

# As obs-build does where it sets up the root itself.
echo '127.0.0.1 localhost' > "$work/etc/hosts"

# One database of packages for all users, where openSUSE's rpm has it too;
# Debian's rpm gives each user one.
mkdir -p "$work/etc/rpm" "$work/var/lib/rpm"
echo '%_dbpath /var/lib/rpm' > "$work/etc/rpm/macros.dbpath"
chroot "$work" rpm --initdb

chmod 755 "$work"
mv -T "$work" "$root"
echo "$root"
