#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# install.sh: installs Debian's PostgreSQL by apt-get if it is missing, without the
# cluster that Debian begins with it, and prints the folder of its newest server.
#
# Exit status: 2 it could not be installed, 3 there is no apt-get here or it may not
# be run.
set -euo pipefail

say() { echo "install: $*" >&2; }
newest() { ls -d /usr/lib/postgresql/*/bin 2> /dev/null | sort -V | tail -n 1; }

if [ -z "$(newest)" ]; then
    command -v apt-get > /dev/null || { say "no apt-get to install postgresql with"; exit 3; }
    [ "$(id -u)" -eq 0 ] || { say "not root, so postgresql cannot be installed"; exit 3; }
    export DEBIAN_FRONTEND=noninteractive
    mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] ||
        echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
    apt-get -qq update > /dev/null 2>&1 || :
    log=$(apt-get -qq -o DPkg::Lock::Timeout=600 install -y --no-install-recommends postgresql 2>&1 > /dev/null) || { say "postgresql: $log"; exit 2; }
fi
newest
