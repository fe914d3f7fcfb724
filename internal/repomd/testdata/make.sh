#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes testdata/incident, the metadata of a repository with the incident's
# packages, stamped. Needs createrepo_c and a built obs-btf-guard in $PATH.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for build in 5.15.12-1.1 5.15.12-1.3; do
	mkdir "$work/$build"
	cp ../../../testdata/incident/$build/*.rpm "$work/$build"
	obs-btf-guard stamp "$work/$build" >&2
done
# The time of the files is part of the metadata.
find "$work" -name '*.rpm' -exec touch -d @1640789416 {} +
createrepo_c --quiet --no-database --revision 1 --set-timestamp-to-revision "$work"
rm -rf incident
mkdir -p incident/repodata
cp "$work"/repodata/repomd.xml "$work"/repodata/*-primary.xml.gz "$work"/repodata/*-filelists.xml.gz incident/repodata
