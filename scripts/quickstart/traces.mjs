// What a Docker Engine leaves on a machine outside of its own folders, and how a quickstart takes it away again.
// Only what was not there before the engine was started, which is written down: a killed quickstart can't remember.
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';

const BRIDGE = '/sys/class/net/docker0';
const CGROUPS = '/sys/fs/cgroup';

/** In the order in which they can be removed: folders after what is in them. */
function traces() {
  const controllers = existsSync(CGROUPS) ? readdirSync(CGROUPS).map((name) => `${CGROUPS}/${name}/docker`) : [];
  return [
    ...['/etc/docker/key.json', '/etc/docker', '/run/docker.sock', '/run/docker/plugins', '/run/docker'],
    ...['/run/containerd/s', '/run/containerd', BRIDGE, `${CGROUPS}/docker`, ...controllers],
  ];
}

export function noteAbsent(file) {
  writeFileSync(file, JSON.stringify(traces().filter((path) => !existsSync(path))));
}

/** Once the engine has ended. Folders that others put something into stay. @returns what is left that should not be */
export function removeTraces(file) {
  if (!existsSync(file)) return [];
  const wereAbsent = new Set(JSON.parse(readFileSync(file, 'utf8')));
  const made = traces().filter((path) => wereAbsent.has(path) && existsSync(path));
  for (const path of made) {
    try {
      remove(path);
    } catch {
      // Told by what is there afterwards.
    }
  }
  return [BRIDGE, '/run/docker.sock'].filter((path) => made.includes(path) && existsSync(path));
}

function remove(path) {
  // The image needs busybox, and a small machine has no ip of its own.
  if (path === BRIDGE) execFileSync('/bin/busybox', ['ip', 'link', 'delete', 'docker0'], { stdio: 'ignore' });
  else if (!lstatSync(path).isDirectory()) unlinkSync(path);
  else {
    // The group of a container whose keeper was killed is still there; its files go with it.
    if (path.startsWith(CGROUPS)) for (const group of foldersIn(path)) rmdirSync(group);
    rmdirSync(path);
  }
}

const foldersIn = (path) =>
  readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${path}/${entry.name}`);
