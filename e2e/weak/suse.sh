#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# suse.sh GIT ROOT HOW RPM...: what openSUSE's weak-modules2 links. GIT is a git
# repository of suse-module-tools, ROOT a scratch folder whose usr/lib/modules has the
# trees of the kernels and modules, the RPMs are those that are installed beside them.
# HOW is "kernel", as kernels are installed last, or "kmp", as each package is.
#
# The program knows no other places than those of a system: it runs in a mount
# namespace, in which ROOT/usr lies above /usr. Prints "KERNELRELEASE TARGET" for each
# link. Exit status 3: this machine cannot have such a namespace.
set -euo pipefail
export LC_ALL=C
git=$1 root=$2 how=$3
shift 3

mkdir -p "$root"/usr/{bin,lib/rpm,lib/depmod.d} "$root"/{work,home}
git -c safe.directory='*' -C "$git" show HEAD:weak-modules2 > "$root/weak-modules2"
git -c safe.directory='*' -C "$git" show HEAD:depmod-00-system.conf > "$root/usr/lib/depmod.d/00-system.conf"
chmod +x "$root/weak-modules2"

# Of rpm's on openSUSE: names, versions and releases, by rpm's own order, newest first.
cat > "$root/usr/lib/rpm/rpmsort" << 'END'
#!/bin/bash
rpm --eval "%{lua:
    local all = {}
    for word in string.gmatch('$(tr '\n' ' ')', '%S+') do table.insert(all, word) end
    table.sort(all, function(a, b)
        local va, ra = string.match(a, '^(.*)-([^-]*)$')
        local vb, rb = string.match(b, '^(.*)-([^-]*)$')
        local c = rpm.vercmp(va, vb)
        if c == 0 then c = rpm.vercmp(ra, rb) end
        return c > 0
    end)
    print(table.concat(all, '\n'))
}"
END
printf '#!/bin/sh\n' > "$root/usr/bin/lsinitrd"

# openSUSE's depmod looks below usr/lib/modules, others' below lib/modules.
cat > "$root/depmod" << 'END'
#!/bin/sh
before=
for argument; do
    [ "$before" != -b ] || [ -e "$argument/lib" ] || ln -s usr/lib "$argument/lib"
    before=$argument
done
exec /usr/sbin/depmod "$@"
END
export DEPMOD=$root/depmod DRACUT=/bin/true
chmod +x "$root/usr/lib/rpm/rpmsort" "$root/usr/bin/lsinitrd" "$DEPMOD"
echo "%_dbpath $root/db" > "$root/home/.rpmmacros"
export HOME=$root/home
mkdir -p "$root/db"
rpm --initdb
rpm -i --justdb --nodeps --noscripts --ignorearch --nosignature "$@"

# KMPs that were built with the kernel call it as parts of the kernel do.
kmps=()
for kmp in $(rpm -qa --qf '%{name}-%{version}-%{release}\n' '*-kmp-*' | sort); do
    rpm -q --provides "$kmp" | grep -qx kmp_in_kernel || kmps+=("$kmp")
done

unshare -m true 2> /dev/null || { echo "suse.sh: no mount namespace here" >&2; exit 3; }
# shellcheck disable=SC2016 # the inner shell expands it
unshare -m bash -c '
    mount -t overlay overlay -o "lowerdir=/usr,upperdir=$1/usr,workdir=$1/work" /usr || exit 3
    if [ "$2" = kernel ]; then
        for dir in "$1"/usr/lib/modules/*/; do
            krel=$(basename "$dir")
            [ ! -e "$dir/System.map" ] || "$1/weak-modules2" --verbose --verbose --add-kernel "$krel" >> "$1/log" 2>&1 || exit 2
        done
    else
        shift 2
        for kmp; do "$0/weak-modules2" --verbose --verbose --add-kmp "$kmp" >> "$0/log" 2>&1 || exit 2; done
    fi
' "$root" "$root" "$how" "${kmps[@]}" ||
    { status=$?; tail -20 "$root/log" >&2; exit $status; }
cd "$root/usr/lib/modules"
find . -path '*/weak-updates/*' -type l -printf '%P %l\n' | sed 's,^\([^/]*\)/[^ ]*,\1,' | sort
