/** berth pause and resume on real containers: what is paused is left alone, and taken up again by itself. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cluster } from '../support/cluster';
import { IDLE, docker } from '../support/docker';
import { sleep, until } from '../support/wait';

let cluster: Cluster;
beforeEach(async () => (cluster = await Cluster.start()), 60_000);
afterEach(() => cluster.stop(), 60_000);

/** Long enough for whatever would happen to happen: a killed container is back within a second. */
const A_WHILE_MS = 3000;

async function berth(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.berth(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

async function states(): Promise<string> {
  return (await cluster.containers()).map(({ state }) => state).join();
}

/** The agent has heard of the pause: from here on it holds, whatever happens to etcd. */
async function isTold(kind: string, name: string): Promise<void> {
  await until(`the host to hear of the pause of ${name}`, () =>
    cluster.agents[0]!.output.includes(`hands off ${kind} ${name}`),
  );
}

test('a paused instance stays down, also with a new agent, and everything says so; resumed, it is back', async () => {
  await cluster.put('web', IDLE);
  const [container] = await cluster.running(1);
  await cluster.steady('web', 1);
  const { instance } = container!;
  expect(await berth('pause', instance, '--for', '1h', '--reason', 'a look')).toMatch(
    new RegExp(`^instance ${instance} is left alone until 2.*Z; "berth resume ${instance}" ends it before\\.\n$`),
  );
  await isTold('instance', instance);
  await docker('kill', container!.id);
  await sleep(A_WHILE_MS);
  expect(await states()).toBe('exited');
  await cluster.agents[0]!.end('SIGKILL');
  await cluster.agents[0]!.start();
  await sleep(A_WHILE_MS);
  expect(await states()).toBe('exited');

  expect(await berth('ps')).toMatch(/stopped, paused .* paused until .*Z with the instance web-\S+ by \S+@\S+: a look/);
  expect(await berth('pauses')).toMatch(new RegExp(`instance +${instance} +2\\S+Z +\\S+@\\S+ +a look`));
  expect(await berth('agent', 'status', '--socket', cluster.socketOf('h1'))).toMatch(
    /stopped, paused .* start in 59 min \d+ s: ended by SIGKILL/,
  );
  expect(await cluster.metric(cluster.agentHttp[0]!, 'berth_agent_instances_paused')).toBe(1);

  expect(await berth('resume', instance)).toBe(`instance ${instance} is taken care of again.\n`);
  expect((await cluster.running(1))[0]!.id).toBe(container!.id);
  expect(cluster.agents[0]!.output).toContain(`the pause of instance ${instance} has ended`);
  expect(await berth('pauses')).toBe('Nothing is paused.\n');
}, 120_000);

test('a pause ends by itself at its time, with etcd and the coordinator gone, and for an agent that began meanwhile', async () => {
  await cluster.put('web', IDLE);
  const [container] = await cluster.running(1);
  await cluster.steady('web', 1);
  const { pause } = JSON.parse(await berth('pause', 'web', '--for', '12s', '--json')) as { pause: { untilMs: number } };
  await isTold('service', 'web');
  await cluster.coordinators[0]!.end('SIGKILL');
  await cluster.etcd.kill();
  await docker('kill', container!.id);
  await cluster.agents[0]!.end('SIGKILL');
  await cluster.agents[0]!.start();
  await cluster.running(1, 60_000);
  const startedAt = await docker('inspect', '--format', '{{.State.StartedAt}}', container!.id);
  expect(Date.parse(startedAt)).toBeGreaterThanOrEqual(pause.untilMs);
  // All of them are back, and the leader ends what is left of it.
  await cluster.etcd.restart();
  await cluster.coordinators[0]!.start();
  await until(
    'the key to go',
    async () => (await cluster.etcd.ctl(['get', '--prefix', '--keys-only', cluster.keys.pauses])) === '',
  );
  await cluster.steady('web', 1);
  expect((await cluster.containers()).map(({ id }) => id)).toEqual([container!.id]);
}, 120_000);

test('a paused service: an edit and a removal wait; --wait says why it waits', async () => {
  await cluster.put('web', `${IDLE}deploy: { replicas: 2 }\n`);
  const before = await cluster.running(2);
  await cluster.steady('web', 1);
  await berth('pause', 'web', '--reason', 'not now');
  const file = join(cluster.folder, 'compose.yaml');
  const indented = `${IDLE}environment: { A: "1" }\ndeploy: { replicas: 3 }\n`.replace(/^(?=.)/gm, '    ');
  writeFileSync(file, `services:\n  web:\n${indented}`);
  const applied = await cluster.berth('apply', '-f', file, '--wait', '--timeout', String(A_WHILE_MS / 1000));
  expect(applied).toMatchObject({
    code: 4,
    stderr: expect.stringMatching(/web @1 2\/2 paused[^]*web: paused until .*: not now/),
  });
  expect(await cluster.containers()).toEqual(before);
  expect(await berth('services')).toMatch(/web +replicated +2\/2 +@1 +paused[^]*web: paused until .*Z by .*: not now/);
  await berth('resume', 'web');
  await cluster.steady('web', 2, 60_000);
  const after = await cluster.running(3);
  expect(after.filter(({ id }) => before.some((old) => old.id === id))).toEqual([]);

  await berth('pause', 'web', '--for', '4s');
  await berth('rm', 'web');
  expect((await cluster.containers()).map(({ id }) => id)).toEqual(after.map(({ id }) => id));
  await cluster.running(0, 60_000);
}, 120_000);

test('on a paused host nothing comes and nothing goes, whatever is done to it by hand', async () => {
  await cluster.put('web', `${IDLE}deploy: { replicas: 2 }\n`);
  const [first, second] = await cluster.running(2);
  await cluster.steady('web', 1);
  await berth('pause', 'h1', '--for', '1h');
  await isTold('host', 'h1');
  await docker('rm', '-f', first!.id);
  await docker('stop', '-t', '0', second!.id);
  await cluster.put('web', `${IDLE}deploy: { replicas: 5 }\n`);
  await cluster.put('api', IDLE);
  await sleep(A_WHILE_MS);
  expect((await cluster.containers()).map(({ id, state }) => `${id} ${state}`)).toEqual([`${second!.id} exited`]);
  expect(await berth('hosts')).toMatch(/h1 +paused[^]*h1: paused until/);
  expect((await cluster.serviceStatus('api'))!.unplaced[0]!.reason).toMatch(/^paused until/);
  // To pause again changes the end.
  await berth('pause', 'h1', '--for', '2s');
  await cluster.running(6, 60_000);
}, 120_000);

test('a name that is not there, one that is two things, and what is not paused', async () => {
  await cluster.put('h1', IDLE);
  await cluster.running(1);
  expect(await cluster.berth('pause', 'hh1')).toMatchObject({
    ...{ code: 1, stderr: expect.stringContaining('There is no host, service or instance "hh1" (did you mean "h1"?)') },
  });
  expect(await cluster.berth('pause', 'h1')).toMatchObject({ code: 1, stderr: expect.stringContaining('--kind host') });
  expect(await cluster.berth('resume', 'h1')).toMatchObject({ code: 1, stderr: expect.stringContaining('no pause') });
  expect(await cluster.berth('pause', 'h1', '--kind', 'pod')).toMatchObject({ code: 64 });
  expect(await cluster.berth('pause', 'h1', '--for', 'ever')).toMatchObject({ code: 64 });
  await cluster.etcd.put(cluster.keys.pause('service', 'h1'), 'until noon');
  await until('the garbage to be told', async () => (await cluster.berth('pauses')).stdout.includes('[json-syntax]'));
  expect(await berth('services')).toContain(`h1: ${cluster.keys.pause('service', 'h1')}: not JSON`);
  expect(await states()).toBe('running');
}, 60_000);
