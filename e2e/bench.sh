#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# bench.sh [-n RUNS] [RPM...]: how long obs-btf-guard takes for a package, next
# to what nobody can do without. Default: 5 runs, and one package of each shape
# among those the e2e tests made in $E2E_WORK_DIR/rpms.
#
#   check       obs-btf-guard check RPM
#   payload     the payload alone, through bzip2, zstd or xz to /dev/null
#   + content   and then the vmlinux and the modules that are compressed in it:
#               all that has to be unpacked before a byte can be judged
#   all cores   all of that as quickly as it can be had: the payload (bzip2 by
#               lbzip2, if that is there) and what is inside, side by side
#   rpm2cpio    rpm2cpio RPM | cpio -t: a reader that judges nothing
#
# The runs are interleaved and the table has medians: seconds of wall clock and
# of CPU (user and system), peak memory, and wall clock and CPU of check against
# the row. In the rows payload and content the decompressors run on one core.
# OBS_BTF_GUARD names another binary than the one built here.
set -euo pipefail
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin

die() { echo "bench: $*" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)

runs=5
while getopts n: opt; do
    case $opt in n) runs=$OPTARG ;; *) die "usage: bench.sh [-n RUNS] [RPM...]" ;; esac
done
shift $((OPTIND - 1))
[ "$runs" -gt 0 ] || die "-n $runs: no number of runs"
time=$(type -P time) || die "GNU time is missing; install.sh installs it"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
guard=${OBS_BTF_GUARD:-}
if [ -z "$guard" ]; then
    guard=$work/obs-btf-guard
    (cd "$here/.." && CGO_ENABLED=0 go build -trimpath -o "$guard" ./cmd/obs-btf-guard)
fi

# shape RPM: what makes packages differ here: compression outside and inside
shape() {
    printf '%s payload, ' "$(rpm -qp --nosignature --qf '%{PAYLOADCOMPRESSOR}' "$1")"
    rpm -qpl --nosignature "$1" | sed -n 's/.*\(\.ko\(\..*\)\{0,1\}\)$/\1/p' | sort | uniq -c | sort -rn |
        awk 'NR == 1 { printf "%d %s", $1, $2 }'
}

packages=("$@")
if [ $# -eq 0 ]; then
    declare -A have=()
    for rpm in "${E2E_WORK_DIR:-${TMPDIR:-/tmp}/obs-btf-guard-e2e}"/rpms/*.rpm; do
        [ -e "$rpm" ] || die "no packages; the e2e tests make them (or name some)"
        kind=$(shape "$rpm")
        [ -z "${have[$kind]:-}" ] || continue
        have[$kind]=1
        packages+=("$rpm")
    done
fi

# payload_offset RPM: behind the lead (96 bytes), the signature header, padded
# to 8 bytes, and the header. A header is 16 bytes that give the number of its
# entries, 16 bytes each, and the size of their data, both big-endian.
payload_offset() {
    local at=96 entries size header
    for header in signature header; do
        [ "$(od -An -v -t x1 -j $at -N 3 "$1" | tr -d ' ')" = 8eade8 ] || die "$1: no $header at $at"
        entries=$(od -An -v -t u4 -j $((at + 8)) -N 4 --endian=big "$1")
        size=$(od -An -v -t u4 -j $((at + 12)) -N 4 --endian=big "$1")
        at=$((at + 16 + 16 * entries + size))
        [ $header = header ] || at=$(((at + 7) & ~7))
    done
    echo $at
}

# unpacker NAME: the decompressor of what rpm calls NAME
unpacker() {
    case $1 in
        bzip2) echo 'bzip2 -dc' ;;
        gzip) echo 'gzip -dc' ;;
        zstd) echo 'zstd -dcq --long=31 --single-thread' ;;
        xz | lzma) echo 'xz -dc -T1' ;;
        *) return 1 ;;
    esac
}

# measure ROW COMMAND: one run in a shell, a line "wall user system KiB" more
# in the file of the row. Findings of the program are no failure.
measure() {
    "$time" -q -a -o "$work/$1" -f '%e %U %S %M' bash -o pipefail -c "$2" > /dev/null 2> "$work/err" ||
        { cat "$work/err" >&2; die "$1 failed: $2"; }
}

# median FILE EXPRESSION: of an awk expression over the runs
median() {
    awk "{ print $2 }" "$1" | sort -n |
        awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.2f", a / b; else print "-" }'; }

printf '%s cores, %s, Linux %s, %s runs, load %s\n' "$(nproc)" \
    "$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | sed q)" "$(uname -r)" "$runs" "$(cut -d' ' -f1-3 /proc/loadavg)"

for rpm in "${packages[@]}"; do
    [ -e "$rpm" ] || die "$rpm: no such file"
    export rpm guard
    export payload=$work/payload content=$work/content
    rm -rf "${content:?}" "$work"/row.*
    mkdir "$content"
    compressor=$(rpm -qp --nosignature --qf '%{PAYLOADCOMPRESSOR}' "$rpm")
    unpack=$(unpacker "$compressor") || die "$rpm: payload compressed with $compressor"
    tail -c +$(($(payload_offset "$rpm") + 1)) "$rpm" > "$payload"
    digest=$(rpm -qp --nosignature --qf '%{PAYLOADDIGEST}' "$rpm")
    [ "$digest" = "$(sha256sum < "$payload" | cut -d' ' -f1)" ] || die "$rpm: the payload is not where it should be"

    # what is compressed inside, by its decompressor
    (cd "$content" && rpm2cpio "$rpm" | cpio -id --quiet '*/vmlinux.*' '*.ko.*')
    cores=$(nproc) inside= beside=
    fastest=$unpack
    [ "$compressor" != bzip2 ] || ! type -P lbzip2 > /dev/null || fastest="lbzip2 -dc -n$cores"
    for pair in xz=xz zst=zstd gz=gzip; do
        [ -n "$(find "$content" -type f -name "*.${pair%%=*}" -print -quit)" ] || continue
        find="find \$content -type f -name '*.${pair%%=*}' -print0 | xargs -0"
        inside+="; $find $(unpacker "${pair#*=}")"
        beside+="$find -n 32 -P $cores $(unpacker "${pair#*=}") & "
    done

    # status 1 is a finding, and as good a run as any
    declare -A row=(
        [check]='"$guard" check "$rpm" || [ $? -eq 1 ]'
        [payload]="$unpack < \$payload"
        [content]="set -e; $unpack < \$payload$inside"
        [cores]="set -e; $beside $fastest < \$payload; wait"
        [rpm2cpio]='rpm2cpio "$rpm" | cpio -t --quiet'
    )
    cat "$rpm" "$payload" > /dev/null
    find "$content" -type f -exec cat {} + > /dev/null
    for ((i = 0; i < runs; i++)); do
        for name in check payload content cores rpm2cpio; do measure "row.$name" "${row[$name]}"; done
    done

    printf '\n%s: %s, %d MB\n' "$(basename "$rpm")" "$(shape "$rpm")" $(($(stat -c %s "$rpm") / 1000000))
    printf '  %-34s %8s %8s %8s %12s %12s\n' '' wall CPU MiB 'check: wall' 'check: CPU'
    wall=$(median "$work/row.check" '$1') cpu=$(median "$work/row.check" '$2 + $3')
    for name in check payload content cores rpm2cpio; do
        case $name in
            check) title='obs-btf-guard check' ;;
            payload) title="payload through ${unpack%% *}" ;;
            content) title='  + vmlinux and modules inside' ;;
            cores) title='  all of it on all cores' ;;
            rpm2cpio) title='rpm2cpio | cpio -t' ;;
        esac
        w=$(median "$work/row.$name" '$1') c=$(median "$work/row.$name" '$2 + $3')
        printf '  %-34s %8.2f %8.2f %8.0f %11sx %11sx\n' "$title" "$w" "$c" \
            "$(median "$work/row.$name" '$4 / 1024')" "$(ratio "$wall" "$w")" "$(ratio "$cpu" "$c")"
    done
done
