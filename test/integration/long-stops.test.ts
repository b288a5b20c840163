/** More stops that take an hour than have places at once, on a real Docker Engine. G6. */
import type { InstanceStatus } from '../../lib/documents/types';
import { HostileHost, QUIET } from '../support/hostile-host';
import { until } from '../support/wait';

/** Each more than the 64 that begin at once. */
const COUNT = 70;
/** A guard against a hang: two cores that others use too make a few containers a second. */
const MADE_MS = 180_000;
const PATIENCE_MS = 60_000;

let host: HostileHost;
beforeAll(async () => (host = await HostileHost.start()), 120_000);
afterAll(() => host.stop(), 120_000);

const replicas = (count: number): string => `deploy: { replicas: ${count} }\n`;
const DRAINS = `${QUIET}x-berth: { drain: 1h }\n${replicas(COUNT)}`;
const STUBBORN =
  'image: berth-test/busybox:1\nnetwork_mode: none\nstop_grace_period: 1h\n' +
  `command: ["sh", "-c", "trap '' TERM; while :; do sleep 1000; done"]\n${replicas(COUNT)}`;

async function instancesOf(service: string): Promise<readonly InstanceStatus[]> {
  const status = await host.cluster.hostStatus();
  return Object.values(status?.instances ?? {}).filter((one) => one.service === service);
}
/** Whether each has got as far, which the status tells of a step that has begun. */
async function areAll(service: string, progress: RegExp): Promise<boolean> {
  const seen = await instancesOf(service);
  return seen.length === COUNT && seen.every((one) => progress.test(one.progress));
}

test('70 drains and 70 grace periods of an hour begin, Docker answers on, and another instance stops and starts meanwhile', async () => {
  const { cluster } = host;
  await cluster.put('drains', DRAINS);
  await cluster.put('stubborn', STUBBORN);
  await cluster.put('web', QUIET + replicas(2));
  const before = await host.running(2 * COUNT + 2, MADE_MS);
  await cluster.steady('drains', 1, PATIENCE_MS);
  await cluster.steady('stubborn', 1, PATIENCE_MS);

  await cluster.remove('drains');
  await cluster.remove('stubborn');
  await until('every drain', () => areAll('drains', /^drain wait of 3600 s/), PATIENCE_MS);
  await until('every stop', () => areAll('stubborn', /^stop signal sent; SIGKILL after 3600 s/), PATIENCE_MS);

  await cluster.put('web', QUIET + replicas(1));
  const left = await host.running(2 * COUNT + 1);
  // None of those that take long has ended for it.
  const gone = before.filter(({ id }) => !left.some((one) => one.id === id));
  expect(gone.map(({ instance }) => instance)).toEqual([expect.stringMatching(/^web-/)]);
  await cluster.put('web', QUIET + replicas(3));
  await host.running(2 * COUNT + 3);
  expect(host.agent.output).not.toMatch(/Docker does not answer|failed/);
}, 480_000);
