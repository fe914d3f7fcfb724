#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# newer.sh DIR: a system in DIR with rpm 6, zypper and dnf 5, out of Debian's forky, by
# debootstrap: 410 MB. One that is there stays.
#
# Exit status: 0 it is there, 2 an error, 3 this machine cannot have it.
set -euo pipefail

say() { echo "newer: $*" >&2; }
exec 9< "$0"
flock 9
[ $# -eq 1 ] || { say "usage: newer.sh DIR"; exit 2; }
[ ! -e "$1/.complete" ] || exit 0
[ "$(id -u)" -eq 0 ] || { say "not root"; exit 3; }
../install.sh debootstrap=debootstrap || exit 3
rm -rf "$1"
mkdir -p "$1"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' | head -1)
[ -n "$mirror" ] || { say "apt names no mirror of Debian"; exit 3; }
debootstrap --variant=minbase --include=rpm,zypper,dnf5 forky "$1" "$mirror" sid > "$log" 2>&1 ||
    { tail -3 "$log" >&2; exit 3; }
chroot "$1" rpm --version | grep -q ' 6\.' || { say "$(chroot "$1" rpm --version), not 6"; exit 2; }
touch "$1/.complete"
