#!/bin/bash
# Sets an instance up from the unpacked bundle: interpreter, users, runners, services. Run as root, on Amazon Linux 2023, once; doing it
# again changes nothing. Ends with an error, and starts no agent, if an agent could reach the role's credentials.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=/opt/murmur/venv

# From Amazon Linux's own repositories, which are buckets of this region: signed packages, fixed by the AMI's release, no internet.
dnf --assumeyes --quiet --setopt=install_weak_deps=False install python3.13

# The loop and the agents are different users with one group in common: both work in the agents' folders.
getent group murmur-work >/dev/null || groupadd --system murmur-work
for user in murmur murmur-agent; do
    id "$user" >/dev/null 2>&1 ||
        useradd --system --gid murmur-work --home-dir /var/lib/murmur --no-create-home --shell /sbin/nologin "$user"
done
install -d -o root -g root -m 0755 /var/lib/murmur
install -d -o murmur -g murmur-work -m 0770 /var/lib/murmur/agents

chmod -R u=rwX,go=rX "$here"
python3.13 -m venv --without-pip "$venv"
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
printf '%s\n' "$here/app" "$here/app/lib" >"$site/murmur.pth"
"$venv/bin/python" -m compileall -q -j 0 "$here/app" || true # some libraries carry files for other versions of Python

"$venv/bin/python" "$here/bin/install_runners.py" "$here/runners.json" /opt/murmur/runners

# The log stream's name. cloud-init has noted which instance this is.
printf 'MURMUR_HOST_ID=%s\n' "$(cat /var/lib/cloud/data/instance-id)" >/etc/murmur/instance.env

install -m 0644 "$here"/units/* /etc/systemd/system/
systemctl daemon-reload
systemctl enable --now murmur-logs.service
# Fails if the guard cannot keep agents from the metadata service; then nothing below is started.
systemctl enable --now murmur-guard.service
systemctl enable --now murmur-key.service murmur-agent.socket murmur-host.service
