#!/usr/bin/env bash
# Everything that Berth's tests and its quickstart need on this machine; does nothing that is done already.
#   scripts/setup.sh            npm packages, build, Docker Engine, etcd
#   scripts/setup.sh --no-engines   npm packages and build alone
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[2m[setup]\033[0m %s\n' "$*" >&2; }

major=$(node --version 2>/dev/null | sed -E 's/^v([0-9]+).*/\1/') || major=0
if [ "${major:-0}" -lt 20 ]; then
  say "Node 20 or newer is needed (found: $(node --version 2>/dev/null || echo none))"
  exit 1
fi

if [ ! -d node_modules ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  say "installing npm packages"
  npm ci --no-audit --no-fund --loglevel=error >&2
fi

if [ ! -f dist/cli/main.js ] || [ -n "$(find proto/berth lib agent coordinator cli package.json tsconfig.json -newer dist/cli/main.js -type f -print -quit)" ]; then
  say "building"
  npm run --silent build >&2
fi

[ "${1:-}" = "--no-engines" ] && exit 0

packages=()
command -v dockerd >/dev/null || packages+=(docker.io iptables)
command -v docker >/dev/null || packages+=(docker.io)
command -v iptables >/dev/null || packages+=(iptables)
command -v etcd >/dev/null || packages+=(etcd-server)
command -v etcdctl >/dev/null || packages+=(etcd-client)
[ -x /bin/busybox ] && ! ldd /bin/busybox >/dev/null 2>&1 || packages+=(busybox-static)
command -v systemd-analyze >/dev/null || packages+=(systemd)
[ ${#packages[@]} -eq 0 ] && exit 0

install="apt-get update && apt-get install -y --no-install-recommends ${packages[*]}"
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  say "these are missing: ${packages[*]}. On Debian or Ubuntu, run this and try again:"
  printf '  sudo sh -c "%s"\n' "$install" >&2
  exit 1
fi
say "installing ${packages[*]}"
# Not started by their packages: whoever needs one starts its own, on its own ports.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
log=$(mktemp)
if ! DEBIAN_FRONTEND=noninteractive sh -c "$install" >"$log" 2>&1; then
  tail -20 "$log" >&2
  say "could not install; the whole output is in $log"
  exit 1
fi
rm -f "$log"
