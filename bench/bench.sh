#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# bench.sh [-n RUNS] [-o FOLDER] [-k KERNELS] [RPM...]
#
# How long obs-btf-guard takes, beside what has to be done anyway. It prints a page
# with tables, in Markdown; with -o it writes FOLDER/performance.md and the graph
# FOLDER/performance.svg. Each command is run RUNS times (5), those of one table in
# turns, and the tables have medians: seconds of wall clock and of CPU (user and
# system), and peak memory.
#
# Packages: those given, or one of each shape among those that the e2e tests made in
# $E2E_WORK_DIR/rpms, and the build before each. Beside them:
#
#   one core      the payload through bzip2, zstd or xz, and then through xz, zstd or
#                 gzip what is compressed inside: all that has to be unpacked before a
#                 byte can be judged
#   all cores     the same as quickly as it can be had: the payload (bzip2 by lbzip2, if
#                 that is there) and what is inside, side by side. Nobody can have that:
#                 what is inside comes out of the payload first
#   in its order  the payload, and what of the vmlinux comes out of it through xz: what
#                 cannot be done otherwise, since the vmlinux is the last in the payload
#
# Growth, where the e2e tests left a kernel in $E2E_WORK_DIR/kernels-cloud: 1, 2, 4 ...
# KERNELS (8) of it, as packages of their own kernelreleases. Audits of repositories and
# of OBS are measured by bench/scale.
#
# OBS_BTF_GUARD names another binary than the one built here.
set -euo pipefail
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin

die() { echo "bench: $*" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
usage="usage: bench.sh [-n RUNS] [-o FOLDER] [-k KERNELS] [RPM...]"

runs=5 out= kernels=8
while getopts n:o:k: opt; do
    case $opt in
        n) runs=$OPTARG ;;
        o) out=$OPTARG ;;
        k) kernels=$OPTARG ;;
        *) die "$usage" ;;
    esac
done
shift $((OPTIND - 1))
for number in "$runs" "$kernels"; do
    [[ $number =~ ^[0-9]+$ ]] || die "$number is no number; $usage"
done
[ "$runs" -gt 0 ] || die "-n $runs: no number of runs"
time=$(type -P time) || die "GNU time is missing; e2e/install.sh installs it"
for tool in rpm rpm2cpio cpio sha256sum; do
    type -P "$tool" > /dev/null || die "$tool is missing"
done

made=${E2E_WORK_DIR:-${TMPDIR:-/tmp}/obs-btf-guard-e2e}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export work
guard=${OBS_BTF_GUARD:-}
if [ -z "$guard" ]; then
    guard=$work/obs-btf-guard
    (cd "$here/.." && CGO_ENABLED=0 go build -trimpath -o "$guard" ./cmd/obs-btf-guard)
fi
export guard
# What is remembered is a measure of its own, also where CI is set.
export XDG_CACHE_HOME=$work/cache XDG_STATE_HOME=$work/state CI=

# grouped: numbers in lines of standard input with a comma for each three digits
grouped() { sed -E ':next; s/([0-9])([0-9]{3})($|[^0-9])/\1,\2\3/; t next'; }

# shape RPM: what makes packages differ here: compression outside and inside
shape() {
    printf '%s payload, ' "$(rpm -qp --nosignature --qf '%{PAYLOADCOMPRESSOR}' "$1")"
    rpm -qpl --nosignature "$1" | sed -n 's/.*\(\.ko\(\..*\)\{0,1\}\)$/\1/p' | sort | uniq -c | sort -rn |
        awk 'NR == 1 { printf "%d %s", $1, $2 }' | grouped
}

list=("$@")
if [ $# -eq 0 ]; then
    declare -A have=()
    for rpm in "$made"/rpms/kernel-default-*.rpm; do
        [ -e "$rpm" ] || die "no packages; the e2e tests make them (or name some)"
        kind=$(shape "$rpm")
        [ -z "${have[$kind]:-}" ] || continue
        have[$kind]=1
        list+=("$rpm")
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
    "$time" -q -a -o "$work/row.$1" -f '%e %U %S %M' bash -o pipefail -c "$2" > /dev/null 2> "$work/err" ||
        { cat "$work/err" >&2; die "$1 failed: $2"; }
}

# in_turns ROW...: runs the commands in row, which is an array of theirs
in_turns() {
    rm -f "$work"/row.*
    for ((i = 0; i < runs; i++)); do
        for name in "$@"; do
            [ "$name" != check ] || rm -rf "$XDG_CACHE_HOME" # to be read, and kept
            measure "$name" "${row[$name]}"
        done
    done
}

# median FILE EXPRESSION: of an awk expression over the runs
median() {
    awk "{ print $2 }" "$1" | sort -n |
        awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

wall() { median "$work/row.$1" '$1'; }
cpu() { median "$work/row.$1" '$2 + $3'; }
memory() { median "$work/row.$1" '$4 / 1024'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.2f", a / b; else print "-" }'; }

# table_row TITLE ROW [AGAINST]: a line of a table, with what AGAINST is to it
table_row() {
    local w c
    w=$(wall "$2") c=$(cpu "$2")
    if [ -n "${3:-}" ]; then
        printf '| %s | %.2f | %.2f | %.0f | %s | %s |\n' "$1" "$w" "$c" "$(memory "$2")" \
            "$(ratio "$(wall "$3")" "$w")" "$(ratio "$(cpu "$3")" "$c")"
    else
        printf '| %s | %.2f | %.2f | %.0f | | |\n' "$1" "$w" "$c" "$(memory "$2")"
    fi
}

version() { "$@" --version 2>&1 | grep -oE '[0-9]+\.[0-9.]*[0-9]' | sed q || true; }

page=$work/page
bars=$work/bars   # of the graph: package, command, seconds
grown=$work/grown # of the graph: kernels, CPU seconds, MiB
: > "$bars"
: > "$grown"
{
    printf '%s cores of %s, Linux %s, load %s when it began; medians of %s runs in turns; ' \
        "$(nproc)" "$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | sed q)" "$(uname -r)" \
        "$(cut -d' ' -f1-3 /proc/loadavg)" "$runs"
    printf 'zstd %s, xz %s, bzip2 %s' "$(version zstd)" "$(version xz)" "$(bzip2 --help 2>&1 | grep -o '[0-9][0-9.]*[0-9]' | sed q)"
    ! type -P lbzip2 > /dev/null || printf ', lbzip2 %s' "$(version lbzip2)"
    printf ', rpm %s, %s.\n' "$(version rpm)" "$(go version 2> /dev/null | cut -d' ' -f3)"
} > "$page"

# decompressors RPM: sets the rows one, cores and order for what is in $work/payload
# and $work/content.$2
decompressors() {
    local rpm=$1 content=$work/content.$2 payload=$work/payload.$2
    local compressor unpack digest fastest inside= beside= pair find vmlinux
    rm -rf "$content"
    mkdir "$content"
    compressor=$(rpm -qp --nosignature --qf '%{PAYLOADCOMPRESSOR}' "$rpm")
    unpack=$(unpacker "$compressor") || die "$rpm: payload compressed with $compressor"
    tail -c +$(($(payload_offset "$rpm") + 1)) "$rpm" > "$payload"
    digest=$(rpm -qp --nosignature --qf '%{PAYLOADDIGEST}' "$rpm")
    [ "$digest" = "$(sha256sum < "$payload" | cut -d' ' -f1)" ] || die "$rpm: the payload is not where it should be"
    (cd "$content" && rpm2cpio "$rpm" | cpio -id --quiet '*/vmlinux.*' '*.ko.*')
    fastest=$unpack
    [ "$compressor" != bzip2 ] || ! type -P lbzip2 > /dev/null || fastest="lbzip2 -dc -n$(nproc)"
    for pair in xz=xz zst=zstd gz=gzip; do
        [ -n "$(find "$content" -type f -name "*.${pair%%=*}" -print -quit)" ] || continue
        find="find $content -type f -name '*.${pair%%=*}' -print0 | xargs -0"
        inside+="; $find $(unpacker "${pair#*=}")"
        beside+="$find -n 32 -P $(nproc) $(unpacker "${pair#*=}") & "
    done
    row[one]="set -e; $unpack < $payload$inside"
    row[cores]="set -e; $beside $fastest < $payload; wait"
    vmlinux=$(rpm -qpl --nosignature "$rpm" | grep -m1 '/vmlinux\.xz$' || true)
    unset 'row[order]'
    [ -z "$vmlinux" ] || row[order]="$fastest < $payload | cpio -i --quiet --to-stdout '*/vmlinux.xz' | xz -dc -T1"
    cat "$rpm" "$payload" > /dev/null
    find "$content" -type f -exec cat {} + > /dev/null
}

declare -A row=()
header='| | wall s | CPU s | MiB | check: wall | check: CPU |
|---|---|---|---|---|---|'
{
    echo
    echo '## One package'
    echo
    echo 'The last columns say how many times as long `check` takes as what stands in the row.'
} >> "$page"
for rpm in "${list[@]}"; do
    [ -e "$rpm" ] || die "$rpm: no such file"
    # status 1 is a finding, and as good a run as any
    row=(
        [plain]="\"\$guard\" check --no-db '$rpm' || [ \$? -eq 1 ]"
        [check]="\"\$guard\" check '$rpm' || [ \$? -eq 1 ]"
        [again]="\"\$guard\" check '$rpm' || [ \$? -eq 1 ]"
    )
    decompressors "$rpm" 0
    in_turns plain check again one cores ${row[order]:+order}
    name=$(shape "$rpm")
    {
        printf '\n%s, %d MB:\n\n%s\n' "$name" $(($(stat -c %s "$rpm") / 1000000)) "$header"
        table_row '`check --no-db`' plain
        table_row '`check`, keeping what it reads' check plain
        table_row '`check` of the same again' again plain
        table_row 'decompressors, one core' one plain
        table_row 'decompressors, all cores' cores plain
        [ -z "${row[order]:-}" ] || table_row 'payload, and the vmlinux out of it' order plain
    } >> "$page"
    for one in plain='check' again='check again' cores='unpacking, all cores' one='unpacking, one core'; do
        printf '%s\t%s\t%s\n' "$name" "${one#*=}" "$(wall "${one%%=*}")" >> "$bars"
    done
done

# before RPM: another build of the same package, ""  if there is none
before() {
    local id other
    id=$(rpm -qp --nosignature --qf '%{NAME} %{VERSION} %{ARCH}' "$1")
    for other in "$(dirname "$1")"/*.rpm; do
        [ "$other" != "$1" ] && [ "$(rpm -qp --nosignature --qf '%{NAME} %{VERSION} %{ARCH}' "$other")" = "$id" ] || continue
        echo "$other"
        return
    done
}

{
    echo
    echo '## A build against the one before'
    echo
    echo 'Beside it, both decompressed on all cores, one after the other. The hook does the same in a build root.'
} >> "$page"
declare -A paired=()
for new in "${list[@]}"; do
    old=$(before "$new")
    [ -n "$old" ] && [ -z "${paired[$old]:-}" ] || continue
    paired[$new]=1
    root=$work/root
    rm -rf "$root"
    mkdir -p "$root"/home/abuild/rpmbuild/{RPMS/x86_64,OTHER,SOURCES} "$root/.build.oldpackages"
    ln -s home/abuild/rpmbuild "$root/.build.packages"
    : > "$root/home/abuild/rpmbuild/SOURCES/kernel-default.spec"
    cp "$new" "$root/home/abuild/rpmbuild/RPMS/x86_64"
    cp "$old" "$root/.build.oldpackages"
    row=()
    decompressors "$old" 1
    other=${row[cores]}
    decompressors "$new" 0
    row[cores]="($other); (${row[cores]})"
    row[plain]="\"\$guard\" check --no-db '$new' --against '$old' || [ \$? -eq 1 ]"
    row[check]="\"\$guard\" check '$new' --against '$old' || [ \$? -eq 1 ]"
    row[again]=${row[check]}
    row[hook]="\"\$guard\" hook --no-cache --root '$root' || [ \$? -eq 1 ]"
    in_turns plain check again hook cores
    {
        printf '\n%s, against %s:\n\n%s\n' "$(shape "$new")" "$(shape "$old")" "$header"
        table_row '`check --no-db NEW --against OLD`' plain
        table_row 'of the same again' again plain
        table_row '`hook`' hook plain
        table_row 'decompressors, all cores' cores plain
    } >> "$page"
done

tree=$(find "$made/kernels-cloud" -mindepth 1 -maxdepth 1 -type d 2> /dev/null | sort | sed q || true)
if [ -n "$tree" ] && [ "$kernels" -gt 0 ]; then
    set --
    row=()
    for ((k = 1; k <= kernels; k++)); do
        set -- "$@" "$("$here/../e2e/package-kernel.sh" "$tree" "$made/bench" kernel-cloud "6.1.$k" 1.1 "6.1.$k-1-cloud" w3.zstdio)"
        case $k in 1 | 2 | 4 | 8 | 16 | 32)
            row[$k]="\"\$guard\" check --no-db$(printf " '%s'" "$@")"
            ;;
        esac
    done
    names=$(printf '%s\n' "${!row[@]}" | sort -n)
    # shellcheck disable=SC2086
    in_turns $names
    {
        printf '\n## How it grows\n\nKernels of %s modules each, in packages of %d MB, in one `check --no-db`:\n\n' \
            "$(rpm -qpl --nosignature "$1" | grep -c '\.ko' | grouped)" $(($(stat -c %s "$1") / 1000000))
        echo '| kernels | wall s | CPU s | MiB |'
        echo '|---|---|---|---|'
        for k in $names; do
            printf '| %d | %.2f | %.2f | %.0f |\n' "$k" "$(wall "$k")" "$(cpu "$k")" "$(memory "$k")"
            printf '%d\t%s\t%s\n' "$k" "$(cpu "$k")" "$(memory "$k")" >> "$grown"
        done
    } >> "$page"
fi

if [ -z "$out" ]; then
    cat "$page"
    exit 0
fi
mkdir -p "$out"
awk -f "$here/graph.awk" "$bars" grown=1 "$grown" > "$out/performance.svg"
awk -v page="$page" '
    /<!-- end of measurements -->/ { skip = 0 }
    !skip { print }
    /<!-- measurements -->/ { skip = 1; while ((getline line < page) > 0) print line }
' "$out/performance.md" > "$work/new"
grep -q '<!-- measurements -->' "$work/new" || die "$out/performance.md has no place for measurements"
cat "$work/new" > "$out/performance.md"
