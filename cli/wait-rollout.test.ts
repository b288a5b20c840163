/** What `--wait` says of each phase of a rollout, and how it ends when one fails. */
import type { Rollout } from '../lib/documents/types';
import type { ListedInstance, ListedService } from '../lib/rpc/types';
import { FRESH, listedInstance, listedService } from '../test/support/fake-coordinator';
import { waitFor } from './wait';

const MOVE: Rollout = {
  ...{ from: 1, to: 2, phase: 'moving', reason: '', isRollback: false, failedRelease: 0, failedRevision: 0 },
  ...{ startedAtMs: 1, phaseSinceMs: 1, nextBatchAtMs: 0, watched: {}, failures: {}, moved: 0, total: 0 },
  ...{ promoted: false, beforeDone: false, job: '', asked: '', question: 0, asks: 0, lastExits: {}, noDigest: {} },
};

const status = (change: Partial<ListedService['status']>, move?: Partial<Rollout>, name = 'web'): ListedService =>
  listedService(name, {
    ...{ currentRelease: 1, targetRelease: 2, rollout: 'rolling', wanted: 3, placed: 3, running: 3 },
    ...(move && { move: { ...MOVE, ...move } }),
    ...change,
  });
const LANDED = status({ currentRelease: 2, rollout: 'steady' });

interface Look {
  readonly services: readonly ListedService[];
  readonly instances?: readonly ListedInstance[];
}

async function waited(
  looks: readonly Look[],
  options: { targets?: ReadonlyMap<string, number>; timeoutMs?: number; quietMs?: number } = {},
) {
  let asked = 0;
  let now: Look = { services: [] };
  const lines: string[] = [];
  const client = {
    listServices: async () => {
      now = looks[Math.min(asked++, looks.length - 1)]!;
      return { services: now.services, alarms: [], freshness: FRESH };
    },
    listInstances: async () => ({ instances: now.instances ?? [], freshness: FRESH }),
  };
  const services = looks[0]!.services.map(({ name }) => name);
  const say = (line: string): void => void lines.push(line.replace(/^ {2}[\d.]+ s: /, ''));
  try {
    await waitFor({ client, services, timeoutMs: 5000, say, pollMs: 1, ...options });
    return { lines, exitCode: 0, message: '' };
  } catch (error) {
    const { exitCode, message } = error as { exitCode: number; message: string };
    return { lines, exitCode, message };
  }
}

test.each<[string, Partial<Rollout>, string]>([
  ['resolving', { to: 0, reason: 'h1 is asked what web:2 is' }, 'web resolving: h1 is asked what web:2 is'],
  ['waiting', { reason: 'waits for db, which is rolling' }, 'web @2 waits for db, which is rolling'],
  ['waiting', {}, 'web @2 waiting'],
  ['before', { reason: 'the job web-0-x runs on h2' }, 'web @2 before: the job web-0-x runs on h2'],
  ['prefetching', { reason: '2 of 3 hosts have the image' }, 'web @2 prefetching: 2 of 3 hosts have the image'],
  ['canary', { reason: 'waits for "berth promote web"' }, 'web @2 canary: waits for "berth promote web"'],
  ['moving', { moved: 4, total: 20 }, 'web @2 moving 4/20'],
])('%s', async (phase, move, line) => {
  expect(await waited([{ services: [status({}, { phase, ...move })] }, { services: [LANDED] }])).toEqual({
    ...{ exitCode: 0, message: '', lines: [line, 'web @2 3/3'] },
  });
});

test('of several services, each change has its line', async () => {
  const db = status({ currentRelease: 2, rollout: 'steady' }, undefined, 'db');
  const looks = [
    {
      services: [
        status({}, { phase: 'waiting', reason: 'for db' }),
        status({ running: 2 }, { moved: 1, total: 3 }, 'db'),
      ],
    },
    { services: [status({}, { phase: 'waiting', reason: 'for db' }), db] },
    { services: [status({}, { moved: 1, total: 3 }), db] },
    { services: [LANDED, db] },
  ];
  expect((await waited(looks)).lines).toEqual([
    'web @2 waiting: for db',
    'db @2 moving 1/3',
    'db @2 3/3',
    'web @2 moving 1/3',
    'web @2 3/3',
  ]);
});

const CRASHED = listedInstance(
  'web-2-x',
  {
    phase: 'BACKOFF',
    reason: 'exited with code 3',
    lastExit: { code: 3, oomKilled: false, atMs: 1, signal: '', log: ['no config', '\u001b[31mbye'] },
  },
  { host: 'h2' },
);

test('a rollout that is rolled back ends with 3, why, and what the instances said last, though they are gone', async () => {
  const failures = { 'web-2-x': 'on h2: exited with code 3', 'web-3-y': 'on h3: exited with code 1' };
  const lastExits = { 'web-3-y': { code: 1, oomKilled: false, atMs: 1, signal: '', log: ['no disk'] } };
  const reason = 'web@2 failed: 2 instances, the first of them web-2-x';
  const back = { phase: 'rolled-back', reason, failedRelease: 2, failures, lastExits };
  const looks: Look[] = [
    { services: [status({}, { moved: 1, total: 3 })], instances: [CRASHED] },
    { services: [status({}, { moved: 1, total: 3 })], instances: [CRASHED] },
    { services: [status({}, { to: 1, isRollback: true, failedRelease: 2, moved: 0, total: 2 })] },
    { services: [status({ targetRelease: 1, rollout: 'rolled-back' }, back)] },
  ];
  expect(await waited(looks)).toEqual({
    exitCode: 3,
    lines: [
      'web @2 moving 1/3',
      'web-2-x on h2: backoff: exited with code 3\n    | no config\n    | \ufffd[31mbye',
      'web goes back to @1: moving 0/2',
    ],
    message: `web@2 failed and was rolled back to @1: 2 instances, the first of them web-2-x
  web-2-x on h2: backoff: exited with code 3
    | no config
    | \ufffd[31mbye
  web-3-y on h3: exited with code 1
    | no disk
"berth why web" tells more.`,
  });
});

test('a log is shown once, also when its instance fails again and again', async () => {
  const again = { ...CRASHED, status: { ...CRASHED.status, reason: 'exited with code 3; starts again' } };
  const looks = [CRASHED, again, CRASHED].map((one) => ({ services: [status({})], instances: [one] }));
  const { lines } = await waited([...looks, { services: [LANDED] }]);
  expect(lines.filter((line) => line.includes('|'))).toHaveLength(1);
  expect(lines).toHaveLength(5);
});

test('one that stopped ends with 3 when the others are through, or wait for it', async () => {
  const stopped = status({ rollout: 'failed' }, { phase: 'stopped', reason: 'the job exited with 1' }, 'db');
  const looks: Look[] = [
    { services: [status({}, { moved: 1, total: 3 }), stopped] },
    { services: [status({}, { phase: 'waiting', reason: 'for db' }), stopped] },
  ];
  const { exitCode, message, lines } = await waited(looks);
  expect(exitCode).toBe(3);
  expect(lines).toContain('web @2 moving 1/3');
  expect(message).toBe('db@2 failed and stopped where it was: the job exited with 1\n"berth why db" tells more.');
});

test('an older failure says nothing of a rollback that was asked for', async () => {
  const rest = { currentRelease: 1, targetRelease: 1, rollout: 'rolled-back' };
  const looks: Look[] = [
    {
      services: [status({ ...rest, currentRelease: 3, targetRelease: 3 }, { phase: 'rolled-back', failedRelease: 4 })],
    },
    { services: [status(rest, { phase: 'rolled-back', failedRelease: 4 })] },
  ];
  expect(await waited(looks, { targets: new Map([['web', 1]]) })).toMatchObject({
    exitCode: 0,
    lines: ['web @3 3/3', 'web @1 3/3'],
  });
});

test('a frozen service waits until the time is up, and says so', async () => {
  const frozen = status({ frozen: 'frozen by ann@ops: audit' });
  const { exitCode, lines, message } = await waited([{ services: [frozen] }], { timeoutMs: 20 });
  expect({ exitCode, lines }).toEqual({
    exitCode: 4,
    lines: ['web @2 3/3, from @1', 'web: frozen by ann@ops: audit'],
  });
  expect(message).toContain('\n  web: frozen by ann@ops: audit\n');
});

test('a frozen service that is at rest is not done: what was written meanwhile waits', async () => {
  const frozen = { ...LANDED, status: { ...LANDED.status, frozen: 'frozen by ann@ops: audit' } };
  expect(await waited([{ services: [frozen] }], { timeoutMs: 20 })).toMatchObject({ exitCode: 4 });
  expect(await waited([{ services: [frozen] }, { services: [LANDED] }])).toMatchObject({ exitCode: 0 });
});

test('of a first release, those that run are counted', async () => {
  const first = status({ currentRelease: 0, running: 1 }, { from: 0, moved: 3, total: 3 });
  expect((await waited([{ services: [first] }, { services: [LANDED] }])).lines).toEqual([
    'web @2 moving 1/3',
    'web @2 3/3',
  ]);
});

test('an instance that fails is told of once, and a job that has done its work not at all', async () => {
  const failures = { 'web-2-x': 'on h2: exited with code 3, after it said: bye' };
  const job = listedInstance('web-0-j', {
    ...{ phase: 'STOPPED', reason: 'it has run', slot: 0 },
    lastExit: { code: 0, oomKilled: false, atMs: 1, signal: '', log: [] },
  });
  const look = { services: [status({}, { moved: 1, total: 3, failures })], instances: [job, CRASHED] };
  expect((await waited([look, { services: [LANDED] }])).lines).toEqual([
    'web @2 moving 1/3',
    expect.stringMatching(/^web-2-x on h2: backoff: exited with code 3\n/),
    'web @2 3/3',
  ]);
});

test('without news for long, what is still waited for is said again, and who tells more at the end', async () => {
  const slow = { services: [status({}, { moved: 1, total: 3 }), status({ rollout: 'steady' }, undefined, 'db')] };
  const db = { ...LANDED, name: 'db' };
  const { lines, message } = await waited([slow, { services: [slow.services[0]!, db] }], {
    ...{ timeoutMs: 60, quietMs: 5 },
  });
  expect(lines).toContain('still: web @2 moving 1/3');
  expect(lines.filter((line) => line.startsWith('still: db'))).toEqual([]);
  expect(message).toMatch(/\n"berth why web" tells more\.$/);
});

test('an instance that is restarted again and again, and is well in between, has no other line for each time', async () => {
  const failures = { 'web-2-x': 'on h2: exited with code 3' };
  const between = { services: [status({}, { moved: 1, total: 3, failures })], instances: [] };
  const down = { ...between, instances: [CRASHED] };
  const { lines } = await waited([down, between, down, between, { services: [LANDED] }]);
  expect(lines).toEqual([
    'web @2 moving 1/3',
    ...Array(2).fill(expect.stringMatching(/^web-2-x on h2: backoff/)),
    'web @2 3/3',
  ]);
});
