#!/bin/bash
# Fetches the model's API key from SSM into a file that only root reads; systemd hands it to the loop as an environment variable.
#   key.sh FILE      MURMUR_KEY_PARAMETER, MURMUR_KEY_VARIABLE, AWS_REGION in the environment
# A flock without a key (scripted agents need none) gets an empty file.
set -euo pipefail
umask 077
file=${1:?"usage: key.sh FILE"}
: >"$file"
[ -n "${MURMUR_KEY_VARIABLE:-}" ] || exit 0

said=$(mktemp)
trap 'rm -f "$said"' EXIT
for attempt in 1 2 3 4 5; do
    if key=$(aws ssm get-parameter --region "$AWS_REGION" --name "$MURMUR_KEY_PARAMETER" --with-decryption \
        --query Parameter.Value --output text 2>"$said"); then
        # Letters, digits and the signs of base64 and URLs: nothing that a file of variables would read otherwise.
        [[ $key =~ ^[A-Za-z0-9._:/+=@~-]{8,4096}$ ]] || { echo "murmur: the key in $MURMUR_KEY_PARAMETER has signs no key has" >&2; exit 1; }
        printf '%s=%s\n' "$MURMUR_KEY_VARIABLE" "$key" >"$file"
        exit 0
    fi
    if grep -q ParameterNotFound "$said"; then
        echo "murmur: there is no $MURMUR_KEY_PARAMETER; agents that need a key will say so" >&2
        exit 0
    fi
    sleep $((attempt * 2))
done
cat "$said" >&2
exit 1
