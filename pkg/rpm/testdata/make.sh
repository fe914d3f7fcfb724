#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the sample packages next to this script from sample.spec: one per
# payload compression, one without files, one source package. Needs rpmbuild;
# v6.rpm is made only where RPMBUILD6 names the rpmbuild of rpm 6.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
mkdir "$top/SOURCES"
printf 'Test data.\n' > "$top/SOURCES/notes.txt"
export SOURCE_DATE_EPOCH=1700000000

build() { # build NAME PAYLOAD
	"${RPMBUILD:-rpmbuild}" ${FORMAT:+--define "_rpmformat $FORMAT"} -ba --quiet --define "_topdir $top" --define "_buildhost localhost" \
		--define "use_source_date_epoch_as_buildtime 1" --define "clamp_mtime_to_source_date_epoch 1" \
		--define "_binary_payload $2" --define "_source_payload $2" \
		--define "vendor %nil" "$here/sample.spec"
	cp "$top/RPMS/noarch/sample-1.0-1.noarch.rpm" "$here/$1.rpm"
}

build none w.ufdio
build gzip w9.gzdio
build bzip2 w9.bzdio
build xz w6.xzdio
build lzma w6.lzdio
build zstd w19.zstdio
cp "$top/RPMS/noarch/sample-empty-1.0-1.noarch.rpm" "$here/empty.rpm"
cp "$top/SRPMS/sample-1.0-1.src.rpm" "$here/source.rpm"
if [ -n "${RPMBUILD6:-}" ]; then
	RPMBUILD=$RPMBUILD6 FORMAT=6
	build v6 w19.zstdio
fi
