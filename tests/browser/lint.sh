#!/bin/sh
# Type check and lint of web/. Needs node and npm; says so and passes where they are absent (they are optional for users),
# unless CI=true.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if ! command -v npm >/dev/null 2>&1; then
    echo "web/: not checked, because there is no npm on PATH (apt install npm)." >&2
    [ "${CI:-}" = true ] && exit 1
    exit 0
fi
stamp=$here/node_modules/.lock-$(cksum <"$here/package-lock.json" | tr ' ' -)
if [ ! -e "$stamp" ]; then
    (cd "$here" && npm ci --silent --no-audit --no-fund)
    : >"$stamp"
fi
cd "$here/../.."
"$here/node_modules/.bin/tsc" --project "$here"
"$here/node_modules/.bin/eslint" --config "$here/eslint.config.js" web
