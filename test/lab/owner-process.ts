/** A process that makes a lab, says so, and waits to be killed. For tests of what becomes of the lab then. */
import { Lab } from './lab';

void Lab.up({ hosts: 1 }).then(async (lab) => {
  await lab.docker('h1', 'run', '--detach', 'berth-test/busybox:1', 'sleep', '86400');
  process.stdout.write(`${JSON.stringify(await lab.status())}\n`);
});
