#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# sources.sh OUT: lays out in OUT what OBS would have of our own package: the spec
# file and its sources. Unlike make rpm it packs the files as they are here,
# committed or not.
#
#   GO   the go command, for go mod vendor
set -euo pipefail
export LC_ALL=C

name=obs-btf-guard version=0~e2e
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tree=$work/$name-$version
mkdir "$tree"
git ls-files --cached --others --exclude-standard |
    while read -r path; do [ ! -e "$path" ] || echo "$path"; done |
    tar -c -T - | tar -x -C "$tree"
(cd "$tree" && GOFLAGS='' GOWORK=off "${GO:-go}" mod vendor -o "$work/vendor")

# The quickest compression: they are read once.
tar -C "$work" -c "$name-$version" | xz -0 -T0 > "$out/$name-$version.tar.xz"
tar -C "$work" -c vendor | xz -0 -T0 > "$out/vendor.tar.xz"
cp "$tree/obs/$name-rpmlintrc" "$out"
sed "s/^\(Version: *\).*/\1$version/" "$tree/obs/$name.spec" > "$out/$name.spec"
