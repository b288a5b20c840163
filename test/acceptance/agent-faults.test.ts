/** What happens to containers when a container, the agent, etcd or the coordinator dies. G1, G2, G3. */
import { Cluster } from '../support/cluster';
import { IDLE, docker } from '../support/docker';
import { startDockerProxy } from '../support/docker-proxy';
import { sleep, until } from '../support/wait';

let cluster: Cluster;
beforeEach(async () => (cluster = await Cluster.start()), 60_000);
afterEach(() => cluster.stop(), 60_000);

/** Milliseconds from the command until the instance runs again. */
async function reactionMs(...command: string[]): Promise<number> {
  const startedMs = performance.now();
  await docker(...command);
  const downMs = performance.now();
  await until('the instance to run again', async () => (await cluster.containers())[0]?.state === 'running');
  return performance.now() - Math.max(startedMs, downMs);
}

/** What Docker's own command line needs to create and start the same container. */
async function rawStartMs(): Promise<number> {
  const startedMs = performance.now();
  const id = await docker('create', 'berth-test/busybox:1', 'sleep', '86400');
  await docker('start', id);
  const ms = performance.now() - startedMs;
  await docker('rm', '-f', id);
  return ms;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

test('G1: an instance that is killed, removed or stopped by hand is back, soon', async () => {
  await cluster.put('web', IDLE);
  await cluster.running(1);
  const raw: number[] = [];
  const reactions: number[] = [];
  for (const command of [
    ['kill'],
    ['rm', '-f'],
    ['stop', '-t', '0'],
    ['kill'],
    ['rm', '-f'],
    ['stop', '-t', '0'],
    ['kill'],
  ]) {
    // A container that has run for its window has started well: the next restart is immediate again.
    await sleep(5200);
    raw.push(await rawStartMs());
    const [container] = await cluster.running(1);
    reactions.push(await reactionMs(...command, container!.id));
  }
  expect(median(reactions)).toBeLessThan(median(raw) + 300);
  const status = await until('the restarts in the status', async () => {
    const seen = await cluster.hostStatus();
    return Object.values(seen?.instances ?? {})[0]?.phase === 'RUNNING' ? seen : undefined;
  });
  expect(Object.values(status.instances)[0]).toMatchObject({ lastExit: { code: 137 } });
}, 120_000);

test('G2: an agent that is killed and started again touches none of 20 containers', async () => {
  await cluster.put('web', `${IDLE}deploy: { replicas: 20 }\n`);
  const before = await cluster.running(20, 60_000);
  await cluster.steady('web', 1);
  await cluster.agents[0]!.end('SIGKILL');
  expect(await cluster.containers()).toEqual(before);
  const proxy = await startDockerProxy();
  try {
    await cluster.agents[0]!.start('--docker', proxy.address);
    await until('the agent to look', () => proxy.calls.some(({ path }) => path.endsWith('/containers/json')));
    await sleep(3000);
    expect(await cluster.containers()).toEqual(before);
    expect(proxy.mutatingCalls).toEqual([]);
    // The proxy does see what changes something.
    await docker('kill', before[0]!.id);
    await until('the restart', async () => (await cluster.containers()).every(({ state }) => state === 'running'));
    expect(proxy.mutatingCalls).toEqual([
      expect.objectContaining({ method: 'POST', path: expect.stringContaining(`/containers/${before[0]!.id}/start`) }),
    ]);
  } finally {
    await cluster.agents[0]!.end('SIGKILL');
    await proxy.stop();
  }
}, 120_000);

test('G2: SIGTERM ends both daemons with 0 and leaves containers running', async () => {
  await cluster.put('web', IDLE);
  const before = await cluster.running(1);
  expect(await cluster.agents[0]!.end('SIGTERM')).toBe(0);
  expect(await cluster.coordinators[0]!.end('SIGTERM')).toBe(0);
  expect(await cluster.containers()).toEqual(before);
}, 60_000);

test('G3: with etcd away for a minute nothing stops and a killed container comes back; afterwards nothing restarts', async () => {
  await cluster.put('web', `${IDLE}deploy: { replicas: 3 }\n`);
  const before = await cluster.running(3);
  await cluster.steady('web', 1);
  await cluster.etcd.kill();
  await sleep(10_000);
  await docker('kill', before[0]!.id);
  await cluster.running(3);
  expect(await cluster.metric(cluster.agentHttp[0]!, 'berth_agent_etcd_connected')).toBe(0);
  const answer = await cluster.berth('ps');
  expect(answer.stderr).toMatch(/lost touch with etcd \d+ s ago/);
  // An agent that starts now has only its copy on disk.
  await cluster.agents[0]!.end('SIGKILL');
  await cluster.agents[0]!.start();
  await docker('kill', before[1]!.id);
  await cluster.running(3);
  await sleep(45_000);
  expect((await cluster.containers()).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
  const started = await startTimes(before);
  await cluster.etcd.restart();
  await until(
    'the agent to be back',
    async () => (await cluster.metric(cluster.agentHttp[0]!, 'berth_agent_etcd_connected')) === 1,
  );
  await cluster.steady('web', 1);
  await sleep(5000);
  expect(await startTimes(before)).toEqual(started);
}, 180_000);

async function startTimes(containers: readonly { id: string }[]): Promise<string> {
  return docker(
    'inspect',
    '--format',
    '{{.Id}} {{.State.StartedAt}} {{.RestartCount}}',
    ...containers.map(({ id }) => id),
  );
}

test('G3: an emptied etcd stops nothing and is said in status, log and metrics; applying again adopts what runs', async () => {
  await cluster.put('web', `${IDLE}deploy: { replicas: 2 }\n`);
  await cluster.put('api', IDLE);
  const before = await cluster.running(3);
  await cluster.steady('web', 1);
  await cluster.steady('api', 1);
  const started = await startTimes(before);
  await cluster.etcd.wipe();
  await cluster.etcd.restart();
  const status = await until('the status', async () => {
    const seen = await cluster.hostStatus();
    return seen?.problems.some(({ rule }) => rule === 'assignment-missing') === true ? seen : undefined;
  });
  expect(Object.values(status.instances).map(({ held }) => held)).toEqual([true, true, true]);
  expect(cluster.agents[0]!.output).toContain('"reason":"assignment-missing"');
  expect(await cluster.metric(cluster.agentHttp[0]!, 'berth_agent_instances_held')).toBe(3);

  await cluster.put('web', `${IDLE}deploy: { replicas: 2 }\n`);
  await cluster.steady('web', 2);
  expect((await cluster.assignment())!.held).toHaveLength(1);
  await sleep(2000);
  expect(await startTimes(before)).toEqual(started);
  await cluster.put('api', IDLE);
  await cluster.steady('api', 2);
  await sleep(2000);
  expect(await startTimes(before)).toEqual(started);
  // From here on it is an ordinary service again.
  await cluster.remove('api');
  await cluster.running(2);
}, 120_000);

test('G3: an etcd that is restored from a backup stops nothing that the backup does not know of', async () => {
  await cluster.put('web', `${IDLE}deploy: { replicas: 2 }\n`);
  await cluster.steady('web', 1);
  const restore = await cluster.etcd.backUp();
  await cluster.put('api', `${IDLE}deploy: { replicas: 2 }\n`);
  await cluster.steady('api', 1);
  const before = await cluster.running(4);
  const started = await startTimes(before);
  const { revision } = (await cluster.assignment())!;
  await restore();
  await cluster.etcd.restart();
  const assignment = await until('an assignment that goes on from the last one', async () => {
    const seen = await cluster.assignment();
    return seen !== undefined && seen.revision > revision ? seen : undefined;
  });
  expect(Object.keys(assignment.instances)).toHaveLength(2);
  expect(assignment.held).toHaveLength(2);
  expect(cluster.agents[0]!.output).toContain('"reason":"assignment-outdated"');
  await sleep(3000);
  expect(await startTimes(before)).toEqual(started);
  await cluster.put('api', `${IDLE}deploy: { replicas: 2 }\n`);
  await cluster.steady('api', 2);
  expect(await startTimes(before)).toEqual(started);
}, 120_000);

test('G3, G4: when the leader dies another one leads, and no container is touched', async () => {
  await cluster.addCoordinator();
  await cluster.put('web', `${IDLE}deploy: { replicas: 3 }\n`);
  const before = await cluster.running(3);
  await cluster.steady('web', 1);
  const started = await startTimes(before);
  await cluster.coordinators[0]!.end('SIGKILL');
  await until('the other to lead', () => cluster.coordinators[1]!.output.includes('leads from now on'));
  await sleep(3000);
  expect(await startTimes(before)).toEqual(started);
  await cluster.put('web', `${IDLE}deploy: { replicas: 4 }\n`);
  await cluster.running(4);
  expect(await startTimes(before)).toEqual(started);
}, 120_000);

test('a converged cluster stays still: no write to etcd and no event of Docker for 60 s', async () => {
  await cluster.put('web', `${IDLE}deploy: { replicas: 3 }\n`);
  await cluster.running(3);
  await cluster.steady('web', 1);
  await sleep(10_000);
  const revision = await cluster.etcd.revision();
  const since = String(Math.floor(Date.now() / 1000));
  await sleep(60_000);
  expect(await cluster.etcd.revision()).toBe(revision);
  const events = await docker(
    'events',
    '--since',
    since,
    '--until',
    String(Math.floor(Date.now() / 1000)),
    '--filter',
    `label=berth.prefix=${cluster.prefix}`,
  );
  expect(events).toBe('');
}, 120_000);
