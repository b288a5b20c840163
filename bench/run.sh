#!/usr/bin/env bash
# npm run bench: sets up all that is missing, then measures on the real Docker Engine and etcd. docs/benchmarks.md says
# what. Ctrl-C takes away everything that it started.
#   npm run bench                       all
#   npm run bench -- start rest         these
#   npm run bench -- --json             for scripts
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/docker-engine.sh

trap stop_own_docker EXIT
# Node sees the signal too, and cleans up; what it ends with counts.
trap : INT TERM

bash scripts/setup.sh --bench && ensure_docker || exit 1
node -r ./test/support/typescript-hook.js bench/main.ts "$@"
