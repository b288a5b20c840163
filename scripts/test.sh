#!/usr/bin/env bash
# npm test: sets up all that is missing, runs every test on the real Docker Engine and etcd, and ends with
# a line "N passed, N failed". BERTH_TEST_UNIT_ONLY=1 leaves out whatever needs Docker or etcd.
# Arguments go to jest: npm test -- lib/etcd
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/docker-engine.sh

results=$(mktemp)
trap 'stop_own_docker; rm -f "$results"' EXIT
trap 'exit 130' INT TERM

if [ "${BERTH_TEST_UNIT_ONLY:-}" = 1 ]; then
  echo "BERTH_TEST_UNIT_ONLY=1: nothing is tested on a real Docker Engine and a real etcd." >&2
  bash scripts/setup.sh --no-engines || exit 1
  set -- --testPathIgnorePatterns '^<rootDir>/test/(integration|contract|acceptance|lab|soak)/' "$@"
else
  # BERTH_TEST_READY=1: all is there, as in the virtual machine of scripts/vm.sh, which has no npm.
  if ! { [ "${BERTH_TEST_READY:-}" = 1 ] || bash scripts/setup.sh; } || ! ensure_docker; then
    echo "A Docker Engine and etcd are needed for the tests. With BERTH_TEST_UNIT_ONLY=1 only the unit tests run." >&2
    exit 1
  fi
  if [ "$(id -u)" -ne 0 ]; then
    echo "Only root can make the hosts of test/lab: its tests are left out. sudo npm test runs them." >&2
    set -- --testPathIgnorePatterns '^<rootDir>/test/(lab|soak)/' "$@"
  fi
fi

# Most of the real ones wait most of the time: for a lease to end, a probe to fail, a grace period.
workers=$(($(nproc) + 1))
node_modules/.bin/jest --maxWorkers="$workers" --json --outputFile="$results" "$@"
status=$?
node -e '
  const r = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
  const broken = r.testResults.filter((suite) => suite.status === "failed" && suite.assertionResults.length === 0).length;
  console.log(`${r.numPassedTests} passed, ${r.numFailedTests + broken} failed`);
' "$results" || status=1
exit $status
