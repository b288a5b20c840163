/** berth agent status on a real agent: what it says with etcd, the coordinator and Docker gone, each in turn. */
import { statSync } from 'node:fs';
import type { AgentStatus, LocalInstance } from '../../lib/rpc/types';
import { Cluster } from '../support/cluster';
import { IDLE, docker } from '../support/docker';
import { startDockerProxy, type DockerProxy } from '../support/docker-proxy';
import { until } from '../support/wait';

const FALLS = `image: berth-test/busybox:1
command: sh -c "echo falling over; exit 3"
deploy: { restart_policy: { condition: any, delay: 30m } }
`;
const ONCE = `${IDLE}deploy: { restart_policy: { condition: none } }\n`;

let cluster: Cluster;
afterEach(() => cluster.stop(), 60_000);

async function status(host = 'h1'): Promise<AgentStatus> {
  const { code, stdout, stderr } = await cluster.berth('agent', 'status', '--json', '--socket', cluster.socketOf(host));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as AgentStatus;
}

async function text(...args: string[]): Promise<string> {
  const { code, stdout } = await cluster.berth('agent', 'status', ...args, '--socket', cluster.socketOf('h1'));
  expect(code).toBe(0);
  return stdout;
}

const of = (service: string, { instances }: AgentStatus): LocalInstance =>
  instances.find((one) => one.status.service === service)!;

test('with etcd and the coordinator gone: what should run, what runs, why not, and what is next; also from a new agent', async () => {
  cluster = await Cluster.start();
  await cluster.put('web', `${IDLE}ports: [{ name: http, target: 8080 }]\n`);
  await cluster.put('once', ONCE);
  await cluster.put('bad', FALLS);
  await cluster.steady('web', 1);
  await cluster.steady('once', 1);
  await until('the crash', async () => of('bad', await status())?.status.phase === 'BACKOFF');
  expect(await status()).toMatchObject({
    ...{ host: 'h1', etcd: { connected: true, ageMs: 0 }, docker: { answers: true }, assignmentFrom: 'etcd', idle: '' },
    ...{ problems: [], pauses: [] },
  });
  expect(statSync(cluster.socketOf('h1')).mode & 0o777).toBe(0o600);

  await cluster.coordinators[0]!.end('SIGKILL');
  await cluster.etcd.kill();
  const cut = await until('the loss of etcd to be noticed', async () => {
    const seen = await status();
    return seen.etcd.connected ? undefined : seen;
  });
  expect(cut.etcd.ageMs).toBe(cut.etcd.forMs);
  expect(cut.instances.map(({ wantedRelease }) => wantedRelease)).toEqual(['bad@1', 'once@1', 'web@1']);
  expect(of('web', cut)).toMatchObject({
    ...{ wantedImage: expect.stringContaining('berth-test/busybox:1'), status: { phase: 'RUNNING', reason: '' } },
    outlook: { step: '', reason: '', inMs: 0 },
  });
  const { outlook } = of('bad', cut);
  expect(outlook).toMatchObject({ step: 'start', underWay: false, reason: 'exited with code 3' });
  expect(outlook.inMs).toBeGreaterThan(20 * 60_000);
  expect(outlook.inMs).toBeLessThanOrEqual(30 * 60_000);

  const once = of('once', cut);
  await docker('kill', once.status.containerId);
  const after = await until('its end to be told', async () => {
    const seen = of('once', await status());
    return seen.status.phase === 'STOPPED' ? seen : undefined;
  });
  expect(after).toMatchObject({
    status: { lastExit: { code: 137, signal: 'SIGKILL' } },
    outlook: { step: '', reason: 'the restart policy is "none"' },
  });

  // What the last one left at the socket is replaced.
  await cluster.agents[0]!.end('SIGKILL');
  await cluster.agents[0]!.start();
  const anew = await until('the new agent to look', async () => {
    const seen = await status();
    return seen.instances.length === 3 && of('web', seen).status.phase === 'RUNNING' ? seen : undefined;
  });
  expect(anew).toMatchObject({ etcd: { connected: false, ageMs: -1 }, assignmentFrom: 'disk' });

  const page = await text();
  expect(page).toMatch(/^host +h1, agent \S+, up /);
  expect(page).toMatch(/\netcd +not reached since the agent started/);
  expect(page).toMatch(/\nassignment +revision \d+, from the copy on disk\n/);
  expect(page).toMatch(/\nINSTANCE +RELEASE +PHASE +HEALTH +RESTARTS +NEXT\n/);
  expect(page).toMatch(/\nbad-1-\S+ +bad@1 +backoff +- +\d +start in \d+ min.*: exited with code 3\n/);
  expect(page).toMatch(/\nonce-1-\S+ +once@1 +stopped +- +0 +nothing: the restart policy is "none"\n/);
  expect(page).toMatch(/\nweb-1-\S+ +web@1 +running +- +0 +nothing\n/);
  expect(Math.max(...page.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
  const details = await text(of('bad', anew).id);
  expect(details).toMatch(/should run +bad@1, berth-test\/busybox:1/);
  expect(details).toMatch(/last exit +code 3, \S+Z\n +\| falling over\n/);
  expect(await text(of('web', anew).id)).toMatch(/ports +\d+→8080\/tcp\n/);
}, 120_000);

describe('Docker', () => {
  let proxy: DockerProxy;
  beforeEach(async () => (proxy = await startDockerProxy()));
  afterEach(() => proxy.stop());

  test('gone and back is told; an agent that finds it gone says what should run, and that it knows no more', async () => {
    cluster = await Cluster.start({ agents: 0 });
    const agent = await cluster.addAgent('h1', ['--docker', proxy.address]);
    await cluster.put('web', IDLE);
    await cluster.steady('web', 1);
    const comeBack = proxy.inject(() => true, { kind: 'drop' });
    proxy.cut();
    const gone = await until('its loss to be told', async () => {
      const seen = await status();
      return seen.docker.answers ? undefined : seen;
    });
    expect(gone).toMatchObject({ idle: 'waiting for Docker', problems: [{ rule: 'docker-unavailable' }] });
    expect(of('web', gone).status.phase).toBe('RUNNING');
    expect(await text()).toMatch(/docker +does not answer\n[^]*nothing is done now: waiting for Docker/);

    await agent.end('SIGKILL');
    agent.spawn();
    const anew = await until('the new agent to answer', async () => {
      const { code, stdout } = await cluster.berth('agent', 'status', '--json', '--socket', cluster.socketOf('h1'));
      const seen = code === 0 ? (JSON.parse(stdout) as AgentStatus) : undefined;
      return seen?.instances.length === 1 ? seen : undefined;
    });
    expect(anew.instances[0]).toMatchObject({
      ...{ wantedRelease: 'web@1', status: { phase: 'PHASE_UNSPECIFIED' } },
      outlook: { step: '', reason: 'Docker has not said yet what is there' },
    });
    comeBack();
    await until('it to be back', async () => {
      const seen = await status();
      return seen.docker.answers && of('web', seen).status.phase === 'RUNNING';
    });
  }, 120_000);
});

test('an agent whose socket is another’s, or can not be made, takes care of its containers all the same', async () => {
  cluster = await Cluster.start();
  await cluster.addAgent('h2', ['--socket', cluster.socketOf('h1')]);
  await cluster.addAgent('h3', ['--socket', '/proc/berth/agent.sock']);
  for (const [index, why] of [/another agent answers at/, /ENOENT|EACCES/].entries())
    expect(cluster.agents[index + 1]!.output).toMatch(
      new RegExp(`"berth agent status\\\\" will get no answer.*(${why.source})`),
    );
  expect((await status()).host).toBe('h1');
  await cluster.put('web', `${IDLE}deploy: { mode: global }\n`);
  await cluster.running(3);
  // The one whose socket it is removes it when it stops; the other does not.
  await cluster.agents[1]!.end('SIGTERM');
  expect((await status()).host).toBe('h1');
  await cluster.agents[0]!.end('SIGTERM');
  expect(await cluster.berth('agent', 'status', '--socket', cluster.socketOf('h1'))).toMatchObject({
    ...{ code: 1, stdout: '', stderr: expect.stringMatching(/^No agent answers at .*: there is no such socket\./) },
  });
}, 120_000);

test('an instance that is not there has a neighbour', async () => {
  cluster = await Cluster.start();
  await cluster.put('web', IDLE);
  await cluster.steady('web', 1);
  const { id } = (await status()).instances[0]!;
  const answer = await cluster.berth('agent', 'status', `${id}x`, '--socket', cluster.socketOf('h1'));
  expect(answer).toMatchObject({
    code: 1,
    stdout: '',
    stderr: `There is no instance "${id}x" on h1 (did you mean "${id}"?).\n`,
  });
}, 60_000);
