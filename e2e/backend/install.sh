#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# install.sh: installs by apt-get what the tests against the OBS backend need,
# if it is missing. Silent where everything is there. No service is started:
# where nothing forbids it yet, policy-rc.d does as long as this takes.
#
# Exit status: 0 all is there, 2 something could not be installed, 3 there is
# no apt-get here, it may not be run, or it reaches no mirror.
set -euo pipefail

say() { echo "install: $*" >&2; }

# command=package
needs=(
    /usr/lib/obs/server/bs_srcserver=obs-server perl=perl
    rpm=rpm rpmbuild=rpm rpm2cpio=rpm2cpio cpio=cpio
)

export PATH=$PATH:/usr/sbin:/sbin
missing=() packages=()
for need in "${needs[@]}"; do
    type -P "${need%%=*}" > /dev/null || missing+=("${need%%=*}") packages+=("${need#*=}")
done
[ ${#missing[@]} -gt 0 ] || exit 0

type -P apt-get > /dev/null || { say "no apt-get to install ${missing[*]} with"; exit 3; }
[ "$(id -u)" -eq 0 ] || { say "not root, so ${missing[*]} cannot be installed"; exit 3; }

log=$(mktemp)
policy=/usr/sbin/policy-rc.d
[ -e "$policy" ] && policy=
trap 'rm -f "$log" ${policy:+"$policy"}' EXIT
if [ -n "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
fi
apt() { env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" > "$log" 2>&1; }
reached=1
apt -o APT::Update::Error-Mode=any update || reached=
apt -o DPkg::Lock::Timeout=600 install -y --no-install-recommends "${packages[@]}" || {
    cat "$log" >&2
    [ -n "$reached" ] || { say "apt-get reaches no mirror to install ${missing[*]} from"; exit 3; }
    exit 2
}
