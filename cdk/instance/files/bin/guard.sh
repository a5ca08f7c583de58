#!/bin/bash
# Keeps one user from the instance's metadata service, and so from the role's credentials, and makes sure of it.
#   guard.sh USER
# A rule of the routing policy, not of a firewall: the kernel's own, in every AL2023 image, nothing to install. It holds for every
# socket that the user's processes make, whatever they are called and however they were started.
set -euo pipefail
user=${1:?"usage: guard.sh USER"}
uid=$(id -u "$user")
priority=100

forbid() { # ip's options, address
    while ip "$1" rule del priority "$priority" 2>/dev/null; do :; done
    ip "$1" rule add uidrange "$uid-$uid" to "$2" priority "$priority" prohibit
}
forbid -4 169.254.169.254/32
if [ -e /proc/net/if_inet6 ]; then
    forbid -6 fd00:ec2::254/128
fi

if setpriv --reuid "$user" --clear-groups curl --noproxy '*' --silent --output /dev/null --max-time 3 http://169.254.169.254/; then
    echo "murmur: the user $user still reaches the metadata service" >&2
    exit 1
fi
