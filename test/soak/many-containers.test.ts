/** 300 containers on one host: made, kept and left alone. G2, G6. */
import { HostileHost, QUIET } from '../support/hostile-host';
import { startDockerProxy } from '../support/docker-proxy';
import { sleep, until } from '../support/wait';

const COUNT = 300;
/** A guard against a hang: two cores that others use too make a few a second. */
const MADE_MS = 240_000;

let host: HostileHost;
afterAll(() => host.stop(), 120_000);

test('300 containers run; one that is killed comes back, and an agent that starts again touches none', async () => {
  host = await HostileHost.start();
  await host.cluster.put('web', `${QUIET}deploy: { replicas: ${COUNT} }\n`);
  const before = await host.running(COUNT, MADE_MS);
  await host.cluster.steady('web', 1, MADE_MS);
  expect(await host.steps('create')).toBe(COUNT);

  await host.docker('kill', before[7]!.id);
  const repaired = await host.running(COUNT);
  expect(repaired.filter(({ startedAt }, index) => startedAt !== before[index]!.startedAt)).toHaveLength(1);
  expect(repaired.map(({ id }) => id)).toEqual(before.map(({ id }) => id));

  await host.agent.end('SIGKILL');
  const proxy = await startDockerProxy(host.address.slice('unix://'.length));
  try {
    await host.agent.start('--docker', proxy.address);
    await until('the agent to look', () => proxy.calls.some(({ path }) => path === '/containers/json'));
    await sleep(5000);
    expect(proxy.mutatingCalls).toEqual([]);
    expect(await host.runs()).toEqual(repaired);
  } finally {
    await host.agent.end('SIGKILL');
    await proxy.stop();
  }
}, 600_000);
