#!/usr/bin/env bash
# npm run quickstart: Berth on this machine, with an etcd and a demo service of its own; Ctrl-C takes all of it away.
# npm run quickstart -- --check does the same without a person, verifies what it claims, and exits 0 or not.
set -euo pipefail
cd "$(dirname "$0")/.."
for word in "$@"; do
  [ "$word" = --check ] || { echo "quickstart: no such option: $word; there is --check" >&2 && exit 64; }
done
bash scripts/setup.sh
exec node scripts/quickstart.mjs "$@"
