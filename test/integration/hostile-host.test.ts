/** A host that runs out of file descriptors, or of space for the agent's own folder, under the real agent. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Cluster } from '../support/cluster';
import { docker, IDLE } from '../support/docker';
import { startDockerProxy } from '../support/docker-proxy';
import { sleep, until } from '../support/wait';

jest.setTimeout(180_000);

const run = promisify(execFile);
/** Above this, the agent's own retry of what it could not write: 30 s. */
const RETRIED_MS = 45_000;

let cluster: Cluster;
afterEach(() => cluster.stop(), 60_000);

const startTimes = (containers: readonly { id: string }[]): Promise<string> =>
  docker('inspect', '--format', '{{.Id}} {{.State.StartedAt}}', ...containers.map(({ id }) => id));

test('file descriptors run out: the agent does not end, loses no container, and comes right when there are some again', async () => {
  const proxy = await startDockerProxy();
  try {
    cluster = await Cluster.start({ agents: 0 });
    const agent = await cluster.addAgent('h1', ['--docker', proxy.address]);
    await cluster.put('web', `${IDLE}deploy: { replicas: 3 }\n`);
    const before = await cluster.running(3);
    await cluster.steady('web', 1);
    const started = await startTimes(before.slice(1));
    const limit = (files: number): Promise<unknown> =>
      run('prlimit', ['--pid', String(agent.pid), `--nofile=${files}:1024`]);
    // What is open stays open, and nothing more can be opened: no way back to Docker.
    await limit(3);
    proxy.cut();
    await docker('kill', before[0]!.id);
    await cluster.put('job', IDLE);
    // Scrapes can't be taken either; they must not end it.
    const scrape = (): Promise<unknown> =>
      fetch(`${cluster.agentHttp[0]!}/metrics`, { signal: AbortSignal.timeout(3000) }).catch(() => undefined);
    await Promise.all(Array.from({ length: 20 }, scrape));
    await sleep(20_000);
    expect(agent.exitCode).toBeUndefined();
    expect(agent.output).toContain('EMFILE');
    const meanwhile = await cluster.containers();
    expect(meanwhile.map(({ state }) => state).sort()).toEqual(['exited', 'running', 'running']);
    await limit(1024);
    const after = await cluster.running(4, 60_000);
    expect(after.map(({ id }) => id)).toEqual(expect.arrayContaining(before.map(({ id }) => id)));
    expect(await startTimes(before.slice(1))).toBe(started);
    expect(await cluster.metric(cluster.agentHttp[0]!, 'berth_agent_docker_connected')).toBe(1);
    await cluster.steady('job', 1);
  } finally {
    await proxy.stop();
  }
});

describe('the agent’s own folder is on a full disk', () => {
  let folder: string;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'berth-test-full-'));
    await run('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'berth-test', folder]);
  });
  afterEach(async () => {
    await run('umount', ['--lazy', folder]);
    rmSync(folder, { recursive: true });
  });

  test('it goes on and says so; what it could not write is written once there is room', async () => {
    cluster = await Cluster.start({ agents: 0 });
    const stateDir = join(folder, 'state');
    mkdirSync(stateDir);
    const agent = await cluster.addAgent('h1', ['--state-dir', stateDir]);
    await cluster.put('web', IDLE);
    const before = await cluster.running(1);
    await cluster.steady('web', 1);
    const filling = join(folder, 'filling');
    expect(() => writeFileSync(filling, Buffer.alloc(1_000_000))).toThrow(/ENOSPC/);

    await cluster.put('job', IDLE);
    await docker('kill', before[0]!.id);
    await cluster.running(2);
    await until('the problem in the status', async () =>
      (await cluster.hostStatus())?.problems.some(
        ({ rule, message }) => rule === 'disk-copy' && /ENOSPC/.test(message),
      ),
    );
    // An agent that starts now has the last whole copy, and etcd.
    await agent.end('SIGKILL');
    await agent.start();
    await sleep(3000);
    const started = await startTimes(await cluster.running(2));

    rmSync(filling);
    await until('the problem to end', async () => (await cluster.hostStatus())?.problems.length === 0, RETRIED_MS);
    // It is on disk: without etcd the next agent knows both.
    await agent.end('SIGKILL');
    await cluster.etcd.kill();
    await agent.start();
    const runs = await cluster.running(2);
    expect(await startTimes(runs)).toBe(started);
    for (const { id } of runs) await docker('kill', id);
    await cluster.running(2);
  });
});
