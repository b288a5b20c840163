import type { Probe, Release } from '../../lib/documents/types';
import { specHash } from '../../lib/release/spec-hash';
import { containerOf } from '../../test/support/actual';
import { desiredOf, releaseOf } from '../../test/support/desired';
import { createFakeClock, type FakeClock } from '../../test/support/fake-clock';
import { recordLog, type LogLine } from '../../test/support/recorded-log';
import type { Probes } from '../probes/probes';
import type { ActualContainer, Desired } from '../plan/types';
import { SUCCESS, type Outcome } from './outcome';
import { createProber } from './prober';

const FAILURE: Outcome = { result: 'failure', reason: 'connection refused' };
const TCP: Probe = {
  ...{ tcp: { port: 80 }, intervalMs: 1000, timeoutMs: 500, startPeriodMs: 0, failures: 2, successes: 1 },
};
const HANGS = 'hangs';

let clock: FakeClock;
let prober: Probes;
let lines: readonly LogLine[];
let tries: { readonly id: string; readonly atMs: number }[];
let inFlight: Map<string, number>;
let mostInFlight: number;
let wakes: number;
/** What a try of a container comes to. */
let answers: Map<string, Outcome | typeof HANGS>;
let seed: number;

function start(): Probes {
  const { log, lines: recorded } = recordLog(clock);
  lines = recorded;
  prober = createProber({
    ...{ clock, log, random: () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647 },
    tryProbe: async (_, { containerId: id }, signal) => {
      tries.push({ id, atMs: clock.monotonicMs() });
      inFlight.set(id, (inFlight.get(id) ?? 0) + 1);
      expect(inFlight.get(id)).toBe(1);
      mostInFlight = Math.max(mostInFlight, inFlight.size);
      const answer = answers.get(id) ?? SUCCESS;
      const end = new Promise((resolve) => {
        if (answer === HANGS) signal.addEventListener('abort', resolve);
        else clock.after(1, () => resolve(undefined));
      });
      await end;
      inFlight.delete(id);
      return answer === HANGS ? { result: 'timeout', reason: 'no answer' } : answer;
    },
  });
  prober.watch(() => wakes++);
  return prober;
}

beforeEach(() => {
  clock = createFakeClock();
  [tries, inFlight, mostInFlight, wakes, answers, seed] = [[], new Map(), 0, 0, new Map(), 42];
  start();
});
afterEach(() => prober.close());

const releaseWith = (probe: Probe | undefined): Release => {
  const release = releaseOf('web');
  return { ...release, deploy: { ...release.deploy, ...(probe !== undefined && { probe }) } };
};
const WEB = releaseWith(TCP);
const container = (id: string, changes: Partial<ActualContainer> = {}): ActualContainer =>
  containerOf({
    ...{ id, instance: `web-${id}`, state: 'running', spec: specHash(WEB.container), address: '172.17.0.2' },
    ...{ startedAtMs: 5, ranForMs: 0, ...changes },
  });
const wanting = (release: Release, ids: readonly string[]): Desired =>
  desiredOf(Object.fromEntries(ids.map((id) => [`web-${id}`, release])));

/** Its release is not read yet. */
const unread = (id: string): Desired => {
  const wanted = { service: 'web', slot: 1, release: 2, hash: '', config: {}, before: false };
  return { ...desiredOf({}), instances: new Map([[`web-${id}`, wanted]]) };
};

/** @returns the health of each, in their order */
function follow(containers: readonly ActualContainer[], release: Release | Desired = WEB): readonly string[] {
  const ids = containers.map(({ id }) => id);
  const desired = 'instances' in release ? release : wanting(release, ids);
  const judged = prober.follow(new Map(containers.map((one) => [one.instance, [one]])), desired);
  return containers.map(({ instance }) => judged.get(instance)![0]!.health);
}
const after = async (ms: number, ...request: Parameters<typeof follow>): Promise<string> => {
  await clock.advance(ms);
  return follow(...request).join();
};
const triesOf = (id: string): readonly number[] => tries.filter((one) => one.id === id).map(({ atMs }) => atMs);

test('a flip wakes the loop, and is logged with its reason', async () => {
  const a = container('a');
  expect(follow([a])).toEqual(['starting']);
  expect(await after(100, [a])).toBe('healthy');
  answers.set('a', FAILURE);
  expect(await after(4000, [a])).toBe('unhealthy');
  const [judged] = prober.follow(new Map([[a.instance, [a]]]), wanting(WEB, ['a'])).get(a.instance)!;
  expect(judged!.healthReason).toBe('TCP 172.17.0.2:80: connection refused');
  expect(lines.map(({ level, message, fields }) => [level, message, fields['from'], fields['reason']])).toEqual([
    ['info', 'web-a is healthy', 'starting', ''],
    ['warn', 'web-a is unhealthy', 'healthy', 'TCP 172.17.0.2:80: connection refused'],
  ]);
  expect(wakes).toBe(2);
});

test('what has just been started is known to be healthy soon after it answers, not after an interval', async () => {
  const a = container('a');
  answers.set('a', FAILURE);
  follow([a]);
  await clock.advance(300);
  answers.set('a', SUCCESS);
  expect(await after(300, [a])).toBe('healthy');
});

test('what hangs is given up at the timeout and waits for itself alone (G6)', async () => {
  const ids = Array.from({ length: 200 }, (_, index) => `c${index}`);
  for (const id of ids.slice(1)) answers.set(id, HANGS);
  const containers = ids.map((id) => container(id, { ranForMs: 1e6 }));
  follow(containers);
  await clock.advance(20_000);
  // One second of interval and a turn that may have to be waited for.
  expect(triesOf('c0').length).toBeGreaterThan(14);
  expect(triesOf('c1').length).toBeGreaterThan(9);
  const healths = follow(containers);
  expect(healths[0]).toBe('healthy');
  expect(new Set(healths.slice(1))).toEqual(new Set(['unhealthy']));
  expect(lines.find(({ fields }) => fields['instance'] === 'web-c1')!.fields['reason']).toMatch(
    /no answer within 0.5 s$/,
  );
});

test('200 that are adopted together do not fire at once, and spread over the interval', async () => {
  const ids = Array.from({ length: 200 }, (_, index) => `c${index}`);
  follow(ids.map((id) => container(id, { ranForMs: 1e6 })));
  await clock.advance(1100);
  expect(new Set(tries.map(({ id }) => id)).size).toBe(200);
  expect(mostInFlight).toBeLessThanOrEqual(32);
  tries = [];
  await clock.advance(10_000);
  const perTenth = Array.from({ length: 100 }, () => 0);
  const fromMs = clock.monotonicMs() - 10_000;
  for (const { atMs } of tries) perTenth[Math.min(99, Math.floor((atMs - fromMs) / 100))]!++;
  // 20 on the average.
  expect(Math.max(...perTenth)).toBeLessThan(50);
  expect(Math.min(...perTenth)).toBeGreaterThan(2);
}, 60_000);

describe('a run', () => {
  test('that begins anew is starting', async () => {
    follow([container('a')]);
    expect(await after(100, [container('a')])).toBe('healthy');
    expect(await after(0, [container('a', { startedAtMs: 6 })])).toBe('starting');
  });

  test('that ran before the agent is healthy after one success, or unhealthy after its failures', async () => {
    const release = releaseWith({ ...TCP, successes: 5, startPeriodMs: 10_000 });
    const both = ['a', 'b'].map((id) => container(id, { ranForMs: 60_000 }));
    answers.set('b', FAILURE);
    expect(follow(both, release).join()).toBe('starting,starting');
    expect(await after(100, both, release)).toBe('healthy,starting');
    expect(await after(1200, both, release)).toBe('healthy,unhealthy');
  });

  test('of which Docker says no more than that it runs is the one that it was', async () => {
    follow([container('a')]);
    expect(await after(100, [container('a', { startedAtMs: 0, address: '' })])).toBe('healthy');
    expect(await after(5000, [container('a')])).toBe('healthy');
    expect(triesOf('a').length).toBeGreaterThan(4);
    expect(follow([container('b', { startedAtMs: 0, address: '' })]).join()).toBe('starting');
  });

  test('is not tried while it is paused, and is starting afterwards', async () => {
    follow([container('a')]);
    await clock.advance(100);
    expect(follow([container('a', { state: 'paused' })]).join()).toBe('starting');
    const count = tries.length;
    await clock.advance(60_000);
    expect(tries.length).toBe(count);
    expect(follow([container('a')]).join()).toBe('starting');
    expect(await after(100, [container('a')])).toBe('healthy');
  });

  test('that is over is not tried, and a try that is under way says nothing', async () => {
    answers.set('a', HANGS);
    follow([container('a', { ranForMs: 1e6 })]);
    await clock.advance(100);
    expect(inFlight.size).toBe(1);
    expect(follow([container('a', { state: 'exited' })]).join()).toBe('none');
    await clock.advance(60_000);
    expect([tries.length, inFlight.size, clock.pending]).toEqual([1, 0, 0]);
  });
});

describe('a probe', () => {
  const other = releaseWith({ ...TCP, tcp: { port: 81 } });

  test('that changes begins anew and leaves a healthy one healthy', async () => {
    follow([container('a')]);
    await clock.advance(100);
    const count = tries.length;
    answers.set('a', FAILURE);
    expect(follow([container('a')], other).join()).toBe('healthy');
    await clock.advance(60);
    expect(tries.length).toBe(count + 1);
    expect(await after(4000, [container('a')], other)).toBe('unhealthy');
  });

  test('that changes is a new chance for an unhealthy one', async () => {
    answers.set('a', FAILURE);
    follow([container('a', { ranForMs: 1e6 })]);
    expect(await after(4000, [container('a')])).toBe('unhealthy');
    expect(follow([container('a')], other).join()).toBe('starting');
  });

  test('that is new leaves a container as it was; one that goes leaves it to Docker', async () => {
    expect(follow([container('a')], releaseWith(undefined)).join()).toBe('none');
    expect(follow([container('a')]).join()).toBe('healthy');
    expect(follow([container('a', { health: 'unhealthy' })], releaseWith(undefined)).join()).toBe('unhealthy');
    expect(follow([container('a', { health: 'unhealthy' })]).join()).toBe('starting');
  });

  test('counts, and not what the health check of Docker says beside it', async () => {
    follow([container('a', { health: 'unhealthy' })]);
    expect(await after(100, [container('a', { health: 'unhealthy' })])).toBe('healthy');
  });

  test('of an instance whose release is not read yet is waited for, and what had none serves on', async () => {
    expect(follow([container('a')], unread('a')).join()).toBe('starting');
    answers.set('a', FAILURE);
    expect(await after(500, [container('a')])).toBe('starting');
    expect(await after(4000, [container('a')])).toBe('unhealthy');
    expect(follow([container('b')], releaseWith(undefined)).join()).toBe('none');
    expect(follow([container('b')], unread('b')).join()).toBe('none');
  });

  test('of its release is asked, also by a new agent, of what only has another config than is wanted', async () => {
    const other = { ...WEB, container: { ...WEB.container, environment: { A: 'b' } } };
    const desired = wanting(other, ['a']);
    answers.set('a', FAILURE);
    expect(follow([container('a', { release: other.number })], desired).join()).toBe('starting');
    expect(await after(4000, [container('a', { release: other.number })], desired)).toBe('unhealthy');
    // Of another release nobody knows.
    expect(follow([container('b', { release: other.number + 1 })], wanting(other, ['b'])).join()).toBe('none');
  });

  test.each<[string, Desired]>([
    ['is held', desiredOf({}, { held: new Set(['web-a']) })],
    ['is not wanted any more', desiredOf({})],
    ['is to be replaced', wanting({ ...WEB, container: { ...WEB.container, image: 'web:2' } }, ['a'])],
    ['has a release that can not be read', desiredOf({ 'web-a': 'unreadable' })],
  ])('goes on as it was for an instance that %s', async (_, desired) => {
    follow([container('a')]);
    await clock.advance(100);
    answers.set('a', FAILURE);
    expect(await after(0, [container('a')], desired)).toBe('healthy');
    expect(await after(4000, [container('a')], desired)).toBe('unhealthy');
  });
});

describe('no fault of the container', () => {
  test('a try that could not be made does not count', async () => {
    answers.set('a', { result: 'untried', reason: 'Docker does not answer' });
    follow([container('a', { ranForMs: 1e6 })]);
    expect(await after(60_000, [container('a')])).toBe('starting');
    expect(tries.length).toBeGreaterThan(50);
  });

  test('an agent that stood still gives a try its time once more', async () => {
    const release = releaseWith({ ...TCP, failures: 1 });
    answers.set('a', HANGS);
    follow([container('a', { ranForMs: 1e6 })], release);
    await clock.advance(60);
    clock.jump(10_000);
    expect(await after(400, [container('a')], release)).toBe('starting');
    expect(await after(200, [container('a')], release)).toBe('unhealthy');
  });
});

test('a closed prober leaves no timer and no try', async () => {
  answers.set('a', HANGS);
  follow(['a', 'b'].map((id) => container(id)));
  await clock.advance(100);
  prober.close();
  await clock.advance(200);
  expect([clock.pending, inFlight.size]).toEqual([0, 0]);
});
