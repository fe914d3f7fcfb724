#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Makes source and binary packages of git HEAD in build/rpm; what is not
# committed is not in them. The tarballs are the same each time they are made.
# No network is needed once Go's module cache has the dependencies.
set -eu
cd "$(dirname "$0")/.."
name=obs-btf-guard
top=$PWD/build/rpm
committed=$(git log -1 --format=%ct)

# As obs/_service words it: rpm takes no hyphen in a version.
if tag=$(git describe --tags --long --match 'v[0-9]*' 2> /dev/null); then
    version=$(echo "$tag" | sed -E 's/^v//; s/-0-g[0-9a-f]+$//; s/-([0-9]+)-g([0-9a-f]+)$/+git.\1.\2/; s/-/~/g')
else
    version="0~git.$committed.$(git log -1 --format=%h)"
fi

rm -rf "$top"
mkdir -p "$top/SOURCES" "$top/SPECS"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# pack FOLDER TARBALL
pack() {
    tar -C "$work" --sort=name --mtime="@$committed" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
        -c "$1" | xz -T1 > "$top/SOURCES/$2"
}
git archive --prefix="$name-$version/" HEAD | tar -C "$work" -x
pack "$name-$version" "$name-$version.tar.xz"
(cd "$work/$name-$version" && GOFLAGS='' GOWORK=off "${GO:-go}" mod vendor -o "$work/vendor")
pack vendor vendor.tar.xz

# The version and the changelog, which on OBS come from set_version and the build.
cp "$work/$name-$version/obs/$name-rpmlintrc" "$top/SOURCES"
{
    sed "s/^\(Version: *\).*/\1$version/" "$work/$name-$version/obs/$name.spec"
    sed -E "/^-{60,}\$/d; s/^((Mon|Tue|Wed|Thu|Fri|Sat|Sun) .*) - /* \1 /; s/%/%%/g" "$work/$name-$version/obs/$name.changes"
} > "$top/SPECS/$name.spec"

# On Debian rpm does not know what is installed, so that it finds none of
# BuildRequires; there, they are taken to be met.
nodeps=
rpm -q rpm > /dev/null 2>&1 || nodeps=--nodeps

# The tests take minutes. On OBS they always run.
check=--nocheck
[ -z "${CHECK:-}" ] || check=
rpmbuild --define "_topdir $top" $nodeps $check -ba "$top/SPECS/$name.spec"
[ -n "$check" ] && echo "rpm.sh: the tests did not run (CHECK=1 make rpm)" >&2
ls "$top"/SRPMS/*.rpm "$top"/RPMS/*/*.rpm
