/** What operators ask of releases, through a coordinator over the in-memory store. Statuses are written by hand: no leader plans. */
import { decodeDocument, emptyDocument, encodeDocument } from '../../lib/documents/codec';
import type { Release, Rollout, ServiceStatus } from '../../lib/documents/types';
import { OperatedCluster } from '../../test/support/operated-cluster';

const DIGEST = `sha256:${'ab'.repeat(32)}`;
const MOVE: Rollout = {
  ...{ from: 2, to: 3, phase: 'moving', reason: '', isRollback: false, failedRelease: 0, failedRevision: 0 },
  ...{ startedAtMs: 1, phaseSinceMs: 1, nextBatchAtMs: 0, watched: {}, failures: {}, moved: 0, total: 0 },
  ...{ promoted: false, beforeDone: false, job: '', asked: '', question: 0, asks: 0, lastExits: {}, noDigest: {} },
};

let cluster: OperatedCluster;
/** Of the service's document. */
let revision: number;
beforeEach(async () => {
  cluster = await OperatedCluster.start();
  // Its own plans would write over what is written here by hand.
  await cluster.lead.resign();
  await cluster.put(cluster.keys.service('web'), 'image: web:3\n');
  revision = cluster.etcd.revision;
  for (const number of [1, 2, 3]) await release(number);
  await status({ currentRelease: 3, targetRelease: 3, wholeReleases: [1, 2, 3] });
});

async function release(number: number, more: Partial<Release> = {}): Promise<void> {
  const image = `web:${number}`;
  const empty = emptyDocument('Release');
  const container = { ...empty.container, image: `${image}@${DIGEST}` };
  const document = { ...empty, ...{ service: 'web', number, image, container, createdAtMs: number }, ...more };
  await cluster.put(cluster.keys.release('web', number), encodeDocument('Release', document));
}

async function status(change: Partial<ServiceStatus>): Promise<void> {
  const document = { ...emptyDocument('ServiceStatus'), accepted: true, rollout: 'steady', ...change };
  await cluster.put(cluster.keys.serviceStatus('web'), encodeDocument('ServiceStatus', document));
  await cluster.clock.advance(50);
}

const rollback = (to = 0, service = 'web') =>
  cluster.settle(({ api }) => api.rollback({ service, release: to, by: 'ann@ops' }));
const promote = () => cluster.settle(({ api }) => api.promote({ service: 'web' }));
const freeze = (service: string, frozen = true) =>
  cluster.settle(({ api }) => api.changeFreeze({ service, frozen, reason: 'audit', by: 'ann@ops' }));
const intent = async () => {
  const text = await cluster.read(cluster.keys.serviceIntent('web'));
  return text === undefined ? undefined : decodeDocument('ServiceIntent', text);
};

test('history: newest first, with digests, authors, changes, and which were whole', async () => {
  await release(4, {
    author: 'ann@ops',
    changes: ['container.image'],
    unpinnedReason: 'no registry',
    container: { ...emptyDocument('Release').container, image: 'web:4' },
  });
  await cluster.put(cluster.keys.release('web', 5), '{');
  await status({ currentRelease: 3, targetRelease: 4, wholeReleases: [1, 3], move: MOVE });
  const history = await cluster.lead.api.getHistory({ service: 'web' });
  expect(history).toMatchObject({ status: { targetRelease: 4, move: { phase: 'moving' } }, unreadable: [5] });
  expect(history.rollback).toBeUndefined();
  const plain = { author: '', digest: DIGEST, unpinnedReason: '', changes: [], reason: '' };
  expect(history.releases).toEqual([
    {
      number: 4,
      createdAtMs: 4,
      author: 'ann@ops',
      image: 'web:4',
      digest: '',
      unpinnedReason: 'no registry',
      changes: ['container.image'],
      reason: '',
      whole: false,
    },
    { ...plain, number: 3, createdAtMs: 3, image: 'web:3', whole: true },
    { ...plain, number: 2, createdAtMs: 2, image: 'web:2', whole: false },
    { ...plain, number: 1, createdAtMs: 1, image: 'web:1', whole: true },
  ]);
});

test('a rollback goes to the last release before the present one that was whole, and is in the history until another is cut', async () => {
  await status({ currentRelease: 3, targetRelease: 3, wholeReleases: [1, 3] });
  expect(await rollback()).toEqual({ release: 1, from: 3 });
  expect(await intent()).toMatchObject({ rollback: { release: 1, insteadOf: 3, by: 'ann@ops' } });
  const wish = async () => (await cluster.lead.api.getHistory({ service: 'web' })).rollback;
  expect(await wish()).toMatchObject({ release: 1, insteadOf: 3 });
  await release(4);
  await cluster.clock.advance(50);
  expect(await wish()).toBeUndefined();
});

test.each<[string, Partial<ServiceStatus>, number]>([
  ['half-way to a new one, it is the one before', { currentRelease: 2, targetRelease: 3, wholeReleases: [1, 2] }, 2],
  ['on an older one, it is the one before that', { currentRelease: 2, targetRelease: 2, wholeReleases: [1, 2, 3] }, 1],
  [
    'what failed last is passed over',
    { currentRelease: 3, targetRelease: 3, wholeReleases: [1, 2, 3], move: { ...MOVE, failedRelease: 2 } },
    1,
  ],
  ['one that never was whole is passed over', { currentRelease: 3, targetRelease: 3, wholeReleases: [1, 3] }, 1],
])('by default: %s', async (_, change, to) => {
  await status(change);
  expect(await rollback()).toMatchObject({ release: to });
});

test('a rollback to a number, forwards too', async () => {
  expect(await rollback(2)).toEqual({ release: 2, from: 3 });
  await status({ currentRelease: 2, targetRelease: 2, wholeReleases: [1, 2, 3] });
  expect(await rollback(3)).toEqual({ release: 3, from: 2 });
  expect(await intent()).toMatchObject({ rollback: { release: 3, insteadOf: 3 } });
});

test.each<[string, () => Promise<unknown>, string, RegExp]>([
  [
    'to a release that is gone',
    async () => {
      await cluster.delete(cluster.keys.release('web', 1));
      await cluster.clock.advance(50);
      return rollback(1);
    },
    'refused',
    /^web@1 is gone\. There are @3, @2; "berth history web"/,
  ],
  [
    'to a release that never was',
    () => rollback(7),
    'refused',
    /^there is no web@7 yet\. There are @3, @2, @1; "berth history web"/,
  ],
  ['to where it is', () => rollback(3), 'refused', /^web@3 is what it is at/],
  [
    'to what failed just now',
    () =>
      status({
        ...{ currentRelease: 2, targetRelease: 2, wholeReleases: [1, 2], rollout: 'rolled-back' },
        move: { ...MOVE, phase: 'rolled-back', isRollback: true, failedRelease: 3, failedRevision: revision },
      }).then(() => rollback(3)),
    'refused',
    /^web@3 is what failed\. "berth apply" of its file is another try/,
  ],
  ['of a service that is not there', () => rollback(0, 'wb'), 'not-found', /there is no service "wb"/],
  [
    'when none was ever whole',
    () => status({ targetRelease: 1 }).then(() => rollback()),
    'refused',
    /^no release of web before web@1 was ever whole\. There are/,
  ],
  [
    'of a frozen service',
    () => freeze('web').then(() => rollback()),
    'refused',
    /^web: frozen by ann@ops: audit; "berth unfreeze web" ends it$/,
  ],
  [
    'in a frozen cluster',
    () => freeze('').then(() => rollback()),
    'refused',
    /^web: the cluster is frozen by ann@ops: audit; "berth unfreeze" ends it$/,
  ],
  ['promotion without canaries', promote, 'refused', /^web has no canaries that wait: no rollout is under way/],
  [
    'promotion in another phase',
    () => status({ targetRelease: 3, move: MOVE }).then(promote),
    'refused',
    /its rollout is moving\. "berth why web"/,
  ],
])('refused: %s', async (_, ask, code, message) => {
  expect(await ask()).toMatchObject({ code, message: expect.stringMatching(message) });
  expect((await intent())?.rollback).toBeUndefined();
});

test('canaries that wait are promoted, beside whatever else is wanted', async () => {
  await rollback(1);
  await status({ targetRelease: 3, move: { ...MOVE, phase: 'canary' } });
  expect(await promote()).toEqual({ release: 3 });
  expect(await intent()).toMatchObject({ promote: 3, rollback: { release: 1 } });
});

test('a freeze says who and why, and its end leaves nothing behind', async () => {
  expect(await freeze('web')).toEqual({});
  expect(await freeze('web')).toMatchObject({ before: { by: 'ann@ops', reason: 'audit' } });
  await freeze('');
  expect(await freeze('web', false)).toMatchObject({ before: { by: 'ann@ops' }, cluster: { by: 'ann@ops' } });
  expect(await intent()).toBeUndefined();
  expect(await freeze('', false)).toMatchObject({ before: { reason: 'audit' } });
  expect(await cluster.read(cluster.keys.clusterIntent)).toBeUndefined();
  expect(await freeze('web', false)).toEqual({});
  expect(await freeze('wbe')).toMatchObject({
    code: 'not-found',
    message: 'there is no service "wbe" (did you mean "web"?)',
  });
});

test('an intent that is garbage is written over, with what was in force before', async () => {
  await freeze('web');
  await cluster.put(cluster.keys.serviceIntent('web'), '{"freeze"');
  await cluster.clock.advance(50);
  await status({ targetRelease: 3, move: { ...MOVE, phase: 'canary' } });
  expect(await promote()).toMatchObject({ code: 'refused' });
  expect(await freeze('web')).toMatchObject({ before: { reason: 'audit' } });
  expect(await intent()).toMatchObject({ freeze: { reason: 'audit' } });
});

test.each(['web', ''])('a freeze that is asked for again without a reason stays as it is (%s)', async (service) => {
  await freeze(service);
  const again = { service, frozen: true, reason: '', by: 'bob@ops' };
  expect(await cluster.settle(({ api }) => api.changeFreeze(again))).toMatchObject({
    before: { reason: 'audit', by: 'ann@ops' },
  });
  await cluster.clock.advance(100);
  expect(await rollback()).toMatchObject({ message: expect.stringContaining('frozen by ann@ops: audit') });
});
