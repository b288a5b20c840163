# Makes a machine of what there is on this one, and becomes its systemd: namespaces are made, and this is their first process.
#   $1 folder on a disk, $2 name, $3 the checkout, $4 node
# Everything that is written is in memory and goes with the machine, but Docker's data, which an overlay can't hold.
set -e

# In cgroups of the lab's name, below which its systemd sees everything. Version 1 has a tree for each controller, and its
# cpuset takes no process before it is told of processors. "0" is the process that writes: this one, alone.
trees=/sys/fs/cgroup
[ -e $trees/cgroup.procs ] || trees=$trees/*
for tree in $trees; do
  [ -e "$tree/cgroup.procs" ] || continue
  mkdir -p "$tree/$CGROUP"
  for set in cpuset.cpus cpuset.mems; do
    [ ! -e "$tree/tasks" ] || [ ! -e "$tree/$set" ] || cat "$tree/$set" >"$tree/$CGROUP/$set"
  done
  echo 0 >"$tree/$CGROUP/cgroup.procs"
done

mkdir -p "$1/layer" "$1/root" "$1/docker"
mount -t tmpfs -o mode=755 tmpfs "$1/layer"
mkdir "$1/layer/upper" "$1/layer/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/layer/upper,workdir=$1/layer/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
  touch "dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mkdir -p var/lib/docker usr/lib/berth usr/local/bin
mount --bind "$1/docker" var/lib/docker
mount --bind "$3" usr/lib/berth
ln -sf /usr/lib/berth/bin/berth usr/bin/berth
# Where the daemons' PATH under systemd has it, wherever it is.
[ "$4" -ef /usr/bin/node ] || ln -sf "$4" usr/local/bin/node
# Nothing of this machine is started in there, nor its settings used: nothing reaches the kernel that both share.
rm -rf etc/systemd etc/berth etc/docker etc/fstab etc/resolv.conf var/lib/berth var/lib/systemd var/log/journal
mkdir -p etc/systemd/system
units=usr/lib/systemd/system
[ -e $units ] || units=lib/systemd/system
for wants in "$units"/*.target.wants; do mount -t tmpfs tmpfs "$wants"; done
ln -s ../systemd-journald.service "$units/sysinit.target.wants/"
ln -s ../systemd-journald.socket ../systemd-journald-dev-log.socket "$units/sockets.target.wants/"
: >etc/machine-id
# Nobody answers there.
echo nameserver 127.0.0.1 >etc/resolv.conf
echo "$2" >etc/hostname
printf '127.0.0.1 localhost %s\n' "$2" >etc/hosts
echo "$2" >/proc/sys/kernel/hostname
ip link set lo up
pivot_root . mnt
umount -l mnt
exec unshare --cgroup env -i container=berth-lab PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "LAB_FOLDER=$LAB_FOLDER" \
  /lib/systemd/systemd --system --unit=multi-user.target --log-target=console --show-status=false
