/** The same document, rolled out once more, as operators ask for it, through a coordinator over the in-memory store. */
import { decodeDocument } from '../../lib/documents/codec';
import type { Release, ServiceStatus } from '../../lib/documents/types';
import { OperatedCluster } from '../../test/support/operated-cluster';

const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;
const WEB = 'image: web:1\ndeploy: { replicas: 2, update_config: { monitor: 0s } }\n';
let cluster: OperatedCluster;
beforeEach(async () => {
  cluster = await OperatedCluster.start('h1', 'h2');
  known(A);
  await put('web', WEB);
});

const known = (digest: string): void => {
  for (const host of ['h1', 'h2']) cluster.agent(host).digests.set('web:1', digest);
};
async function put(service: string, text: string): Promise<void> {
  await cluster.put(cluster.keys.service(service), text);
  await cluster.clock.advance(2000);
}
const redeploy = (more: { service?: string; force?: boolean; reason?: string } = {}) =>
  cluster.settle(({ api }) => api.redeploy({ service: 'web', force: false, reason: '', by: 'ann@ops', ...more }));
const apply = (document: string) =>
  cluster.settle(({ api }) => api.apply({ services: [{ name: 'web', document }], project: '', by: 'bob@ops', at: '' }));
const release = async (number: number): Promise<Release | undefined> => {
  const text = await cluster.read(cluster.keys.release('web', number));
  return text === undefined ? undefined : decodeDocument('Release', text);
};
const status = async (): Promise<ServiceStatus> =>
  decodeDocument('ServiceStatus', (await cluster.read(cluster.keys.serviceStatus('web')))!);
const ids = (): readonly string[] => ['h1', 'h2'].flatMap((host) => [...cluster.agent(host).running.keys()]).sort();

test('a tag that moved is rolled out, and the history says who had it asked for, and why', async () => {
  const before = ids();
  known(B);
  const answer = await redeploy({ reason: 'new base' });
  expect(answer).toMatchObject({ wish: { insteadOf: 1, by: 'ann@ops' }, digest: A, held: '' });
  await cluster.clock.advance(10_000);
  expect(await status()).toMatchObject({ currentRelease: 2, rollout: 'steady', running: 2 });
  expect(ids().filter((id) => before.includes(id))).toEqual([]);
  const { releases } = await cluster.lead.api.getHistory({ service: 'web' });
  expect(releases[0]).toMatchObject({ digest: B, author: 'ann@ops', reason: 'redeployed: new base' });
});

test('a tag that did not move changes nothing, and is answered once', async () => {
  const before = ids();
  const answer = await redeploy();
  await cluster.clock.advance(5000);
  const wished = 'wish' in answer ? answer.wish.atMs : 0;
  expect(await status()).toMatchObject({
    currentRelease: 1,
    rollout: 'steady',
    redeploy: { wish: wished, digest: A },
  });
  expect((await status()).move).toBeUndefined();
  const { revision } = cluster.etcd;
  await cluster.clock.advance(3_600_000);
  expect(cluster.etcd.revision).toBe(revision);
  expect([ids(), await release(2)]).toEqual([before, undefined]);
  // Asked once more, it is another question.
  known(B);
  await redeploy();
  expect(await release(2)).toMatchObject({ container: { image: `web:1@${B}` } });
});

test('by force all are made anew; twice at one moment is twice', async () => {
  const before = ids();
  await redeploy({ force: true });
  await cluster.clock.advance(10_000);
  expect(await status()).toMatchObject({ currentRelease: 2, rollout: 'steady', running: 2 });
  expect(ids().filter((id) => before.includes(id))).toEqual([]);
  await redeploy({ force: true });
  await cluster.clock.advance(10_000);
  expect(await release(3)).toMatchObject({ redeploys: 2 });
});

test('a newest release that can not be read is no obstacle', async () => {
  await cluster.put(cluster.keys.release('web', 2), '{');
  await cluster.clock.advance(100);
  known(B);
  expect(await redeploy()).toMatchObject({ wish: { insteadOf: 1 } });
  await cluster.clock.advance(10_000);
  expect(await release(3)).toMatchObject({ container: { image: `web:1@${B}` } });
});

test('a new leader goes on with the question', async () => {
  for (const host of ['h1', 'h2']) cluster.agent(host).isMute = true;
  known(B);
  await redeploy();
  await cluster.lead.resign();
  cluster.lead.close();
  cluster.coordinator('c2');
  await cluster.clock.advance(5000);
  for (const host of ['h1', 'h2']) cluster.agent(host).isMute = false;
  await cluster.clock.advance(40_000);
  expect(await status()).toMatchObject({ currentRelease: 2, rollout: 'steady', running: 2 });
  expect(await release(2)).toMatchObject({ author: 'ann@ops', container: { image: `web:1@${B}` } });
});

test.each<[string, () => Promise<unknown>, string, RegExp]>([
  ['of a service that is not there', () => redeploy({ service: 'wb' }), 'not-found', /no service "wb" \(did you mean/],
  [
    'of a frozen service',
    async () => {
      await cluster.settle(({ api }) => api.changeFreeze({ service: 'web', frozen: true, reason: '', by: 'bob@ops' }));
      return redeploy({ force: true });
    },
    'refused',
    /^web: frozen by bob@ops; "berth unfreeze web" ends it$/,
  ],
  [
    'of a document that is refused',
    async () => {
      await put('web', 'imag: a');
      return redeploy();
    },
    'refused',
    /^web is refused as it is; "berth why web"/,
  ],
  [
    'of an image that is never asked for',
    async () => {
      await put('web', `${WEB}pull_policy: never\n`);
      return redeploy();
    },
    'refused',
    /^web has nothing to ask for: its pull_policy is never\. --force makes every instance anew$/,
  ],
  ['with a novel for a reason', () => redeploy({ reason: 'x'.repeat(301) }), 'invalid', /300 characters/],
])('refused: %s', async (_, ask, code, message) => {
  expect(await ask()).toMatchObject({ code, message: expect.stringMatching(message) });
});

test('a paused service says what it waits for, and is redeployed at the end', async () => {
  await cluster.settle(({ api }) => api.pause({ kind: 'service', name: 'web', forMs: 60_000, reason: '', by: '' }));
  known(B);
  expect(await redeploy()).toMatchObject({ held: expect.stringMatching(/^web: paused until .*"berth resume web"/) });
  expect(await release(2)).toBeUndefined();
  await cluster.clock.advance(70_000);
  expect(await release(2)).toMatchObject({ container: { image: `web:1@${B}` } });
});

test('apply of an unchanged document asks again when its pull_policy is always, and only then', async () => {
  const always = `${WEB}pull_policy: always\n`;
  known(B);
  expect(await apply(WEB)).toMatchObject({ applied: [{ action: 'unchanged' }] });
  await cluster.clock.advance(5000);
  expect(await release(2)).toBeUndefined();
  // An edit of anything else asks, too.
  expect(await apply(always)).toMatchObject({ applied: [{ action: 'updated' }] });
  await cluster.clock.advance(10_000);
  expect(await release(2)).toMatchObject({ container: { image: `web:1@${B}` }, author: 'bob@ops', reason: '' });
  expect(await apply(always)).toMatchObject({ applied: [{ action: 'refreshed' }] });
  await cluster.clock.advance(10_000);
  expect(await status()).toMatchObject({ currentRelease: 2, rollout: 'steady', redeploy: { digest: B } });
  known(A);
  await apply(always);
  await cluster.clock.advance(10_000);
  expect(await release(3)).toMatchObject({
    ...{ container: { image: `web:1@${A}` }, author: 'bob@ops' },
    reason: 'redeployed: applied again, with pull_policy: always',
  });
  // A scale is no apply.
  known(B);
  await cluster.settle(({ api }) => api.scale({ services: [{ service: 'web', replicas: 3 }], by: 'bob@ops' }));
  await cluster.clock.advance(5000);
  expect(await release(4)).toMatchObject({ container: { image: `web:1@${A}` } });
});
