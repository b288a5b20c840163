#!/usr/bin/env bash
# npm run vm -- [jest patterns]: tests in a virtual machine with a Debian newer than most: its kernel, cgroup v2 alone,
# systemd and its Docker. Needs root on Debian, amd64. What it installs in there is kept in BERTH_VM_FOLDER (1 GB).
#   BERTH_VM_SUITE=trixie    which Debian
#   BERTH_VM_PATIENCE=1      how many times as long as usual tests wait; 6 where the processor is emulated
set -euo pipefail
cd "$(dirname "$0")/.."

suite=${BERTH_VM_SUITE:-trixie}
folder=${BERTH_VM_FOLDER:-/var/tmp/berth-vm}/$suite
say() { printf '[vm] %s\n' "$*" >&2; }

if [ $# -eq 0 ]; then
  set -- test/contract/engine test/integration/docker- test/integration/probes test/integration/tidy-images \
    test/integration/hostile- test/acceptance/container-life test/acceptance/container-settings test/acceptance/probes \
    test/acceptance/hands-off test/acceptance/agent-status test/acceptance/agent-faults test/acceptance/service-life
fi
if [ "$(id -u)" -ne 0 ] || [ "$(dpkg --print-architecture 2>/dev/null)" != amd64 ]; then
  say "this needs root on Debian or Ubuntu, amd64"
  exit 1
fi

# Beside what is kept, so that it can be moved there.
mkdir -p "$folder"
work=$(mktemp -d "$folder/work.XXXXXX")
child=""
finish() {
  trap '' INT TERM HUP
  # A group of its own (set -m), with all that it started.
  [ -z "$child" ] || { kill -TERM -- "-$child"; wait "$child"; kill -KILL -- "-$child"; } 2>/dev/null || true
  # debootstrap ended in the middle leaves these.
  grep -o " $work/[^ ]*" /proc/mounts | sort -r | xargs -r umount -l || true
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# In the background, since only `wait` is ended by a signal at once.
run() {
  local status=0
  set -m
  "$@" </dev/null &
  child=$!
  set +m
  wait "$child" || status=$?
  child=""
  return $status
}
quietly() {
  say "$1"
  shift
  run "$@" >"$work/log" 2>&1 || { tail -n 30 "$work/log" >&2; exit 1; }
}

run bash scripts/setup.sh --vm

disk() { # of what is in a folder <image> <size> <folder>
  truncate -s "$2" "$1"
  mke2fs -q -t ext4 -O ^has_journal -d "$3" "$1"
}

# The machine's own disk. It is never written afterwards: qemu keeps what changes to itself (snapshot=on).
unit=test/vm/berth-tests.service
if [ ! -e "$folder/system" ] || ! cmp -s "$unit" "$folder/unit"; then
  root=$work/root
  includes=systemd-sysv,linux-image-cloud-amd64,docker.io,nodejs,etcd-server,etcd-client,busybox-static,docker-registry
  includes+=,openssl,iptables,iproute2,procps,ca-certificates
  # Debian 13 and newer have the program in a package of its own.
  [ "$suite" = bookworm ] || includes+=,docker-cli
  quietly "installing Debian $suite for the virtual machine, some minutes" \
    debootstrap --variant=minbase "--include=$includes" "$suite" "$root"
  echo berth-vm >"$root/etc/hostname"
  cp "$unit" "$root/etc/systemd/system/"
  # Tests start their own; nobody logs in, and nothing is brought up to date.
  units=(etcd.service docker-registry.service apt-daily.timer apt-daily-upgrade.timer getty@.service serial-getty@.service)
  quietly "choosing what it starts" systemctl --root="$root" mask "${units[@]}"
  quietly "choosing what it starts" systemctl --root="$root" enable berth-tests.service
  cp "$root"/boot/vmlinuz-* "$folder/kernel"
  cp "$root"/boot/initrd.img-* "$folder/initrd"
  quietly "making its disk" disk "$work/system" 8G "$root"
  mv "$work/system" "$folder/system"
  cp "$unit" "$folder/unit"
  rm -rf "$root"
fi

# Of the machine's processor as it is where it can be had; /dev/kvm alone is no sign of that.
# Emulated, wide registers and the kernel's precautions cost most: programs do without them.
accelerator=(-accel "tcg,thread=multi" -cpu "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+rdrand")
kernel=mitigations=off
patience=6
if [ -w /dev/kvm ] && grep -qwE 'vmx|svm' /proc/cpuinfo; then
  accelerator=(-accel kvm -cpu host)
  kernel=""
  patience=1
else
  say "no KVM here: the processor is emulated, and this takes some 10 times as long"
fi

mkdir "$work/repository"
tar -c --exclude=./.git . | tar -x -C "$work/repository"
printf '%s\0' "$@" >"$work/repository/test/vm/arguments"
echo "${BERTH_VM_PATIENCE:-$patience}" >"$work/repository/test/vm/patience"
quietly "copying the repository" disk "$work/tests" 3G "$work/repository"
rm -rf "$work/repository"

say "starting the virtual machine"
# shellcheck disable=SC2016
run bash -c 'qemu-system-x86_64 "$@" | tee "$0"' "$work/output" "${accelerator[@]}" -smp 2 -m 6G -display none -no-reboot \
  -kernel "$folder/kernel" -initrd "$folder/initrd" -append "root=/dev/vda rw quiet panic=-1 console=ttyS0 TERM=dumb $kernel" \
  -drive "file=$folder/system,format=raw,if=virtio,snapshot=on" \
  -drive "file=$work/tests,format=raw,if=virtio,snapshot=on" \
  -device virtio-serial -chardev stdio,id=said -device virtconsole,chardev=said -serial "file:$work/console" \
  -device virtio-rng-pci -nic none
status=$(tr -d '\r' <"$work/output" | sed -n 's/^the tests ended with //p' | tail -n 1)
if [ -z "$status" ]; then
  say "the virtual machine ended before its tests. The end of its console:"
  tail -n 30 "$work/console" >&2
  exit 1
fi
tr -d '\r' <"$work/output" | grep -E '^[0-9]+ passed, [0-9]+ failed$' | tail -n 1 || true
exit "$status"
