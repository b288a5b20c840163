/** What a container goes through on the real engine, as an operator sees it: limits in place, a slow goodbye, crashes, order. */
import { existsSync, readFileSync } from 'node:fs';
import type { InstanceStatus } from '../../lib/documents/types';
import { Cluster } from '../support/cluster';
import { docker, IDLE } from '../support/docker';
import { until } from '../support/wait';

let cluster: Cluster;
beforeAll(async () => (cluster = await Cluster.start()), 60_000);
afterAll(() => cluster.stop(), 60_000);
/** One that failed leaves its services to no other. */
afterEach(async () => {
  for (const service of ['web', 'slow', 'crash', 'hungry', 'app', 'store']) await cluster.remove(service);
  await cluster.running(0, 30_000);
}, 40_000);

async function statusOf(service: string): Promise<InstanceStatus | undefined> {
  const status = await cluster.hostStatus();
  return Object.values(status?.instances ?? {}).find((instance) => instance.service === service);
}

/** What the kernel holds the container to, cgroup v1 or v2. @param names of the file in each */
function cgroupFile(pid: string, controller: string, names: { readonly v1: string; readonly v2: string }): string {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n');
  const v1 = lines.find((line) => line.split(':')[1]?.split(',').includes(controller));
  const path = (v1 ?? lines.find((line) => line.startsWith('0::'))!).split(':')[2]!;
  const file =
    v1 === undefined ? `/sys/fs/cgroup${path}/${names.v2}` : `/sys/fs/cgroup/${controller}${path}/${names.v1}`;
  return readFileSync(file, 'utf8').trim();
}
const startOf = (id: string): Promise<string> => docker('inspect', '--format', '{{.Id}} {{.State.StartedAt}}', id);

test('limits of cpu, memory and pids change in place, down to the cgroup files: the container is not restarted', async () => {
  const document = (limits: string): string => `${IDLE}deploy: { resources: { limits: { ${limits} } } }\n`;
  await cluster.put('web', document('cpus: "0.5", memory: 64M, pids: 50'));
  const [first] = await cluster.running(1);
  await cluster.steady('web', 1);
  const before = await startOf(first!.id);
  const pid = await docker('inspect', '--format', '{{.State.Pid}}', first!.id);
  const memory = (): string => cgroupFile(pid, 'memory', { v1: 'memory.limit_in_bytes', v2: 'memory.max' });
  const pids = (): string => cgroupFile(pid, 'pids', { v1: 'pids.max', v2: 'pids.max' });
  const cpu = (): string => cgroupFile(pid, 'cpu', { v1: 'cpu.cfs_quota_us', v2: 'cpu.max' });
  expect([memory(), pids()]).toEqual([String(64 * 1024 ** 2), '50']);
  expect(cpu()).toMatch(/^50000/);

  await cluster.put('web', document('cpus: "0.25", memory: 96M, pids: 70'));
  await until(
    'the new limits',
    () => memory() === String(96 * 1024 ** 2) && pids() === '70' && cpu().startsWith('25000'),
  );
  await cluster.steady('web', 2);
  // Fewer, and some no more: memory and CPUs are bounded by what the host has then.
  await cluster.put('web', document('pids: 60'));
  await until('fewer limits', () => Number(memory()) >= 1024 ** 3);
  await until('the new count of processes', () => pids() === '60');
  await cluster.steady('web', 3);
  expect(await startOf(first!.id)).toBe(before);
  await until('the status to be at rest', async () => {
    expect(await statusOf('web')).toMatchObject({ phase: 'RUNNING', release: 3, restarts: 0, reason: '' });
    return true;
  });
}, 90_000);

test('a stop is a hook, the drain time, the signal, the grace, each to be seen; a kill -9 of the agent in between changes nothing', async () => {
  const said = `${cluster.folder}/said`;
  const script = `trap "echo signal >> /log/said; exit 0" TERM; while :; do sleep 0.1; done`;
  await cluster.put(
    'slow',
    [
      'image: berth-test/busybox:1',
      `command: ["sh", "-c", '${script}']`,
      `volumes: ["${cluster.folder}:/log"]`,
      `pre_stop: [{ command: ["sh", "-c", "echo hook >> /log/said"] }]`,
      'x-berth: { drain: 3s }',
    ].join('\n'),
  );
  await cluster.running(1);
  await cluster.steady('slow', 1);
  const phases: string[] = [];
  const look = async (): Promise<string> => {
    const status = await statusOf('slow');
    const text = status === undefined ? 'gone' : `${status.phase} ${status.progress}`.trim();
    if (phases.at(-1) !== text) phases.push(text);
    return text;
  };
  await cluster.remove('slow');
  await until('the hook', () => existsSync(said));
  await cluster.agents[0]!.end('SIGKILL');
  await cluster.agents[0]!.start();
  await until('the end', async () => (await look()) === 'gone', 30_000);
  await cluster.running(0);
  expect(phases.some((phase) => phase.startsWith('DRAINING drain wait of 3 s'))).toBe(true);
  // Begun anew by the next agent: at least once, and always before the signal.
  expect(readFileSync(said, 'utf8').trim().split('\n')).toEqual(['hook', 'hook', 'signal']);
}, 60_000);

test('a crash leaves its code, its signal and its last lines in the status; attempts that are used up stay so when the agent starts again', async () => {
  await cluster.put(
    'crash',
    [
      'image: berth-test/busybox:1',
      `command: ["sh", "-c", "echo starting; echo it broke; exit 3"]`,
      'deploy: { restart_policy: { max_attempts: 2 } }',
    ].join('\n'),
  );
  const last = await until('the end of its attempts', async () => {
    const status = await statusOf('crash');
    const isSaid = status?.restarts === 2 && status.lastExit?.log.at(-1) === 'it broke';
    return status?.phase === 'STOPPED' && isSaid ? status : undefined;
  });
  expect(last).toMatchObject({
    ...{ reason: 'given up after 2 restarts in a row', lastRestartReason: 'exited with code 3' },
    lastExit: { code: 3, oomKilled: false, signal: '' },
  });
  expect(last.lastExit?.log).toEqual(['starting', 'it broke']);
  const [container] = await cluster.containers();
  const before = await startOf(container!.id);
  await cluster.agents[0]!.end('SIGKILL');
  await cluster.agents[0]!.start();
  await new Promise((resolve) => setTimeout(resolve, 3000));
  expect(await startOf(container!.id)).toBe(before);
  expect(await statusOf('crash')).toEqual(last);
}, 60_000);

test('a kill for memory is told from others', async () => {
  await cluster.put(
    'hungry',
    [
      'image: berth-test/busybox:1',
      // Fills its own memory: a tmpfs counts as it.
      `command: ["sh", "-c", "exec cat /dev/zero > /fill/it"]`,
      'tmpfs: ["/fill"]',
      'deploy: { resources: { limits: { memory: 24M } }, restart_policy: { condition: none } }',
    ].join('\n'),
  );
  const status = await until('the kill', async () => {
    const seen = await statusOf('hungry');
    return seen?.lastExit === undefined ? undefined : seen;
  });
  expect(status.lastExit).toMatchObject({ code: 137, signal: 'SIGKILL', oomKilled: true });
}, 60_000);

test('depends_on is an order within a host', async () => {
  const started = async (service: string): Promise<number> => {
    const id = (await cluster.containers()).find(({ instance }) => instance.startsWith(`${service}-`))!.id;
    return Date.parse(await docker('inspect', '--format', '{{.State.StartedAt}}', id));
  };
  await cluster.agents[0]!.end('SIGTERM');
  // No host is asked for a digest: there is none that could answer.
  await cluster.put('app', `${IDLE}pull_policy: never\ndepends_on: [store]\n`);
  await cluster.put('store', `${IDLE}pull_policy: never\n`);
  await until('both assignments', async () => Object.keys((await cluster.assignment())?.instances ?? {}).length === 2);
  await cluster.agents[0]!.start();
  await cluster.running(2);
  expect(await started('app')).toBeGreaterThan(await started('store'));
}, 60_000);
