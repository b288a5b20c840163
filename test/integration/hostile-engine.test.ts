/** A Docker Engine that is restarted, killed or hangs, under the real agent. G1, G2. */
import { HostileHost, QUIET } from '../support/hostile-host';
import { sleep, until } from '../support/wait';

jest.setTimeout(180_000);

let host: HostileHost;
afterEach(() => host.stop(), 60_000);

const begin = async (liveRestore: boolean): ReturnType<HostileHost['running']> => {
  host = await HostileHost.start({ liveRestore });
  await host.cluster.put('web', `${QUIET}deploy: { replicas: 5 }\n`);
  const runs = await host.running(5);
  await host.cluster.steady('web', 1);
  return runs;
};

const notice = (): Promise<unknown> => until('the agent to notice', async () => !(await host.isDockerConnected()));
const comeBack = (): Promise<unknown> => until('the agent to be back', () => host.isDockerConnected(), 60_000);

describe.each(['SIGTERM', 'SIGKILL'] as const)('an engine that ends by %s and comes back', (signal) => {
  test('with live-restore: containers go on, and the agent adopts them without one call that changes anything', async () => {
    const before = await begin(true);
    await host.endEngine(signal);
    await notice();
    const status = await until('the status to say so', async () => {
      const seen = await host.cluster.hostStatus();
      return seen?.problems.some(({ rule }) => rule === 'docker-unavailable') === true && seen;
    });
    expect(Object.keys(status.instances)).toHaveLength(5);
    for (const { pid } of before) expect(() => process.kill(pid, 0)).not.toThrow();
    await host.startEngine();
    await comeBack();
    await sleep(3000);
    expect(await host.runs()).toEqual(before);
    expect(await host.steps('start')).toBe(0);
    expect(await host.steps('create')).toBe(5);
    // It looks after them as before.
    await host.docker('kill', before[0]!.id);
    await host.running(5);
    // A pass counts its steps at its end.
    await until('the start to be counted', async () => (await host.steps('start')) === 1);
  });
});

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'an engine that ends by %s, without live-restore: each container is started again by the agent, once',
  async (signal) => {
    const before = await begin(false);
    await host.endEngine(signal);
    await notice();
    // Told to end, it stops its containers: none is started again while it does.
    expect(await host.steps('start')).toBe(0);
    await host.startEngine();
    const after = await host.running(5);
    expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    await sleep(5000);
    expect(await host.runs()).toEqual(after);
    expect(await host.steps('start')).toBe(5);
    expect(await host.steps('create')).toBe(5);
  },
);

test('an engine that hangs: every call has an end, the agent says so and goes on with all else; then all comes right', async () => {
  const before = await begin(true);
  host.freezeEngine(true);
  // Something to do, so that it asks.
  await host.cluster.put('job', QUIET);
  await notice();
  await until('the status to say so', async () =>
    (await host.cluster.hostStatus())?.problems.some(({ message }) => /did not answer/.test(message)),
  );
  // Deadlines pass again and again; nothing piles up.
  await sleep(25_000);
  expect(await host.metrics()).toContain('berth_agent_docker_connected 0');
  expect(await host.cluster.metric(host.cluster.agentHttp[0]!, 'berth_agent_etcd_connected')).toBe(1);
  for (const { pid } of before) expect(() => process.kill(pid, 0)).not.toThrow();
  host.freezeEngine(false);
  await comeBack();
  const after = await host.running(6);
  expect(after.filter(({ instance }) => instance.startsWith('web-'))).toEqual(before);
  expect(await host.steps('create')).toBe(6);
  expect(await host.steps('start')).toBe(0);
});
