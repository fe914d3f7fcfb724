#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# package-kernel.sh TREE OUTDIR NAME VERSION RELEASE KREL PAYLOAD
#
# Packs a kernel that fetch-kernels.sh unpacked as an RPM in openSUSE's shape:
# everything in /usr/lib/modules/KREL, vmlinux.xz taken out of the boot image,
# PAYLOAD such as w9.bzdio or w3.zstdio. KREL need not be the kernel's own
# kernelrelease, so that two builds can share one as openSUSE's rebuilds do.
#
# Prints the path of the package. Files on the way go to $E2E_WORK (default:
# OUTDIR) and are removed; a package already there is left as it is, if it was
# made from the same kernel with the same payload. One packs while others wait.
set -euo pipefail
export LC_ALL=C

die() { echo "package-kernel: $*" >&2; exit 2; }
[ $# -eq 7 ] || die "usage: package-kernel.sh TREE OUTDIR NAME VERSION RELEASE KREL PAYLOAD"
exec 9< "$0"
flock 9
name=$3 version=$4 release=$5 krel=$6 payload=$7
here=$(cd "$(dirname "$0")" && pwd)
tree=$(cd "$1" && pwd)
mkdir -p "$2" "${E2E_WORK:-$2}"
outdir=$(cd "$2" && pwd)

vmlinuz=$(find "$tree/boot" -name 'vmlinuz-*' -print -quit)
[ -n "$vmlinuz" ] || die "$tree: no boot/vmlinuz-*"
real=${vmlinuz##*/vmlinuz-}
disturl=obs://build.example.org/e2e/standard/$(sha256sum "$vmlinuz" | cut -c1-32)-$name

# the payload in the words the header has for it
case $payload in
    *.bzdio) compressor=bzip2 ;;
    *.gzdio) compressor=gzip ;;
    *.xzdio) compressor=xz ;;
    *.zstdio) compressor=zstd ;;
    *) die "payload must be one of w<level>.bzdio, .gzdio, .xzdio, .zstdio, not $payload" ;;
esac
level=${payload%%.*}
made_from="$disturl $compressor ${level#w}"

rpm=$outdir/$name-$version-$release.x86_64.rpm
if [ -e "$rpm" ] &&
    [ "$(rpm -qp --nosignature --qf '%{DISTURL} %{PAYLOADCOMPRESSOR} %{PAYLOADFLAGS}' "$rpm")" = "$made_from" ]; then
    echo "$rpm"
    exit 0
fi

work=$(mktemp -d "${E2E_WORK:-$outdir}/.package.XXXXXX")
work=$(cd "$work" && pwd)
trap 'rm -rf "$work"' EXIT

root=$work/root/usr/lib/modules/$krel
mkdir -p "$root"
"$here/extract-vmlinux.sh" "$vmlinuz" "$work/vmlinux"
xz -1 -T1 -c "$work/vmlinux" > "$root/vmlinux.xz"
rm -f "$work/vmlinux"
cp "$tree/boot/config-$real" "$root/config"
# links where the file system allows it: the modules are half a gigabyte
cp -al "$tree/lib/modules/$real/kernel" "$root/kernel" 2> /dev/null ||
    { rm -rf "$root/kernel"; cp -a "$tree/lib/modules/$real/kernel" "$root/kernel"; }

cat > "$work/kernel.spec" <<- 'END'
	Name:           %{kname}
	Version:        %{kversion}
	Release:        %{krebuild}
	Summary:        The Standard Kernel
	License:        GPL-2.0-only
	Group:          System/Kernel
	AutoReqProv:    no
	Provides:       kernel = %{version}-1
	Provides:       %{kname}_x86_64 = %{version}-1
	Provides:       kernel-uname-r = %{krel}
	Provides:       multiversion(kernel)

	%description
	Kernel %{real} of another distribution in the shape of %{name}.

	%install
	rmdir %{buildroot} 2> /dev/null || :
	mv %{tree} %{buildroot}

	%files
	%defattr(-,root,root)
	/usr/lib/modules/%{krel}
END

rpmbuild -bb --quiet --nodeps --target x86_64-suse-linux \
    --define "_topdir $work/rpm" --define "_tmppath $work" --define "tree $work/root" \
    --define "kname $name" --define "kversion $version" --define "krebuild $release" \
    --define "krel $krel" --define "real $real" --define "_binary_payload $payload" \
    --define "_buildhost buildhost" --define "_build_id_links none" \
    --define "debug_package %{nil}" --define "__os_install_post %{nil}" \
    --define "_wrong_version_format_terminate_build 0" --define "vendor openSUSE" \
    --define "disturl $disturl" \
    "$work/kernel.spec" > "$work/log" 2>&1 || { cat "$work/log" >&2; die "rpmbuild failed"; }
mv "$work"/rpm/RPMS/*/*.rpm "$outdir"
[ -e "$rpm" ] || die "no $rpm in the result"
echo "$rpm"
