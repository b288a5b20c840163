#!/usr/bin/env bash
# npm run lab -- <verb>: a cluster of several hosts on this machine to play in; npm run lab -- help, docs/lab.md.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1:-}" = up ]; then
  bash scripts/setup.sh
elif [ ! -d node_modules ]; then
  bash scripts/setup.sh --no-engines
fi
exec node -r ./test/support/typescript-hook.js test/lab/cli.ts "$@"
