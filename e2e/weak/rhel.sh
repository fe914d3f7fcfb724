#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# rhel.sh GIT ROOT HOW: what RHEL's weak-modules links. GIT is a git repository of
# RHEL's package kmod, ROOT/lib/modules has the trees of the kernels and modules. HOW is
# "kernel", as kernels are installed last, or "kmod", as each folder below extra/ is.
#
# Prints "KERNELRELEASE TARGET" for each link.
set -euo pipefail
export LC_ALL=C
git=$1 root=$2 how=$3

git -c safe.directory='*' -C "$git" show HEAD:SOURCES/weak-modules > "$root/weak-modules"
chmod +x "$root/weak-modules"
run() { "$root/weak-modules" --basedir "$root" --dracut /bin/true --no-initramfs --verbose "$@" >> "$root/log" 2>&1; }
cd "$root/lib/modules"
for krel in *; do
    if [ "$how" = kernel ]; then
        [ ! -e "$krel/System.map" ] || run --add-kernel "$krel"
        continue
    fi
    for package in "$krel"/extra/*/; do
        [ ! -d "$package" ] || find "$root/lib/modules/$package" -name '*.ko*' | run --add-modules
    done
done
find . -path '*/weak-updates/*' -type l -printf '%P %l\n' | sed "s,^\([^/]*\)/[^ ]* $root,\1 ," | sort
