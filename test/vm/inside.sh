# Runs as root in the virtual machine of scripts/vm.sh, which reads the last line that this prints.
cd "$(dirname "$0")/../.."
export HOME=/root BERTH_TEST_READY=1
BERTH_TEST_PATIENCE=$(cat test/vm/patience)
export BERTH_TEST_PATIENCE
# Tests limit what is read from /dev/loop0.
modprobe loop
. /etc/os-release
docker info --format "$PRETTY_NAME, Linux $(uname -r), Docker {{.ServerVersion}}, cgroup v{{.CgroupVersion}}, {{.CgroupDriver}} driver, {{.Driver}}, node $(node --version)"
# Through a pipe: jest draws no progress there.
xargs -0 bash scripts/test.sh <test/vm/arguments 2>&1 | cat
status=${PIPESTATUS[0]}
# xargs' own for "it failed".
[ "$status" -ne 123 ] || status=1
echo "the tests ended with $status"
systemctl poweroff --force --force
