/** A host that is cut off from etcd by its network, on a real Docker Engine: x-berth.on_disconnect. */
import { Cluster } from '../support/cluster';
import { IDLE } from '../support/docker';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy';
import { sleep, until } from '../support/wait';

const TTL_MS = 2000;
const STOP_AFTER_MS = 6000;

let cluster: Cluster;
/** Between the agent and etcd. */
let network: TcpProxy;
beforeEach(async () => {
  cluster = await Cluster.start();
  network = await startTcpProxy(cluster.etcd.endpoint);
  await cluster.agents[0]!.end('SIGTERM');
  await cluster.agents[0]!.start('--etcd', network.endpoint);
}, 60_000);
afterEach(async () => {
  await network.stop();
  await cluster.stop();
}, 60_000);

async function stateOf(service: string): Promise<string> {
  const found = (await cluster.containers()).find(({ instance }) => instance.startsWith(`${service}-`));
  return `${found?.id} ${found?.state}`;
}
const untilState = (service: string, state: string, timeoutMs?: number): Promise<string> =>
  until(
    `${service} to be ${state}`,
    async () => {
      const seen = await stateOf(service);
      if (seen.endsWith(` ${state}`)) return seen;
      throw new Error(seen);
    },
    timeoutMs,
  );

test('stop_after: its instances stop in time, stay down with a new agent, and come back with etcd; others run on', async () => {
  await cluster.put('web', `${IDLE}x-berth: { on_disconnect: { stop_after: ${STOP_AFTER_MS / 1000}s } }\n`);
  await cluster.put('keep', IDLE);
  await cluster.running(2);
  for (const service of ['web', 'keep']) await cluster.steady(service, 1);
  const [web, keep] = [await stateOf('web'), await stateOf('keep')];
  // Nobody decides anything meanwhile: what happens is the host's own doing.
  await cluster.coordinators[0]!.end('SIGKILL');

  const cutMs = performance.now();
  network.blackhole();
  await untilState('web', 'exited', 30_000);
  const tookMs = performance.now() - cutMs;
  expect(tookMs).toBeGreaterThan(STOP_AFTER_MS - TTL_MS);
  expect(tookMs).toBeLessThan(STOP_AFTER_MS + 3000);
  expect(await stateOf('keep')).toBe(keep);

  await cluster.agents[0]!.end('SIGKILL');
  await cluster.agents[0]!.start('--etcd', network.endpoint);
  await sleep(4000);
  expect(await stateOf('web')).toBe(web.replace('running', 'exited'));
  const local = await cluster.berth('agent', 'status', '--socket', cluster.socketOf('h1'));
  expect(local.stdout).toMatch(/^web-.* stopped .*cut off from etcd for longer than 6 s/m);

  network.heal();
  network.cut();
  expect(await untilState('web', 'running', 60_000)).toBe(web);
  expect(await stateOf('keep')).toBe(keep);
}, 150_000);
