#!/usr/bin/env bash
# Everything that Berth's tests and its quickstart need on this machine; does nothing that is done already.
#   scripts/setup.sh            npm packages, build, Docker Engine, etcd, a registry
#   scripts/setup.sh --bench        that, and what benchmarks ask with
#   scripts/setup.sh --no-engines   npm packages and build alone
#   scripts/setup.sh --vm           npm packages, build, and what scripts/vm.sh makes its virtual machine with
# Interrupted at any moment, it goes on from there when it is called again.
set -euo pipefail
cd "$(dirname "$0")/.."

tty=""
[ -t 2 ] && tty=yes
say() { printf "${tty:+\r\033[K\033[2m}[setup]${tty:+\033[0m} %s\n" "$*" >&2; }

policy=/usr/sbin/policy-rc.d
work=$(mktemp -d -t berth-setup.XXXXXX)
: >"$work/log"
command_pid=""
end_it=()
ticker_pid=""
stop_ticker() {
  [ -z "$ticker_pid" ] || { kill "$ticker_pid" && wait "$ticker_pid"; } 2>/dev/null || true
  ticker_pid=""
}
finish() {
  stop_ticker
  grep -qs 'scripts/setup.sh' "$policy" && rm -f "$policy"
  rm -rf "$work"
}
interrupted() {
  trap '' INT TERM HUP
  say "interrupted; the same again goes on from here"
  [ -z "$command_pid" ] || { kill "${end_it[@]}" && wait "$command_pid"; } 2>/dev/null || true
  exit 130
}
trap finish EXIT
trap interrupted INT TERM HUP

# Says every second on a terminal, every 15 s elsewhere, that a command goes on, and the last that it printed.
tick() {
  local what=$1 from=$2 last="" every=15
  [ -z "$tty" ] || every=1
  SECONDS=0
  while sleep 1 && kill -0 $$ 2>/dev/null; do
    [ $((SECONDS % every)) -eq 0 ] || continue
    last=$(tail -n "+$from" "$work/log" | tail -n 1 | tr -cd '[:print:]' | sed -E 's#^npm http fetch (GET )?##; s#https?://[^/ ]*/##')
    if [ -n "$tty" ]; then
      # Not wrapped at the edge (?7l): a second line would stay.
      printf '\r\033[K\033[?7l\033[2m[setup]\033[0m %s: %d s \033[2m%s\033[0m\033[?7h' "$what" $SECONDS "$last" >&2
    else
      say "$what: $SECONDS s ${last:0:100}"
    fi
  done
}

# step <what> <command…>: what the command prints is shown only when it fails, which ends this script.
step() {
  local what=$1 status=0 start=$SECONDS from
  shift
  say "$what"
  from=$(($(wc -l <"$work/log") + 1))
  tick "$what" "$from" &
  ticker_pid=$!
  set -m # a process group of its own: Ctrl-C reaches this script alone
  "$@" >>"$work/log" 2>&1 </dev/null &
  command_pid=$!
  set +m
  # apt-get lets its dpkg finish, which a Ctrl-C would break off. npm would go on for as long, and can be killed.
  case $1 in apt-get | dpkg) end_it=(-INT "$command_pid") ;; *) end_it=(-KILL -- "-$command_pid") ;; esac
  wait "$command_pid" || status=$?
  command_pid=""
  stop_ticker
  if [ "$status" -ne 0 ]; then
    tail -n "+$from" "$work/log" | grep -Ev '^npm (http|warn)' | tail -n 30 >&2 || true
    say "$what: failed after $((SECONDS - start)) s. The end of what it printed is above; mend that and run the same again."
    if grep -qE 'EAI_AGAIN|ENOTFOUND|ETIMEDOUT|ECONNREFUSED|Temporary failure resolving|Could not (resolve|connect)' "$work/log"; then
      say "It does not reach the network: see to the connection, or to the proxy's settings of npm and apt."
    fi
    exit 1
  fi
  say "$what: done in $((SECONDS - start)) s"
}

wanted=20.12
version=$(node --version 2>/dev/null | tr -d v) || version=""
if [ "$(printf '%s\n' "$wanted" "${version:-0}" | sort -V | head -n 1)" != "$wanted" ]; then
  say "Node $wanted or newer is needed (found: ${version:-none})"
  exit 1
fi

packages=()
if [ "${1:-}" = "--vm" ]; then
  command -v qemu-system-x86_64 >/dev/null || packages+=(qemu-system-x86)
  command -v debootstrap >/dev/null || packages+=(debootstrap)
  command -v mke2fs >/dev/null || packages+=(e2fsprogs)
elif [ "${1:-}" != "--no-engines" ]; then
  command -v dockerd >/dev/null || packages+=(docker.io)
  if ! command -v docker >/dev/null; then
    # Debian 13 and newer have the program in a package of its own.
    packages+=("$(. /etc/os-release && [ "$ID" = debian ] && [ "${VERSION_ID:-99}" -ge 13 ] && echo docker-cli || echo docker.io)")
  fi
  command -v iptables >/dev/null || packages+=(iptables)
  command -v ip >/dev/null || packages+=(iproute2)
  command -v etcd >/dev/null || packages+=(etcd-server)
  command -v etcdctl >/dev/null || packages+=(etcd-client)
  [ -x /bin/busybox ] && ! ldd /bin/busybox >/dev/null 2>&1 || packages+=(busybox-static)
  command -v docker-registry >/dev/null || packages+=(docker-registry)
  command -v haproxy >/dev/null || packages+=(haproxy)
  command -v nginx >/dev/null || packages+=(nginx-light)
  command -v socat >/dev/null || packages+=(socat)
  command -v prometheus >/dev/null || packages+=(prometheus)
  command -v dig >/dev/null || packages+=(bind9-dnsutils)
  [ -e /lib/ld-musl-x86_64.so.1 ] || packages+=(musl)
  command -v tcc >/dev/null || packages+=(tcc)
  command -v openssl >/dev/null || packages+=(openssl)
  command -v systemd-analyze >/dev/null || packages+=(systemd)
  [ "${1:-}" != "--bench" ] || command -v dnsperf >/dev/null || packages+=(dnsperf)
fi
if [ ${#packages[@]} -gt 0 ]; then
  mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
  # First of all: nothing is begun that can't be ended.
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    say "these are missing: ${packages[*]}. On Debian or Ubuntu, run this and try again:"
    printf '  sudo apt-get update\n  sudo apt-get install -y --no-install-recommends %s\n' "${packages[*]}" >&2
    exit 1
  fi
fi

# Both end with this script, even when it is killed.
if [ ! -d node_modules ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  step "installing npm packages" setpriv --pdeathsig KILL npm ci --no-audit --no-fund --loglevel=http
fi
if [ ! -f dist/cli/main.js ] || [ -n "$(find proto/berth proto/grpc lib agent coordinator cli package.json tsconfig.json -newer dist/cli/main.js -type f -print -quit)" ]; then
  step "building" setpriv --pdeathsig KILL npm run --silent build
fi
[ ${#packages[@]} -gt 0 ] || exit 0

# Not started by their packages: whoever needs one starts its own, on its own ports. It says so only while this script
# lives: one that was killed leaves a policy that forbids nothing.
if [ ! -e "$policy" ] || grep -q 'scripts/setup.sh' "$policy"; then
  printf '#!/bin/sh\n# Of scripts/setup.sh, while it installs.\nkill -0 %d 2>/dev/null && exit 101\nexit 104\n' $$ >"$policy"
  chmod +x "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
is_locked() { grep -q ":$(stat -c %i /var/lib/dpkg/lock-frontend) " /proc/locks; }
if is_locked; then
  say "waiting, 5 min at most, for another installation on this machine to end"
  for _ in $(seq 300); do
    is_locked || break
    sleep 1
  done
fi
[ -z "$(dpkg --audit; ls /var/lib/dpkg/updates)" ] || step "finishing an interrupted installation" dpkg --configure -a
step "reading the package lists" apt-get update
step "installing ${packages[*]}" \
  apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "${packages[@]}"
