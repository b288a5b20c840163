/** Commands about the releases of a service, against a coordinator that says what it is told to. */
import { emptyDocument } from '../lib/documents/codec';
import type { Rollout } from '../lib/documents/types';
import type { CoordinatorCalls, GetHistoryResponse, ListedRelease } from '../lib/rpc/types';
import { berth, FRESH, listedService } from '../test/support/fake-coordinator';

const DIGEST = 'sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef';
const ME = expect.stringMatching(/^\S+@\S+$/);
const MOVE: Rollout = {
  ...{ from: 2, to: 3, phase: 'moving', reason: '', isRollback: false, failedRelease: 0, failedRevision: 0 },
  ...{ startedAtMs: 1, phaseSinceMs: 1, nextBatchAtMs: 0, watched: {}, failures: {}, moved: 0, total: 0 },
  ...{ promoted: false, beforeDone: false, job: '', asked: '', question: 0, asks: 0, lastExits: {}, noDigest: {} },
};

function listed(number: number, more: Partial<ListedRelease> = {}): ListedRelease {
  return {
    ...{ number, createdAtMs: 1.8e12 + number * 60_000, author: 'ann@ops', image: `web:1.${number}`, digest: DIGEST },
    ...{ unpinnedReason: '', changes: ['container.image'], whole: true, reason: '' },
    ...more,
  };
}

function history(status: Partial<GetHistoryResponse['status']>, more: Partial<GetHistoryResponse> = {}) {
  const whole = { ...emptyDocument('ServiceStatus'), accepted: true, rollout: 'steady', ...status };
  const answer = { releases: [], unreadable: [], status: whole, freshness: FRESH, ...more };
  return { getHistory: async () => answer };
}

test('history: what is current, what is the target, what failed and what never was whole', async () => {
  const changes = [
    'container.image',
    'container.environment.A',
    'container.environment.B',
    'deploy.replicas',
    'x',
    'y',
  ];
  const releases = [
    listed(9, { author: '', changes }),
    listed(8, { digest: '', unpinnedReason: 'no registry knows web:1.8' }),
    listed(7, { whole: false, changes: ['config.LOG_LEVEL'] }),
    listed(6),
    listed(5, { whole: false, changes: [] }),
  ];
  const move = { ...MOVE, phase: 'canary', reason: 'waits to be promoted', failedRelease: 7 };
  const status = { currentRelease: 8, targetRelease: 9, rollout: 'rolling', move };
  expect(await berth(history(status, { releases, unreadable: [4] }), 'history', 'web')).toEqual({
    code: 0,
    stderr: '',
    stdout: `RELEASE   CUT                    BY        IMAGE     DIGEST                STATE            CHANGES
@9        2027-01-15T08:09:00Z   -         web:1.9   sha256:0123456789ab   target, canary   container.image, container.environment.A, container.environment.B, deploy.replicas, 2 more
@8        2027-01-15T08:08:00Z   ann@ops   web:1.8   unpinned              current          container.image
@7        2027-01-15T08:07:00Z   ann@ops   web:1.7   sha256:0123456789ab   failed           config.LOG_LEVEL
@6        2027-01-15T08:06:00Z   ann@ops   web:1.6   sha256:0123456789ab   -                container.image
@5        2027-01-15T08:05:00Z   ann@ops   web:1.5   sha256:0123456789ab   never whole      -

canary: waits to be promoted
@8 is unpinned: no registry knows web:1.8
@4 can not be read.
`,
  });
});

test('history: after a rollback', async () => {
  const rollback = { release: 2, insteadOf: 3, by: 'ann@ops', atMs: 1.8e12 };
  const status = {
    currentRelease: 2,
    targetRelease: 2,
    rollout: 'rolled-back',
    move: { ...MOVE, phase: 'rolled-back', failedRelease: 3, reason: '1 of 3 failed' },
  };
  const { stdout } = await berth(
    history(status, { releases: [listed(3, { whole: false }), listed(2)], rollback }),
    'history',
    'web',
  );
  expect(stdout).toMatch(/\n@3 .* failed, rolled back +container\.image\n@2 .* current +container/);
  expect(stdout).toContain(
    '\n\n@2 instead of @3, asked for by ann@ops at 2027-01-15T08:00:00Z: until another release is cut.\nrolled-back: 1 of 3 failed\n',
  );
});

test('history: nothing yet, and as JSON', async () => {
  expect((await berth(history({}), 'history', 'web')).stdout).toBe('web has no release yet.\n');
  const json = await berth(history({}, { releases: [listed(1)] }), 'history', 'web', '--json');
  expect(JSON.parse(json.stdout)).toMatchObject({ releases: [{ number: 1, digest: DIGEST }] });
});

type Asked = readonly unknown[];

/** @returns calls that note what they are asked */
function noting(
  asked: unknown[],
  answers: { [K in keyof CoordinatorCalls]?: Awaited<ReturnType<CoordinatorCalls[K]>> },
) {
  return Object.fromEntries(
    Object.entries(answers).map(([name, answer]) => [
      name,
      async (request: unknown) => {
        asked.push(request);
        return answer;
      },
    ]),
  );
}

const FREEZE = { reason: 'black friday', by: 'bob@ops', atMs: 1 };

test.each<[string, string[], Parameters<typeof noting>[1], Asked, string]>([
  [
    'rollback',
    ['rollback', 'web'],
    { rollback: { release: 6, from: 8 } },
    [{ service: 'web', release: 0, by: ME }],
    'web goes back from @8 to @6.\n"berth history web" and "berth ps web" show how it comes along.\n',
  ],
  [
    'rollback to a number',
    ['rollback', 'web', '--to', 'web@8'],
    { rollback: { release: 8, from: 6 } },
    [{ service: 'web', release: 8, by: ME }],
    'web goes from @6 to @8.\n"berth history web" and "berth ps web" show how it comes along.\n',
  ],
  [
    'promote',
    ['promote', 'web'],
    { promote: { release: 9 } },
    [{ service: 'web' }],
    'web@9 is promoted; the rest follows.\n',
  ],
  [
    'freeze of a service',
    ['freeze', 'web', '--reason', 'audit'],
    { changeFreeze: {} },
    [{ service: 'web', frozen: true, reason: 'audit', by: ME }],
    'web is frozen: nothing changes but repairs. "berth unfreeze web" ends it.\n',
  ],
  [
    'freeze of the cluster, again',
    ['freeze'],
    { changeFreeze: { before: FREEZE } },
    [{ service: '', frozen: true, reason: '', by: ME }],
    'The cluster was frozen already by bob@ops ("black friday"): nothing changes but repairs. "berth unfreeze" ends it.\n',
  ],
  [
    'unfreeze',
    ['unfreeze'],
    { changeFreeze: { before: FREEZE } },
    [{ service: '', frozen: false, reason: '', by: ME }],
    'The cluster is not frozen any more; what was asked for meanwhile is done now.\n',
  ],
  [
    'unfreeze of what is not',
    ['unfreeze', 'web'],
    { changeFreeze: {} },
    [{ service: 'web', frozen: false, reason: '', by: ME }],
    'web was not frozen.\n',
  ],
  [
    'scale',
    ['scale', 'web=5', 'worker=2'],
    {
      scale: {
        services: [
          { service: 'web', before: 3, replicas: 5, held: '' },
          { service: 'worker', before: 2, replicas: 2, held: '' },
        ],
      },
    },
    [
      {
        services: [
          { service: 'web', replicas: 5 },
          { service: 'worker', replicas: 2 },
        ],
        by: ME,
      },
    ],
    'web      3 → 5\nworker   2, as before\n',
  ],
])('%s', async (_, args, answers, requests, stdout) => {
  const asked: unknown[] = [];
  expect(await berth(noting(asked, answers), ...args)).toEqual({ code: 0, stderr: '', stdout });
  expect(asked).toEqual(requests);
});

test('what holds a change up is a warning', async () => {
  const held = 'web: frozen by bob@ops; "berth unfreeze web" ends it';
  const scaled = await berth(
    noting([], { scale: { services: [{ service: 'web', before: 1, replicas: 2, held }] } }),
    'scale',
    'web=2',
  );
  expect(scaled).toMatchObject({ code: 0, stderr: `Warning: ${held}\n` });
  const thawed = await berth(noting([], { changeFreeze: { before: FREEZE, cluster: FREEZE } }), 'unfreeze', 'web');
  expect(thawed.stderr).toBe(
    'Warning: the cluster is frozen by bob@ops: black friday, and web with it. "berth unfreeze" ends that.\n',
  );
});

test.each([
  [['scale', 'web'], '"web" is no count of a service; write web=3'],
  [['scale', 'web=many'], '"web=many" is no count'],
  [['rollback', 'web', '--to', 'last'], '"last" is no number of a release; write --to 5'],
])('bad usage: %p', async (args, message) => {
  const { code, stderr } = await berth({}, ...args);
  expect(code).toBe(64);
  expect(stderr).toContain(message);
});

test('rollback --wait is done when that release runs, not when another is steady', async () => {
  const [before, after] = [8, 6].map((number) =>
    listedService('web', { currentRelease: number, targetRelease: number, wanted: 1, placed: 1, running: 1 }),
  );
  let looks = 0;
  const { code, stdout } = await berth(
    {
      rollback: async () => ({ release: 6, from: 8 }),
      listServices: async () => ({ services: [looks++ === 0 ? before! : after!], alarms: [], freshness: FRESH }),
      listInstances: async () => ({ instances: [], freshness: FRESH }),
    },
    ...['rollback', 'web', '--wait'],
  );
  expect(code).toBe(0);
  expect(looks).toBe(2);
  expect(stdout).toMatch(/^web goes back from @8 to @6\.\n {2}\d\.\d s: web @8 1\/1\n {2}\d\.\d s: web @6 1\/1\n$/);
});

test('history: who are unpinned for one reason are told of together, whichever host was asked', async () => {
  const unpinned = (number: number, unpinnedReason: string) => listed(number, { digest: '', unpinnedReason });
  const releases = [
    unpinned(4, 'h1 got no digest of it: no network'),
    unpinned(3, 'pull_policy is never'),
    unpinned(2, 'h2 got no digest of it: no network'),
    listed(1),
  ];
  const { stdout } = await berth(history({ currentRelease: 4, targetRelease: 4 }, { releases }), 'history', 'web');
  expect(stdout.split('\n\n')[1]).toBe(
    '@4, @2 are unpinned: h1 got no digest of it: no network\n@3 is unpinned: pull_policy is never\n',
  );
});
