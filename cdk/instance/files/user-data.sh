#!/bin/bash
# First boot of an instance of the flock @FLOCK@: fetch the bundle, check it, let it set the machine up.
# What goes wrong ends the instance (its shutdown behaviour is to terminate): nothing half-made costs money, and the lifecycle sees it.
set -euo pipefail
ended() {
    status=$?
    [ "$status" -ne 0 ] || return 0
    echo "murmur: setting this instance up failed with status $status" >/dev/console
    shutdown -h +1
}
trap ended EXIT

mkdir -p /etc/murmur /opt/murmur
cat >/etc/murmur/host.env <<'SETTINGS'
@SETTINGS@
SETTINGS

zip=/opt/murmur/bundle.zip
for attempt in 1 2 3 4 5 6; do
    if aws s3 cp --only-show-errors --region '@REGION@' 's3://@BUCKET@/@KEY@' "$zip"; then break; fi
    [ "$attempt" -lt 6 ]
    sleep $((attempt * 5))
done
echo '@SHA256@  /opt/murmur/bundle.zip' | sha256sum --check --quiet
rm -rf /opt/murmur/bundle
python3 -m zipfile -e "$zip" /opt/murmur/bundle
bash /opt/murmur/bundle/bootstrap.sh
