#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# fetch-kernels.sh DIR [FLAVOUR]: two pairs of real distribution kernels, unpacked.
#
# Picks the two newest kernels of FLAVOUR (default: amd64, the plain ones; or
# cloud-amd64, a third of their size; rt-amd64; arm64) of the 6.1 series (modules stored as .ko)
# and of the 6.12 series (modules stored as .ko.xz) that apt offers.
# A series with fewer than two is replaced by the two newest kernels of
# whatever series has a pair; the script says so.
#
#   DIR/<krel>/   the unpacked package: boot/, lib/modules/<krel>/
#   DIR/index     one line per kernel: "<series> <krel>", newest first
#
# A DIR is for one flavour. What it holds already is not fetched again;
# E2E_REFRESH=1 picks anew. One fetches while others wait.
#
# Exit status: 0 DIR holds kernels, 2 an error, 3 there is nothing to fetch from
# here: no apt, no mirror within reach, or one without Debian's kernels.
set -euo pipefail

die() { echo "fetch-kernels: $*" >&2; exit 2; }
say() { echo "fetch-kernels: $*" >&2; }
skip() { say "$*"; exit 3; }

[ $# -eq 1 ] || [ $# -eq 2 ] || die "usage: fetch-kernels.sh DIR [FLAVOUR]"
exec 9< "$0"
flock 9
mkdir -p "$1"
dir=$(cd "$1" && pwd)
flavour=${2:-amd64}

# Kernels of another architecture come by a state of apt's own, so that nothing
# changes for the machine.
arch=${flavour##*-}
foreign=
if type -P dpkg > /dev/null && [ "$arch" != "$(dpkg --print-architecture)" ]; then
    foreign=1
    mkdir -p "$dir/.apt/lists/partial" "$dir/.apt/cache/archives/partial"
    : > "$dir/.apt/status"
    cat > "$dir/.apt/conf" <<- END
	Dir::State "$dir/.apt";
	Dir::State::status "$dir/.apt/status";
	Dir::Cache "$dir/.apt/cache";
	APT::Architecture "$arch";
	APT::Architectures { "$arch"; };
	END
    export APT_CONFIG=$dir/.apt/conf
fi

# A tree counts only with its mark, set after the whole package was unpacked.
complete() { [ -e "$dir/$1/.complete" ] && [ -e "$dir/$1/boot/vmlinuz-$1" ]; }

if [ -s "$dir/index" ] && [ -z "${E2E_REFRESH:-}" ]; then
    missing=
    while read -r _ krel; do complete "$krel" || missing=1; done < "$dir/index"
    if [ -z "$missing" ]; then
        cat "$dir/index"
        exit 0
    fi
fi

# kernelreleases on offer, newest first: 6.1.0-56-amd64, 6.12.117+deb12-amd64;
# neither another flavour's nor names that stand for the newest, as 6.12-amd64
offered() {
    apt-cache pkgnames linux-image- |
        sed -nE "s/^linux-image-([0-9]+\.[0-9]+\.[0-9.]*(-[0-9]|\+)[0-9a-z.+~]*-$flavour)\$/\1/p" |
        sort -rV || true
}
# A name may be known without a package behind it (from a dependency).
fetchable() { apt-cache show --no-all-versions "linux-image-$1" 2>/dev/null | grep '^Filename:' > /dev/null; }
# pair SERIES: the two newest of a series, given as "6.1"
pair() {
    local n=0 krel
    for krel in $all; do
        case $krel in "$1"[.]*) ;; *) continue ;; esac
        fetchable "$krel" || continue
        echo "$1 $krel"
        n=$((n + 1))
        [ $n -lt 2 ] || return 0
    done
    return 0
}

# Stale lists name packages that are gone from the mirror.
# Only root may; one mirror of several that fails does not matter.
type -P apt-get > /dev/null || skip "no apt-get here"
sudo=()
[ -n "$foreign" ] || [ "$(id -u)" -eq 0 ] || sudo=(sudo -n)
reached=1
"${sudo[@]}" apt-get -qq -o APT::Update::Error-Mode=any update > /dev/null 2>&1 ||
    { reached=; say "apt-get update failed; going on with the lists at hand"; }
all=$(offered)
[ -n "$all" ] || skip "apt offers no linux-image-*-$flavour"

index=
seen=' '
for want in 6.1 6.12; do
    lines=$(pair $want)
    series=$want
    if [ "$(grep -c . <<< "$lines")" -lt 2 ]; then
        for krel in $all; do
            other=$(cut -d. -f1,2 <<< "$krel")
            other=${other%%[-+]*}
            case $seen in *" $other "*) continue ;; esac
            case $other in 6.1 | 6.12) continue ;; esac
            lines=$(pair "$other")
            [ "$(grep -c . <<< "$lines")" -eq 2 ] && { series=$other; break; }
        done
        if [ "$series" = "$want" ]; then
            lines=$(pair $want)
            [ -n "$lines" ] || { say "no $want kernel and no other pair on offer"; continue; }
            say "only one $want kernel on offer"
        else
            say "no pair of $want kernels on offer: taking $series instead"
        fi
    fi
    seen+="$series "
    index+=$lines$'\n'
done
[ -n "$index" ] || skip "no kernel to fetch"

work=$(mktemp -d "$dir/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
while read -r series krel; do
    [ -n "$krel" ] || continue
    complete "$krel" && continue
    say "linux-image-$krel"
    (cd "$work" && apt-get -qq download "linux-image-$krel" 2> apt.err) ||
        {
            cat "$work/apt.err" >&2
            [ -n "$reached" ] || skip "apt-get reaches no mirror"
            die "apt-get download linux-image-$krel failed"
        }
    rm -rf "${dir:?}/$krel"
    mkdir "$dir/$krel"
    dpkg-deb -x "$work"/linux-image-*.deb "$dir/$krel"
    rm -f "$work"/linux-image-*.deb
    touch "$dir/$krel/.complete"
done <<< "$index"
printf %s "$index" > "$dir/index"
cat "$dir/index"
