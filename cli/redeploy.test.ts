/** `berth redeploy`, against a coordinator that says what it is told to. */
import { emptyDocument } from '../lib/documents/codec';
import type { Rollout } from '../lib/documents/types';
import type { CoordinatorCalls, GetHistoryResponse, ListedRelease, RedeployResponse } from '../lib/rpc/types';
import { berth, FRESH, listedService } from '../test/support/fake-coordinator';

const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;
const WISH = { atMs: 7, insteadOf: 7, force: false, reason: '', by: 'ann@ops' };
const ASKED: RedeployResponse = { wish: WISH, digest: A, held: '' };

function listed(number: number, more: Partial<ListedRelease> = {}): ListedRelease {
  return {
    ...{ number, createdAtMs: 1.8e12, author: 'ann@ops', image: 'web:1', digest: A, unpinnedReason: '' },
    ...{ changes: [], whole: true, reason: '', ...more },
  };
}

type Status = Partial<GetHistoryResponse['status']>;

function history(status: Status, ...releases: readonly ListedRelease[]): GetHistoryResponse {
  const whole = { ...emptyDocument('ServiceStatus'), accepted: true, rollout: 'steady', ...status };
  return { releases, unreadable: [], status: whole, freshness: FRESH };
}

/** @param looks what each look at the history sees, the last one from then on */
function coordinator(answer: RedeployResponse, ...looks: readonly GetHistoryResponse[]) {
  const asked: unknown[] = [];
  const left = [...looks];
  const calls: Partial<CoordinatorCalls> = {
    redeploy: async (request) => {
      asked.push(request);
      return answer;
    },
    getHistory: async () => (left.length > 1 ? left.shift()! : left[0]!),
  };
  return { asked, calls };
}

const AT_REST = history({}, listed(7));
const answered = (digest: string, reason = ''): GetHistoryResponse =>
  history({ redeploy: { wish: 7, digest, reason } }, listed(7));
const RESOLVING: Rollout = {
  ...{ from: 7, to: 7, phase: 'resolving', reason: 'h1 is asked for the digest of web:1', isRollback: false },
  ...{ failedRelease: 0, failedRevision: 0, startedAtMs: 1, phaseSinceMs: 1, nextBatchAtMs: 0, watched: {} },
  ...{ failures: {}, moved: 0, total: 0, promoted: false, beforeDone: false, job: '', asked: 'h1', question: 1 },
  ...{ asks: 1, lastExits: {}, noDigest: {} },
};
const MORE = '"berth history web" and "berth ps web" show how it comes along.\n';

test.each<[string, string[], GetHistoryResponse, number, string, string]>([
  [
    'another digest',
    ['--reason', 'new base'],
    history({}, listed(8, { digest: B }), listed(7)),
    0,
    `web@8 is cut: web:1 means ${B} now, and meant ${A}.\n${MORE}`,
    '',
  ],
  [
    'the first of several releases that came meanwhile',
    [],
    history({}, listed(9, { digest: A }), listed(8, { digest: B }), listed(7)),
    0,
    `web@8 is cut: web:1 means ${B} now, and meant ${A}.\n${MORE}`,
    '',
  ],
  [
    'the same digest, by force',
    ['--force'],
    history({}, listed(8), listed(7)),
    0,
    `web@8 is cut: every instance is made anew, of the same ${A}.\n${MORE}`,
    '',
  ],
  [
    'no digest, by force',
    ['--force'],
    history({}, listed(8, { digest: '', unpinnedReason: 'its pull_policy is never' }), listed(7)),
    0,
    `web@8 is cut, without a digest: its pull_policy is never\n${MORE}`,
    '',
  ],
  [
    'the same digest',
    [],
    answered(A),
    0,
    `web:1 still means ${A}, as in web@7. "berth redeploy web --force" makes every instance anew.\n`,
    '',
  ],
  [
    'nobody knows',
    [],
    answered('', 'h1 got no digest of it: denied'),
    1,
    '',
    'No host could say what web:1 means now: h1 got no digest of it: denied\nNothing was changed. "berth redeploy web --force" makes every instance anew, with the bits that it has.\n',
  ],
])('%s', async (_, args, seen, code, stdout, stderr) => {
  const { asked, calls } = coordinator(ASKED, seen);
  expect(await berth(calls, 'redeploy', 'web', ...args)).toEqual({ code, stdout, stderr });
  expect(asked).toEqual([
    {
      ...{ service: 'web', force: args.includes('--force'), reason: args.includes('new base') ? 'new base' : '' },
      by: expect.stringMatching(/^\S+@\S+$/),
    },
  ]);
});

test('while a host is asked, it says which; an answer to an older wish is none', async () => {
  const old = history({ redeploy: { wish: 6, digest: A, reason: '' } }, listed(7));
  const { calls } = coordinator(ASKED, old, history({ move: RESOLVING, rollout: 'rolling' }, listed(7)), answered(A));
  expect((await berth(calls, 'redeploy', 'web')).stdout).toMatch(
    /^ {2}\d\.\d s: web: h1 is asked for the digest of web:1\nweb:1 still means /,
  );
});

test('--wait follows the new release to its end, with the exit codes of apply', async () => {
  const seen = history({}, listed(8, { digest: B }), listed(7));
  const move = { ...RESOLVING, phase: 'rolled-back', isRollback: true, failedRelease: 8, reason: 'web@8 failed: bad' };
  for (const [status, code] of [
    [{ currentRelease: 8, targetRelease: 8 }, 0],
    [{ currentRelease: 7, targetRelease: 7, rollout: 'rolled-back', move }, 3],
    [{ currentRelease: 7, targetRelease: 8, rollout: 'rolling' }, 4],
  ] as const) {
    const { calls } = coordinator(ASKED, seen);
    const service = listedService('web', { wanted: 1, placed: 1, running: 1, ...status });
    const all: Partial<CoordinatorCalls> = {
      ...calls,
      listServices: async () => ({ services: [service], alarms: [], freshness: FRESH }),
      listInstances: async () => ({ instances: [], freshness: FRESH }),
    };
    expect(await berth(all, 'redeploy', 'web', '--wait', '--timeout', '1')).toMatchObject({ code });
  }
});

test('nobody answers in time', async () => {
  const { calls } = coordinator(ASKED, AT_REST);
  expect(await berth(calls, 'redeploy', 'web', '--timeout', '0.3')).toMatchObject({
    ...{ code: 4, stderr: expect.stringMatching(/^web is not asked for yet; .*"berth why web" tells more\.\n$/) },
  });
});

test('a paused service is asked for later', async () => {
  const held = 'web: paused until 2027-01-15T08:00:00Z; "berth resume web" ends it';
  const { calls } = coordinator({ ...ASKED, held }, AT_REST);
  expect(await berth(calls, 'redeploy', 'web')).toEqual({
    ...{ code: 0, stderr: `Warning: ${held}\n` },
    stdout: 'It is asked for then; "berth history web" shows what came of it.\n',
  });
});

test.each([
  ['released', history({}, listed(8, { digest: B }), listed(7)), 0, { release: 8, digest: B, before: A }],
  ['unchanged', answered(A), 0, { release: 7, digest: A }],
  ['unknown', answered('', 'denied'), 1, { release: 7, digest: '', reason: 'denied' }],
])('as JSON: %s', async (outcome, seen, code, rest) => {
  const { calls } = coordinator(ASKED, seen);
  const said = await berth(calls, 'redeploy', 'web', '--json');
  expect(said).toMatchObject({ code, stderr: '' });
  expect(JSON.parse(said.stdout)).toMatchObject({ service: 'web', image: 'web:1', outcome, ...rest });
});

test('history says what was redeployed, by whom and why', async () => {
  const seen = history({}, listed(8, { changes: ['redeploys'], reason: 'redeployed by force: leak' }), listed(7));
  const { stdout } = await berth(coordinator(ASKED, seen).calls, 'history', 'web');
  expect(stdout).toMatch(/\n@8 was redeployed by force: leak, by ann@ops\n$/);
});
