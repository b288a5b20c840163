/** Digests by way of agents, in a coordinator over the in-memory store. */
import { decodeDocument } from '../../lib/documents/codec';
import type { Assignment, Release, ServiceStatus } from '../../lib/documents/types';
import { OperatedCluster } from '../../test/support/operated-cluster';
import { World } from '../../test/support/world';

const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;
const web = (image: string): string => `image: ${image}\ndeploy: { replicas: 2, update_config: { monitor: 0s } }\n`;

let cluster: OperatedCluster;
beforeEach(async () => {
  cluster = await OperatedCluster.start('h1', 'h2');
  for (const host of ['h1', 'h2']) cluster.agent(host).digests.set('web:1', A).set('web:2', B);
});

async function put(image: string, waitMs = 2000): Promise<void> {
  await cluster.put(cluster.keys.service('web'), web(image));
  await cluster.clock.advance(waitMs);
}
const release = async (number: number): Promise<Release> =>
  decodeDocument('Release', (await cluster.read(cluster.keys.release('web', number)))!);
const status = async (): Promise<ServiceStatus> =>
  decodeDocument('ServiceStatus', (await cluster.read(cluster.keys.serviceStatus('web')))!);
const assignments = (): Promise<readonly Assignment[]> =>
  Promise.all(
    ['h1', 'h2'].map(async (host) =>
      decodeDocument('Assignment', (await cluster.read(cluster.keys.assignment(host))) ?? '{}'),
    ),
  );

test('a new image is pinned, and what is left of the question is nothing', async () => {
  await put('web:1');
  expect(await release(1)).toMatchObject({ image: 'web:1', unpinned: false, container: { image: `web:1@${A}` } });
  await put('web:2');
  expect(await release(2)).toMatchObject({ container: { image: `web:2@${B}` }, changes: ['container.image'] });
  expect(await status()).toMatchObject({ currentRelease: 2, rollout: 'steady', running: 2 });
  expect((await status()).move).toBeUndefined();
  expect((await assignments()).map(({ resolve }) => resolve)).toEqual([{}, {}]);
  const { revision } = cluster.etcd;
  await cluster.clock.advance(3_600_000);
  expect(cluster.etcd.revision).toBe(revision);
});

test('while nobody answers the service goes on as it is, says whom it asks, and goes on without a digest', async () => {
  await put('web:1');
  for (const host of ['h1', 'h2']) cluster.agent(host).isMute = true;
  await put('web:2', 1000);
  const { move, ...before } = await status();
  expect(before).toMatchObject({ currentRelease: 1, rollout: 'rolling', running: 2 });
  expect(move).toMatchObject({
    phase: 'resolving',
    asks: 1,
    reason: expect.stringMatching(/^h[12] is asked for the/) as string,
  });
  const asked = (await assignments()).map(({ resolve }) => resolve['web']?.image);
  expect(asked.filter((image) => image !== undefined)).toEqual(['web:2']);
  const { revision } = cluster.etcd;
  await cluster.clock.advance(8000);
  expect(cluster.etcd.revision).toBe(revision);
  await cluster.clock.advance(30_000);
  expect(await release(2)).toMatchObject({
    ...{ unpinned: true, container: { image: 'web:2' } },
    unpinnedReason: expect.stringMatching(/^3 times a host was asked .* none answered in time$/) as string,
  });
  expect(await status()).toMatchObject({ currentRelease: 2, rollout: 'steady' });
});

test('a new leader goes on with the question', async () => {
  for (const host of ['h1', 'h2']) cluster.agent(host).isMute = true;
  await put('web:1', 1000);
  const { move } = await status();
  await cluster.lead.resign();
  cluster.lead.close();
  cluster.coordinator('c2');
  await cluster.clock.advance(5000);
  expect((await status()).move).toEqual(move);
  for (const host of ['h1', 'h2']) cluster.agent(host).isMute = false;
  await cluster.clock.advance(30_000);
  expect(await release(1)).toMatchObject({ unpinned: false, container: { image: `web:1@${A}` } });
  expect(await status()).toMatchObject({ currentRelease: 1, rollout: 'steady', running: 2 });
});

test('a document that is put back while a host is asked leaves nothing behind', async () => {
  await put('web:1');
  for (const host of ['h1', 'h2']) cluster.agent(host).isMute = true;
  await put('web:2', 1000);
  await put('web:1', 1000);
  expect(await status()).toMatchObject({ currentRelease: 1, rollout: 'steady' });
  expect((await status()).move).toBeUndefined();
  expect((await assignments()).map(({ resolve }) => resolve)).toEqual([{}, {}]);
});

test('a first document that turns out to be bad while a host is asked is refused, and nobody is asked', async () => {
  for (const host of ['h1', 'h2']) cluster.agent(host).isMute = true;
  await put('web:1', 1000);
  await put('web:1\nportz: [80]', 1000);
  expect(await status()).toMatchObject({ accepted: false, rollout: 'steady', currentRelease: 0 });
  expect((await status()).move).toBeUndefined();
  expect((await assignments()).map(({ resolve }) => resolve)).toEqual([{}, {}]);
});

test.each(['of the first release', 'of a later one'])(
  'a question %s is written once, whatever the clock says',
  (which) => {
    const world = new World().addHost('h1');
    if (which === 'of a later one') world.put('web', {}).settle();
    world.put('web', { container: { image: 'web:2' } }).plan();
    const before = world.serviceStatuses.get('web')!.document;
    expect(before?.move).toMatchObject({ phase: 'resolving', asked: 'h1' });
    for (let turn = 0; turn < 5; turn++) {
      world.wallMs += 7;
      world.plan();
      expect(world.serviceStatuses.get('web')!.document).toEqual(before);
    }
  },
);
