#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# fetch-rebuild.sh DIR: two builds of one kernel, a day apart, from the same sources by
# the same compiler: Debian 13's 6.12.115-1 and -2. Their bases have as many types and
# string bytes, so that each kernel accepts the modules of the other and misreads them.
#
#   DIR/<krel>/   the unpacked package: boot/, usr/lib/modules/<krel>/
#   DIR/index     a kernelrelease a line, the newer first
#   DIR/libbpf    the source of Debian 13's libbpf, where there is one to be had
#   DIR/traces/<krel>/   the newest cloud kernel of 7.3 or later that Debian 13 has,
#                 likewise: it gives the types of trace events
#
# On Debian 12 they come by a state of apt's own, so that nothing changes for the machine.
#
# Exit status: 0 DIR holds both, 2 an error, 3 there is nothing to fetch them from.
set -euo pipefail

say() { echo "fetch-rebuild: $*" >&2; }
[ $# -eq 1 ] || { say "usage: fetch-rebuild.sh DIR"; exit 2; }
exec 9< "$0"
flock 9
mkdir -p "$1"
dir=$(cd "$1" && pwd)
krels=(6.12.115+deb13.1-amd64 6.12.115+deb13-amd64)

complete() { [ -e "$dir/$1/.complete" ]; }
if complete "${krels[0]}" && complete "${krels[1]}" && [ -d "$dir/libbpf" ] && [ -d "$dir/traces" ]; then exit 0; fi
type -P apt-get > /dev/null || { say "no apt-get here"; exit 3; }

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e $keyring ] || { say "no $keyring"; exit 3; }

# The mirrors of this machine, for the release that has them.
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
mkdir -p "$dir/.apt/lists/partial" "$dir/.apt/cache/archives/partial"
: > "$dir/.apt/status"
apt-get indextargets --format '$(RELEASE) $(REPO_URI) $(COMPONENT)' 'Created-By: Packages' | sort -u |
    while read -r release uri component; do
        case $release in "$codename"*) ;; *) continue ;; esac
        for type in deb deb-src; do
            echo "$type [signed-by=$keyring] $uri trixie${release#"$codename"} $component"
        done
        [ "$release" != "$codename" ] || echo "deb [signed-by=$keyring] $uri trixie-backports $component"
    done > "$dir/.apt/sources.list"
[ -s "$dir/.apt/sources.list" ] || { say "no mirror of Debian"; exit 3; }
cat > "$dir/.apt/conf" << END
Dir::State "$dir/.apt";
Dir::State::status "$dir/.apt/status";
Dir::Cache "$dir/.apt/cache";
Dir::Etc::sourcelist "$dir/.apt/sources.list";
Dir::Etc::sourceparts "/nonexistent";
END
export APT_CONFIG=$dir/.apt/conf
apt-get -qq update > /dev/null 2>&1 || say "apt-get update failed; going on with what there is"
work=$(mktemp -d "$dir/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
for krel in "${krels[@]}"; do
    complete "$krel" && continue
    say "linux-image-$krel"
    (cd "$work" && apt-get -qq download "linux-image-$krel" 2> apt.err) || { say "apt does not offer linux-image-$krel"; exit 3; }
    rm -rf "${dir:?}/$krel"
    mkdir "$dir/$krel"
    dpkg-deb -x "$work"/linux-image-*.deb "$dir/$krel"
    rm -f "$work"/linux-image-*.deb
    touch "$dir/$krel/.complete"
done
printf '%s\n' "${krels[@]}" > "$dir/index"
if [ ! -d "$dir/libbpf" ]; then
    if (cd "$work" && apt-get -qq source --download-only libbpf 2> apt.err); then
        mkdir "$work/libbpf"
        tar -xzf "$work"/libbpf_*.orig.tar.gz -C "$work/libbpf" --strip-components=1
        mv "$work/libbpf" "$dir/libbpf"
    else
        say "apt does not offer the source of libbpf"
    fi
fi
# Two packages make a kernel since 7.0.
if [ ! -d "$dir/traces" ]; then
    mkdir "$work/traces"
    krel=$(apt-cache pkgnames linux-modules- | sed -nE 's/^linux-modules-((7\.([3-9]|[1-9][0-9])|[89])\..*-cloud-amd64)$/\1/p' | sort -V | tail -n 1)
    if [ -n "$krel" ] && (cd "$work" && apt-get -qq download "linux-base-$krel" "linux-binary-$krel" "linux-modules-$krel" 2> apt.err); then
        say "linux-modules-$krel"
        for deb in "$work"/linux-*.deb; do dpkg-deb -x "$deb" "$work/traces/$krel"; done
    else
        say "apt offers no kernel of 7.3 or later"
    fi
    mv "$work/traces" "$dir/traces"
fi
